"""Every operator of the eager executor against goldens of PyTorch and Keras: values and gradients, float64.

`tests/generate/operators.py` says what the files hold.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from harkit._core import Network
from models.seeded import seeded_input, seeded_weights
from nn.graphs import (
    Layer,
    activation,
    adaptive_pool,
    architecture,
    attention,
    average_pool,
    batch_norm,
    convolution,
    layer_norm,
    linear,
    lstm,
    max_pool,
)

FOLDER = Path(__file__).parents[1] / "golden" / "nn"
FAMILIES = ("convolution", "pooling", "normalisation", "activation", "attention", "recurrent")
Case = dict[str, Any]

# What no layer does: begin an LSTM from a given state, drop what a given mask says, attend to another
# sequence or with the steps first, and softmax, or its logarithm, over other axes than the last.
NO_LAYER = {
    "activation/": set(),
    "attention/": {"cross", "self-time-first"},
    "normalisation/": {
        "layer-two",
        "softmax-middle",
        "softmax-first",
        "log_softmax-last",
        "log_softmax-middle",
        "log_softmax-first",
    },
    "recurrent/": {
        "keras-lstm-dropout",
        "keras-lstm-from-state",
        "keras-lstm-recurrent-dropout",
        "lstm-from-state",
        "lstm-two-layers",
        "lstm-two-layers-both-ways",
    },
}


def cases() -> dict[str, Case]:
    """All cases by family and name."""
    found = {}
    for family in FAMILIES:
        for case in json.loads((FOLDER / f"{family}.json").read_text())["cases"]:
            found[f"{family}/{case['name']}"] = case
    return found


CASES = cases()


def of_convolution(case: Case) -> Layer:
    """A convolution from its arguments and the shape of its weight."""
    arguments = case["arguments"]
    outputs, each, *kernel = case["weights"]["weight"]
    return convolution(
        each * arguments["groups"],
        outputs,
        kernel,
        groups=arguments["groups"],
        bias="bias" in case["weights"],
        stride=arguments["stride"],
        padding=arguments.get("padding", "same"),
        dilation=arguments["dilation"],
    )


def of_pool(case: Case) -> Layer:
    """A pool from its arguments."""
    arguments = case["arguments"]
    of, shape = case["operator"], arguments.get("output")
    if shape is not None:
        return adaptive_pool("max" if "max" in of else "average", shape)
    window = {name: arguments[name] for name in ("stride", "padding")} | {"ceil": arguments["ceil_mode"]}
    if "max" in of:
        return max_pool(arguments["kernel"], dilation=arguments["dilation"], **window)
    return average_pool(arguments["kernel"], count_padding=arguments["count_include_pad"], **window)


def layer_of(case: Case) -> Layer | None:
    """The layer that does what the operator does; None where there is none."""
    operator, arguments, weights = case["operator"], case["arguments"], case["weights"]
    shape = next(iter(case["inputs"].values()))
    size = shape[-1]
    if operator.startswith("conv"):
        return of_convolution(case)
    if "pool" in operator:
        return of_pool(case)
    if operator == "batch_norm":
        return batch_norm(weights["weight"][0], eps=arguments["eps"], momentum=arguments["momentum"])
    if operator == "layer_norm" and len(arguments["normalized_shape"]) == 1:
        return layer_norm(size, eps=arguments["eps"])
    if operator == "softmax" and arguments["axis"] == -1:
        return activation("softmax")
    if operator == "linear":
        return linear(size, weights["weight"][0], bias="bias" in weights)
    if operator in {"relu", "relu6", "silu", "sigmoid", "tanh", "gelu_erf", "gelu_tanh"}:
        return activation("gelu" if operator == "gelu_erf" else operator)
    alone = len(case["inputs"]) == 1
    if operator == "multi_head_attention" and alone and arguments["batch_first"]:
        return attention(arguments["embedding"], arguments["heads"])
    if operator == "lstm_torch" and alone and arguments["layers"] == 1:
        return lstm(size, arguments["hidden"], bidirectional=arguments["bidirectional"])
    if operator == "lstm_keras" and alone:
        settings = {"bidirectional": arguments.get("bidirectional", False)}
        return lstm(size, arguments["units"], "keras", sequences=arguments["return_sequences"], **settings)
    return None


RUN = [name for name, case in CASES.items() if layer_of(case) is not None]


def test_all_goldens_that_a_layer_can_give_are_run() -> None:
    """The others are listed."""
    left = {name for name, case in CASES.items() if layer_of(case) is None}
    assert left == {family + name for family, names in NO_LAYER.items() for name in names}


def network_of(case: Case, layer: Layer) -> Network:
    """The layer alone, with the case's weights; a bias that the case does not have is zero."""
    shape = next(iter(case["inputs"].values()))[1:]
    network = Network.from_json(architecture(shape, [("layer", layer, [0])]))
    weights = weights_of(case)
    for name, sides, _, _ in network.parameters():
        network.set(name, weights.get(name.removeprefix("layer."), np.zeros(sides, np.float32)))
    return network


def own_name(name: str) -> str:
    """A weight's name here; Keras's wrapper for both ways has a name for each way."""
    return name.removeprefix("forward.").replace("backward.", "backward_")


def weights_of(case: Case) -> dict[str, NDArray[np.float32]]:
    """Weights by their names here."""
    named = seeded_weights({f"{case['name']}.{name}": tuple(s) for name, s in case["weights"].items()}, 10)
    return {own_name(name.removeprefix(f"{case['name']}.")): values for name, values in named.items()}


def input_of(case: Case) -> NDArray[np.float64]:
    """The case's input, float64."""
    [(name, shape)] = case["inputs"].items()
    values = seeded_input(tuple(shape), 10, f"{case['name']}.{name}").astype(np.float64) * case.get(
        "scale", 1.0
    )
    return np.round(values) if case.get("rounded") else values


@pytest.mark.parametrize("name", RUN)
def test_operator_equals_its_golden(name: str) -> None:
    """Output, gradients of the input and of all weights, and running statistics."""
    case = CASES[name]
    prefix = f"{case['name']}/"
    with np.load(FOLDER / f"{name.split('/')[0]}.npz") as arrays:
        golden = {key.removeprefix(prefix): arrays[key] for key in arrays if key.startswith(prefix)}
    layer = layer_of(case)
    assert layer is not None
    network = network_of(case, layer)
    output = golden.pop("y")
    cotangent = seeded_input(output.shape, 10, f"{case['name']}.cotangent.y").astype(np.float64)
    training = case["arguments"].get("training", True)
    found, of_input, of_weights, statistics = network.gradients(
        input_of(case), cotangent, training=training, executor="eager"
    )
    bounds = {"rtol": 1e-9, "atol": 1e-11}
    np.testing.assert_allclose(found, output, **bounds)
    for key, values in statistics.items():
        np.testing.assert_allclose(values, golden[key.removeprefix("layer.")], **bounds)
    gradients = {key[9:]: values for key, values in golden.items() if key.startswith("gradient.")}
    [name_of_input] = case["inputs"]
    np.testing.assert_allclose(of_input, gradients.pop(name_of_input), **bounds)
    assert gradients.keys() == {key for key in case["weights"] if not key.startswith("running")}
    for key, values in gradients.items():
        np.testing.assert_allclose(of_weights[f"layer.{own_name(key)}"], values, err_msg=key, **bounds)
