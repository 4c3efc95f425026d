"""The plan executor against the eager one: outputs and gradients of layers, threads, what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import harkit
from harkit._core import Network
from harkit.errors import ArgumentError, UnsupportedError
from nn.graphs import activation, architecture, batch, batch_norm, chain, convolution, linear
from nn.test_gradients import CASES as LAYERS

Values = NDArray[np.float64]

# The eager executor in float64 is the judge, and the sums of single layers are short. Whole networks stand in
# tests/models/test_parity.py.
SINGLE = 2e-5


def distance(found: NDArray[np.floating[Any]], expected: Values) -> float:
    """The norm of what is between, relative to that of what is expected."""
    assert found.shape == expected.shape
    return float(np.linalg.norm(found - expected) / max(np.linalg.norm(expected), 1e-6))


def passes(network: Network, x: Values, executor: str, dtype: type, *, training: bool) -> dict[str, Values]:
    """Output, gradients and statistics of a pass, by name."""
    cotangent = np.random.default_rng(7).normal(size=network.shapes(x.shape)[-1])
    output, of_input, of_parameters, statistics = network.gradients(
        x.astype(dtype),
        cotangent.astype(np.float32).astype(dtype),
        training=training,
        seed=3,
        executor=executor,  # type: ignore[arg-type]  # a str of a table
    )
    named = {"output": output, "input": of_input, **of_parameters}
    return named | {f"statistics: {name}": value for name, value in statistics.items()}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
def test_plan_equals_eager_for_every_layer(name: str, *, training: bool) -> None:
    """Outputs, gradients and statistics of single layers, over awkward shapes."""
    shape, layers = LAYERS[name]
    network = chain(shape[1:], *layers)
    x = batch(shape).astype(np.float32).astype(np.float64)
    expected = passes(network, x, "eager", np.float64, training=training)
    found = passes(network, x, "plan", np.float32, training=training)
    assert sorted(found) == sorted(expected)
    for key, value in found.items():
        assert value.dtype == np.float32
        assert distance(value, expected[key]) < SINGLE, key


def test_a_kept_plan_sees_new_parameters_shapes_and_stages() -> None:
    """Each call gives what a new network would."""
    network = chain((3, 0, 0), convolution(3, 20, (3, 3)), batch_norm(20), activation("relu"))
    for shape in [(1, 3, 7, 9), (2, 3, 8, 5), (1, 3, 7, 9)]:
        for stages in ([], ["layer1"], ["layer2", "layer1"]):
            x = batch(shape).astype(np.float32)
            first = network.forward(x, stages, executor="plan")
            again = network.forward(x, stages, executor="plan")
            assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
            expected = network.forward(x.astype(float), stages, executor="eager")
            for value, wanted in zip(first, expected, strict=True):
                assert distance(value, wanted) < SINGLE
    x = batch((1, 3, 7, 9)).astype(np.float32)
    before = network.forward(x, executor="plan")[0]
    network.set("layer2.running_mean", np.full(20, -1.5, np.float32))
    after = network.forward(x, executor="plan")[0]
    assert distance(after, network.forward(x.astype(float), executor="eager")[0]) < SINGLE
    assert not np.allclose(before, after)


def test_plans_give_the_same_bytes_on_any_number_of_threads() -> None:
    """Outputs and gradients of a network with residuals and grouped convolutions."""
    network = harkit.create_model("ircsn_50", seed=1).network
    x = batch((2, 3, 4, 17, 19))
    answers = []
    try:
        for threads in (1, 2, 3):
            harkit.set_num_threads(threads)
            answers.append(passes(network, x, "plan", np.float32, training=True))
    finally:
        harkit.set_num_threads(0)
    for other in answers[1:]:
        assert all(np.array_equal(answers[0][name], value) for name, value in other.items())


def test_what_plans_do_not_do_is_an_error_that_says_so() -> None:
    """Float64, other devices, rounded products, and parameters that the output does not depend on."""
    network = chain((3,), linear(3, 2))
    x = np.ones((1, 3))
    with pytest.raises(TypeError, match='`x` must be float32 for executor "plan", got float64'):
        network.forward(x, executor="plan")
    with pytest.raises(ArgumentError, match='`device` must be "cpu"'):
        network.forward(x.astype(np.float32), executor="plan", device="cuda")
    network.set_precision("float16")
    with pytest.raises(UnsupportedError, match='`executor` "eager"'):
        network.forward(x.astype(np.float32), executor="plan")
    nodes = [("lost", linear(3, 2), [0]), ("used", linear(3, 2), [0])]
    network = Network.from_json(architecture((3,), nodes))
    with pytest.raises(RuntimeError, match=r'"lost\.weight" has no gradient'):
        network.gradients(
            np.ones((1, 3), np.float32), np.ones((1, 2), np.float32), training=True, executor="plan"
        )
