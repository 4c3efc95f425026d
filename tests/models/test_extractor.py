"""From videos to feature vectors: what scikit-learn expects, what is cached, what fails and how."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

import harkit
from conftest import numbered_frames
from harkit import ClipRecipe, datasets, sampling
from harkit import enhancement as en
from harkit import transforms as tf
from harkit.cache import FeatureCache
from harkit.errors import ArgumentError, ArgumentTypeError, DecodeError, HarkitError, MissingFileError
from harkit.models import BackboneExtractor, Model, _extraction

SMALL = (tf.Resize((36, 44)), tf.Normalize(0.4, 0.25, scale=255))


@pytest.fixture(scope="module")
def films(encode: Callable[..., Path]) -> list[str]:
    """Films of 20, 23, 26 and 29 frames, of two sizes, two of them bright."""
    paths = []
    for i in range(4):
        frames = numbered_frames(20 + 3 * i, 48, 64 + 16 * (i // 2), seed=i) // (1 + 3 * (i % 2))
        paths.append(str(encode(frames, f"{i}.mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p")))
    return paths


@pytest.fixture(scope="module")
def network() -> Model:
    """A network of few layers that are quick, on pictures."""
    return harkit.create_model("squeezenet1_1", seed=1)


@pytest.fixture(scope="module")
def clips_network() -> Model:
    return harkit.create_model("mc3_18", seed=1)


def extractor(network: Model, **options: Any) -> BackboneExtractor:
    recipe = ClipRecipe(sampling=sampling.Interval(4), transforms=SMALL)
    return BackboneExtractor(network, **{"recipe": recipe, "stage": "features.4", **options})


def test_features_of_frames_are_averaged_over_each_video(films: list[str], network: Model) -> None:
    found = extractor(network).fit_transform(films)
    assert found.shape == (4, 128)
    assert found.dtype == np.float32
    for path, row in zip(films, found, strict=True):
        clip = harkit.read_clip(path, sampling=sampling.Interval(4), transforms=SMALL, layout="TCHW")
        maps = network.features(clip, stage="features.4").astype(np.float64)
        np.testing.assert_allclose(row, maps.mean(axis=(0, 2, 3)), rtol=1e-5, atol=1e-6)


def test_features_of_clips_are_averaged_over_clips_and_views(films: list[str], clips_network: Model) -> None:
    steps = (tf.ResizeShort(24), tf.ThreeCrop(24), tf.Normalize(0.4, 0.25, scale=255))
    recipe = ClipRecipe(sampling=sampling.Dense(4, stride=2, clips=2), transforms=steps)
    found = BackboneExtractor(clips_network, recipe=recipe, batch_size=4).transform(films[:2])
    assert found.shape == (2, 512)
    for path, row in zip(films[:2], found, strict=True):
        clips = harkit.load_clips([path], ClipRecipe(recipe.sampling, (), steps, layout="CTHW")).clips
        assert clips.shape == (6, 3, 4, 24, 24)
        np.testing.assert_allclose(row, clips_network.features(clips).mean(axis=0), rtol=1e-4, atol=1e-5)


def test_rows_are_kept_where_they_are_not_pooled(films: list[str], network: Model) -> None:
    recipe = ClipRecipe(sampling=sampling.Uniform(3), transforms=SMALL)
    rows = extractor(network, recipe=recipe, pool=None).transform(films)
    assert rows.shape == (4, 3, 128)
    pooled = extractor(network, recipe=recipe).transform(films)
    np.testing.assert_allclose(rows.mean(axis=1), pooled, rtol=1e-5, atol=1e-7)
    with pytest.raises(ArgumentError, match="different numbers of frames, got 5 to 8"):
        extractor(network, pool=None).transform(films)


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_features_do_not_depend_on_the_batches(films: list[str], network: Model, batch_size: int) -> None:
    usual = extractor(network).transform(films)
    np.testing.assert_allclose(
        extractor(network, batch_size=batch_size).transform(films), usual, rtol=1e-5, atol=1e-6
    )
    np.testing.assert_array_equal(extractor(network).transform(films[::-1])[::-1], usual)


def test_features_do_not_depend_on_threads(films: list[str], network: Model) -> None:
    before, usual = harkit.num_threads(), extractor(network).transform(films)
    harkit.set_num_threads(1)
    try:
        np.testing.assert_array_equal(extractor(network).transform(films), usual)
    finally:
        harkit.set_num_threads(before)


def test_a_long_video_is_loaded_in_pieces(
    films: list[str], network: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = ClipRecipe(transforms=SMALL, enhancement=[en.Gamma(2)])
    usual = extractor(network, recipe=recipe).transform(films)
    loaded: list[int] = []
    load = _extraction._core.load_videos

    def counted(items: Any, *rest: Any) -> Any:
        loaded.append(sum(len(clip) for item in items for clip in item[3]))
        return load(items, *rest)

    monkeypatch.setattr(_extraction._core, "load_videos", counted)
    monkeypatch.setattr(_extraction, "_PIECE", 6)
    monkeypatch.setattr(_extraction, "_MOST", 12)
    np.testing.assert_array_equal(extractor(network, recipe=recipe).transform(films), usual)
    assert max(loaded) <= 12
    assert sum(loaded) == 20 + 23 + 26 + 29
    loaded.clear()
    along_time = ClipRecipe(transforms=SMALL, enhancement=[en.Denoise()])
    extractor(network, recipe=along_time).transform(films[:1])
    assert loaded == [20]  # what looks along time gets the whole video


def test_a_span_is_a_video_of_its_own(films: list[str], network: Model) -> None:
    spans = np.array([[0, 8], [8, 20]])
    split = datasets.Split(
        "train", ("a",), [films[0]] * 2, np.zeros(2, int), ["a", "b"], ["0", "1"], spans=spans
    )
    found = extractor(network).transform(split)
    np.testing.assert_array_equal(found, extractor(network).transform(split.videos))
    clip = harkit.read_clip(films[0], transforms=SMALL, layout="TCHW")
    for row, chosen in zip(found, ([0, 4], [8, 12, 16]), strict=True):
        maps = network.features(np.ascontiguousarray(clip[chosen]), stage="features.4")
        np.testing.assert_allclose(row, maps.mean(axis=(0, 2, 3)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("stream", ["harkit", "python"])
def test_random_frames_are_those_of_the_loader(films: list[str], network: Model, stream: Any) -> None:
    sampler = sampling.Random(3, seed=4, stream=stream)
    found = extractor(network, recipe=ClipRecipe(sampler, (), SMALL)).transform(films)
    batch = harkit.load_clips(films, ClipRecipe(sampler, (), SMALL, layout="TCHW"))
    for i, clip in enumerate(batch.clips):
        maps = network.features(clip, stage="features.4")
        np.testing.assert_allclose(found[i], maps.mean(axis=(0, 2, 3)), rtol=1e-5, atol=1e-6)


def test_random_transforms_are_those_of_the_loader(films: list[str], network: Model, tmp_path: Path) -> None:
    steps = (tf.RandomCrop((36, 44)), tf.Normalize(0.4, 0.25, scale=255))
    recipe = ClipRecipe(sampling.Uniform(3), (), steps, seed=6)
    made = extractor(network, recipe=recipe, cache=tmp_path)
    found = made.transform(films)
    batch = harkit.load_clips(films, ClipRecipe(sampling.Uniform(3), (), steps, layout="TCHW", seed=6))
    for i, clip in enumerate(batch.clips):
        maps = network.features(clip, stage="features.4")
        np.testing.assert_allclose(found[i], maps.mean(axis=(0, 2, 3)), rtol=1e-5, atol=1e-6)
    # At another place in the list other pixels are drawn, so that is another entry of the cache.
    np.testing.assert_array_equal(made.transform(films), found)
    assert not np.array_equal(made.transform(films[1:])[0], found[1])


def test_a_recipe_without_transforms_takes_those_of_the_weights(films: list[str], network: Model) -> None:
    model = Model(network.network, network.description)
    with pytest.raises(ArgumentError, match=r"must have transforms: squeezenet1_1 .* knows no preprocessing"):
        BackboneExtractor(model).transform(films)
    model.preprocessing = SMALL
    found = BackboneExtractor(model, stage="features.4").transform(films)
    recipe = ClipRecipe(sampling=sampling.Uniform(8), transforms=SMALL)
    np.testing.assert_array_equal(found, extractor(network, recipe=recipe).transform(films))


def test_the_cache_knows_videos_by_content_and_frames(
    films: list[str], network: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = extractor(network, cache=tmp_path / "cache").transform(films)
    moved = shutil.copy(films[0], tmp_path / "another name.mp4")

    def never(*_: object, **__: object) -> None:
        raise AssertionError("computed although it is cached")

    monkeypatch.setattr(_extraction._core, "load_videos", never)
    again = extractor(network, cache=FeatureCache(tmp_path / "cache"), batch_size=3)
    np.testing.assert_array_equal(again.transform([*films[1:], moved]), first[[1, 2, 3, 0]])
    np.testing.assert_array_equal(again.transform([(films[0], 0, 20)])[0], first[0])
    everything = {
        "recipe": ClipRecipe(sampling=sampling.Interval(4), transforms=SMALL, enhancement=[en.Gamma(2)]),
        "stage": "features.3",
        "backbone": harkit.create_model("squeezenet1_1", seed=2),
        "pool": None,
    }
    for name, value in everything.items():
        with pytest.raises(AssertionError):
            extractor(network, cache=tmp_path / "cache").set_params(**{name: value}).transform(films[:1])
    other = ClipRecipe(sampling=sampling.Interval(5), transforms=SMALL)
    with pytest.raises(AssertionError):
        extractor(network, cache=tmp_path / "cache", recipe=other).transform(films[:1])


def test_failures_name_their_files_and_lose_nothing(films: list[str], network: Model, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    missing, damaged = str(tmp_path / "gone.mp4"), str(tmp_path / "text.mp4")
    made = extractor(network, cache=tmp_path / "cache")
    with pytest.raises(MissingFileError, match=r"gone\.mp4") as caught:
        made.transform([*films, missing])
    assert str(caught.value.path) == missing
    assert [(failure.path, failure.frame) for failure in made.failures_] == [(missing, None)]
    with pytest.raises(DecodeError, match=r"2 of 6 videos failed: .*text\.mp4.*; .*gone\.mp4"):
        made.transform([damaged, missing, *films])
    assert [failure.path for failure in made.failures_] == [damaged, missing]
    assert made.transform(films).shape == (4, 128)
    assert made.failures_ == []


def test_a_video_too_small_for_the_network_is_a_failure_that_says_so(
    films: list[str], network: Model
) -> None:
    made = extractor(
        network, recipe=ClipRecipe(sampling=sampling.Uniform(2), transforms=[tf.Resize(4), SMALL[1]])
    )
    with pytest.raises(
        HarkitError, match=r"4 of 4 videos failed: .*0\.mp4: .*does not go through squeezenet1_1"
    ):
        made.transform(films)


def test_a_video_too_short_for_the_sampler_is_a_failure(films: list[str], network: Model) -> None:
    sampler = sampling.Uniform(24, short="error")
    with pytest.raises(ArgumentError, match=r"2 of 4 videos failed: .*0\.mp4: .*; .*1\.mp4: "):
        extractor(network, recipe=ClipRecipe(sampler, (), SMALL)).transform(films)


def test_progress_is_told(films: list[str], network: Model, tmp_path: Path) -> None:
    for first in (0, 4):  # none, then all from the cache
        told: list[int] = []
        extractor(network, progress=told.append, cache=tmp_path).transform(films)
        assert told == sorted(told)
        assert (told[0], told[-1]) == (first, 4)


def test_clone_pickle_pipeline_and_grid_search(films: list[str], tmp_path: Path) -> None:
    recipe = ClipRecipe(sampling=sampling.Interval(8), transforms=SMALL)
    made = BackboneExtractor("squeezenet1_1", recipe=recipe, stage="features.3", cache=tmp_path)
    assert clone(made).get_params() == made.get_params()
    assert pickle.loads(pickle.dumps(made)).get_params() == made.get_params()
    pipeline = make_pipeline(made, KNeighborsClassifier(1))
    grid = {"backboneextractor__stage": ["features.1", "features.3"]}
    search = GridSearchCV(pipeline, grid, cv=GroupKFold(2), error_score="raise")
    labels = [0, 1, 0, 1]
    search.fit(films, labels, groups=[0, 0, 1, 1])
    assert search.best_score_ == 1
    np.testing.assert_array_equal(search.predict(np.array(films)), labels)
    assert made.fit(films).n_features_out_ == 128
    assert made.get_feature_names_out().tolist()[:2] == ["backboneextractor0", "backboneextractor1"]


def test_no_videos_give_no_rows(network: Model) -> None:
    assert extractor(network).transform([]).shape == (0, 128)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"backbone": "resnet51"}, ArgumentError, "`name` must be one of"),
        ({"backbone": 3}, ArgumentTypeError, "`backbone` must be a name or a Model, got 3"),
        ({"backbone": "mlp"}, ArgumentError, "must take pictures or clips, mlp takes a vector"),
        ({"weights": "gone.pth"}, MissingFileError, "gone.pth"),
        ({"recipe": "recipe"}, ArgumentTypeError, "`recipe` must be a harkit.ClipRecipe"),
        ({"recipe": ClipRecipe(gray=True, transforms=SMALL)}, ArgumentError, "must give RGB frames"),
        ({"recipe": None}, ArgumentError, "knows no preprocessing"),
        ({"stage": "layer9"}, ArgumentError, "`stage` must be one of features.1, "),
        ({"pool": "max"}, ArgumentError, '`pool` must be "mean" or None'),
        ({"batch_size": 0}, ArgumentError, "`batch_size` must be an integer of at least 1"),
        ({"device": "gpu"}, ArgumentError, "`device` must be"),
        ({"seed": -1}, ArgumentError, "`seed` must be an integer"),
        ({"cache": 3}, ArgumentTypeError, "`folder` must be a path"),
    ],
)
def test_everything_is_checked_before_the_first_frame(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a video was opened")

    monkeypatch.setattr(_extraction._core, "video_lengths", never)
    monkeypatch.setattr(_extraction, "content_hash", never)
    recipe = ClipRecipe(sampling=sampling.Uniform(2), transforms=SMALL)
    made = BackboneExtractor(**{"backbone": "squeezenet1_1", "recipe": recipe, **options})
    with pytest.raises(error, match=message):
        made.transform(["walk.mp4"])
    if "cache" not in options:
        with pytest.raises(error, match=message):
            made.fit(["walk.mp4"])


def test_weights_beside_a_model_are_refused(network: Model) -> None:
    with pytest.raises(ArgumentError, match="`weights` must not be given beside a model"):
        extractor(network, weights="imagenet").fit([])
