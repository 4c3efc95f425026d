"""Points on a grid: dense sampling, kept where something moves.

The support of a descriptor is a box of 2 * 9 sigma pixels and 2 * 4 tau frames about its point. A dense grid
sets such boxes over the clip with a given overlap [1]_, at every scale, and keeps those in which the mean
length of the optical flow is large enough: a person who moves, not the wall behind.

Memory: for each scale one number a box and frame, whatever the length of the clip; time is that of the flow.

.. [1] H. Wang, M. M. Ullah, A. Klaser, I. Laptev and C. Schmid, "Evaluation of local spatio-temporal
   features for action recognition", BMVC 2009, section 3.1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harkit.errors import ArgumentError, ArgumentTypeError
from harkit.stip._clips import Clip, Pieces, as_clip, pieces_of
from harkit.stip._flow import optical_flow
from harkit.stip._points import POINT_DTYPE, Points

__all__ = ["dense_points"]

# Half a support in standard deviations, as descriptors have it by default.
_SPATIAL, _TEMPORAL = 9.0, 4.0
# Frames whose flow is in memory at once.
_CHUNK = 64


def dense_points(
    clip: Clip | Pieces,
    *,
    sigma2: float | Sequence[float] = (2.0, 4.0),
    tau2: float | Sequence[float] = (2.0,),
    overlap: float = 0.6,
    min_motion: float = 0.3,
    max_points: int | None = None,
) -> Points:
    """Lay points on a grid and keep those where something moves.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W), or iterable of such
        Grey frames, uint8, or float32 from 0 (black) to 1 (white); at least 3 of them. An iterable gives a
        clip in pieces along time.
    sigma2, tau2 : float or sequence of float
        Variances of the scales, in pixels and frames squared; each of the one with each of the other. A
        support is 18 sigma pixels wide and high, and 8 tau frames long.
    overlap : float
        The share of a support that the next one on an axis has in common with it, 0 to below 1.
    min_motion : float
        The least mean length of the optical flow in a support, in pixels a frame; 0 keeps all points.
    max_points : int, optional
        The so many points of most motion are kept.

    Returns
    -------
    ndarray of shape (N,) and type `POINT_DTYPE`
        In the order of frames, rows, columns and scales; ``response`` is the mean length of the flow.

    Raises
    ------
    harkit.errors.ArgumentError, harkit.errors.ArgumentTypeError
        A value that is not allowed; a clip that is too short or of another kind.

    Notes
    -----
    Supports lie inside the clip, the same distance from both ends; where the clip is smaller than a
    support there is one in the middle.

    References
    ----------
    H. Wang, M. M. Ullah, A. Klaser, I. Laptev and C. Schmid, "Evaluation of local spatio-temporal features
    for action recognition", BMVC 2009, section 3.1.

    Examples
    --------
    >>> from harkit import stip
    >>> gray = clip[..., 1].copy()
    >>> points = stip.dense_points(gray, sigma2=2, overlap=0.5, min_motion=0)
    >>> sorted(set(points["t"].tolist())), sorted(set(points["y"].tolist()))
    ([7], [17, 29, 41, 53, 65, 77, 89, 101])
    """
    scales = [(s, t) for s in _variances("sigma2", sigma2) for t in _variances("tau2", tau2)]
    if not 0 <= _number("overlap", overlap) < 1:
        raise ArgumentError(f"`overlap` must be in 0..1, 1 excluded, got {overlap}")
    if _number("min_motion", min_motion) < 0:
        raise ArgumentError(f"`min_motion` must be at least 0, got {min_motion}")
    if max_points is not None and (
        not isinstance(max_points, int) or isinstance(max_points, bool) or max_points < 1
    ):
        raise ArgumentError(f"`max_points` must be an integer of at least 1, got {max_points!r}")
    grids: list[_Grid] = []
    n_frames = 0
    for lengths in _lengths(clip):
        if not grids:
            grids = [_Grid.over(lengths.shape[1:], s, t, overlap) for s, t in scales]
        for grid in grids:
            grid.push(lengths)
        n_frames += len(lengths)
    points = np.concatenate([grid.points(min_motion) for grid in grids])
    if max_points is not None and len(points) > max_points:
        points = points[np.argsort(-points["response"], kind="stable")[:max_points]]
    return points[np.lexsort([points[name] for name in ("tau2", "sigma2", "x", "y", "t")])]


@dataclass
class _Grid:
    """Supports of one scale: where they lie in a frame, and the motion in each, frame by frame."""

    sigma2: float
    tau2: float
    overlap: float
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    height: int
    width: int
    motion: list[NDArray[np.float64]]

    @classmethod
    def over(cls, shape: tuple[int, ...], sigma2: float, tau2: float, overlap: float) -> _Grid:
        side = max(round(2 * _SPATIAL * math.sqrt(sigma2)), 1)
        (rows, height), (columns, width) = (_starts(length, side, overlap) for length in shape)
        return cls(sigma2, tau2, overlap, rows, columns, height, width, [])

    def push(self, lengths: NDArray[np.float32]) -> None:
        """Take the mean length of the flow, (frames, H, W), in each support, by integral images."""
        n, height, width = lengths.shape
        integral = np.zeros((n, height + 1, width + 1))
        np.cumsum(np.cumsum(lengths, axis=1, dtype=np.float64), axis=2, out=integral[:, 1:, 1:])
        top, left = self.rows[:, None], self.columns[None, :]
        bottom, right = top + self.height, left + self.width
        sums = integral[:, bottom, right] - integral[:, top, right]
        sums -= integral[:, bottom, left] - integral[:, top, left]
        self.motion.append(sums / (self.height * self.width))

    def points(self, min_motion: float) -> Points:
        motion = np.concatenate(self.motion)
        # The flow of the last frame is that of the one before it.
        motion = np.concatenate([motion, motion[-1:]])
        length = max(round(2 * _TEMPORAL * math.sqrt(self.tau2)), 1)
        starts, length = _starts(len(motion), length, self.overlap)
        integral = np.concatenate([np.zeros_like(motion[:1]), np.cumsum(motion, axis=0)])
        mean = (integral[starts + length] - integral[starts]) / length
        t, y, x = np.nonzero(mean >= min_motion)
        points = np.empty(len(t), POINT_DTYPE)
        points["t"] = starts[t] + length // 2
        points["y"] = self.rows[y] + self.height // 2
        points["x"] = self.columns[x] + self.width // 2
        points["sigma2"], points["tau2"], points["response"] = self.sigma2, self.tau2, mean[t, y, x]
        return points


def _starts(length: int, side: int, overlap: float) -> tuple[NDArray[np.int64], int]:
    """First positions of supports on an axis, and how much of the axis each covers."""
    if side >= length:
        return np.zeros(1, np.int64), length
    step = max(round(side * (1 - overlap)), 1)
    starts = np.arange(0, length - side + 1, step)
    return starts + (length - side - int(starts[-1])) // 2, side


def _lengths(clip: Clip | Pieces) -> Iterator[NDArray[np.float32]]:
    """Lengths of the optical flow between neighbouring frames, a few at a time."""
    pieces = pieces_of(clip)
    last: Clip | None = None
    n_frames = 0
    for piece in [as_clip(clip)] if pieces is None else pieces:
        frames = piece if last is None else np.concatenate([last, piece])
        n_frames += len(piece)
        for start in range(0, len(frames) - 1, _CHUNK):
            flow = optical_flow(frames[start : start + _CHUNK + 1])
            yield np.sqrt(flow[..., 0] ** 2 + flow[..., 1] ** 2)
        last = frames[-1:]
    if n_frames < 3:
        raise ArgumentError(f"`clip` must have at least 3 frames, got {n_frames}")


def _variances(name: str, values: float | Sequence[float]) -> list[float]:
    numbers = [_number(name, value) for value in np.atleast_1d(np.asarray(values, dtype=object)).tolist()]
    if not numbers or min(numbers) <= 0:
        raise ArgumentError(f"`{name}` must hold positive variances, got {values}")
    return numbers


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise ArgumentTypeError(f"`{name}` must be a number, got {value!r}")
    if not math.isfinite(value):
        raise ArgumentError(f"`{name}` must be finite, got {value}")
    return float(value)
