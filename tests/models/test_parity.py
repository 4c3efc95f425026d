"""Every architecture against its reference library, from seeded weights: names, logits, features, gradients.

In float64, composed from candle's operators, values equal PyTorch's float64 to 1e-8. That composition, once
it is held so, is then the truth from which the error of the CPU's float32 plan is measured over whole
tensors: on no tensor may it be more than twice that of PyTorch's own float32 (see
`tests/generate/models.py`).
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from harkit import _core
from models import goldens
from models.goldens import NAMES, Case
from models.seeded import norm

# Float32 may be twice as far off as PyTorch. An error of a few units in the last place is no worse than
# none.
RATIO = 2.0
FLOOR = 4.0 * float(np.finfo(np.float32).eps)
OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {"vgg16_features": ("vgg16", {"top": False})}


@lru_cache(maxsize=1)
def built(name: str) -> _core.Network:
    """The network without dropout, as in the reference."""
    architecture, options = OPTIONS.get(name, (name, {}))
    graph = json.loads(_core.build_architecture(architecture, options))
    for node in graph["nodes"]:
        if node["kind"] == "dropout":
            node["p"] = 0.0
    return _core.Network.from_json(json.dumps(graph))


def network_of(case: Case) -> _core.Network:
    """The network with the weights of the case."""
    network = built(case.network)
    for key, value in case.weights.items():
        network.set(key, value)
    return network


EXECUTORS = ["eager", "plan"]
# The deepest in float64 take half a minute on two cores, and more on a busy machine.
pytestmark = pytest.mark.timeout(900)
CASES = [(name, case) for name in NAMES for case in goldens.header(name)["cases"]]
PASSES = [each for name in NAMES for each in goldens.passes(name)]


class Gradients:
    """The output and all gradients of one pass."""

    def __init__(self, case: Case, dtype: type[np.floating], executor: Any) -> None:
        network = network_of(case)
        train = case.mode == "train"
        x, cotangent = case.input.astype(dtype), case.cotangent.astype(dtype)
        found = network.gradients(x, cotangent, training=train, executor=executor)
        self.logits = found[0]
        self.tensors: dict[str, NDArray[Any]] = {**found[2], "input": found[1]}


@pytest.fixture(scope="module", params=PASSES, ids="-".join)
def exact(request: pytest.FixtureRequest) -> tuple[Case, Gradients]:
    """A golden, and the same pass in float64, composed: once for all tests of it."""
    golden = goldens.case(*request.param)
    return golden, Gradients(golden, np.float64, "eager")


@pytest.mark.parametrize("name", NAMES)
def test_parameters_have_the_names_and_shapes_of_the_reference(name: str) -> None:
    architecture, options = OPTIONS.get(name, (name, {}))
    found = _core.architecture_parameters(_core.build_architecture(architecture, options))
    shapes = {key: tuple(shape) for key, shape, _, _ in found}
    assert shapes == goldens.shapes(name)
    learnt = {key: shape for key, shape, is_learnt, _ in found if is_learnt}
    assert sum(int(np.prod(shape)) for shape in learnt.values()) == goldens.header(name)["parameters"]
    assert learnt.keys() == goldens.header(name)["shapes"].keys()


def test_logits_and_gradients_in_float64_equal_the_reference(exact: tuple[Case, Gradients]) -> None:
    golden, found = exact
    assert found.logits.dtype == np.float64
    assert np.abs(found.logits - golden.logits).max() <= 1e-8 * np.abs(golden.logits).max()
    assert found.tensors.keys() == golden.gradients.keys()
    for key, scale in golden.gradient_scales.items():
        distance = np.abs(goldens.row(found.tensors[key], key) - golden.gradients[key]).max()
        assert distance <= 1e-8 * scale, (key, distance / scale)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_float32_is_no_further_off_than_twice_pytorch(exact: tuple[Case, Gradients], executor: Any) -> None:
    golden, truth = exact
    found = Gradients(golden, np.float32, executor)
    off = norm(found.logits.astype(np.float64) - golden.logits) / norm(golden.logits)
    assert off <= RATIO * max(golden.logits_error, FLOOR), off
    worse = {}
    for key, scale in golden.gradient_scales.items():
        error = norm(found.tensors[key].astype(np.float64) - truth.tensors[key]) / scale
        allowed = RATIO * max(golden.gradient_errors[key], FLOOR)
        if error > allowed:
            worse[key] = (error, golden.gradient_errors[key])
    assert not worse, worse


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize(("name", "case"), CASES)
def test_logits_and_features_of_every_stage_equal_the_reference(name: str, case: str, executor: Any) -> None:
    golden = goldens.case(name, case, "frozen")
    # Eight projections of a difference of relative length d are at most a few d; float32 is off by 1e-6 at
    # most here.
    dtype, tolerance = (np.float64, 1e-8) if executor == "eager" else (np.float32, 2e-5)
    network, x = network_of(golden), golden.input.astype(dtype)
    [logits] = network.forward(x, executor=executor)
    largest = np.abs(golden.logits).max()
    assert np.abs(logits - golden.logits).max() <= tolerance * largest
    found = network.forward(x, list(golden.features), executor=executor)
    for (stage, row), array in zip(golden.features.items(), found, strict=True):
        distance = np.abs(goldens.row(array, stage) - row).max()
        assert distance <= tolerance * row[0], (stage, distance / row[0])
