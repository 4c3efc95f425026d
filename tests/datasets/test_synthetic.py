"""The synthetic set: real files, repeatable; the motion tells the action, a frame or a length does not.

Classifiers are trained and tested on different performers. Chance is 1/6; the bounds leave room for the
spread of 120 clips (one standard error at 1/6 is 0.034).
"""

from __future__ import annotations

import inspect
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import harkit
from harkit import datasets
from harkit.datasets import synthetic_clip
from harkit.datasets.synthetic import ACTIONS
from harkit.errors import ArgumentError, ArgumentTypeError

PERFORMERS, TAKES = 10, 2


@pytest.fixture(scope="module")
def clips() -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Clips small enough to make many, their labels and performers."""
    made = [(a, p, t) for a in range(6) for p in range(PERFORMERS) for t in range(TAKES)]
    small = {"size": (60, 80), "fps": 12.5, "dark": False}
    rendered = [synthetic_clip(ACTIONS[a], performer=p, take=t, **small) for a, p, t in made]
    return rendered, np.array([a for a, *_ in made]), np.array([p for _, p, _ in made])


def ridge(x: np.ndarray, y: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Linear classification of standardised features, by least squares with a penalty."""
    mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-6
    x, queries = (x - mean) / spread, (queries - mean) / spread
    kernel = x @ x.T / x.shape[1]
    weights = np.linalg.solve(kernel + 0.1 * np.eye(len(x)), np.eye(6)[y] - 1 / 6)
    return (queries @ x.T / x.shape[1] @ weights).argmax(axis=1)


def nearest_centroid(x: np.ndarray, y: np.ndarray, queries: np.ndarray) -> np.ndarray:
    centroids = np.stack([x[y == label].mean(axis=0) for label in range(6)])
    return ((queries[:, None] - centroids) ** 2).sum(axis=-1).argmin(axis=1)


def nearest_five(x: np.ndarray, y: np.ndarray, queries: np.ndarray) -> np.ndarray:
    squared = (queries**2).sum(axis=1)[:, None] - 2 * queries @ x.T + (x**2).sum(axis=1)
    votes = y[np.argsort(squared, axis=1)[:, :5]]
    return np.array([np.bincount(own, minlength=6).argmax() for own in votes])


CLASSIFIERS = (ridge, nearest_centroid, nearest_five)


def accuracy(
    classify: Callable[..., np.ndarray], x: np.ndarray, labels: np.ndarray, performers: np.ndarray
) -> float:
    """Share of hits when each performer is classified by training on the others, in five folds."""
    hits = 0
    for fold in range(5):
        test = performers % 5 == fold
        hits += int((classify(x[~test], labels[~test], x[test]) == labels[test]).sum())
    return hits / len(labels)


def picture(frame: np.ndarray, block: int) -> np.ndarray:
    """A frame as grey means of blocks."""
    height, width = frame.shape[0] // block, frame.shape[1] // block
    return frame.mean(axis=-1).reshape(height, block, width, block).mean(axis=(1, 3)).ravel()


def movement(clip: np.ndarray) -> np.ndarray:
    """How the moving figure's place and extent change: spectra, and the end against the beginning."""
    grey = clip.astype(np.float32).mean(axis=-1)
    figure = np.abs(grey - np.median(grey, axis=0)) > 18
    changed = np.abs(np.diff(grey, axis=0)) > 18
    y, x = np.mgrid[: grey.shape[1], : grey.shape[2]]
    features: list[float] = []
    for mask in (figure, changed):
        area = mask.sum(axis=(1, 2)) + 1e-3
        centre_y, centre_x = (mask * y).sum(axis=(1, 2)) / area, (mask * x).sum(axis=(1, 2)) / area
        spread_y = np.sqrt((mask * (y - centre_y[:, None, None]) ** 2).sum(axis=(1, 2)) / area)
        spread_x = np.sqrt((mask * (x - centre_x[:, None, None]) ** 2).sum(axis=(1, 2)) / area)
        for series in (np.sqrt(area), centre_y, centre_x, spread_y, spread_x):
            spectrum = np.abs(np.fft.rfft(series - series.mean(), 64))[1:17] / len(series)
            quarter = len(series) // 4
            features += [*np.log(spectrum + 0.02), np.log(series.std() + 0.05)]
            features.append(series[-quarter:].mean() - series[:quarter].mean())
    return np.array(features)


@pytest.mark.parametrize("classify", CLASSIFIERS)
@pytest.mark.parametrize("block", [5, 2])
@pytest.mark.parametrize("which", ["first", "middle", "last"])
def test_one_frame_does_not_tell_the_action(
    clips: tuple[list[np.ndarray], np.ndarray, np.ndarray],
    classify: Callable[..., np.ndarray],
    block: int,
    which: str,
) -> None:
    videos, labels, performers = clips
    position = {"first": 0.0, "middle": 0.5, "last": 1.0}[which]
    x = np.stack([picture(clip[round(position * (len(clip) - 1))], block) for clip in videos])
    assert accuracy(classify, x, labels, performers) < 0.33


@pytest.mark.parametrize("classify", CLASSIFIERS)
def test_the_frame_count_does_not_tell_the_action(
    clips: tuple[list[np.ndarray], np.ndarray, np.ndarray], classify: Callable[..., np.ndarray]
) -> None:
    videos, labels, performers = clips
    lengths = np.array([[len(clip)] for clip in videos], dtype=np.float64)
    assert accuracy(classify, lengths, labels, performers) < 0.33


def test_the_motion_tells_the_action(clips: tuple[list[np.ndarray], np.ndarray, np.ndarray]) -> None:
    videos, labels, performers = clips
    x = np.stack([movement(clip) for clip in videos])
    assert accuracy(ridge, x, labels, performers) > 0.7


def test_a_clip_is_uint8_rgb_of_one_and_a_half_to_three_seconds() -> None:
    for take in range(4):
        clip = synthetic_clip("Walk", take=take, size=(48, 64), fps=20)
        assert clip.dtype == np.uint8 and clip.shape[1:] == (48, 64, 3) and 30 <= len(clip) <= 60


def test_a_clip_follows_from_its_arguments_alone() -> None:
    clip = synthetic_clip("Jump", take=1, performer=2, seed=3, size=(48, 64))
    assert np.array_equal(clip, synthetic_clip("Jump", take=1, performer=2, seed=3, size=(48, 64)))
    for change in ({"take": 0}, {"performer": 1}, {"seed": 4}):
        other = synthetic_clip("Jump", **{"take": 1, "performer": 2, "seed": 3, **change}, size=(48, 64))
        assert clip.shape != other.shape or not np.array_equal(clip, other)


def test_pictures_stay_as_they_are() -> None:
    # Known answers of rendering 1 at two places; means, because powers may differ by an ulp elsewhere.
    bright = synthetic_clip("Run", seed=1, dark=False)
    assert bright.shape == (67, 120, 160, 3)
    assert bright.mean() == pytest.approx(84.9745, abs=0.01)


def test_a_dark_clip_is_the_bright_one_underexposed_with_noise() -> None:
    bright, dark = (synthetic_clip("Sit", seed=5, dark=dark).astype(np.float64) for dark in (False, True))
    assert bright.shape == dark.shape
    assert 8 < dark.mean() < 30 and bright.mean() > 60
    # After gamma 3 the darkened scene is the bright one again, up to contrast and noise.
    lit = 255 * (dark / 255) ** (1 / 3)
    assert np.corrcoef(lit.mean(axis=0).ravel(), bright.mean(axis=0).ravel())[0, 1] > 0.9
    # A patch of wall that nobody passes: shot and read noise, most of it gone in the mean over time.
    still = dark[:, :8, :8]
    assert np.std(still - still.mean(axis=0)) > 0.5


def test_the_figure_stays_in_the_picture() -> None:
    for action in ACTIONS:
        clip = synthetic_clip(action, size=(60, 80), dark=False, seed=9).astype(np.float32).mean(axis=-1)
        moving = np.abs(clip - np.median(clip, axis=0)) > 40
        assert moving[:, [0, -1], :].mean() + moving[:, :, [0, -1]].mean() < 0.01


def settled(path: Path) -> dict[str, tuple[int, int]]:
    return {str(own): (own.stat().st_mtime_ns, own.stat().st_ino) for own in path.rglob("*") if own.is_file()}


TOY = {"videos_per_class": 3, "dark": True, "seed": 0, "performers": 3, "size": (32, 48)}


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("toy") / "new" / "set"
    datasets.synthetic(root, **TOY)
    return root


def test_a_set_is_split_by_performer(toy: Path) -> None:
    own = datasets.synthetic(toy, **TOY)
    assert own.classes == ("Jump", "Run", "Sit", "Stand", "Turn", "Walk")
    assert (len(own.train), len(own.test)) == (12, 6) and own.shared_groups() == {}
    assert set(own.test.groups) == {"performer2"} and set(own.test.class_counts().values()) == {1}
    assert repr(own) == "Dataset('synthetic', 6 classes, train 12, test 6)"
    assert pickle.loads(pickle.dumps(own)) == own


def test_files_are_videos_of_the_clips(toy: Path) -> None:
    own = datasets.synthetic(toy, **TOY)
    path = own.train.paths[own.train.names.index("Sit_1_0")]
    clip = synthetic_clip("Sit", performer=1, seed=0, dark=True, size=(32, 48))
    info = harkit.probe(path)
    assert (info.n_frames, info.width, info.height, info.fps) == (len(clip), 48, 32, 25.0)
    error = harkit.VideoReader(path)[:].astype(np.float64) - clip
    assert np.sqrt((error**2).mean()) < 6


def test_a_second_call_finds_the_files_and_a_lost_one_is_rendered_again(toy: Path) -> None:
    before, own = settled(toy), datasets.synthetic(toy, **TOY)
    assert settled(toy) == before and len(before) == 19
    pixels = harkit.VideoReader(own.train.paths[4])[:]
    Path(own.train.paths[4]).unlink()
    assert datasets.synthetic(toy, **TOY) == own
    after = settled(toy)
    assert {path for path in before if before[path] != after[path]} == {own.train.paths[4]}
    assert np.array_equal(harkit.VideoReader(own.train.paths[4])[:], pixels)


def test_a_folder_of_other_settings_or_other_things_is_refused(toy: Path, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="holds a set of another dark, seed; choose another folder"):
        datasets.synthetic(toy, **{**TOY, "seed": 1, "dark": False})
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(ArgumentError, match="`root` must be a new or empty folder"):
        datasets.synthetic(tmp_path, **TOY)
    with pytest.raises(ArgumentError, match="`root` must be a new or empty folder"):
        datasets.synthetic(tmp_path / "thesis.tex", **TOY)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "manifest.json").write_text("{")
    with pytest.raises(ArgumentError, match=r"manifest.json: not a manifest"):
        datasets.synthetic(tmp_path / "broken", **TOY)


def test_the_manifest_keeps_the_arguments(toy: Path) -> None:
    manifest = json.loads((toy / "manifest.json").read_text())
    assert manifest == {"rendering": 1, **TOY, "size": [32, 48], "fps": 25.0}


def test_progress_counts_videos(toy: Path) -> None:
    told: list[int] = []
    datasets.synthetic(toy, **TOY, progress=told.append)
    assert told == list(range(1, 19))


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"videos_per_class": 1}, ArgumentError, "`videos_per_class` must be at least 2, got 1"),
        ({"performers": 1}, ArgumentError, "`performers` must be at least 2, got 1"),
        ({"seed": -1}, ArgumentError, "`seed` must be at least 0, got -1"),
        ({"seed": 0.5}, ArgumentTypeError, "`seed` must be a whole number, got float"),
        ({"size": (16, 160)}, ArgumentError, "`size` must be at least 32, got 16"),
        ({"size": 120}, ArgumentError, r"`size` must be \(height, width\), got 120"),
        ({"fps": 0}, ArgumentError, r"`fps` must lie in 1\.\.1000, got 0"),
        ({"fps": "25"}, ArgumentTypeError, "`fps` must be a number, got str"),
        ({"fps": float("nan")}, ArgumentError, "got nan"),
        ({"dark": 1}, ArgumentError, "`dark` must be one of True, False, got 1"),
    ],
)
def test_wrong_arguments_name_themselves_and_leave_no_folder(
    tmp_path: Path, changes: dict[str, object], error: type, says: str
) -> None:
    with pytest.raises(error, match=says):
        datasets.synthetic(tmp_path / "toy", **changes)
    assert not (tmp_path / "toy").exists()
    known = inspect.signature(synthetic_clip).parameters
    if set(changes) <= set(known):
        with pytest.raises(error, match=says):
            synthetic_clip("Walk", **changes)


def test_an_unknown_action_lists_all() -> None:
    with pytest.raises(
        ArgumentError, match="`action` must be one of 'Jump', 'Run', 'Sit', 'Stand', 'Turn', 'Walk'"
    ):
        synthetic_clip("walk")
