"""Gradients of every layer against finite differences, in float64, on awkward shapes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from harkit._core import Network
from nn.graphs import (
    Layer,
    activation,
    adaptive_pool,
    architecture,
    attention,
    average_pool,
    batch_norm,
    chain,
    convolution,
    dropout,
    layer_norm,
    linear,
    lstm,
    max_pool,
    plain,
    randomised,
)

Values = NDArray[np.float64]

# Name: shape of the batch, layers one after another. Sides odd and even, non-square, and single pixels;
# strides that differ from the kernel and along the axes; windows that hang over.
CASES: dict[str, tuple[tuple[int, ...], list[Layer]]] = {
    "picture": ((2, 3, 9, 11), [convolution(3, 5, (3, 3))]),
    "picture, stride 2, sides of different parity": (
        (2, 3, 9, 12),
        [convolution(3, 5, (3, 3), stride=(2, 2), padding=(1, 1))],
    ),
    "picture, even kernel": ((2, 3, 8, 11), [convolution(3, 4, (2, 4), stride=(2, 2), padding=(1, 2))]),
    "picture, dilated, without bias": (
        (2, 4, 13, 10),
        [convolution(4, 6, (3, 2), stride=(3, 3), dilation=(2, 2), padding=(2, 1), bias=False)],
    ),
    "picture, unequal strides": ((2, 3, 9, 11), [convolution(3, 5, (3, 3), stride=(2, 1), padding=(1, 0))]),
    "picture, unequal dilations": (
        (2, 3, 9, 11),
        [convolution(3, 4, (3, 3), padding=(2, 1), dilation=(2, 1))],
    ),
    "picture, stride beyond the kernel": ((2, 3, 9, 11), [convolution(3, 5, (2, 2), stride=(4, 4))]),
    "picture, one row": ((2, 3, 1, 11), [convolution(3, 5, (1, 7), stride=(1, 3), padding=(0, 3))]),
    "picture, one column of weights": (
        (2, 3, 9, 5),
        [convolution(3, 5, (7, 1), padding=(3, 0), stride=(2, 1))],
    ),
    "one pixel": ((2, 4, 1, 1), [convolution(4, 3, (1, 1))]),
    "one pixel in a border": ((2, 4, 1, 1), [convolution(4, 3, (3, 3), padding=(1, 1))]),
    "one by one, stride 2": ((2, 4, 5, 8), [convolution(4, 3, (1, 1), stride=(2, 2))]),
    "same, odd padding": ((2, 3, 8, 7), [convolution(3, 4, (3, 3), stride=(2, 2), padding="same")]),
    "same, even kernel": ((2, 3, 9, 6), [convolution(3, 4, (4, 2), stride=(3, 1), padding="same")]),
    "groups": ((2, 4, 7, 6), [convolution(4, 6, (3, 3), stride=(2, 2), padding=(1, 1), groups=2)]),
    "groups, unequal strides": (
        (2, 4, 7, 6),
        [convolution(4, 6, (3, 3), stride=(2, 1), padding=(1, 1), groups=2)],
    ),
    "two filters a channel": ((2, 3, 7, 6), [convolution(3, 6, (3, 3), groups=3)]),
    "depthwise": ((2, 4, 7, 6), [convolution(4, 4, (3, 3), stride=(2, 2), padding=(1, 1), groups=4)]),
    "depthwise, dilated": (
        (2, 4, 9, 6),
        [convolution(4, 4, (3, 5), stride=(2, 1), padding=(2, 2), dilation=(2, 1), groups=4, bias=False)],
    ),
    "clip": ((2, 3, 5, 7, 6), [convolution(3, 4, (3, 3, 3), padding=(1, 1, 1))]),
    "clip, stride 2": ((2, 3, 5, 7, 6), [convolution(3, 4, (3, 3, 3), padding=(1, 1, 1), stride=(2, 2, 2))]),
    "clip, space alone": (
        (2, 3, 5, 7, 6),
        [convolution(3, 4, (1, 3, 3), padding=(0, 1, 1), stride=(1, 2, 2))],
    ),
    "clip, time alone": (
        (2, 3, 5, 7, 6),
        [convolution(3, 4, (3, 1, 1), padding=(1, 0, 0), stride=(2, 1, 1))],
    ),
    "clip, dilated, all strides differ": (
        (2, 3, 8, 7, 9),
        [convolution(3, 4, (3, 3, 2), padding=(2, 1, 1), stride=(2, 1, 3), dilation=(2, 1, 2))],
    ),
    "clip, groups": (
        (2, 4, 5, 7, 6),
        [convolution(4, 6, (3, 3, 3), padding=(1, 1, 1), stride=(1, 2, 2), groups=2)],
    ),
    "clip, depthwise": (
        (2, 4, 5, 7, 6),
        [convolution(4, 4, (3, 3, 3), padding=(1, 1, 1), stride=(1, 2, 2), groups=4)],
    ),
    "clip, same": ((1, 2, 4, 7, 6), [convolution(2, 3, (2, 3, 3), stride=(2, 2, 1), padding="same")]),
    "max": ((2, 3, 9, 11), [max_pool((3, 3), stride=(2, 2), padding=(1, 1))]),
    "max, hangs over": ((2, 3, 9, 12), [max_pool((3, 3), stride=(2, 2), ceil=True)]),
    "max, dilated": (
        (2, 3, 9, 12),
        [max_pool((2, 3), stride=(3, 2), padding=(1, 1), dilation=(2, 1), ceil=True)],
    ),
    "max, same": ((2, 3, 8, 7), [max_pool((3, 3), stride=(2, 2), padding="same")]),
    "max over clips": ((2, 3, 5, 7, 6), [max_pool((3, 3, 2), stride=(2, 2, 1), padding=(1, 1, 1))]),
    "average": ((2, 3, 9, 11), [average_pool((3, 3), stride=(2, 2), padding=(1, 1))]),
    "average, hangs over": ((2, 3, 9, 12), [average_pool((3, 2), stride=(2, 3), padding=(1, 1), ceil=True)]),
    "average, padding not counted": (
        (2, 3, 9, 12),
        [average_pool((3, 2), stride=(2, 3), padding=(1, 1), ceil=True, count_padding=False)],
    ),
    "average over clips": (
        (2, 3, 5, 7, 6),
        [average_pool((3, 3, 2), stride=(2, 2, 1), padding=(1, 1, 1), count_padding=False)],
    ),
    "adaptive average": ((2, 3, 9, 11), [adaptive_pool("average", (4, 3))]),
    "adaptive average, more bins than pixels": ((2, 3, 2, 3), [adaptive_pool("average", (5, 4))]),
    "adaptive max": ((2, 3, 5, 7, 6), [adaptive_pool("max", (2, 3, 4))]),
    "global average": ((2, 3, 5, 7, 6), [plain("global_average")]),
    "batch norm": ((3, 4, 3, 5), [batch_norm(4)]),
    "batch norm of vectors": ((5, 4), [batch_norm(4, eps=1e-3)]),
    "batch norm of clips": ((2, 4, 3, 5, 2), [batch_norm(4)]),
    "layer norm": ((2, 3, 7), [layer_norm(7)]),
    "relu": ((3, 4, 3, 5), [activation("relu")]),
    "relu6": ((3, 4, 3, 5), [activation("relu6")]),
    "gelu": ((3, 4, 3, 5), [activation("gelu")]),
    "gelu by tanh": ((3, 4, 3, 5), [activation("gelu_tanh")]),
    "silu": ((3, 4, 3, 5), [activation("silu")]),
    "sigmoid": ((3, 4, 3, 5), [activation("sigmoid")]),
    "tanh": ((3, 4, 3, 5), [activation("tanh")]),
    "softmax": ((2, 3, 7), [activation("softmax")]),
    "linear": ((3, 5), [linear(5, 4)]),
    "linear over sequences, without bias": ((3, 2, 5), [linear(5, 4, bias=False)]),
    "dropout": ((3, 4, 3, 5), [dropout(0.4)]),
    "lstm": ((3, 4, 5), [lstm(5, 3)]),
    "lstm, one step": ((3, 1, 5), [lstm(5, 3)]),
    "lstm, last state": ((2, 4, 5), [lstm(5, 3, sequences=False)]),
    "lstm, both ways": ((2, 4, 5), [lstm(5, 3, bidirectional=True)]),
    "lstm, both ways, last states": ((2, 4, 5), [lstm(5, 3, bidirectional=True, sequences=False)]),
    "keras lstm": ((2, 4, 5), [lstm(5, 3, "keras")]),
    "keras lstm, both ways": ((2, 4, 5), [lstm(5, 3, "keras", bidirectional=True, sequences=False)]),
    "keras lstm, both dropouts": ((2, 4, 5), [lstm(5, 3, "keras", dropout=0.3, recurrent_dropout=0.4)]),
    "attention": ((2, 5, 6), [attention(6, 2)]),
    "sequence and its mean": ((2, 3, 4, 2, 3), [plain("sequence"), plain("sequence_mean")]),
    "flatten": ((2, 3, 4, 2), [plain("flatten"), linear(24, 3)]),
}

# Moves are this far: everything that is moved is a multiple of it, so that float32 parameters move exactly.
STEP = 2.0**-9


def on_grid(values: Values) -> Values:
    """Values on the grid of the moves."""
    return np.round(values / STEP) * STEP


def spread(shape: tuple[int, ...], seed: int) -> Values:
    """Distinct values in no order, off the bends of the activations (0 and 6) by more than a move reaches."""
    n = int(np.prod(shape))
    values = on_grid((np.random.default_rng(seed).permutation(n) + 0.5) / n * 16 - 8)
    for bend in (0, 6):
        values[np.abs(values - bend) < 4 * STEP] += 8 * STEP
    return values.reshape(shape)


def slope(value_at: Callable[[float], float]) -> float:
    """The derivative by differences of fourth order."""
    near, far = value_at(STEP) - value_at(-STEP), value_at(2 * STEP) - value_at(-2 * STEP)
    return (8 * near - far) / (12 * STEP)


def moves(shape: tuple[int, ...], seed: int) -> list[Values]:
    """Where to move an array: two ways in all of its values at once, and up to twelve of its values alone."""
    rng = np.random.default_rng(seed)
    n = int(np.prod(shape))
    found: list[Values] = [rng.choice([-1.0, 0.0, 1.0], n).reshape(shape) for _ in range(2)]
    for position in rng.permutation(n)[:12]:
        one = np.zeros(n)
        one[position] = 1
        found.append(one.reshape(shape))
    return found


def check(network: Network, x: Values, *, training: bool) -> None:
    """Holds the gradients of the input and of every trainable parameter against differences."""
    on_the_grid = {name: on_grid(network.get(name).astype(float)) for name, *_ in network.parameters()}
    for name, values in on_the_grid.items():
        network.set(name, values)
    shape = network.shapes(x.shape)[-1]
    cotangent = np.random.default_rng(7).normal(size=shape)

    def value(x: Values) -> float:
        output, *_ = network.gradients(x, cotangent, training=training, seed=3, executor="eager")
        return float((output * cotangent).sum())

    _, of_input, of_parameters, _ = network.gradients(
        x, cotangent, training=training, seed=3, executor="eager"
    )
    trainable = [name for name, _, _, trainable in network.parameters() if trainable]
    assert sorted(of_parameters) == sorted(trainable)
    scale = np.abs(of_input).max()
    for move in moves(x.shape, 11):
        expected = slope(lambda step, move=move: value(x + step * move))  # type: ignore[misc]  # defaults
        np.testing.assert_allclose((of_input * move).sum(), expected, rtol=1e-6, atol=1e-7 * scale)
    for name in trainable:
        values, gradient = on_the_grid[name], of_parameters[name]
        assert gradient.shape == values.shape
        bound = 1e-7 * np.abs(gradient).max()

        def moved(step: float, move: Values, name: str = name, values: Values = values) -> float:
            network.set(name, values + step * move)
            return value(x)

        for move in moves(values.shape, 13):
            expected = slope(lambda step, move=move, moved=moved: moved(step, move))  # type: ignore[misc]  # defaults
            found = (gradient * move).sum()
            np.testing.assert_allclose(found, expected, rtol=1e-6, atol=bound, err_msg=name)
        network.set(name, values)


@pytest.mark.parametrize("name", CASES)
def test_gradients_equal_finite_differences(name: str) -> None:
    """Input and all parameters; in evaluation and, where it differs, in training."""
    shape, layers = CASES[name]
    network = chain(shape[1:], *layers)
    bounded = any(
        layer["kind"] in {"lstm", "attention"} or layer.get("function") == "softmax" for layer in layers
    )
    x = on_grid(spread(shape, 1) / (8 if bounded else 1))
    check(network, x, training=False)
    if any(layer["kind"] in {"batch_norm", "dropout"} or layer.get("dropout") for layer in layers):
        check(network, x, training=True)


def test_gradients_flow_through_branches_and_repeated_inputs() -> None:
    """A sum that takes one map twice, and a concatenation beside it."""
    nodes = [
        ("stem", convolution(2, 3, (3, 3), padding=(1, 1)), [0]),
        ("norm", batch_norm(3), [1]),
        ("act", activation("silu"), [2]),
        ("sum", plain("add"), [1, 3, 1]),
        ("both", plain("concatenate"), [4, 0, 3]),
        ("mean", plain("global_average"), [5]),
        ("head", linear(8, 3), [6]),
    ]
    network = randomised(Network.from_json(architecture((2, 0, 0), nodes)))
    x = spread((2, 2, 5, 4), 2)
    check(network, x, training=True)
    check(network, x, training=False)


@pytest.mark.parametrize("function", ["relu", "relu6"])
def test_gradients_where_an_activation_bends_are_those_of_pytorch(function: str) -> None:
    """Zero at 0, and at 6 for ReLU6."""
    x = np.array([[-1.0, 0.0, 3.0, 6.0, 7.0]])
    _, gradient, _, _ = chain((5,), activation(function)).gradients(
        x, np.ones_like(x), training=True, executor="eager"
    )
    assert gradient.tolist() == [[0, 0, 1, *([0, 0] if function == "relu6" else [1, 1])]]


@pytest.mark.parametrize("side", [(4, 4), (5, 5)])
def test_gradient_of_equal_maxima_goes_to_the_first(side: tuple[int, int]) -> None:
    """Against a loop over windows: rows first, then columns; the border never wins."""
    rng = np.random.default_rng(3)
    x = rng.integers(0, 3, (2, 2, *side)).astype(float) - 5
    network = chain((2, *side), max_pool((3, 3), stride=(2, 2), padding=(1, 1)))
    output = network.forward(x, executor="eager")[0]
    cotangent = rng.normal(size=output.shape)
    _, gradient, _, _ = network.gradients(x, cotangent, training=True, executor="eager")
    expected = np.zeros_like(x)
    for item, channel, row, column in np.ndindex(*output.shape):
        places = [
            (h, w)
            for h in range(2 * row - 1, 2 * row + 2)
            for w in range(2 * column - 1, 2 * column + 2)
            if 0 <= h < side[0] and 0 <= w < side[1]
        ]
        best = max(places, key=lambda place: x[item, channel, place[0], place[1]])
        assert output[item, channel, row, column] == x[item, channel, best[0], best[1]]
        expected[item, channel, best[0], best[1]] += cotangent[item, channel, row, column]
    np.testing.assert_allclose(gradient, expected, rtol=1e-12)


def test_frozen_layers_get_no_gradients_and_pass_them_on() -> None:
    """Up to a stage; then batch norms alone, which keep their statistics."""
    layers = [convolution(2, 3, (3, 3)), batch_norm(3), activation("relu"), convolution(3, 2, (1, 1))]
    network = chain((2, 6, 5), *layers)
    x = spread((2, 2, 6, 5), 4)
    cotangent = np.random.default_rng(5).normal(size=(2, 2, 4, 3))
    whole = network.gradients(x, cotangent, training=False, executor="eager")
    network.freeze("layer2")
    _, of_input, of_parameters, statistics = network.gradients(x, cotangent, training=True, executor="eager")
    assert sorted(of_parameters) == ["layer4.bias", "layer4.weight"]
    assert statistics == {}
    np.testing.assert_allclose(of_input, whole[1], rtol=1e-12)
    network.thaw()
    network.freeze_norms()
    _, of_input, of_parameters, statistics = network.gradients(x, cotangent, training=True, executor="eager")
    assert sorted(of_parameters) == ["layer1.bias", "layer1.weight", "layer4.bias", "layer4.weight"]
    assert statistics == {}
    for name in of_parameters:
        np.testing.assert_allclose(of_parameters[name], whole[2][name], rtol=1e-12, atol=1e-12)


def test_a_parameter_that_the_output_does_not_depend_on_is_an_error_that_names_it() -> None:
    """Never a silent zero."""
    nodes = [("lost", linear(3, 2), [0]), ("used", linear(3, 2), [0])]
    network = Network.from_json(architecture((3,), nodes))
    with pytest.raises(RuntimeError, match=r'"lost\.weight" has no gradient'):
        network.gradients(np.ones((1, 3)), np.ones((1, 2)), training=True, executor="eager")
