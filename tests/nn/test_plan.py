"""The plan executor against the eager one: outputs and gradients, of layers and of architectures."""

from __future__ import annotations

import json
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

# The eager executor in float64 is the judge. Sums of single layers are short; whole networks amplify
# rounding, so they are held by what the eager executor's own float32 makes of it.
SINGLE = 2e-5
IMAGE, CLIP = (2, 3, 33, 38), (2, 3, 4, 17, 19)
MODELS = {
    "resnet18": IMAGE,
    "resnet50": IMAGE,
    "squeezenet1_1": IMAGE,
    "mobilenet_v2": IMAGE,
    "efficientnet_lite0": IMAGE,
    "r3d_18": CLIP,
    "mc3_18": CLIP,
    "r2plus1d_18": CLIP,
    "ircsn_50": CLIP,
    "ipcsn_50": CLIP,
}


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


@pytest.mark.parametrize("name", MODELS)
def test_plan_equals_eager_for_whole_networks(name: str) -> None:
    """All stages, and gradients in training: from float64 at most twice as far as eager float32."""
    network = harkit.create_model(name, seed=1).network
    x = batch(MODELS[name]).astype(np.float32).astype(np.float64)
    stages = [stage["name"] for stage in json.loads(network.architecture)["stages"]]
    exact = network.forward(x, stages, executor="eager")
    planned = network.forward(x.astype(np.float32), stages, executor="plan")
    for stage, value, expected in zip(stages, planned, exact, strict=True):
        assert distance(value, expected) < SINGLE, stage
    reference = passes(network, x, "eager", np.float64, training=True)
    eager = passes(network, x, "eager", np.float32, training=True)
    found = passes(network, x, "plan", np.float32, training=True)
    assert sorted(found) == sorted(reference)
    worst = max(distance(eager[key], value) for key, value in reference.items())
    far = {key: distance(found[key], value) for key, value in reference.items()}
    far = {key: value for key, value in far.items() if value >= 2 * worst + SINGLE}
    # Where one value of a map comes to lie on the other side of a ReLU's bend, all gradients below it, and
    # none above, move by a per cent.
    assert max(far.values(), default=0.0) < 0.05, far
    assert len(far) <= len(reference) // 2, far
    assert not any(key == "output" or key.startswith("statistics") for key in far), far


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
    x = batch(CLIP)
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
