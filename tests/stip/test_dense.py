"""Points on a grid: where supports lie, and which of them hold motion."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harkit.errors import ArgumentError, ArgumentTypeError
from harkit.stip import POINT_DTYPE, dense_points
from harkit.stip._flow import optical_flow


@pytest.fixture(scope="module")
def moving() -> np.ndarray:
    """A textured square that moves to the right over a still, textured ground."""
    rng = np.random.default_rng(0)
    ground = np.kron(rng.integers(40, 90, (18, 24)), np.ones((4, 4), int)).astype(np.uint8)
    square = np.kron(rng.integers(120, 250, (6, 6)), np.ones((4, 4), int)).astype(np.uint8)
    clip = np.repeat(ground[None], 30, axis=0)
    for t, frame in enumerate(clip):
        frame[20:44, 4 + 2 * t : 28 + 2 * t] = square
    return clip


def by_hand(clip: np.ndarray, sigma2: float, tau2: float, overlap: float, min_motion: float) -> np.ndarray:
    flow = optical_flow(clip)
    length = np.linalg.norm(np.concatenate([flow, flow[-1:]]).astype(float), axis=-1)
    found = []
    axes = []
    for total, side in zip(length.shape, (8 * tau2**0.5, 18 * sigma2**0.5, 18 * sigma2**0.5), strict=True):
        side = min(round(side), total)
        step = max(round(side * (1 - overlap)), 1)
        n = (total - side) // step + 1
        rest = total - side - (n - 1) * step
        axes.append([(rest // 2 + i * step, side) for i in range(n)])
    for t, tau in axes[0]:
        for y, height in axes[1]:
            for x, width in axes[2]:
                motion = length[t : t + tau, y : y + height, x : x + width].mean()
                if motion >= min_motion:
                    found.append((t + tau // 2, y + height // 2, x + width // 2, sigma2, tau2, motion))
    return np.array(found, POINT_DTYPE)


@pytest.mark.parametrize(
    ("sigma2", "tau2", "overlap", "min_motion"),
    [(1, 1, 0.5, 0.2), (2, 2, 0.0, 0.0), (4, 1, 0.7, 0.5), (64, 64, 0.5, 0.1), (1.7, 0.9, 0.63, 0.05)],
)
def test_supports_are_those_of_a_loop(
    moving: np.ndarray, sigma2: float, tau2: float, overlap: float, min_motion: float
) -> None:
    expected = by_hand(moving, sigma2, tau2, overlap, min_motion)
    points = dense_points(moving, sigma2=sigma2, tau2=tau2, overlap=overlap, min_motion=min_motion)
    assert points.dtype == POINT_DTYPE
    names = ["t", "y", "x", "sigma2", "tau2"]
    np.testing.assert_array_equal(points[names], expected[names])
    # Integral images in float64: sums of some thousand float32 values.
    np.testing.assert_allclose(points["response"], expected["response"], rtol=1e-5, atol=1e-9)


def test_points_lie_where_something_moves(moving: np.ndarray) -> None:
    points = dense_points(moving, sigma2=1, tau2=1, min_motion=0.5)
    assert len(points) > 50
    middle = 16 + 2 * points["t"]
    # The square is 24 wide, a support 18; the flow spreads a little.
    assert (abs(points["x"] - middle) < 12 + 9 + 8).all()
    assert (abs(points["y"] - 32) < 12 + 9 + 8).all()
    assert len(dense_points(np.repeat(moving[:1], 20, axis=0), min_motion=0.1)) == 0


def test_scales_are_paired_and_points_ordered(moving: np.ndarray) -> None:
    points = dense_points(moving, sigma2=(1, 2), tau2=(1, 2))
    assert {tuple(row) for row in points[["sigma2", "tau2"]].tolist()} == {(1, 1), (1, 2), (2, 1), (2, 2)}
    rows = points[["t", "y", "x", "sigma2", "tau2"]].tolist()
    assert rows == sorted(rows)
    alone = dense_points(moving, sigma2=2, tau2=1)
    np.testing.assert_array_equal(points[(points["sigma2"] == 2) & (points["tau2"] == 1)], alone)


def test_the_points_of_most_motion_are_kept(moving: np.ndarray) -> None:
    every = dense_points(moving)
    kept = dense_points(moving, max_points=7)
    assert len(kept) == 7
    assert kept["response"].min() == np.sort(every["response"])[-7]
    assert len(dense_points(moving, max_points=10_000)) == len(every)


@pytest.mark.parametrize("size", [1, 2, 7, 29])
def test_pieces_give_the_same(moving: np.ndarray, size: int) -> None:
    pieces = (moving[start : start + size] for start in range(0, len(moving), size))
    np.testing.assert_array_equal(dense_points(pieces), dense_points(moving))


def test_more_frames_than_are_looked_at_once_give_the_same(
    moving: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = dense_points(moving)
    monkeypatch.setattr("harkit.stip._dense._CHUNK", 4)
    np.testing.assert_array_equal(dense_points(moving), expected)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"sigma2": 0}, ArgumentError, "`sigma2` must hold positive"),
        ({"tau2": (2, -1)}, ArgumentError, "`tau2` must hold positive"),
        ({"sigma2": ()}, ArgumentError, "`sigma2`"),
        ({"sigma2": "4"}, ArgumentTypeError, "`sigma2` must be a number"),
        ({"sigma2": np.nan}, ArgumentError, "`sigma2` must be finite"),
        ({"overlap": 1}, ArgumentError, "`overlap`"),
        ({"overlap": -0.1}, ArgumentError, "`overlap`"),
        ({"min_motion": -1}, ArgumentError, "`min_motion`"),
        ({"min_motion": True}, ArgumentTypeError, "`min_motion`"),
        ({"max_points": 0}, ArgumentError, "`max_points`"),
        ({"max_points": 2.5}, ArgumentError, "`max_points`"),
    ],
)
def test_values_that_are_not_allowed_are_named(
    moving: np.ndarray, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        dense_points(moving, **options)


@pytest.mark.parametrize(
    ("clip", "error"),
    [
        (np.zeros((2, 32, 32), np.uint8), ArgumentError),
        (np.zeros((0, 32, 32), np.uint8), ArgumentError),
        (np.zeros((8, 32), np.uint8), ArgumentError),
        (np.zeros((8, 32, 32)), ArgumentTypeError),
        ([], ArgumentError),
        (3, ArgumentTypeError),
    ],
)
def test_clips_of_another_kind_are_refused(clip: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="clip"):
        dense_points(clip)
