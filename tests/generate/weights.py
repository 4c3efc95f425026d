"""Files of PyTorch's for the readers of checkpoints, with what is in them as NumPy arrays.

Run with an environment that has torch (2.9.1 made the stored ones) and numpy:

    python tests/generate/weights.py                  # the small files
    python tests/generate/weights.py NAME=FILE …      # the sums of real ones

Each ``NAME.pth`` lies in ``tests/golden/weights`` beside ``NAME.npz``, which holds its tensors under the
names that harkit gives them, by ``torch.Tensor.numpy`` (bfloat16 as float32). Of a real file, ``NAME.json``
holds for each tensor its type, its shape, and three sums in float64: of x, of x^2 and of x (i + 1) / n.
"""

from __future__ import annotations

import collections
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

GOLDEN = Path(__file__).parents[1] / "golden" / "weights"
DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64"]
# Since PyTorch 2.3; they are written by `_rebuild_tensor_v3`.
NEW_DTYPES = ["uint16", "uint32", "uint64"]


def values(dtype: str) -> torch.Tensor:
    numbers = torch.tensor([[0, 1, 2], [100, 3, 127]])
    if dtype.startswith(("float", "bfloat", "int")):
        numbers = numbers * torch.tensor([[-1], [1]])
    if dtype.startswith(("float", "bfloat")):
        numbers = numbers + torch.tensor(0.3125)
    return numbers.to(getattr(torch, dtype))


def nested() -> dict[str, Any]:
    """Views of every kind, and what is no tensor."""
    base = torch.arange(60, dtype=torch.float32).reshape(3, 4, 5)
    state = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4)).state_dict()
    generator = torch.Generator().manual_seed(0)
    for value in state.values():
        if value.is_floating_point():
            value.copy_(torch.randn(value.shape, generator=generator))
    return {
        "net": state,
        "views": collections.OrderedDict(
            whole=base,
            sliced=base[1:, ::2, 1:4],
            turned=base.permute(2, 0, 1),
            offset=base.view(-1)[17:],
            expanded=torch.tensor([1.5, -2.0])[:, None].expand(2, 3),
            channels_last=base[None].contiguous(memory_format=torch.channels_last),
        ),
        "list": [torch.zeros(0, 4), (torch.tensor(7), torch.tensor([True, False]))],
        "parameter": torch.nn.Parameter(torch.full((2, 2), 0.25)),
        "epoch": 3,
        "rate": 1e-3,
        "name": "tiny",
        "nothing": None,
        "size": torch.Size([2, 3]),
        "device": torch.device("cpu"),
        "type": torch.float32,
        "scalar": np.float64(0.5),
        "count": np.int64(-9),
    }


def expected(value: Any, name: str = "") -> dict[str, np.ndarray]:
    if isinstance(value, torch.Tensor):
        plain = value.detach().float() if value.dtype == torch.bfloat16 else value.detach()
        return {name: plain.numpy()}
    if isinstance(value, torch.Size) or not isinstance(value, (dict, list, tuple)):
        return {}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found: dict[str, np.ndarray] = {}
    for key, item in items:
        found |= expected(item, f"{name}.{key}" if name else str(key))
    return found


def store(name: str, value: Any, tensors: Any = None, **options: Any) -> None:
    torch.save(value, GOLDEN / f"{name}.pth", **options)
    np.savez_compressed(GOLDEN / f"{name}.npz", **expected(value if tensors is None else tensors))


def main() -> None:
    GOLDEN.mkdir(exist_ok=True, parents=True)
    legacy = {"_use_new_zipfile_serialization": False}
    every = {dtype: values(dtype) for dtype in DTYPES}
    store("dtypes-zip", every | {dtype: values(dtype) for dtype in NEW_DTYPES})
    store("dtypes-legacy", every, **legacy)
    store("nested-zip", nested())
    store("nested-legacy", nested(), **legacy)
    store("nested-zip-protocol4", nested(), pickle_protocol=4)
    store("nested-legacy-protocol5", nested(), pickle_protocol=5, **legacy)
    state = {"stem.weight": torch.arange(6.0).reshape(2, 3), "stem.bias": torch.tensor([0.5, -0.5])}
    momentum = {
        "state": {0: {"momentum_buffer": torch.ones(2, 3)}},
        "param_groups": [{"lr": 0.1, "params": [0]}],
    }
    wrapped = {"meta": {"epoch": 7, "config": "net = 1"}, "state_dict": state, "optimizer": momentum}
    store("wrapped-zip", wrapped, state)
    store("wrapped-legacy-protocol1", wrapped, state, pickle_protocol=1, **legacy)
    store("single-zip", torch.arange(3), {"tensor": torch.arange(3)})


def sums(file: str) -> dict[str, list[Any]]:
    """What is told of each tensor of a real file."""
    found = {}
    for name, tensor in torch.load(file, map_location="cpu", weights_only=True).items():
        flat = tensor.double().flatten()
        ramp = torch.arange(1, flat.numel() + 1, dtype=torch.float64) / flat.numel()
        numbers = [flat.sum(), flat.square().sum(), (flat * ramp).sum()]
        found[name] = [str(tensor.dtype)[6:], list(tensor.shape), *(number.item() for number in numbers)]
    return found


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        name, file = argument.split("=", 1)
        rows = ",\n".join(f"{json.dumps(key)}: {json.dumps(row)}" for key, row in sums(file).items())
        (GOLDEN / f"{name}.json").write_text(f"{{\n{rows}\n}}\n")
    if len(sys.argv) == 1:
        main()
