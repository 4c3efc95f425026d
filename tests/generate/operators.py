"""Make tests/golden/nn: values and gradients of every operator on awkward small shapes, by PyTorch and Keras.

Run with torch 2.9.1, efficientnet-lite-pytorch 0.1.0 and keras 3.15.1 (on PyTorch) installed, no dependency
of the tests:

    KERAS_BACKEND=torch python tests/generate/operators.py

Two files a family: FAMILY.json lists the cases, FAMILY.npz holds the arrays under CASE/WHAT. A case has

* operator and arguments: plain numbers, in PyTorch's (or Keras's) words and orders;
* inputs: name and shape; the values are `seeded_input(shape, 10, "CASE.NAME")`, times `scale` and rounded to
  whole numbers where the case says so;
* weights: name and shape; the values are those of `seeded_weights({"CASE.NAME": shape}, 10)`;
* outputs: names. The arrays are CASE/NAME; the gradients are those of the sum over the outputs of `output *
  seeded_input(output.shape, 10, "CASE.cotangent.NAME")`, stored as CASE/gradient.NAME for every input and
  weight that has one. An output that is a state after the step (`running_mean`, `running_var`) or that nobody
  differentiates (`attention`, and the last state of an LSTM that began from none) is listed in `after` and
  takes no part in that sum.

Everything is float64 (seeded values are float32 and cast up), rounded to 37 bits, 7e-12, so that the files
stay small. Families: convolution, pooling, normalisation, activation, attention, recurrent, loss, optimiser.
In `loss` the output is the loss, and `targets` stands in the arguments. In `optimiser` there are no
gradients: the weights go through twenty steps with the gradients `gradient_scale * seeded_input(shape, 10,
"CASE.gradient.STEP.NAME")`, STEP from 0, and CASE/NAME has a row for each of the numbers of steps in
`after_steps`; `rates`, where given, is the learning rate of each step.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ["KERAS_BACKEND"] = "torch"
import torch
from torch import nn
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).parents[1]))
from models.seeded import rounded, seeded_input, seeded_weights

FOLDER = Path(__file__).parents[1] / "golden" / "nn"
SEED = 10
STEPS = 20
AFTER_STEPS = (1, 2, 5, 10, 20)

Shapes = Mapping[str, tuple[int, ...]]
Tensors = dict[str, torch.Tensor]


class Family:
    """Collects the cases of one family and writes them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.cases: list[dict[str, Any]] = []
        self.arrays: dict[str, np.ndarray] = {}

    def add(
        self,
        case: str,
        operator: str,
        compute: Callable[[Tensors], Tensors],
        *,
        inputs: Shapes,
        weights: Shapes | None = None,
        arguments: Mapping[str, Any] | None = None,
        after: tuple[str, ...] = (),
        scale: float = 1.0,
        whole: bool = False,
    ) -> None:
        weights = weights or {}
        values = {name: scale * seeded_input(shape, SEED, f"{case}.{name}") for name, shape in inputs.items()}
        if whole:
            values = {name: np.round(value) for name, value in values.items()}
        made = seeded_weights({f"{case}.{name}": shape for name, shape in weights.items()}, SEED)
        values |= {name: made[f"{case}.{name}"] for name in weights}
        tensors = {
            name: torch.from_numpy(np.array(value, np.float64)).requires_grad_()
            for name, value in values.items()
        }
        outputs = compute(tensors)
        total = torch.zeros((), dtype=torch.float64)
        for name, output in outputs.items():
            self.arrays[f"{case}/{name}"] = output.detach().numpy()
            if name not in after:
                cotangent = seeded_input(tuple(output.shape), SEED, f"{case}.cotangent.{name}")
                total = total + (output * torch.from_numpy(cotangent).double()).sum()
        total.backward()
        for name, tensor in tensors.items():
            if tensor.grad is not None:
                self.arrays[f"{case}/gradient.{name}"] = tensor.grad.numpy()
        entry: dict[str, Any] = {"name": case, "operator": operator, "arguments": dict(arguments or {})}
        entry |= {"inputs": {name: list(shape) for name, shape in inputs.items()}}
        entry |= {"weights": {name: list(shape) for name, shape in weights.items()}, "outputs": list(outputs)}
        entry |= {"after": list(after)} if after else {}
        entry |= {"scale": scale} if scale != 1.0 else {}
        entry |= {"rounded": True} if whole else {}
        self.cases.append(entry)

    def write(self) -> None:
        head = {
            "how": "python tests/generate/operators.py; its text says what the files hold",
            "versions": versions(),
            "seed": SEED,
        }
        cases = ",\n".join(json.dumps(case) for case in self.cases)
        text = json.dumps(head)[:-1] + f', "cases": [\n{cases}\n]}}\n'
        (FOLDER / f"{self.name}.json").write_text(text)
        path = FOLDER / f"{self.name}.npz"
        np.savez_compressed(path, **{name: rounded(value) for name, value in self.arrays.items()})
        print(f"{self.name}: {len(self.cases)} cases, {path.stat().st_size} bytes, {len(text)} of index")


def versions() -> dict[str, str]:
    import keras

    return {"torch": torch.__version__, "keras": keras.__version__, "numpy": np.__version__}


# name: input, weight, arguments; no bias where "bias" is not there
CONV2D: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "plain": ((2, 3, 7, 5), (4, 3, 3, 3), {"bias": True}),
    "padded": ((1, 4, 6, 9), (5, 4, 3, 3), {"padding": [1, 1]}),
    "uneven": ((1, 4, 9, 8), (3, 4, 3, 5), {"stride": [2, 1], "padding": [1, 2], "bias": True}),
    "dilated": ((1, 2, 9, 11), (3, 2, 3, 2), {"dilation": [2, 3], "padding": [2, 1]}),
    "dilated-strided": (
        (1, 3, 11, 10),
        (2, 3, 3, 3),
        {"dilation": [2, 2], "stride": [2, 3], "padding": [2, 0]},
    ),
    "grouped": ((2, 6, 5, 7), (4, 3, 3, 3), {"groups": 2, "padding": [1, 1], "bias": True}),
    "grouped-16": ((1, 32, 4, 3), (32, 2, 3, 3), {"groups": 16, "padding": [1, 1]}),
    "depthwise": ((2, 5, 7, 6), (5, 1, 3, 3), {"groups": 5, "padding": [1, 1]}),
    "depthwise-strided": ((1, 17, 5, 6), (17, 1, 5, 5), {"groups": 17, "stride": [2, 2], "padding": [2, 2]}),
    "depthwise-multiplied": ((1, 3, 6, 5), (6, 1, 3, 3), {"groups": 3, "stride": [1, 2], "padding": [1, 1]}),
    "pointwise": ((1, 17, 3, 4), (33, 17, 1, 1), {"bias": True}),
    "pointwise-strided": ((2, 8, 7, 5), (4, 8, 1, 1), {"stride": [2, 2]}),
    "patches": ((2, 3, 7, 9), (4, 3, 2, 2), {"stride": [2, 2], "bias": True}),
    "leaping": ((1, 2, 9, 10), (3, 2, 2, 1), {"stride": [4, 3]}),
    "stem": ((1, 3, 15, 12), (4, 3, 7, 7), {"stride": [2, 2], "padding": [3, 3]}),
    "larger-than-input": ((1, 2, 3, 2), (2, 2, 5, 5), {"padding": [2, 2]}),
    "single-pixel": ((3, 4, 1, 1), (2, 4, 3, 3), {"padding": [1, 1], "bias": True}),
    "lanes": ((1, 20, 3, 4), (18, 20, 1, 2), {"padding": [0, 1], "bias": True}),
}
SAME: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "same-3-2-even": ((1, 3, 8, 6), (4, 3, 3, 3), {"stride": [2, 2]}),
    "same-3-2-odd": ((1, 3, 7, 9), (4, 3, 3, 3), {"stride": [2, 2]}),
    "same-5-2-depthwise": ((1, 6, 9, 8), (6, 1, 5, 5), {"stride": [2, 2], "groups": 6}),
    "same-5-1": ((2, 3, 4, 7), (2, 3, 5, 5), {"bias": True}),
    "same-2-1": ((1, 3, 5, 4), (2, 3, 2, 2), {}),
    "same-2-3": ((1, 2, 10, 7), (3, 2, 2, 2), {"stride": [3, 3]}),
    "same-3-2-dilated": ((1, 2, 9, 8), (3, 2, 3, 3), {"stride": [2, 1], "dilation": [2, 2]}),
}
CONV3D: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "volume": ((1, 3, 4, 5, 6), (4, 3, 3, 3, 3), {"padding": [1, 1, 1], "bias": True}),
    "volume-unpadded": ((2, 2, 4, 6, 5), (3, 2, 2, 3, 3), {}),
    "volume-strided": ((1, 2, 5, 7, 6), (3, 2, 3, 3, 3), {"stride": [2, 2, 2], "padding": [1, 1, 1]}),
    "volume-stem": ((1, 3, 4, 9, 11), (2, 3, 3, 7, 7), {"stride": [1, 2, 2], "padding": [1, 3, 3]}),
    "spatial": ((1, 5, 3, 6, 7), (4, 5, 1, 3, 3), {"stride": [1, 2, 2], "padding": [0, 1, 1]}),
    "temporal": ((1, 5, 5, 3, 4), (4, 5, 3, 1, 1), {"stride": [2, 1, 1], "padding": [1, 0, 0]}),
    "volume-pointwise": ((2, 6, 3, 4, 3), (5, 6, 1, 1, 1), {"stride": [2, 2, 2]}),
    "volume-depthwise": ((1, 6, 4, 5, 4), (6, 1, 3, 3, 3), {"groups": 6, "padding": [1, 1, 1]}),
    "volume-depthwise-strided": (
        (1, 17, 3, 5, 4),
        (17, 1, 3, 3, 3),
        {"groups": 17, "stride": [2, 2, 2], "padding": [1, 1, 1]},
    ),
    "volume-grouped": (
        (1, 4, 3, 4, 5),
        (6, 2, 3, 2, 3),
        {"groups": 2, "padding": [1, 0, 1], "stride": [1, 2, 1]},
    ),
    "volume-dilated": ((1, 2, 5, 7, 6), (3, 2, 3, 3, 2), {"dilation": [1, 2, 3], "padding": [1, 2, 1]}),
    "volume-lanes": ((1, 17, 3, 2, 3), (18, 17, 2, 1, 1), {"padding": [1, 0, 0]}),
    "volume-uneven": (
        (1, 3, 6, 5, 8),
        (2, 3, 3, 1, 4),
        {"stride": [3, 1, 2], "padding": [0, 0, 2], "bias": True},
    ),
}


def convolution() -> None:
    from efficientnet_lite_pytorch.utils import Conv2dDynamicSamePadding

    family = Family("convolution")
    for operator, table in (("conv2d", CONV2D), ("conv3d", CONV3D), ("conv2d_same", SAME)):
        for case, (shape, kernel, options) in table.items():
            axes = len(kernel) - 2
            arguments = {
                "stride": [1] * axes,
                "padding": [0] * axes,
                "dilation": [1] * axes,
                "groups": 1,
            } | options
            bias = arguments.pop("bias", False)
            weights = {"weight": kernel} | ({"bias": kernel[:1]} if bias else {})
            given = (arguments["stride"], arguments["padding"], arguments["dilation"], arguments["groups"])
            if operator == "conv2d_same":
                del arguments["padding"]
                layer = Conv2dDynamicSamePadding(
                    shape[1],
                    kernel[0],
                    kernel[2:],
                    stride=given[0],
                    dilation=given[2],
                    groups=given[3],
                    bias=bias,
                )

                def compute(t: Tensors, layer: nn.Module = layer) -> Tensors:
                    options = {name: t[name] for name in ("weight", "bias") if name in t}
                    return {"y": torch.func.functional_call(layer, options, t["x"])}
            else:
                function = getattr(functional, operator)

                def compute(t: Tensors, given: Any = given, function: Any = function) -> Tensors:
                    return {"y": function(t["x"], t["weight"], t.get("bias"), *given)}

            family.add(case, operator, compute, inputs={"x": shape}, weights=weights, arguments=arguments)
    family.write()


MAXIMA = {
    "max-3-2-1": ((2, 3, 7, 8), {"kernel": [3, 3], "stride": [2, 2], "padding": [1, 1]}),
    "max-3-2-ceil": ((1, 3, 8, 6), {"kernel": [3, 3], "stride": [2, 2], "ceil_mode": True}),
    "max-3-2-floor": ((1, 3, 8, 6), {"kernel": [3, 3], "stride": [2, 2]}),
    "max-2-2-odd": ((1, 5, 7, 5), {"kernel": [2, 2], "stride": [2, 2]}),
    "max-3-1-1": ((1, 2, 4, 5), {"kernel": [3, 3], "stride": [1, 1], "padding": [1, 1]}),
    "max-uneven": ((1, 2, 9, 10), {"kernel": [3, 2], "stride": [2, 3], "padding": [1, 1]}),
    "max-leaping": ((1, 2, 8, 9), {"kernel": [2, 1], "stride": [3, 2]}),
    "max-dilated": (
        (1, 2, 9, 8),
        {"kernel": [3, 2], "stride": [1, 2], "dilation": [2, 3], "padding": [1, 1]},
    ),
    "max-ceil-padded": (
        (1, 18, 6, 7),
        {"kernel": [3, 3], "stride": [2, 2], "padding": [1, 1], "ceil_mode": True},
    ),
    "max-volume-stem": ((1, 3, 3, 7, 6), {"kernel": [1, 3, 3], "stride": [1, 2, 2], "padding": [0, 1, 1]}),
    "max-volume-2": ((1, 2, 5, 4, 7), {"kernel": [2, 2, 2], "stride": [2, 2, 2]}),
    "max-volume-ceil": ((1, 2, 4, 5, 6), {"kernel": [3, 3, 3], "stride": [2, 2, 2], "ceil_mode": True}),
    "max-volume-time": ((2, 3, 5, 2, 3), {"kernel": [2, 1, 1], "stride": [2, 1, 1]}),
    "max-volume-overlapping": (
        (1, 2, 4, 5, 4),
        {"kernel": [3, 3, 3], "stride": [1, 1, 1], "padding": [1, 1, 1]},
    ),
}
MEANS = {
    "mean-2-2-odd": ((2, 3, 7, 5), {"kernel": [2, 2], "stride": [2, 2]}),
    "mean-3-2-1": ((1, 3, 7, 8), {"kernel": [3, 3], "stride": [2, 2], "padding": [1, 1]}),
    "mean-3-2-1-excluded": (
        (1, 3, 7, 8),
        {"kernel": [3, 3], "stride": [2, 2], "padding": [1, 1], "count_include_pad": False},
    ),
    "mean-ceil": ((1, 2, 8, 6), {"kernel": [3, 3], "stride": [2, 2], "ceil_mode": True}),
    "mean-ceil-padded": (
        (1, 2, 6, 7),
        {"kernel": [3, 3], "stride": [2, 2], "padding": [1, 1], "ceil_mode": True},
    ),
    "mean-ceil-padded-excluded": (
        (1, 2, 6, 7),
        {
            "kernel": [3, 3],
            "stride": [2, 2],
            "padding": [1, 1],
            "ceil_mode": True,
            "count_include_pad": False,
        },
    ),
    "mean-uneven": ((1, 17, 5, 7), {"kernel": [3, 2], "stride": [1, 3], "padding": [1, 0]}),
    "mean-volume": ((1, 2, 4, 7, 6), {"kernel": [2, 3, 3], "stride": [1, 2, 2], "padding": [1, 1, 1]}),
    "mean-volume-excluded": (
        (1, 2, 4, 7, 6),
        {"kernel": [2, 3, 3], "stride": [1, 2, 2], "padding": [1, 1, 1], "count_include_pad": False},
    ),
    "mean-volume-ceil": ((1, 2, 5, 4, 6), {"kernel": [2, 3, 2], "stride": [2, 2, 3], "ceil_mode": True}),
}
ADAPTIVE = {
    "global": ((2, 5, 3, 4), [1, 1]),
    "fewer": ((1, 3, 7, 5), [3, 2]),
    "more": ((1, 3, 2, 3), [7, 7]),
    "global-volume": ((2, 5, 2, 3, 4), [1, 1, 1]),
    "fewer-volume": ((1, 3, 5, 7, 4), [2, 3, 2]),
}


def pooling() -> None:
    family = Family("pooling")
    for kind, table in (("max", MAXIMA), ("avg", MEANS)):
        for case, (shape, options) in table.items():
            axes = len(shape) - 2
            arguments: dict[str, Any] = {"padding": [0] * axes, "ceil_mode": False}
            arguments |= {"dilation": [1] * axes} if kind == "max" else {"count_include_pad": True}
            arguments |= options
            keywords = {
                ("kernel_size" if key == "kernel" else key): value for key, value in arguments.items()
            }
            function = getattr(functional, f"{kind}_pool{axes}d")

            def compute(t: Tensors, function: Any = function, keywords: Any = keywords) -> Tensors:
                return {"y": function(t["x"], **keywords)}

            family.add(case, f"{kind}_pool{axes}d", compute, inputs={"x": shape}, arguments=arguments)
    arguments = {
        "kernel": [3, 3],
        "stride": [2, 2],
        "padding": [1, 1],
        "ceil_mode": False,
        "dilation": [1, 1],
    }
    # PyTorch gives the gradient of a tie to the first of the equals, in the order of rows.
    family.add(
        "max-ties",
        "max_pool2d",
        lambda t: {"y": functional.max_pool2d(t["x"], 3, 2, 1)},
        inputs={"x": (1, 3, 7, 8)},
        arguments=arguments,
        whole=True,
    )
    for case, (shape, output) in ADAPTIVE.items():
        for kind in ("avg", "max"):
            function = getattr(functional, f"adaptive_{kind}_pool{len(output)}d")

            def compute(t: Tensors, function: Any = function, output: Any = output) -> Tensors:
                return {"y": function(t["x"], output)}

            operator = f"adaptive_{kind}_pool{len(output)}d"
            family.add(f"{case}-{kind}", operator, compute, inputs={"x": shape}, arguments={"output": output})
    family.write()


BATCH_NORMS = {
    "batch-train": ((3, 4, 5, 2), 1e-5, 0.1, True),
    "batch-train-volume": ((2, 17, 3, 2, 3), 1e-3, 0.01, True),
    "batch-train-vector": ((6, 5), 1e-5, 0.1, True),
    "batch-train-one": ((1, 3, 4, 3), 1e-5, 0.1, True),
    "batch-frozen": ((3, 4, 5, 2), 1e-5, 0.1, False),
    "batch-frozen-volume": ((2, 17, 3, 2, 3), 1e-3, 0.1, False),
    "batch-frozen-vector": ((6, 5), 1e-5, 0.1, False),
}


def normalisation() -> None:
    family = Family("normalisation")
    for case, (shape, eps, momentum, training) in BATCH_NORMS.items():
        channels = shape[1:2]

        def compute(t: Tensors, options: Any = (training, momentum, eps)) -> Tensors:
            mean, variance = t["running_mean"].detach().clone(), t["running_var"].detach().clone()
            y = functional.batch_norm(t["x"], mean, variance, t["weight"], t["bias"], *options)
            return {"y": y} | ({"running_mean": mean, "running_var": variance} if options[0] else {})

        weights = {"weight": channels, "bias": channels, "running_mean": channels, "running_var": channels}
        arguments = {"eps": eps, "momentum": momentum, "training": training}
        after = ("running_mean", "running_var") if training else ()
        family.add(
            case,
            "batch_norm",
            compute,
            inputs={"x": shape},
            weights=weights,
            arguments=arguments,
            after=after,
        )
    layers = {
        "layer": ((2, 3, 7), (7,), 1e-5),
        "layer-two": ((2, 3, 5, 4), (5, 4), 1e-6),
        "layer-one": ((4, 1), (1,), 1e-5),
    }
    for case, (shape, normalized, eps) in layers.items():

        def layer(t: Tensors, normalized: Any = normalized, eps: float = eps) -> Tensors:
            return {"y": functional.layer_norm(t["x"], normalized, t["weight"], t["bias"], eps)}

        weights = {"weight": normalized, "bias": normalized}
        arguments = {"normalized_shape": list(normalized), "eps": eps}
        family.add(case, "layer_norm", layer, inputs={"x": shape}, weights=weights, arguments=arguments)
    for operator in ("softmax", "log_softmax"):
        for case, shape, axis in (("last", (3, 7), -1), ("middle", (2, 5, 3, 2), 1), ("first", (4, 3), 0)):
            function = getattr(functional, operator)
            family.add(
                f"{operator}-{case}",
                operator,
                lambda t, function=function, axis=axis: {"y": function(t["x"], axis)},
                inputs={"x": shape},
                arguments={"axis": axis},
                scale=4.0,
            )
    family.write()


def activation() -> None:
    family = Family("activation")
    functions: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
        "relu": functional.relu,
        "relu6": functional.relu6,
        "silu": functional.silu,
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "gelu_erf": functional.gelu,
        "gelu_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    }
    for operator, function in functions.items():
        family.add(
            operator,
            operator,
            lambda t, function=function: {"y": function(t["x"])},
            inputs={"x": (1, 17, 2, 5)},
            scale=4.0,
        )
    family.write()


# embedding, heads, shape of the query, shape of key and value (None: the query), batch first, bias
ATTENTIONS = {
    "self": (12, 3, (2, 5, 12), None, True, True),
    "self-time-first": (12, 3, (5, 2, 12), None, False, True),
    "self-one-head": (7, 1, (1, 4, 7), None, True, True),
    "self-without-bias": (8, 4, (2, 3, 8), None, True, False),
    "cross": (6, 2, (2, 3, 6), (2, 5, 6), True, True),
}


def attention() -> None:
    family = Family("attention")
    for case, (embedding, heads, query, key, batch_first, bias) in ATTENTIONS.items():
        layer = nn.MultiheadAttention(embedding, heads, bias=bias, batch_first=batch_first).double()
        weights = {name: tuple(tensor.shape) for name, tensor in layer.named_parameters()}
        inputs = {"query": query} | ({"key": key, "value": key} if key else {})

        def compute(t: Tensors, layer: Any = layer, weights: Any = tuple(weights)) -> Tensors:
            given = tuple(t.get(name, t["query"]) for name in ("query", "key", "value"))
            y, shares = torch.func.functional_call(layer, {name: t[name] for name in weights}, given)
            return {"y": y, "attention": shares}

        arguments = {"embedding": embedding, "heads": heads, "batch_first": batch_first, "bias": bias}
        family.add(
            case,
            "multi_head_attention",
            compute,
            inputs=inputs,
            weights=weights,
            arguments=arguments,
            after=("attention",),
        )
    family.write()


# input and hidden size, layers, both directions, batch, length, initial state
LSTMS = {
    "lstm": (3, 4, 1, False, 2, 5, False),
    "lstm-from-state": (3, 4, 1, False, 2, 3, True),
    "lstm-two-layers": (4, 3, 2, False, 2, 4, False),
    "lstm-both-ways": (3, 2, 1, True, 3, 4, False),
    "lstm-two-layers-both-ways": (2, 3, 2, True, 2, 5, True),
    "lstm-one-step": (5, 4, 1, False, 3, 1, False),
    "lstm-wide": (19, 5, 1, False, 2, 3, False),
}


def recurrent() -> None:
    family = Family("recurrent")
    for case, (size, hidden, layers, both, batch, length, state) in LSTMS.items():
        layer = nn.LSTM(size, hidden, layers, bidirectional=both, batch_first=True).double()
        weights = {name: tuple(tensor.shape) for name, tensor in layer.named_parameters()}
        inputs: dict[str, tuple[int, ...]] = {"x": (batch, length, size)}
        if state:
            inputs |= dict.fromkeys(("h0", "c0"), (layers * (2 if both else 1), batch, hidden))

        def compute(t: Tensors, layer: Any = layer, weights: Any = tuple(weights)) -> Tensors:
            given = (t["x"], (t["h0"], t["c0"])) if "h0" in t else (t["x"],)
            y, (h, c) = torch.func.functional_call(layer, {name: t[name] for name in weights}, given)
            return {"y": y, "h": h, "c": c}

        arguments = {"hidden": hidden, "layers": layers, "bidirectional": both, "batch_first": True}
        after = () if state else ("h", "c")
        family.add(
            case, "lstm_torch", compute, inputs=inputs, weights=weights, arguments=arguments, after=after
        )
    keras_recurrent(family)
    family.write()


def keras_recurrent(family: Family) -> None:
    """Keras: gates i f c o side by side, kernels (from, 4 units), one bias; masks stay through a sequence."""
    import keras

    keras.config.set_floatx("float64")
    batch, length, size, units = 2, 5, 3, 4
    shapes = {"kernel": (size, 4 * units), "recurrent_kernel": (units, 4 * units), "bias": (4 * units,)}

    def weights_of(prefix: str) -> dict[str, tuple[int, ...]]:
        return {f"{prefix}{name}": shape for name, shape in shapes.items()}

    def called(layer: Any, t: Tensors, **options: Any) -> Any:
        with keras.StatelessScope(state_mapping=[(v, t[n]) for v, n in layer_variables(layer)]):
            return layer(t["x"], **options)

    def layer_variables(layer: Any) -> list[tuple[Any, str]]:
        if isinstance(layer, keras.layers.Bidirectional):
            pairs = (("forward.", layer.forward_layer), ("backward.", layer.backward_layer))
        else:
            pairs = (("", layer),)
        return [(getattr(part.cell, name), f"{prefix}{name}") for prefix, part in pairs for name in shapes]

    def lstm(t: Tensors) -> Tensors:
        layer = keras.layers.LSTM(units, return_sequences=True, return_state=True)
        layer.build((batch, length, size))
        y, h, c = called(layer, t)
        return {"y": y, "h": h, "c": c}

    def from_state(t: Tensors) -> Tensors:
        layer = keras.layers.LSTM(units, return_sequences=True, return_state=True)
        layer.build((batch, length, size))
        y, h, c = called(layer, t, initial_state=[t["h0"], t["c0"]])
        return {"y": y, "h": h, "c": c}

    def both_ways(t: Tensors) -> Tensors:
        layer = keras.layers.Bidirectional(keras.layers.LSTM(units, return_sequences=True))
        layer.build((batch, length, size))
        return {"y": called(layer, t)}

    def both_ways_last(t: Tensors) -> Tensors:
        layer = keras.layers.Bidirectional(keras.layers.LSTM(units))
        layer.build((batch, length, size))
        return {"y": called(layer, t)}

    def masked(t: Tensors) -> Tensors:
        recurrent = 0.5 if "recurrent_mask" in t else 0.0
        layer = keras.layers.LSTM(units, dropout=0.25, recurrent_dropout=recurrent, return_sequences=True)
        layer.build((batch, length, size))
        layer.cell.get_dropout_mask = lambda _: (t["input_mask"].detach() > 0) / 0.75
        if recurrent:
            layer.cell.get_recurrent_dropout_mask = lambda _: (t["recurrent_mask"].detach() > 0) / 0.5
        return {"y": called(layer, t, training=True)}

    x = {"x": (batch, length, size)}
    state: dict[str, tuple[int, ...]] = {"h0": (batch, units), "c0": (batch, units)}
    both = weights_of("forward.") | weights_of("backward.")
    arguments = {"units": units, "return_sequences": True}
    family.add(
        "keras-lstm",
        "lstm_keras",
        lstm,
        inputs=x,
        weights=weights_of(""),
        arguments=arguments,
        after=("h", "c"),
    )
    family.add(
        "keras-lstm-from-state",
        "lstm_keras",
        from_state,
        inputs=x | state,
        weights=weights_of(""),
        arguments=arguments,
    )
    bidirectional = arguments | {"bidirectional": True}
    family.add(
        "keras-lstm-both-ways", "lstm_keras", both_ways, inputs=x, weights=both, arguments=bidirectional
    )
    last = bidirectional | {"return_sequences": False}
    family.add(
        "keras-lstm-both-ways-last", "lstm_keras", both_ways_last, inputs=x, weights=both, arguments=last
    )
    # A mask keeps what is positive in its seeded values, and divides it by the share that is kept on average.
    # With recurrent dropout Keras takes another way through the cell, where each gate has a mask of its own,
    # of the input too.
    dropped = arguments | {"dropout": 0.25, "recurrent_dropout": 0.0}
    mask: dict[str, tuple[int, ...]] = {"input_mask": (batch, size)}
    family.add(
        "keras-lstm-dropout", "lstm_keras", masked, inputs=x | mask, weights=weights_of(""), arguments=dropped
    )
    dropped = arguments | {"dropout": 0.25, "recurrent_dropout": 0.5}
    masks: dict[str, tuple[int, ...]] = {"input_mask": (4, batch, size), "recurrent_mask": (4, batch, units)}
    family.add(
        "keras-lstm-recurrent-dropout",
        "lstm_keras",
        masked,
        inputs=x | masks,
        weights=weights_of(""),
        arguments=dropped,
    )


LOSSES: dict[str, dict[str, Any]] = {
    "plain": {},
    "smoothed": {"label_smoothing": 0.1},
    "weighted": {"class_weights": [1.0, 0.5, 2.0, 0.0]},
    "weighted-smoothed": {"class_weights": [1.0, 0.5, 2.0, 0.25], "label_smoothing": 0.2},
    "summed": {"reduction": "sum"},
    "summed-weighted-smoothed": {
        "class_weights": [3.0, 0.5, 2.0, 0.25],
        "label_smoothing": 0.05,
        "reduction": "sum",
    },
}


def loss() -> None:
    family = Family("loss")
    targets = [2, 0, 3, 3, 1, 2]
    for case, options in LOSSES.items():
        arguments = {
            "targets": targets,
            "class_weights": None,
            "label_smoothing": 0.0,
            "reduction": "mean",
        } | options

        def compute(t: Tensors, arguments: Any = arguments) -> Tensors:
            weights = arguments["class_weights"]
            weight = None if weights is None else torch.tensor(weights, dtype=torch.float64)
            y = functional.cross_entropy(
                t["logits"],
                torch.tensor(arguments["targets"]),
                weight,
                reduction=arguments["reduction"],
                label_smoothing=arguments["label_smoothing"],
            )
            return {"y": y}

        family.add(case, "cross_entropy", compute, inputs={"logits": (6, 4)}, arguments=arguments, scale=3.0)
    # Logits of ±200: the logarithm of a sum of exponentials must not overflow.
    arguments = {"targets": targets, "class_weights": None, "label_smoothing": 0.0, "reduction": "mean"}
    family.add(
        "large",
        "cross_entropy",
        lambda t: {"y": functional.cross_entropy(t["logits"], torch.tensor(targets))},
        inputs={"logits": (6, 4)},
        arguments=arguments,
        scale=200.0,
    )
    family.write()


HALVED = [0.05 if step < 10 else 0.01 for step in range(STEPS)]
OPTIMISERS: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("sgd_torch", {"lr": 0.05}),
    "sgd-momentum": ("sgd_torch", {"lr": 0.05, "momentum": 0.9}),
    "sgd-nesterov": ("sgd_torch", {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    "sgd-decay": ("sgd_torch", {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.01}),
    "sgd-nesterov-decay-rates": (
        "sgd_torch",
        {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01, "rates": HALVED},
    ),
    "adam": ("adam_torch", {"lr": 0.001}),
    "adam-decay": ("adam_torch", {"lr": 0.01, "weight_decay": 0.01, "betas": [0.8, 0.99], "eps": 1e-6}),
    "adam-tiny": ("adam_torch", {"lr": 0.01, "gradient_scale": 1e-7}),
    "adam-rates": ("adam_torch", {"lr": 0.05, "rates": HALVED}),
    "adamw": ("adamw_torch", {"lr": 0.01, "weight_decay": 0.01}),
    "adamw-strong": ("adamw_torch", {"lr": 0.1, "weight_decay": 0.5}),
    "keras-adam": ("adam_keras", {"lr": 0.001}),
    "keras-adam-tiny": ("adam_keras", {"lr": 0.01, "gradient_scale": 1e-7}),
    "keras-adam-rates": ("adam_keras", {"lr": 0.05, "rates": HALVED, "betas": [0.8, 0.99], "eps": 1e-3}),
    "keras-adamw": ("adamw_keras", {"lr": 0.01, "weight_decay": 0.004}),
    "keras-adamw-rates": ("adamw_keras", {"lr": 0.05, "weight_decay": 0.1, "rates": HALVED}),
}
DEFAULTS: dict[str, dict[str, Any]] = {
    "sgd_torch": {"momentum": 0.0, "nesterov": False, "weight_decay": 0.0},
    "adam_torch": {"betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.0},
    "adamw_torch": {"betas": [0.9, 0.999], "eps": 1e-8},
    "adam_keras": {"betas": [0.9, 0.999], "eps": 1e-7},
    "adamw_keras": {"betas": [0.9, 0.999], "eps": 1e-7},
}
OPTIMISED: dict[str, tuple[int, ...]] = {"weight": (3, 4), "bias": (5,)}


def optimiser() -> None:
    family = Family("optimiser")
    for case, (operator, options) in OPTIMISERS.items():
        arguments = DEFAULTS[operator] | options
        shapes = {f"{case}.{name}": shape for name, shape in OPTIMISED.items()}
        start = {name: value.astype(np.float64) for name, value in seeded_weights(shapes, SEED).items()}
        steps = keras_steps if operator.endswith("keras") else torch_steps
        path = steps(case, operator, arguments, start)
        for name in OPTIMISED:
            family.arrays[f"{case}/{name}"] = np.array(
                [path[step - 1][f"{case}.{name}"] for step in AFTER_STEPS]
            )
        family.cases.append(
            {
                "name": case,
                "operator": operator,
                "arguments": arguments,
                "steps": STEPS,
                "after_steps": AFTER_STEPS,
            }
            | {"weights": {name: list(shape) for name, shape in OPTIMISED.items()}}
        )
    family.write()


def gradient(name: str, step: int, shape: tuple[int, ...], scale: float) -> np.ndarray:
    case, _, tensor = name.rpartition(".")
    return scale * seeded_input(shape, SEED, f"{case}.gradient.{step}.{tensor}").astype(np.float64)


def torch_steps(
    case: str, operator: str, arguments: dict[str, Any], start: dict[str, np.ndarray]
) -> list[dict[str, np.ndarray]]:
    keep = {key: value for key, value in arguments.items() if key not in ("rates", "gradient_scale")}
    weights = {name: nn.Parameter(torch.from_numpy(value.copy())) for name, value in start.items()}
    kind = {"sgd_torch": torch.optim.SGD, "adam_torch": torch.optim.Adam, "adamw_torch": torch.optim.AdamW}[
        operator
    ]
    optimizer = kind(weights.values(), **keep)
    path = []
    for step in range(STEPS):
        if "rates" in arguments:
            optimizer.param_groups[0]["lr"] = arguments["rates"][step]
        for name, weight in weights.items():
            scale = arguments.get("gradient_scale", 1.0)
            weight.grad = torch.from_numpy(gradient(name, step, tuple(weight.shape), scale))
        optimizer.step()
        path.append({name: weight.detach().numpy().copy() for name, weight in weights.items()})
    return path


def keras_steps(
    case: str, operator: str, arguments: dict[str, Any], start: dict[str, np.ndarray]
) -> list[dict[str, np.ndarray]]:
    import keras

    keras.config.set_floatx("float64")
    options: dict[str, Any] = {"learning_rate": arguments["lr"]}
    options |= {"beta_1": arguments["betas"][0], "beta_2": arguments["betas"][1], "epsilon": arguments["eps"]}
    options |= {"weight_decay": arguments["weight_decay"]} if "weight_decay" in arguments else {}
    optimizers = keras.optimizers
    kind = {"adam_keras": optimizers.Adam, "adamw_keras": optimizers.AdamW}[operator]
    optimizer = kind(**options)
    weights = {
        name: keras.Variable(value, dtype="float64", name=name.replace(".", "_"))
        for name, value in start.items()
    }
    optimizer.build(list(weights.values()))
    path = []
    for step in range(STEPS):
        if "rates" in arguments:
            optimizer.learning_rate = arguments["rates"][step]
        scale = arguments.get("gradient_scale", 1.0)
        gradients = [
            torch.from_numpy(gradient(name, step, tuple(value.shape), scale))
            for name, value in weights.items()
        ]
        optimizer.apply(gradients)
        path.append({name: weight.numpy().copy() for name, weight in weights.items()})
    return path


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for make in (convolution, pooling, normalisation, activation, attention, recurrent, loss, optimiser):
        make()
