"""Values of layers that no table of PyTorch's holds: dropout, statistics, Keras's LSTM."""

from __future__ import annotations

import numpy as np
import pytest

from harkit._core import Network
from nn.graphs import Layer, activation, batch, batch_norm, chain, convolution, dropout, lstm, max_pool


def test_keras_lstm_gives_what_keras_gives() -> None:
    """Keras 3.15, LSTM(3) over two values and four steps, weights by formula; float64 states by its rule."""
    network = chain((4, 2), lstm(2, 3, "keras"))
    columns = np.arange(12)

    def rows(n: int) -> np.ndarray:
        return 12 * np.arange(n)[:, None] + columns

    network.set("layer1.kernel", 0.5 * np.sin(0.3 * rows(2) + 0.1))
    network.set("layer1.recurrent_kernel", 0.4 * np.cos(0.2 * rows(3) - 0.4))
    bias = 0.05 * (columns % 5 - 2)
    bias[3:6] += 1
    network.set("layer1.bias", bias)
    steps = np.sin(0.7 * (2 * np.arange(4)[:, None] + np.arange(2)) + 0.2)
    found = network.forward(steps[None], executor="eager")[0][0]
    expected = [
        [-0.0528047, -0.0221193, 0.0088641],
        [-0.0030297, 0.0373139, 0.0766147],
        [0.0535059, 0.0723482, 0.0889137],
        [-0.0030784, 0.0169379, 0.0314778],
    ]
    np.testing.assert_allclose(found, expected, atol=6e-8)
    # Weights are float32 here.
    last = [-0.0030783486710448684, 0.016937929433488545, 0.031477797292563635]
    np.testing.assert_allclose(found[-1], last, atol=1e-8)
    network = _with_last_state(network)
    np.testing.assert_allclose(network.forward(steps[None], executor="eager")[0][0], last, atol=1e-8)


def _with_last_state(network: Network) -> Network:
    """The same weights, where only the last state is given."""
    other = Network.from_json(network.architecture.replace('"sequences":true', '"sequences":false'))
    for name, *_ in network.parameters():
        other.set(name, network.get(name))
    return other


def test_dropout_scales_what_it_keeps_and_does_nothing_in_evaluation() -> None:
    """The share is right, the mask follows the seed, and the gradient is the mask."""
    network = chain((40, 50), dropout(0.3))
    x = batch((20, 40, 50)) + 10
    ones = np.ones_like(x)
    assert np.array_equal(network.forward(x, executor="eager")[0], x)
    output, gradient, _, _ = network.gradients(x, ones, training=True, seed=1, executor="eager")
    kept = output != 0
    assert abs(kept.mean() - 0.7) < 0.01
    np.testing.assert_allclose(output[kept], x[kept] / 0.7, rtol=1e-12)
    np.testing.assert_allclose(gradient, kept / 0.7, rtol=1e-12)
    again, *_ = network.gradients(x, ones, training=True, seed=1, executor="eager")
    other, *_ = network.gradients(x, ones, training=True, seed=2, executor="eager")
    assert np.array_equal(output, again)
    assert abs(((other != 0) == kept).mean() - (0.7**2 + 0.3**2)) < 0.01
    single, *_ = network.gradients(
        x.astype(np.float32), ones.astype(np.float32), training=True, seed=1, executor="eager"
    )
    assert np.array_equal(single != 0, kept)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_dropout_of_nothing_and_of_everything(p: float) -> None:
    """The ends of the range."""
    x = batch((3, 5))
    output, gradient, _, _ = chain((5,), dropout(p)).gradients(
        x, np.ones_like(x), training=True, executor="eager"
    )
    assert np.array_equal(output, x * (1 - p))
    assert np.array_equal(gradient, np.full_like(x, 1 - p))


def test_lstm_drops_the_same_inputs_at_every_step() -> None:
    """Keras's `dropout`: one mask an item, for all steps; its mean share is right."""
    network = chain((6, 40), lstm(40, 3, "keras", dropout=0.5))
    x = batch((8, 6, 40))
    _, gradient, _, _ = network.gradients(x, np.ones((8, 6, 3)), training=True, seed=5, executor="eager")
    dropped = gradient == 0
    assert (dropped == dropped[:, :1]).all()
    assert abs(dropped[:, 0].mean() - 0.5) < 0.1


def test_batch_norm_moves_its_statistics_as_pytorch_does() -> None:
    """Momentum, and the unbiased variance; the network itself does not change."""
    network = chain((3, 4, 5), batch_norm(3, momentum=0.3))
    x = batch((2, 3, 4, 5)) * 3 + 1
    mean = network.get("layer1.running_mean").astype(float)
    variance = network.get("layer1.running_var").astype(float)
    _, _, _, statistics = network.gradients(x, np.ones_like(x), training=True, executor="eager")
    over = (0, 2, 3)
    expected = {
        "layer1.running_mean": 0.7 * mean + 0.3 * x.mean(over),
        "layer1.running_var": 0.7 * variance + 0.3 * x.var(over, ddof=1),
    }
    assert statistics.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(statistics[name], values, rtol=1e-7)
    assert np.array_equal(network.get("layer1.running_mean"), mean)
    with pytest.raises(ValueError, match='one value a channel at "layer1"'):
        chain((3,), batch_norm(3)).gradients(
            np.ones((1, 3)), np.ones((1, 3)), training=True, executor="eager"
        )


def test_max_pool_never_shows_its_border() -> None:
    """Every value far below zero."""
    x = np.full((1, 1, 3, 3), -1e30)
    pool = max_pool((3, 3), stride=(2, 2), padding=(1, 1))
    assert (chain((1, 3, 3), pool).forward(x, executor="eager")[0] == -1e30).all()


@pytest.mark.parametrize("layer", [max_pool((2, 2)), activation("relu"), activation("relu6")])
def test_what_overflows_inside_a_network_is_not_hidden(layer: Layer) -> None:
    """Infinity less infinity in one corner stays NaN, as in PyTorch."""
    network = chain((2, 3, 3), convolution(2, 1, (1, 1), bias=False), layer)
    network.set("layer1.weight", np.array([1e3, -1e3]).reshape(1, 2, 1, 1))
    x = np.ones((1, 2, 3, 3))
    x[0, :, 1, 1] = 1e308
    assert np.isnan(network.forward(x, executor="eager")[0]).any()
