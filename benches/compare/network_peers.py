"""The same networks with the same weights in harkit and in PyTorch, and other ways to run PyTorch's."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import timing
from numpy.typing import NDArray
from timing import Contestant

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "generate"))

Batch = NDArray[np.float32]


def set_threads(threads: int) -> None:
    import torch

    import harkit

    harkit.set_num_threads(threads)
    torch.set_num_threads(threads)


def reference(name: str) -> Any:
    """PyTorch's network, evaluating, with initial values from a fixed seed."""
    import torch
    import torchvision.models

    torch.manual_seed(0)
    if name == "efficientnet_lite0":
        from efficientnet_lite_pytorch import EfficientNet

        return EfficientNet.from_name("efficientnet-lite0").eval()
    if "csn" in name:
        from csn import ChannelSeparated

        mode, depth = name[:2], int(name.rpartition("_")[2])
        return ChannelSeparated(depth, mode).eval()
    builders = torchvision.models.video if "3d" in name or "plus" in name else torchvision.models
    return getattr(builders, name)().eval()


def ours(name: str, network: Any) -> Any:
    """harkit's network with PyTorch's values."""
    import harkit

    model = harkit.create_model(name, seed=0)
    take_values(model.network, network)
    return model


def take_values(ours: Any, network: Any) -> None:
    """Give harkit's network the values of PyTorch's."""
    for key, value in network.state_dict().items():
        if not key.endswith("num_batches_tracked"):
            ours.set(key, value.numpy())


def batch(shape: tuple[int, ...]) -> Batch:
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)


# Compiling takes minutes: three kinds of networks show what it gives, and a quick look leaves it out.
COMPILED = ("resnet50", "efficientnet_lite0", "r3d_18")


def inference(name: str, shape: tuple[int, ...], threads: int) -> list[Contestant]:
    """harkit, PyTorch eager, torch.compile of some, onnxruntime: logits of one batch."""
    import torch

    import harkit

    network = reference(name)
    model = ours(name, network)
    x = torch.from_numpy(batch(shape))
    contestants = [
        Contestant("harkit", harkit.__version__, model.forward),
        Contestant("torch eager", torch.__version__, torch_forward(network)),
    ]
    others = [("torch.compile", _compiled)] if name in COMPILED and timing.share() >= 1 else []
    for label, make in [*others, ("onnxruntime", _onnx)]:
        contestant = Contestant(label, "", lambda _: np.empty(0), is_same_work=False)
        try:
            contestant.version, contestant.run = make(network, x, threads)
        except Exception as error:
            contestant.failure = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        contestants.append(contestant)
    return contestants


def torch_forward(network: Any) -> Callable[[Batch], Batch]:
    import torch

    def run(values: Batch) -> Batch:
        with torch.inference_mode():
            return network(torch.from_numpy(values)).numpy()

    return run


def _compiled(network: Any, x: Any, threads: int) -> tuple[str, Callable[[Batch], Batch]]:
    import torch

    compiled = torch.compile(network)
    with torch.inference_mode():
        compiled(x)  # compiles
    return torch.__version__, torch_forward(compiled)


def _onnx(network: Any, x: Any, threads: int) -> tuple[str, Callable[[Batch], Batch]]:
    import onnxruntime
    import torch

    file = io.BytesIO()
    torch.onnx.export(network, (x,), file, dynamo=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return onnxruntime.__version__, lambda values: session.run(None, {name: values})[0]


def take_turns(contestants: list[Contestant], item: Any, rounds: int) -> None:
    """Warm up, look at the results, then time everyone in turns on the same item.

    Each turn is one run that is not timed and one that is: threads of the last one that wait (OpenMP's,
    onnxruntime's) spin for milliseconds after their work and would take them from whoever comes next, who is
    nearly always the same; and a pause instead lets the processor fall asleep.
    """
    expected: Batch | None = None
    for contestant in contestants:
        for _ in range(3):  # a fresh process allocates slowly
            result = contestant.time(item)
        contestant.seconds.clear()
        if result is None:
            continue
        if expected is None:
            expected = result
        elif result.shape == expected.shape:
            error = np.abs(result - expected).max() / np.abs(expected).max()
            contestant.note = f"differs from harkit's by {error:.1e} of the largest"
    for turn in range(rounds):
        for place in range(len(contestants)):
            contestant = contestants[(turn + place) % len(contestants)]
            if contestant.failure is None:
                contestant.run(item)
            contestant.time(item)


def part(contestants: list[Contestant], goal: float | None, *, peer: str = "torch eager") -> dict[str, Any]:
    table = timing.table(contestants)
    row = next(row for row in table["rows"] if row["who"] == peer)
    return {
        "unit": "ms a batch",
        "notes": "result",
        "goal": goal,
        **table,
        "fastest_peer": peer,
        "ratio": row.get("times_harkit"),
    }
