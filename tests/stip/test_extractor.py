"""From videos to descriptor sets: what scikit-learn expects, what is cached, what fails and how."""

from __future__ import annotations

import gc
import logging
import pickle
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

import harkit
from harkit import datasets
from harkit import enhancement as en
from harkit import transforms as tf
from harkit.cache import FeatureCache
from harkit.errors import ArgumentError, ArgumentTypeError, DecodeError, MissingFileError
from harkit.stip import POINT_DTYPE, DescriptorSets, StipExtractor, _extractor, _frames, describe, detect


@pytest.fixture(scope="module")
def films(encode: Callable[..., Path]) -> list[str]:
    """Six films of a bright square that hops over noise; two hop at another pace."""
    paths = []
    for number in range(6):
        rng = np.random.default_rng(number)
        frames = rng.integers(60, 70, (30, 48, 64, 3), dtype=np.uint8)
        for t, frame in enumerate(frames):
            x = 8 + (t // (2 + number % 2 * 4)) * 6 % 40
            frame[16:30, x : x + 10] = 200
        paths.append(str(encode(frames, f"{number}.mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p")))
    return paths


def same(one: DescriptorSets, other: DescriptorSets) -> None:
    assert len(one) == len(other)
    for i in range(len(one)):
        np.testing.assert_array_equal(one[i], other[i])
        np.testing.assert_array_equal(one.points(i), other.points(i))


def extractor(**options: Any) -> StipExtractor:
    return StipExtractor(**{"descriptor": "jet34", **options})


def test_each_video_is_detected_and_described_as_by_hand(films: list[str]) -> None:
    sets = extractor(sigma2=[2, 4], tau2=[2]).fit_transform(films)
    assert len(sets) == 6
    for i, path in enumerate(films):
        clip = harkit.read_clip(path, gray=True)
        points = detect(clip, mode="corrected", sigma2=[2, 4], tau2=[2])
        assert len(points) > 0
        np.testing.assert_array_equal(sets.points(i), points)
        np.testing.assert_array_equal(sets[i], describe(clip, points, descriptor="jet34"))


def test_the_faithful_mode_gives_the_reports_jets(films: list[str]) -> None:
    sets = StipExtractor("faithful").transform(films[:1])
    assert sets.n_columns == 6
    clip = harkit.read_clip(films[0], gray=True)
    expected = describe(clip, detect(clip, mode="faithful"), descriptor="jet6", mode="faithful")
    np.testing.assert_array_equal(sets[0], expected)


def test_frames_are_enhanced_and_resized_in_front(films: list[str]) -> None:
    steps = [en.AutoGamma(per="clip")]
    bright = en.chain(harkit.read_clip(films[0], gray=True), steps)
    small = tf.apply(bright[..., None], [tf.Resize((24, 32), "area")])[..., 0]
    sets = extractor(enhancement=steps, max_side=32).transform(films[:1])
    np.testing.assert_array_equal(sets.points(0), detect(small))
    exact = tf.apply(bright[..., None], [tf.Resize((30, 50))])[..., 0]
    sets = extractor(enhancement=steps, size=(30, 50)).transform(films[:1])
    np.testing.assert_array_equal(sets.points(0), detect(exact))
    plain = extractor(max_side=64).transform(films[:1])
    same(plain, extractor().transform(films[:1]))


def test_a_span_is_a_clip_of_its_own(films: list[str]) -> None:
    [only] = extractor().transform([(films[0], 5, 25)])
    clip = harkit.read_clip(films[0], gray=True)[5:25]
    np.testing.assert_array_equal(only, describe(clip, detect(clip), descriptor="jet34"))


def test_a_split_is_its_list_of_videos(films: list[str]) -> None:
    spans = np.array([[0, 20], [10, 30]])
    columns = (("hop",), films[:2], np.zeros(2, int), ["a", "b"], ["0", "1"])
    split = datasets.Split("train", *columns, spans=spans)
    assert split.videos == [(films[0], 0, 20), (films[1], 10, 30)]
    sets = extractor().transform(split)
    same(sets, extractor().transform(split.videos))
    assert sets.names == (f"{films[0]} [0:20]", f"{films[1]} [10:30]")
    whole = datasets.Split("train", *columns)
    assert whole.videos == films[:2]
    same(extractor().transform(whole), extractor().transform(films[:2]))


def test_a_span_past_the_end_is_cut_and_said_so(films: list[str], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "harkit.stip"):
        sets = extractor().transform([(films[0], 10, 99), (films[0], 29, 99), (films[0], 50, 99)])
    same(sets[:1], extractor().transform([(films[0], 10, 30)]))
    assert sets.n_points[1:].tolist() == [0, 0]
    assert sets[1].shape == sets[2].shape == (0, 34)
    assert sets.points(1).dtype == POINT_DTYPE
    assert sum("[10:99]: only 30 frames, cut" in text for text in caplog.messages) == 1


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_results_do_not_depend_on_threads(films: list[str], n_threads: int) -> None:
    before, usual = harkit.num_threads(), extractor().transform(films)
    harkit.set_num_threads(n_threads)
    try:
        same(usual, extractor().transform(films))
    finally:
        harkit.set_num_threads(before)


@pytest.mark.parametrize(
    "options", [{}, {"mode": "faithful", "descriptor": "jet6"}, {"descriptor": "hoghof"}]
)
def test_a_long_video_in_pieces_gives_the_same(
    films: list[str], monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    whole = extractor(**options).transform(films[:2])
    monkeypatch.setattr(_frames, "_PIECE_BYTES", 7 * 48 * 64)
    monkeypatch.setattr(_frames, "_LEAST_FRAMES", 1)
    shapes: list[int] = []
    prepared = _frames.Reading._prepared

    def watched(self: _frames.Reading, frames: np.ndarray) -> np.ndarray:
        shapes.append(len(frames))
        return prepared(self, frames)

    monkeypatch.setattr(_frames.Reading, "_prepared", watched)
    same(whole, extractor(**options).transform(films[:2]))
    assert max(shapes) == 7
    shapes.clear()
    extractor(**options, enhancement=[en.Denoise()]).transform(films[:1])
    assert shapes == [30]  # what looks along time gets the whole clip


def test_the_cache_is_used_and_shared(
    films: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = extractor(cache=tmp_path / "cache").transform(films)
    moved = shutil.copy(films[0], tmp_path / "another name.mp4")

    def never(*_: object, **__: object) -> None:
        raise AssertionError("computed although it is cached")

    monkeypatch.setattr(_extractor._Work, "_features", never)
    again = extractor(cache=FeatureCache(tmp_path / "cache")).transform([*films[1:], moved])
    same(first[[1, 2, 3, 4, 5, 0]], again)
    with pytest.raises(AssertionError):
        extractor(cache=tmp_path / "cache", threshold=1e-7).transform(films)
    with pytest.raises(AssertionError):
        extractor(cache=tmp_path / "cache", enhancement=[en.Gamma(2)]).transform(films)
    with pytest.raises(AssertionError):
        extractor(cache=tmp_path / "cache").transform([(films[0], 0, 30)])


def test_without_a_cache_the_files_live_as_long_as_the_result(films: list[str]) -> None:
    sets = extractor().transform(films)
    part, folder = sets[2:4], sets._keeper.path
    array = part[0]
    assert isinstance(array, np.memmap)
    assert not array.flags.writeable
    kept = np.array(array)
    del sets
    gc.collect()
    assert folder.is_dir()
    del part
    gc.collect()
    assert not folder.exists()
    np.testing.assert_array_equal(array, kept)  # what is mapped stays readable


def test_sets_are_a_sequence(films: list[str]) -> None:
    sets = extractor().transform(films)
    counts = [len(array) for array in sets]
    assert sets.n_points.tolist() == counts
    assert sets.n_columns == 34
    assert repr(sets) == f"DescriptorSets(6 videos, {sum(counts)} descriptors of 34)"
    for index in ([5, 0], np.array([5, 0]), (5, 0), np.array([-1, 0], np.int8)):
        same(sets[index], sets[[5, 0]])
        assert sets[index].names == (films[5], films[0])
    mask = np.array([True, False, False, True, False, False])
    same(sets[mask], sets[::3])
    same(sets[mask.tolist()], sets[::3])
    np.testing.assert_array_equal(sets[-1], sets[5])
    np.testing.assert_array_equal(sets.points(-1), sets.points(np.int64(5)))
    assert len(sets[[]]) == len(sets[9:]) == len(extractor().transform([])) == 0
    assert sets[[]].n_columns == 0
    with pytest.raises(IndexError):
        sets[6]
    with pytest.raises(IndexError):
        sets[[6]]
    with pytest.raises(ArgumentError, match="one entry a video, got 2 for 6"):
        sets[[True, False]]
    with pytest.raises(ArgumentTypeError, match="integers or booleans, got float64"):
        sets[np.array([0.5])]
    with pytest.raises(ArgumentTypeError, match="got str"):
        sets["0"]
    same(pickle.loads(pickle.dumps(sets)), sets)


def test_progress_is_told(films: list[str]) -> None:
    told: list[int] = []
    extractor(progress=told.append).transform(films)
    assert told == sorted(told)
    assert told[-1] == 6


class MeanDescriptor(TransformerMixin, BaseEstimator):
    def fit(self, sets: Any, y: Any = None) -> MeanDescriptor:
        return self

    def transform(self, sets: Any) -> np.ndarray:
        return np.array([np.abs(descriptors).mean(axis=0) for descriptors in sets])

    def __sklearn_is_fitted__(self) -> bool:
        return True


def test_clone_pipeline_and_grid_search(films: list[str], tmp_path: Path) -> None:
    made = extractor(sigma2=(4, 8), cache=tmp_path)
    assert clone(made).get_params() == made.get_params()
    assert pickle.loads(pickle.dumps(made)).get_params() == made.get_params()
    pipeline = make_pipeline(made, MeanDescriptor(), KNeighborsClassifier(1))
    labels, groups = [0, 1, 0, 1, 0, 1], [0, 0, 1, 1, 2, 2]
    grid = {"stipextractor__descriptor": ["jet6", "jet34"], "stipextractor__k": [None, 0.001]}
    search = GridSearchCV(pipeline, grid, cv=GroupKFold(3), error_score="raise")
    search.fit(films, labels, groups=groups)
    assert search.predict(films).tolist() == labels
    assert search.best_score_ == 1
    np.testing.assert_array_equal(search.predict(np.array(films)), labels)


def test_fit_learns_nothing_but_the_width(films: list[str]) -> None:
    made = extractor()
    before = made.get_params()
    assert made.fit(films, [0] * 6) is made
    assert made.n_features_out_ == 34
    assert made.get_params() == before
    same(made.transform(films), extractor().transform(films))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"mode": "other"}, ArgumentError, "mode"),
        ({"descriptor": "sift"}, ArgumentError, "descriptor"),
        ({"sigma2": [-1]}, ArgumentError, "sigma2"),
        ({"detection": {"no_such": 1}}, TypeError, "no_such"),
        ({"detection": 3}, ArgumentTypeError, "`detection` must be a mapping"),
        ({"description": [1]}, ArgumentTypeError, "`description` must be a mapping"),
        ({"gray": False}, ArgumentError, "`gray`"),
        ({"size": (0, 3)}, ArgumentError, "`size`"),
        ({"max_side": 0}, ArgumentError, "size"),
        ({"size": (3, 3), "max_side": 3}, ArgumentError, "not both"),
        ({"enhancement": [3]}, ArgumentTypeError, "`enhancement` must hold steps"),
        ({"enhancement": en.Gamma(3)}, ArgumentTypeError, "`enhancement` must be a list"),
        ({"cache": 3}, ArgumentTypeError, "`folder` must be a path"),
    ],
)
def test_everything_is_checked_before_the_first_frame(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a video was opened")

    monkeypatch.setattr(_frames, "VideoReader", never)
    monkeypatch.setattr(_extractor, "content_hash", never)
    made = extractor(**options)  # the constructor only stores
    with pytest.raises(error, match=message):
        made.transform(["walk.mp4"])
    if "cache" not in options:
        with pytest.raises(error, match=message):
            made.fit(["walk.mp4"])


@pytest.mark.parametrize(
    ("videos", "error", "message"),
    [
        ("walk.mp4", ArgumentTypeError, "list of videos, got one"),
        ([3], ArgumentTypeError, "paths or"),
        ([("a.mp4", 1)], ArgumentTypeError, "paths or"),
        ([("a.mp4", 1, 2.5)], ArgumentTypeError, "paths or"),
        ([("a.mp4", 5, 5)], ArgumentError, "0 <= start < stop"),
        ([("a.mp4", -1, 5)], ArgumentError, "0 <= start < stop"),
        ([b"a.mp4"], ArgumentTypeError, "paths or"),
    ],
)
def test_videos_of_another_kind_are_refused(videos: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        extractor().transform(videos)


def test_failures_name_their_files_and_lose_nothing(films: list[str], tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    missing, damaged = str(tmp_path / "gone.mp4"), str(tmp_path / "text.mp4")
    with pytest.raises(MissingFileError, match=r"gone\.mp4") as caught:
        extractor(cache=tmp_path / "cache").transform([*films, missing])
    assert str(caught.value.path) == missing
    with pytest.raises(DecodeError, match=r"2 of 8 videos failed: .*text\.mp4.*; .*gone\.mp4"):
        extractor(cache=tmp_path / "cache").transform([damaged, missing, *films])
    with pytest.raises(ArgumentError, match=r"0\.mp4.*frames") as short:
        extractor().transform([(films[0], 0, 2)])
    assert str(short.value.path) == films[0]


def test_an_interrupt_stops_what_has_not_begun(films: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    features = _extractor._Work._features

    def counted(self: Any, item: Any, stop: threading.Event) -> Any:
        begun.append(item.path)
        return features(self, item, stop)

    monkeypatch.setattr(_extractor._Work, "_features", counted)

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extractor(progress=interrupt).transform(films * 20)
    assert len(begun) < 60


def test_a_stopped_walk_over_pieces_ends(films: list[str]) -> None:
    stop = threading.Event()
    pieces = _extractor._until(stop, iter([np.zeros((4, 8, 8), np.uint8)] * 3))
    next(pieces)
    stop.set()
    with pytest.raises(_extractor._StoppedError):
        next(pieces)
