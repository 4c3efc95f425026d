"""Small networks for the tests, as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harkit._core import Network

Layer = dict[str, Any]


def window(
    kernel: Sequence[int],
    stride: Sequence[int] | None = None,
    padding: Sequence[int] | str | None = None,
    dilation: Sequence[int] | None = None,
    *,
    ceil: bool = False,
) -> Layer:
    """The settings of a window, 1 or 0 where nothing is said."""
    ones = [1] * len(kernel)
    sides = padding if isinstance(padding, str) else {"sides": list(padding or [0] * len(kernel))}
    return {
        "kernel": list(kernel),
        "stride": list(stride or ones),
        "padding": sides,
        "dilation": list(dilation or ones),
        "ceil": ceil,
    }


def convolution(
    channels: int, outputs: int, kernel: Sequence[int], *, groups: int = 1, bias: bool = True, **settings: Any
) -> Layer:
    """A convolution from `channels` to `outputs`."""
    return {
        "kind": "convolution",
        "in_channels": channels,
        "out_channels": outputs,
        **window(kernel, **settings),
        "groups": groups,
        "bias": bias,
        "init": "fan_in",
    }


def max_pool(kernel: Sequence[int], **settings: Any) -> Layer:
    """A max pool."""
    return {"kind": "pool", "of": "max", **window(kernel, **settings)}


def average_pool(kernel: Sequence[int], *, count_padding: bool = True, **settings: Any) -> Layer:
    """An average pool."""
    return {"kind": "pool", "of": {"average": {"count_padding": count_padding}}, **window(kernel, **settings)}


def adaptive_pool(of: str, output: Sequence[int]) -> Layer:
    """An adaptive pool: `of` is "max" or "average"."""
    kind: Any = "max" if of == "max" else {"average": {"count_padding": True}}
    return {"kind": "adaptive_pool", "of": kind, "output": list(output)}


def batch_norm(channels: int, *, eps: float = 1e-5, momentum: float = 0.1) -> Layer:
    """A batch norm."""
    return {"kind": "batch_norm", "channels": channels, "eps": eps, "momentum": momentum}


def layer_norm(size: int, *, eps: float = 1e-5) -> Layer:
    """A layer norm."""
    return {"kind": "layer_norm", "size": size, "eps": eps}


def activation(function: str) -> Layer:
    """An activation."""
    return {"kind": "activation", "function": function}


def linear(inputs: int, outputs: int, *, bias: bool = True) -> Layer:
    """A product with a matrix."""
    return {"kind": "linear", "inputs": inputs, "outputs": outputs, "bias": bias, "init": "fan_in"}


def dropout(p: float) -> Layer:
    """A dropout."""
    return {"kind": "dropout", "p": p}


def lstm(inputs: int, units: int, convention: str = "pytorch", **settings: Any) -> Layer:
    """One layer of LSTM."""
    defaults = {"bidirectional": False, "sequences": True, "dropout": 0.0, "recurrent_dropout": 0.0}
    return {
        "kind": "lstm",
        "inputs": inputs,
        "units": units,
        "convention": convention,
        **defaults,
        **settings,
    }


def attention(size: int, heads: int) -> Layer:
    """Multi-head self-attention."""
    return {"kind": "attention", "size": size, "heads": heads}


def plain(kind: str) -> Layer:
    """A layer without settings."""
    return {"kind": kind}


def architecture(shape: Sequence[int], layers: Sequence[tuple[str, Layer, Sequence[int]]]) -> str:
    """A graph over an item of `shape` (0: free): name, layer and inputs of each node; node 0 is the input."""
    nodes: list[Layer] = [{"name": "input", "kind": "input", "shape": list(shape), "from": []}]
    nodes += [{"name": name, **layer, "from": list(inputs)} for name, layer, inputs in layers]
    stages = [{"name": node["name"], "node": index} for index, node in enumerate(nodes) if index > 0]
    return json.dumps({"name": "test", "nodes": nodes, "stages": stages, "classifier": None})


def chain(shape: Sequence[int], *layers: Layer, seed: int = 0) -> Network:
    """A network of layers one after another, named layer1, layer2, …, with random values."""
    named = [(f"layer{index + 1}", layer, [index]) for index, layer in enumerate(layers)]
    return randomised(Network.from_json(architecture(shape, named)), seed)


def randomised(network: Network, seed: int = 0) -> Network:
    """Gives all parameters random values; running variances between 0.5 and 1.5."""
    rng = np.random.default_rng(seed)
    for name, shape, _, _ in network.parameters():
        values = rng.uniform(0.5, 1.5, shape) if name.endswith("running_var") else rng.normal(0, 0.5, shape)
        network.set(name, values.astype(np.float32))
    return network


def batch(shape: Sequence[int], seed: int = 1) -> NDArray[np.float64]:
    """Normal values, float64."""
    return np.random.default_rng(seed).normal(size=tuple(shape))
