"""Description: jets, and the names of all descriptors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harkit import _core
from harkit.errors import ArgumentError
from harkit.stip._clips import Clip, Pieces, as_clip, pieces_of
from harkit.stip._detection import Detection, Mode, check_mode
from harkit.stip._histograms import HISTOGRAM_NAMES, HistogramName, histograms
from harkit.stip._points import Points, to_records

__all__ = ["DESCRIPTORS", "Describe", "describe", "jets"]


def jets(
    clip: Clip | Pieces, points: Points, *, terms: int = 34, mode: Mode = "corrected", **changes: Any
) -> NDArray[np.float32]:
    """Describe points by the derivatives of the scale space there.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W), or iterable of such
        As for `detect`.
    points : ndarray of shape (N,) and type `POINT_DTYPE`
        Points of the clip; each is described at its own scale.
    terms : {6, 34}
        6: Lx Ly Lt Lxx Lyy Ltt. 34: all derivatives of order 1 to 4, by order, then by the order over time,
        then by the order over rows (x y t, xx xy yy xt yt tt, ...).
    mode : {"faithful", "corrected", "laptev"}
        Where kernels, border and derivatives come from; see `detect`. With shifted derivatives the first
        order of the 6 terms is not halved, as in the report.
    **changes : Any
        Fields of `Detection` that differ: `radius`, `truncate`, `border`, `derivatives` matter here.

    Returns
    -------
    float32 ndarray of shape (N, terms)
        Each derivative is multiplied by sigma once for each order over space and by tau for each over time.

    Raises
    ------
    ArgumentError
        If a point lies outside the clip, or an argument is not allowed.

    Notes
    -----
    Derivatives are differences of L, composed per axis: (-1/2, 0, 1/2), (1, -2, 1), (-1/2, 1, 0, -1, 1/2) and
    (1, -4, 6, -4, 1).

    Examples
    --------
    >>> from harkit import stip
    >>> gray = np.repeat(np.arange(0, 240, 10, dtype=np.uint8), 24 * 24).reshape(24, 24, 24)
    >>> point = np.array([(12, 12, 12, 4, 1, 0)], stip.POINT_DTYPE)
    >>> stip.jets(gray, point, terms=6).round(4) + 0  # brighter by 10 / 255 a frame
    array([[0.    , 0.    , 0.0392, 0.    , 0.    , 0.    ]], dtype=float32)
    """
    settings = Detection.preset(mode, **changes)
    records, pieces = to_records(points), pieces_of(clip)
    if pieces is None:
        values = _core.stip_jets(as_clip(clip), records, terms, settings)
    else:
        describer = _core.StipJets(records, terms, settings)
        for piece in pieces:
            describer.push(piece)
        values = describer.finish()
    return values.reshape(-1, terms)


Describe: TypeAlias = Callable[..., NDArray[np.float32]]
"""What stands behind a name: ``describe(clip, points, *, mode, **changes)``."""


def _jet6(clip: Clip | Pieces, points: Points, **options: Any) -> NDArray[np.float32]:
    return jets(clip, points, terms=6, **options)


def _jet34(clip: Clip | Pieces, points: Points, **options: Any) -> NDArray[np.float32]:
    return jets(clip, points, terms=34, **options)


def _histograms(name: HistogramName) -> Describe:
    def run(clip: Clip | Pieces, points: Points, *, mode: Mode, **options: Any) -> NDArray[np.float32]:
        # Histograms are the same in every mode.
        check_mode(mode)
        return histograms(clip, points, descriptor=name, **options)

    return run


DESCRIPTORS: dict[str, Describe] = {
    "jet6": _jet6,
    "jet34": _jet34,
    **{name: _histograms(name) for name in HISTOGRAM_NAMES},
}
"""Descriptors by name."""


def describe(
    clip: Clip | Pieces,
    points: Points,
    *,
    descriptor: str = "jet34",
    mode: Mode = "corrected",
    **options: Any,
) -> NDArray[np.float32]:
    """Describe the neighbourhoods of interest points.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W), or iterable of such
        The clip that the points were found in, as for `detect`.
    points : ndarray of shape (N,) and type `POINT_DTYPE`
        What `detect` gave.
    descriptor : {"jet6", "jet34", "hog", "hof", "mbh", "hoghof", "hoghofmbh"}
        Which descriptor: `jets` of 6 or 34 terms, or `histograms`.
    mode : {"faithful", "corrected", "laptev"}
        The mode of `detect`; histograms are the same in each.
    **options : Any
        Options of the descriptor; see its own function.

    Returns
    -------
    float32 ndarray of shape (N, D)
        One descriptor a point, in the order of the points.

    Raises
    ------
    ArgumentError
        If a point lies outside the clip, or an argument is not allowed.

    Examples
    --------
    >>> from harkit import stip
    >>> gray = clip[..., 1].copy()
    >>> points = stip.detect(gray, mode="faithful")
    >>> stip.describe(gray, points, descriptor="jet6", mode="faithful").shape == (len(points), 6)
    True
    """
    if descriptor not in DESCRIPTORS:
        names = ", ".join(map(repr, DESCRIPTORS))
        raise ArgumentError(f"`descriptor` must be one of {names}, got {descriptor!r}")
    return DESCRIPTORS[descriptor](clip, points, mode=mode, **options)
