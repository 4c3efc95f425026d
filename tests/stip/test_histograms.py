"""Histograms against a loop over pixels, and against what the program STIP 2.0 prints."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

import harkit
from harkit import stip
from harkit.errors import ArgumentError, ArgumentTypeError

NAMES = {"hog": 72, "hof": 90, "mbh": 144, "hoghof": 162, "hoghofmbh": 306}


def at(places: list[tuple[int, int, int]], sigma2: float = 4, tau2: float = 2) -> np.ndarray:
    return np.array([(*place, sigma2, tau2, 0) for place in places], stip.POINT_DTYPE)


def clip_of(shape: tuple[int, int, int], seed: int = 0) -> np.ndarray:
    """A texture that wanders, with another that runs over it."""
    rng = np.random.default_rng(seed)
    ground, runner = (
        ndimage.gaussian_filter(rng.standard_normal(shape[1:]), 1.5, mode="wrap") for _ in range(2)
    )
    frames = []
    for t in range(shape[0]):
        frame = np.roll(ground, (t // 3, -t // 2), (0, 1))
        left = shape[2] // 4 + t
        frame[10:30, left : left + 16] = np.roll(runner, 2 * t, 1)[10:30, left : left + 16]
        frames.append(frame)
    values = np.stack(frames)
    return np.clip(128 + 45 * values / values.std(), 0, 255).astype(np.uint8)


def edges(center: float, reach: float, count: int) -> list[tuple[int, int]]:
    """First and last sample of each cell."""
    borders = [math.floor(center + reach * (2 * i - count) / count) for i in range(count + 1)]
    return list(zip(borders[:-1], borders[1:], strict=True))


def halved(frames: np.ndarray) -> np.ndarray:
    for axis in (1, 2):
        frames = ndimage.correlate1d(frames, np.array([1, 4, 6, 4, 1]) / 16, axis=axis, mode="mirror")
    return frames[:, ::2, ::2]


def gradient(plane: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    kernel = [-0.5, 0, 0.5]
    return (
        ndimage.correlate1d(plane, kernel, axis=2, mode="nearest"),
        ndimage.correlate1d(plane, kernel, axis=1, mode="nearest"),
    )


def oriented(plane: np.ndarray) -> np.ndarray:
    """(T, H, W, 4): the length of the gradient in the bin of its orientation."""
    x, y = gradient(plane)
    bins = np.floor(np.arctan2(y, x) / (np.pi / 4) + 0.5).astype(int) % 4
    return np.minimum(np.hypot(x, y), 2)[..., None] * (bins[..., None] == np.arange(4))


def directed(flow: np.ndarray, least: float) -> np.ndarray:
    """(T, H, W, 5): whether a pixel goes to a quadrant, or rests."""
    moves = np.hypot(flow[..., 0], flow[..., 1]) >= least
    bins = np.floor(np.arctan2(flow[..., 1], flow[..., 0]) / (np.pi / 2)).astype(int) % 4
    return np.concatenate([(bins[..., None] == np.arange(4)) & moves[..., None], ~moves[..., None]], -1)


def restated(
    clip: np.ndarray,
    points: np.ndarray,
    name: str,
    cells: tuple[int, int, int] = (3, 3, 2),
    factors: tuple[float, float] = (9, 4),
    least: float = 0.4,
) -> np.ndarray:
    """Sums over cells, a point and a cell at a time."""
    rows = []
    for t, y, x, sigma2, tau2, _ in points.tolist():
        level = 0 if sigma2 < 16 else 1
        frames = clip / 255.0
        for _ in range(level):
            frames = halved(frames)
        frames = frames.astype(np.float32)
        smooth = stip.scale_space(frames, sigma2=sigma2 / 4**level, tau2=tau2).astype(np.float64)
        flow = stip.optical_flow(frames).astype(np.float64)
        fields = {
            "hog": [oriented(smooth)],
            "hof": [directed(flow, least)],
            "mbh": [oriented(flow[..., 0]), oriented(flow[..., 1])],
        }
        fields["hoghof"] = fields["hog"] + fields["hof"]
        fields["hoghofmbh"] = fields["hoghof"] + fields["mbh"]
        reach = factors[0] * math.sqrt(sigma2) / 2**level
        row = []
        for field in fields[name]:
            for x0, x1 in edges(x / 2**level, reach, cells[0]):
                for y0, y1 in edges(y / 2**level, reach, cells[1]):
                    for t0, t1 in edges(t, factors[1] * math.sqrt(tau2), cells[2]):
                        lows = [max(low, 0) for low in (t0, y0, x0)]
                        highs = [max(high + 1, 0) for high in (t1, y1, x1)]
                        cell = field[lows[0] : highs[0], lows[1] : highs[1], lows[2] : highs[2]]
                        row.append(cell.sum((0, 1, 2), dtype=np.float64))
        rows.append(np.concatenate(row))
    return np.stack(rows)


@pytest.fixture(scope="module")
def clip() -> np.ndarray:
    return clip_of((30, 62, 75))


POINTS = np.concatenate(
    [
        at([(14, 30, 40), (3, 2, 5), (29, 61, 74), (0, 0, 0), (20, 50, 10)]),
        at([(15, 31, 37), (8, 60, 3)], 8, 4),
        at([(15, 31, 37), (22, 5, 70)], 16, 2),
        at([(11, 20, 33)], 2.5, 1.3),
    ]
)


# What a gradient of length 1, a pixel, and a boundary of length 1 weigh; bins of all cells that share it.
UNITS = {"hog": [(65536, 4)], "hof": [(1, 5)], "mbh": [(32768, 8)]}
UNITS["hoghof"] = UNITS["hog"] + UNITS["hof"]
UNITS["hoghofmbh"] = UNITS["hoghof"] + UNITS["mbh"]


def compare(clip: np.ndarray, name: Any, **options: Any) -> None:
    known = {"cells": (3, 3, 2), "spatial_factor": 9, "temporal_factor": 4, "least_motion": 0.4} | options
    cells, space, time, least = known.values()
    found = stip.histograms(clip, POINTS, descriptor=name, normalization="none", **options)
    units = np.concatenate([np.full(math.prod(cells) * bins, unit) for unit, bins in UNITS[name]])
    assert found.shape == (len(POINTS), len(units)) and found.dtype == np.float32
    expected = restated(clip, POINTS, name, cells, (space, time), least)
    # Some 1200 pixels a cell, rounded at half of 1/65536, 1/32768; a pixel whose gradient or flow lies on a border
    # of two bins in float64 may fall on the other side in float32.
    np.testing.assert_allclose(found / units, expected, rtol=1e-3, atol=0.02 if name == "mbh" else 0.05)


@pytest.mark.parametrize("name", NAMES)
def test_the_sums_of_a_loop(clip: np.ndarray, name: Any) -> None:
    compare(clip, name)
    assert stip.histograms(clip, POINTS, descriptor=name).shape == (len(POINTS), NAMES[name])


def test_cells_and_factors(clip: np.ndarray) -> None:
    compare(clip, "hoghof", cells=(2, 4, 3), spatial_factor=5, temporal_factor=2.5, least_motion=1)


def test_normalisations(clip: np.ndarray) -> None:
    def get(normalization: Any) -> np.ndarray:
        return stip.histograms(clip, POINTS, descriptor="hoghofmbh", normalization=normalization)

    sums, cell, whole = get("none"), get("cell"), get("whole")
    parts = ((0, 72, 4), (72, 162, 5), (162, 234, 4), (234, 306, 4))
    for first, last, bins in parts:
        block = sums[:, first:last]
        by_cell = block.reshape(len(POINTS), 18, bins)
        totals = by_cell.sum(-1, keepdims=True)
        expected = np.where(totals > 0, by_cell / np.maximum(totals, 1), 0).reshape(block.shape)
        np.testing.assert_allclose(cell[:, first:last], expected, rtol=1e-5, atol=1e-7)
        length = np.linalg.norm(block, axis=1, keepdims=True)
        np.testing.assert_allclose(whole[:, first:last], block / length, rtol=1e-5, atol=1e-7)
    # Pixels of cells that lie in the clip: 13 x 13, in 7 and in 6 frames.
    assert sums[0, 72:162].reshape(18, 5).sum(-1).tolist() == [13 * 13 * 7, 13 * 13 * 6] * 9


def test_cells_outside_the_clip_are_zero(clip: np.ndarray) -> None:
    corner = stip.histograms(clip, at([(0, 0, 0)])).reshape(-1)
    hog, hof = corner[:72].reshape(3, 3, 2, 4), corner[72:].reshape(3, 3, 2, 5)
    for block in (hog, hof):
        assert (block[0] == 0).all() and (block[:, 0] == 0).all()
        np.testing.assert_allclose(block[1:, 1:].sum(-1), 1, atol=1e-6)
    # The cell before the point holds frame 0 alone.
    assert not np.array_equal(hog[1, 1, 0], hog[1, 1, 1])


def test_the_last_frame_has_no_flow(clip: np.ndarray) -> None:
    last = stip.histograms(clip, at([(29, 30, 30)]), descriptor="hof", normalization="none").reshape(9, 2, 5)
    assert (last[:, 0].sum(-1) == 13 * 13 * 6).all() and (last[:, 1] == 0).all()
    still = stip.histograms(clip[:1], at([(0, 30, 30)]), descriptor="hoghof")
    assert (still[:, 72:] == 0).all() and still[:, :72].any()


def test_moving_the_picture_moves_nothing_else(clip: np.ndarray) -> None:
    large = np.pad(clip, ((0, 0), (32, 32), (32, 32)), mode="wrap")
    here = stip.histograms(large, at([(15, 60, 64)]), descriptor="hog")
    there = stip.histograms(np.roll(large, (3, -5), (1, 2)), at([(15, 63, 59)]), descriptor="hog")
    np.testing.assert_allclose(there, here, atol=1e-6)


def test_turning_the_picture_turns_cells_and_bins() -> None:
    square = clip_of((24, 71, 71))
    point = at([(12, 35, 35)])
    plain = stip.histograms(square, point, descriptor="hog").reshape(3, 3, 2, 4)
    mirrored = stip.histograms(np.ascontiguousarray(square.transpose(0, 2, 1)), point, descriptor="hog")
    # Rows for columns: 0 degrees for 90; 45 and 135 stay.
    np.testing.assert_allclose(
        mirrored.reshape(3, 3, 2, 4), plain.transpose(1, 0, 2, 3)[..., [2, 1, 0, 3]], atol=2e-3
    )


@pytest.mark.parametrize(
    ("step", "bin_"), [((1, 1), 0), ((1, -1), 1), ((-1, -1), 2), ((-1, 1), 3), ((0, 0), 4)]
)
def test_bins_of_flow(step: tuple[int, int], bin_: int) -> None:
    image = clip_of((1, 64, 64))[0]
    moving = np.stack([np.roll(image, (step[0] * t, step[1] * t), (0, 1)) for t in range(14)])
    hof = stip.histograms(moving, at([(7, 32, 32)]), descriptor="hof").reshape(3, 3, 2, 5)
    assert hof[1, 1, :, bin_].min() > 0.98


def test_pieces_and_threads_do_not_matter(clip: np.ndarray) -> None:
    long = np.concatenate([clip, clip[::-1]] * 3)
    points = np.concatenate([POINTS, POINTS, POINTS])
    points["t"] += np.repeat([0, 60, 150], len(POINTS)).astype(np.int32)
    points = points[np.random.default_rng(0).permutation(len(points))]
    expected = stip.histograms(long, points, descriptor="hoghofmbh")
    for lengths in ((7,), (180,), (1, 50)):
        pieces, start = [], 0
        while start < len(long):
            length = lengths[len(pieces) % len(lengths)]
            pieces.append(long[start : start + length])
            start += length
        np.testing.assert_array_equal(stip.histograms(iter(pieces), points, descriptor="hoghofmbh"), expected)
    threads = harkit.num_threads()
    try:
        for count in (1, 3):
            harkit.set_num_threads(count)
            np.testing.assert_array_equal(stip.histograms(long, points, descriptor="hoghofmbh"), expected)
    finally:
        harkit.set_num_threads(threads)


def test_bytes_are_their_floats_and_describe_knows_the_names(clip: np.ndarray) -> None:
    floats = clip.astype(np.float32) / np.float32(255)
    for name in NAMES:
        found = stip.describe(clip, POINTS, descriptor=name)
        np.testing.assert_array_equal(found, stip.histograms(floats, POINTS, descriptor=name))  # type: ignore[arg-type]
    whole = stip.describe(clip, POINTS, descriptor="hog", normalization="whole")
    np.testing.assert_allclose(np.linalg.norm(whole, axis=1), 1, rtol=1e-6)


def test_no_points_and_small_clips() -> None:
    small = np.random.default_rng(0).integers(0, 256, (3, 2, 5), dtype=np.uint8)
    assert stip.histograms(small, at([])).shape == (0, 162)
    assert stip.histograms(iter([small]), at([]), descriptor="mbh").shape == (0, 144)
    found = stip.histograms(small, at([(1, 1, 2)], 64, 4), descriptor="hoghofmbh")
    assert found.shape == (1, 306) and np.isfinite(found).all()
    flat = stip.histograms(np.full((9, 40, 40), 7, np.uint8), at([(4, 20, 20)]))
    assert (flat[:, :72] == 0).all() and (flat[:, 72:].reshape(-1, 5)[:, 4] == 1).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"descriptor": "sift"}, '`descriptor` must be one of "hog", "hof"'),
        ({"cells": (0, 3, 2)}, "`cells` must be 1 to 16"),
        ({"cells": (3, -3, 2)}, "`cells` must not be negative"),
        ({"spatial_factor": 0}, "`spatial_factor` must be more than 0 and at most 20"),
        ({"spatial_factor": float("nan")}, "`spatial_factor` must be more than 0"),
        ({"temporal_factor": 51}, "`temporal_factor` must be more than 0 and at most 50"),
        ({"normalization": "max"}, '`normalization` must be one of "cell", "whole", "none"'),
        ({"least_motion": -1}, "`least_motion` must be 0 to 1000"),
        ({"size": 3}, "histograms have no 'size'; they have cells"),
    ],
)
def test_refuses_numbers_outside_the_method(clip: np.ndarray, change: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        stip.histograms(clip, POINTS, **change)


def test_refuses_other_types_and_points_outside(clip: np.ndarray) -> None:
    with pytest.raises(ArgumentTypeError, match="`flow` must be an OpticalFlow, got dict"):
        stip.histograms(clip, POINTS, flow={})
    with pytest.raises(ArgumentTypeError, match="`cells` must be three integers"):
        stip.histograms(clip, POINTS, cells=3)
    with pytest.raises(ArgumentError, match="`mode` must be one of"):
        stip.describe(clip, POINTS, descriptor="hog", mode="other")  # type: ignore[arg-type]
    for place in ((30, 0, 0), (0, 62, 0), (0, 0, 75), (-1, 0, 0)):
        with pytest.raises(ArgumentError, match=r"number 1 is at \(t, y, x\)"):
            stip.histograms(clip, at([(0, 0, 0), place]))
        with pytest.raises(ArgumentError, match=r"number 1 is at \(t, y, x\)"):
            stip.histograms(iter([clip]), at([(0, 0, 0), place]))
    for scale in ((0, 2), (4, -1), (float("nan"), 2), (4, float("inf"))):
        with pytest.raises(ArgumentError):
            stip.histograms(clip, at([(0, 0, 0)], *scale))
    with pytest.raises(ArgumentError, match="changes its frames' shape"):
        stip.histograms(iter([clip, clip[:, 1:]]), POINTS)


def printed(folder: Path) -> dict[str, np.ndarray]:
    """The rows of STIP 2.0 by video: type, y-norm, x-norm, t-norm, y, x, t, sigma2, tau2, HOG (72), HOF (90)."""
    videos: dict[str, list[list[float]]] = {}
    for line in (folder / "walk-samples-externalstip.txt").read_text().splitlines():
        words = line.split()
        if words and words[0] == "#":
            rows = videos.setdefault(words[1], [])
        elif words:
            rows.append([float(word) for word in words])
    return {name: np.array(rows) for name, rows in videos.items() if rows}


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray((a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1))


@pytest.mark.parametrize(
    ("name", "least"), [("walk-simple", (0.988, 0.973)), ("walk-complex", (0.969, 0.965))]
)
def test_what_stip_prints(data: Path, name: str, least: tuple[float, float]) -> None:
    folder = data / "stip-reference/stip-2.0"
    rows = printed(folder)[name]
    gray = harkit.read_clip(folder / f"{name}.avi", gray=True)
    points = at([(0, 0, 0)] * len(rows))
    points["y"], points["x"] = rows[:, 4] - 1, rows[:, 5] - 1
    points["sigma2"], points["tau2"] = rows[:, 7], rows[:, 8]
    # What it prints as frame t of 1, 2, .. is measured around frame t of 0, 1, ..; its HOF is of a volume that begins
    # with the point, and counts what rests first.
    points["t"] = rows[:, 6]
    hog = stip.histograms(gray, points, descriptor="hog")
    points["t"] += np.ceil(4 * np.sqrt(rows[:, 8])).astype(np.int32) - 2
    hof = stip.histograms(gray, points, descriptor="hof").reshape(-1, 18, 5)[..., [4, 0, 1, 2, 3]]
    assert cosine(hog, rows[:, 9:81]).mean() > least[0]
    assert cosine(hof.reshape(-1, 90), rows[:, 81:]).mean() > least[1]
