"""Mixed precision by rounding, against NumPy's float16 and a bfloat16 by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from harkit._core import Network, Optimiser
from harkit.errors import ArgumentError, UnsupportedError
from harkit.training import SGD, CrossEntropy
from nn.graphs import activation, attention, batch, batch_norm, chain, convolution, linear, lstm

Array = NDArray[np.float32]


def float16(values: Array) -> Array:
    """Round to binary16."""
    return values.astype(np.float16).astype(np.float32)


def bfloat16(values: Array) -> Array:
    """Round to the nearest float32 whose low half is zero, ties to even."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
    return rounded.astype(np.uint32).view(np.float32)


ROUNDINGS: dict[str, Callable[[Array], Array]] = {"float16": float16, "bfloat16": bfloat16}


@pytest.mark.parametrize("precision", ROUNDINGS)
def test_what_goes_into_a_product_and_what_comes_out_is_rounded(precision: str) -> None:
    """Forward and backward of a linear layer, by NumPy; sums are float32 in both."""
    rounded = ROUNDINGS[precision]
    network = chain((16,), linear(16, 8))
    network.set_precision(precision)  # type: ignore[arg-type]  # a str of a table
    x, cotangent = batch((5, 16)).astype(np.float32), batch((5, 8), 2).astype(np.float32)
    weight, bias = rounded(network.get("layer1.weight")), rounded(network.get("layer1.bias"))
    output, of_input, of_parameters, _ = network.gradients(x, cotangent, training=True, executor="eager")
    ulp = 2.0**-10 if precision == "float16" else 2.0**-7
    flowing = rounded(cotangent)
    expected = {
        "output": (output, rounded(rounded(x) @ weight.T + bias)),
        "input": (of_input, rounded(flowing @ weight)),
        "weight": (of_parameters["layer1.weight"], rounded(flowing.T @ rounded(x))),
        "bias": (of_parameters["layer1.bias"], rounded(flowing.sum(0))),
    }
    for name, (found, values) in expected.items():
        assert np.array_equal(found, rounded(found)), name
        # The order of a sum may move a value over the edge between two neighbours.
        np.testing.assert_allclose(found, values, rtol=1.01 * ulp, atol=ulp / 100, err_msg=name)
        assert (found == values).mean() > 0.9, name
    assert network.get("layer1.weight").tobytes() != weight.tobytes()


def layers() -> list[tuple[tuple[int, ...], Network]]:
    """Each kind of layer that has products."""
    return [
        (
            (2, 3, 6, 5),
            chain(
                (3, 6, 5),
                convolution(3, 4, (3, 3), padding=(1, 1), bias=False),
                batch_norm(4),
                activation("silu"),
            ),
        ),
        ((2, 4, 3, 6, 5), chain((4, 3, 6, 5), convolution(4, 4, (3, 3, 3), groups=4))),
        ((2, 4, 6), chain((4, 6), lstm(6, 5, "keras", bidirectional=True))),
        ((2, 4, 6), chain((4, 6), attention(6, 2))),
    ]


@pytest.mark.parametrize(("precision", "bound"), [("float16", 5e-3), ("bfloat16", 5e-2)])
def test_every_layer_with_products_is_near_the_full_precision_and_not_equal(
    precision: str, bound: float
) -> None:
    """Values and gradients move by some units in the last place of the type."""
    for shape, network in layers():
        x = batch(shape).astype(np.float32)
        cotangent = batch(network.shapes(shape)[-1], 3).astype(np.float32)
        full = network.gradients(x, cotangent, training=True, executor="eager")
        network.set_precision(precision)  # type: ignore[arg-type]  # a str of a table
        half = network.gradients(x, cotangent, training=True, executor="eager")
        pairs = [
            (half[0], full[0]),
            (half[1], full[1]),
            *((half[2][name], full[2][name]) for name in full[2]),
        ]
        for a, b in pairs:
            distance = np.linalg.norm(a - b) / np.linalg.norm(b)
            assert 0 < distance < bound, (network.architecture, distance)


def test_small_gradients_are_lost_in_float16_unless_they_are_scaled() -> None:
    """What loss scaling is for; bfloat16 has float32's range."""
    network = chain((4,), linear(4, 3))
    x = np.ones((2, 4), np.float32)
    tiny = np.full((2, 3), 1e-9, np.float32)

    def gradient(scale: float) -> Array:
        found = network.gradients(x, tiny * np.float32(scale), training=True, executor="eager")
        return found[2]["layer1.weight"] / np.float32(scale)

    network.set_precision("float16")
    assert (gradient(1.0) == 0).all()
    np.testing.assert_allclose(gradient(65536.0), 2e-9, rtol=2e-3)
    assert np.isinf(gradient(1e15)).all()
    network.set_precision("bfloat16")
    np.testing.assert_allclose(gradient(1.0), 2e-9, rtol=1e-2)


def test_precision_is_part_of_the_architecture() -> None:
    """It survives JSON, and full precision leaves no trace there."""
    network = chain((4,), linear(4, 3))
    plain = network.architecture
    assert "precision" not in plain
    network.set_precision("float16")
    assert '"precision":"float16"' in network.architecture
    assert Network.from_json(network.architecture).architecture == network.architecture
    network.set_precision("full")
    assert network.architecture == plain
    with pytest.raises(
        ArgumentError, match=r'`precision` must be "full", "float16" or "bfloat16", got "half"'
    ):
        network.set_precision("half")  # type: ignore[arg-type]  # wrong on purpose


def train(network: Network, x: Array, labels: NDArray[np.int64], steps: int) -> tuple[list[float], Optimiser]:
    """Losses of some steps of gradient descent."""
    optimiser = Optimiser(SGD(lr=0.1))
    losses = [
        optimiser.train_step(network, x, labels, CrossEntropy(), lr=0.1, seed=0, step=step)[0]
        for step in range(steps)
    ]
    return losses, optimiser


def test_training_in_float16_follows_float32_by_a_scaled_loss() -> None:
    """The same steps to float16's digits, weights that stay float32, and a scale that stays."""
    x = batch((12, 6)).astype(np.float32)
    labels = np.arange(12) % 3
    networks = [chain((6,), linear(6, 8), activation("tanh"), linear(8, 3)) for _ in range(2)]
    networks[1].set_precision("float16")
    full, _ = train(networks[0], x, labels, 30)
    half, optimiser = train(networks[1], x, labels, 30)
    np.testing.assert_allclose(half, full, rtol=2e-3)
    assert half != full
    assert half[-1] < half[0]
    assert optimiser.loss_scale == 65536
    weight = networks[1].get("layer1.weight")
    assert not np.array_equal(weight, float16(weight))


def test_a_step_that_overflows_float16_is_left_out_and_halves_the_scale() -> None:
    """Until the scale fits: then the parameters move."""
    network = chain((4,), linear(4, 3))
    network.set_precision("float16")
    x = np.full((2, 4), 64, np.float32)
    before = network.get("layer1.weight")
    labels = np.array([0, 1])
    _, optimiser = train(network, x, labels, 1)
    assert optimiser.loss_scale == 32768
    assert np.array_equal(network.get("layer1.weight"), before)
    _, optimiser = train(network, x, labels, 12)
    assert optimiser.loss_scale < 32768
    assert not np.array_equal(network.get("layer1.weight"), before)


def test_a_compiled_plan_refuses_rounded_products() -> None:
    """It would not round them."""
    network = chain((4,), linear(4, 3))
    network.set_precision("bfloat16")
    with pytest.raises(UnsupportedError, match="rounded products are not compiled"):
        network.forward(np.ones((1, 4), np.float32), executor="plan")
