"""Recognisers kept on disk: the same scores again, and nothing that runs."""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from skops import io

from experiments import toy
from harkit import enhancement as en
from harkit import experiments
from harkit.encoders import BagOfWords
from harkit.errors import ArgumentError, MissingFileError
from harkit.experiments import EXPERIMENTS, Recogniser
from harkit.stip import StipExtractor


@pytest.fixture
def kept(result: experiments.Result, tmp_path: Path) -> Path:
    assert result.recogniser is not None
    result.recogniser.save(tmp_path / "model")
    return tmp_path / "model"


def test_a_kept_recogniser_gives_the_scores_of_the_run(
    kept: Path, result: experiments.Result, films: Path, features: Path
) -> None:
    loaded = Recogniser.load(kept)
    assert loaded.classes == toy.CLASSES
    predictions = result.record.runs[0].predictions
    paths = [str(films / "toy" / toy.CLASSES[p.label] / f"{p.group}.mkv") for p in predictions]
    scores = loaded.scores(loaded.views(paths, cache=None)[0])
    np.testing.assert_array_equal(scores, [p.scores for p in predictions])
    assert {path.name for path in kept.iterdir()} == {"recogniser.json", "model.skops"}
    assert str(features) not in (kept / "recogniser.json").read_text()


@pytest.mark.parametrize(("name", "mode"), [(e.id, mode) for e in EXPERIMENTS.values() for mode in e.recipes])
def test_every_recipe_can_be_kept(name: str, mode: str, tmp_path: Path) -> None:
    recogniser = EXPERIMENTS[name].recipes[mode](3)
    json.dumps(recogniser.settings(), allow_nan=False)
    rng = np.random.default_rng(0)
    labels, groups = np.repeat([0, 1], 6), [str(i % 3) for i in range(12)]
    sets: Any
    if recogniser.encoder is None:
        sets = rng.random((12, 20), np.float32)
    else:
        width = recogniser.extractor.fit([]).n_features_out_
        sets = [rng.random((100, width), np.float32) for _ in range(12)]
        recogniser.encoder.set_params(**small(recogniser.encoder))
    recogniser.classes = ("a", "b")
    recogniser.mirrored = False
    recogniser.fit([sets], labels, groups)
    recogniser.save(tmp_path)
    loaded = Recogniser.load(tmp_path)
    # Arrays may lie differently in memory afterwards, and BLAS then sums in another order.
    np.testing.assert_allclose(loaded.scores(sets), recogniser.scores(sets), rtol=1e-4, atol=1e-5)
    assert loaded.settings()["extractor"] == recogniser.settings()["extractor"]


def small(encoder: Any) -> dict[str, int]:
    """Parameters that make a vocabulary small, wherever they stand in it."""
    sizes = {"n_words": 5, "n_components": 2, "pca": 4, "n_init": 1}
    known = encoder.get_params()
    return {
        name: sizes[name.split("__")[-1]] for name in known if name.split("__")[-1] in sizes and known[name]
    }


def test_classes_without_a_training_video_get_no_score() -> None:
    rng = np.random.default_rng(0)
    sets = [rng.random((20, 34), np.float32) for _ in range(4)]
    recogniser = toy.recipe(0)
    recogniser.classes = toy.CLASSES
    scores = recogniser.fit([sets], np.array([0, 0, 2, 2]), list("abab")).scores(sets)
    assert scores.shape == (4, 3)
    assert (scores[:, 1] == -np.inf).all() and (scores[:, 0] == -scores[:, 2]).all()


def test_steps_in_front_come_back(tmp_path: Path, result: experiments.Result) -> None:
    steps = (en.Gamma(3), en.Clahe(grid=(4, 4)), en.AutoGamma(per="clip"))
    fitted = result.recogniser
    assert fitted is not None
    extractor = StipExtractor(descriptor="jet34", enhancement=steps, max_side=100, detection={"border": 3})
    Recogniser(extractor, fitted.encoder, fitted.classifier).save(tmp_path)
    (tmp_path / "recogniser.json").write_text(
        (tmp_path / "recogniser.json").read_text().replace('"classes": []', '"classes": ["a", "b", "c"]')
    )
    again = Recogniser.load(tmp_path).extractor.get_params()
    assert again["enhancement"] == steps and again["max_side"] == 100 and again["detection"] == {"border": 3}


# Files that are damaged, or mean harm.


def refused(folder: Path, complaint: str) -> None:
    with pytest.raises(ArgumentError, match=complaint):
        Recogniser.load(folder)


@pytest.mark.parametrize("name", ["recogniser.json", "model.skops"])
def test_what_is_not_there_is_named(kept: Path, name: str) -> None:
    (kept / name).unlink()
    with pytest.raises(MissingFileError, match=name):
        Recogniser.load(kept)


def mark() -> Path:
    return Path(os.environ["HARKIT_TEST_MARK"])


class Harm:
    """Makes a file where it is unpickled."""

    def __reduce__(self) -> object:
        return (Path.touch, (mark(),))


def touch(X: object) -> object:
    mark().touch()
    return X


def test_a_pickle_is_not_loaded(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARKIT_TEST_MARK", str(tmp_path / "harm"))
    (kept / "model.skops").write_bytes(pickle.dumps({"encoder": Harm(), "classifier": Harm()}))
    refused(kept, r"model\.skops: cannot be read")
    assert not mark().exists()


def test_types_that_are_not_on_the_list_are_refused_by_name(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARKIT_TEST_MARK", str(tmp_path / "harm"))
    machine = make_pipeline(FunctionTransformer(touch), StandardScaler())
    io.dump({"encoder": BagOfWords(), "classifier": machine}, kept / "model.skops")
    refused(kept, r"holds .*touch, which harkit does not load")
    assert not mark().exists()


def test_a_reduce_hidden_in_the_schema_is_refused(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARKIT_TEST_MARK", str(tmp_path / "harm"))
    with zipfile.ZipFile(kept / "model.skops") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["schema.json"] = parts["schema.json"].replace(b'"LinearSVC"', b'"system"')
    parts["schema.json"] = parts["schema.json"].replace(b'"sklearn.svm._classes"', b'"os"')
    with zipfile.ZipFile(kept / "model.skops", "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    refused(kept, r"holds os\.system, which harkit does not load")


@pytest.mark.parametrize("cut", [0, 10, 400])
def test_a_model_that_is_cut_short_is_refused(kept: Path, cut: int) -> None:
    content = (kept / "model.skops").read_bytes()
    (kept / "model.skops").write_bytes(content[:cut])
    refused(kept, r"model\.skops: cannot be read")


@pytest.mark.parametrize(
    "parts",
    [
        [1, 2],
        {"encoder": BagOfWords()},
        {"encoder": "words", "classifier": "machine"},
        {"encoder": BagOfWords(), "classifier": StandardScaler()},
        {"encoder": StandardScaler(), "classifier": BagOfWords()},
    ],
)
def test_a_model_that_is_no_encoder_and_classifier_is_refused(kept: Path, parts: object) -> None:
    io.dump(parts, kept / "model.skops")
    refused(kept, "holds no fitted encoder and classifier")


def test_a_model_of_other_classes_is_refused(kept: Path) -> None:
    change(kept, classes=["grow", "hop"])
    refused(kept, "knows class 2, but 2 classes are named")


STIP = {"kind": "StipExtractor"}


def change(folder: Path, **changes: object) -> None:
    known = json.loads((folder / "recogniser.json").read_text())
    (folder / "recogniser.json").write_text(json.dumps({**known, **changes}))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"extractor": {"kind": "StipExtractor", "surprise": 1}}, "surprise"),
        (
            {"extractor": {"kind": "system"}},
            "`kind` must be one of StipExtractor, BackboneExtractor, got 'system'",
        ),
        ({"extractor": [1]}, "cannot be read"),
        ({"extractor": {**STIP, "enhancement": [{"option": "os"}]}}, "harkit has no option 'os'"),
        ({"extractor": {**STIP, "enhancement": [{"option": "chain"}]}}, "harkit has no option 'chain'"),
        ({"extractor": {**STIP, "enhancement": [{"option": "Batch"}]}}, "Batch"),
        ({"extractor": {**STIP, "enhancement": [{"gamma": 3}]}}, "option"),
        ({"extractor": {**STIP, "enhancement": [{"option": "Gamma", "gamma": -1}]}}, "gamma"),
        ({"classes": 3}, "cannot be read"),
    ],
)
def test_settings_that_make_no_extractor_are_refused(
    kept: Path, changes: dict[str, object], complaint: str
) -> None:
    change(kept, **changes)
    refused(kept, complaint)


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", "\x00"])
def test_settings_that_are_no_settings_are_refused(kept: Path, text: str) -> None:
    (kept / "recogniser.json").write_text(text)
    refused(kept, r"recogniser\.json: cannot be read")
