"""One contract for all architectures: what runs, what is frozen, replaced, saved, and read back."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import harkit
from harkit.errors import ArgumentError
from harkit.models import Model


class Case(NamedTuple):
    """An architecture, its options, a small input, an odd one, and a stage to freeze up to."""

    name: str
    options: dict[str, Any]
    item: tuple[int, ...]
    odd: tuple[int, ...]
    middle: str


IMAGE, ODD_IMAGE = (3, 32, 32), (3, 51, 37)
CLIP, ODD_CLIP = (3, 4, 16, 16), (3, 3, 19, 33)
CASES = [
    *(Case(name, {}, IMAGE, ODD_IMAGE, "layer2") for name in ("resnet18", "resnet50", "resnet152")),
    Case("vgg16", {"top": False}, IMAGE, ODD_IMAGE, "features.16"),
    Case("squeezenet1_1", {"dropout": 0}, IMAGE, ODD_IMAGE, "features.5"),
    Case("mobilenet_v2", {"dropout": 0}, IMAGE, ODD_IMAGE, "features.6"),
    Case("efficientnet_lite0", {"dropout": 0}, IMAGE, ODD_IMAGE, "blocks.5"),
    *(Case(name, {}, CLIP, ODD_CLIP, "layer2") for name in ("r3d_18", "mc3_18", "r2plus1d_18")),
    *(
        Case(f"{kind}csn_{depth}", {"dropout": 0}, CLIP, ODD_CLIP, "layer2")
        for kind in ("ir", "ip")
        for depth in (50, 152)
    ),
    Case("linear", {"inputs": 20}, (20,), (20,), "logits"),
    Case("mlp", {"inputs": 20, "hidden": 8, "dropout": 0}, (20,), (20,), "features"),
    Case("lstm", {"inputs": 12, "units": 5, "hidden": 4}, (6, 12), (1, 12), "lstm"),
    Case("lstm", {"inputs": 12, "convention": "keras", "bidirectional": True}, (6, 12), (3, 12), "lstm"),
]
# They differ from others in the number of blocks alone, to which their gradients are left.
DEEP = ("resnet152", "ircsn_152", "ipcsn_152")


class Made(NamedTuple):
    case: Case
    model: Model


@pytest.fixture(scope="module", params=CASES, ids=lambda case: "-".join([case.name, *map(str, case.options)]))
def made(request: pytest.FixtureRequest) -> Iterator[Made]:
    """A model that no test changes."""
    case = request.param
    yield Made(case, harkit.create_model(case.name, seed=3, **case.options))


def batch(item: tuple[int, ...], n: int = 2, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, (n, *item)).astype(np.float32)


def test_every_architecture_has_a_case() -> None:
    assert {case.name for case in CASES} == {info.name for info in harkit.list_models()}


def test_it_runs_and_says_the_shape_before(made: Made) -> None:
    x = batch(made.case.item)
    y = made.model.forward(x)
    assert y.dtype == np.float32
    assert list(y.shape) == made.model.network.shapes(x.shape)[-1]
    assert np.isfinite(y).all()
    np.testing.assert_array_equal(y, made.model.forward(x))
    assert (np.ptp(y, axis=0) > 0).any()  # items are told apart


def test_each_stage_gives_its_shape_and_the_last_one_the_output(made: Made) -> None:
    x, model = batch(made.case.item), made.model
    shapes = model.network.shapes(x.shape)
    for name, node in model.graph.stages:
        assert list(model.features(x, stage=name).shape) == shapes[node]
    np.testing.assert_array_equal(model.features(x, stage=model.stages[-1]), model.forward(x))


def test_an_item_of_a_batch_is_the_item_alone(made: Made) -> None:
    x = batch(made.case.item)
    both = made.model.forward(x)
    for i in range(2):
        alone = made.model.forward(x[i : i + 1])
        np.testing.assert_allclose(alone[0], both[i], rtol=1e-4, atol=1e-5 * np.abs(both).max())


def test_odd_sides_go_through(made: Made) -> None:
    x = batch(made.case.odd, 1)
    y = made.model.forward(x)
    assert list(y.shape) == made.model.network.shapes(x.shape)[-1]
    assert np.isfinite(y).all()


def test_what_is_compiled_for_the_processor_equals_what_is_composed(made: Made) -> None:
    for item in (made.case.item, made.case.odd):
        x = batch(item)
        planned, composed = (made.model.network.forward(x, executor=which)[0] for which in ("plan", "eager"))
        # Two orders of float32 sums, through up to 150 layers.
        np.testing.assert_allclose(planned, composed, rtol=1e-3, atol=1e-4 * np.abs(composed).max())


def test_what_is_frozen_lies_in_front_of_the_stage(made: Made) -> None:
    model, graph = copy.deepcopy(made.model), made.model.graph
    last = dict(graph.stages)[made.case.middle]
    front = {node.name for node in graph.nodes[: last + 1]}
    assert model.freeze(made.case.middle) is model
    for name, _, learnt, trainable in model.network.parameters():
        assert trainable == (learnt and name.rpartition(".")[0] not in front)
    model.freeze_norms()
    norms = {node.name for node in graph.nodes if node.kind == "batch_norm"}
    for name, _, learnt, trainable in model.network.parameters():
        assert trainable == (learnt and name.rpartition(".")[0] not in front | norms)
    assert model.thaw().n_trainable == model.n_parameters == made.model.n_parameters


def test_evaluation_equals_training_with_frozen_statistics(made: Made) -> None:
    if made.case.name in DEEP:
        pytest.skip("left to the shallower one of the same blocks")
    model, x = copy.deepcopy(made.model), batch(made.case.item)
    model.freeze(made.case.middle).freeze_norms()
    y = model.forward(x)
    trained, _, gradients, statistics = model.network.gradients(
        x, np.ones_like(y), training=True, executor=model.executor
    )
    np.testing.assert_allclose(trained, y, rtol=1e-4, atol=1e-5 * np.abs(y).max())
    assert set(gradients) == {name for name, *_, trainable in model.network.parameters() if trainable}
    assert statistics == {}


def test_the_classifier_is_replaced_and_nothing_else(made: Made) -> None:
    model, classifier = copy.deepcopy(made.model), made.model.graph.classifier
    if classifier is None:
        with pytest.raises(ArgumentError, match="has no classifier"):
            model.set_classifier(4)
        return
    model.set_classifier(4, seed=1, classes=["a", "b", "c", "d"])
    assert (model.n_classes, model.classes) == (4, ("a", "b", "c", "d"))
    assert model.forward(batch(made.case.item)).shape == (2, 4)
    for name, shape, *_ in model.network.parameters():
        if name.rpartition(".")[0] == classifier:
            assert shape[0] == 4
        else:
            np.testing.assert_array_equal(model.network.get(name), made.model.network.get(name))
    again = copy.deepcopy(made.model).set_classifier(4, seed=1)
    assert again.fingerprint() == model.fingerprint()
    assert copy.deepcopy(made.model).set_classifier(4, seed=2).fingerprint() != model.fingerprint()


def test_it_is_saved_and_read_back_whole(made: Made, tmp_path: Path) -> None:
    model, x = copy.deepcopy(made.model), batch(made.case.item)
    model.freeze(made.case.middle)
    if model.n_classes is not None:
        model.classes = [f"class {i}" for i in range(model.n_classes)]
    model.save(tmp_path / "model.safetensors")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "model.safetensors"]
    read = Model.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(read.forward(x), model.forward(x))
    assert repr(read) == repr(model)
    assert read.description == model.description
    assert read.network.parameters() == model.network.parameters()
    assert read.fingerprint() == made.model.fingerprint()


def test_it_is_pickled_and_copied(made: Made) -> None:
    x = batch(made.case.item)
    for other in (pickle.loads(pickle.dumps(made.model)), copy.copy(made.model)):
        assert repr(other) == repr(made.model)
        np.testing.assert_array_equal(other.forward(x), made.model.forward(x))
        other.freeze(made.case.middle)
    assert made.model.n_trainable == made.model.n_parameters


def test_the_same_seed_gives_the_same_model(made: Made) -> None:
    if made.model.n_parameters > 20e6:
        pytest.skip("left to the smaller ones")
    again, other = (harkit.create_model(made.case.name, seed=seed, **made.case.options) for seed in (3, 4))
    assert again.fingerprint() == made.model.fingerprint() != other.fingerprint()


def test_its_table_and_its_picture_hold_every_parameter(made: Made) -> None:
    summary = made.model.summary(made.case.item)
    assert summary.n_parameters == made.model.n_parameters
    assert summary.input_shape == made.case.item
    assert summary.multiply_adds == sum(made.model.network.multiply_adds([1, *made.case.item]))
    picture = made.model.draw(input_size=made.case.item).svg
    assert f"{made.model.n_parameters:,} parameters" in picture
