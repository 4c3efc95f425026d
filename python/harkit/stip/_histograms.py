"""Histograms around points: gradients (HOG), optical flow (HOF), motion boundaries (MBH)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from harkit import _core
from harkit._options import make_plain
from harkit.errors import ArgumentError, ArgumentTypeError
from harkit.stip._clips import Clip, Pieces, as_clip, pieces_of
from harkit.stip._flow import OpticalFlow
from harkit.stip._points import Points, to_records

__all__ = ["HISTOGRAM_NAMES", "HistogramName", "Histograms", "histograms"]

HistogramName: TypeAlias = Literal["hog", "hof", "mbh", "hoghof", "hoghofmbh"]
HISTOGRAM_NAMES: tuple[HistogramName, ...] = get_args(HistogramName)

# Histograms of each name: bins of their cells.
_BINS: dict[str, int] = {"hog": 4, "hof": 5, "mbh": 8, "hoghof": 9, "hoghofmbh": 17}


@dataclass(frozen=True, kw_only=True)
class Histograms:
    """Every number of `histograms`.

    Parameters
    ----------
    descriptor : {"hog", "hof", "mbh", "hoghof", "hoghofmbh"}
        Which histograms, one after the other.
    cells : (int, int, int)
        How many cells the volume is cut into along x, y and t, 1 to 16 each.
    spatial_factor, temporal_factor : float
        How far the volume reaches to each side of the point, in sigma (at most 20) and tau (at most 50).
    normalization : {"cell", "whole", "none"}
        ``"cell"``: each cell adds up to 1. ``"whole"``: each of HOG, HOF, MBH along x, MBH along y has length 1.
        ``"none"``: sums of gradients' lengths times 65536, numbers of pixels, boundaries' lengths (at most 2) times 32768.
    least_motion : float
        Flow slower than so many pixels a frame (of the level where it is measured) is rest.
    flow : OpticalFlow
        How flow is found.
    """

    descriptor: HistogramName = "hoghof"
    cells: tuple[int, int, int] = (3, 3, 2)
    spatial_factor: float = 9.0
    temporal_factor: float = 4.0
    normalization: Literal["cell", "whole", "none"] = "cell"
    least_motion: float = 0.4
    flow: OpticalFlow = OpticalFlow()

    def __post_init__(self) -> None:
        make_plain(self)
        if not isinstance(self.flow, OpticalFlow):
            raise ArgumentTypeError(f"`flow` must be an OpticalFlow, got {type(self.flow).__name__}")
        _core.stip_check_histograms(self)

    @property
    def n_columns(self) -> int:
        """The width of a descriptor."""
        across, down, long = self.cells
        return across * down * long * _BINS[self.descriptor]


def histograms(
    clip: Clip | Pieces, points: Points, *, descriptor: HistogramName = "hoghof", **changes: Any
) -> NDArray[np.float32]:
    """Describe points by histograms over the cells of the volume around them.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W), or iterable of such
        As for `detect`.
    points : ndarray of shape (N,) and type `POINT_DTYPE`
        Points of the clip; each is described at its own scale.
    descriptor : {"hog", "hof", "mbh", "hoghof", "hoghofmbh"}
        HOG (72 values): orientations of the gradient modulo 180 degrees, around 0 45 90 135, weighed by its length,
        at the point's scale. HOF (90): directions of flow from 0 to 90 degrees (right and down), 90 to 180, to 270, to
        360, each pixel counted once, and the pixels that rest. MBH (144): orientations of the gradients of flow along x,
        and of flow along y.
    **changes : Any
        Other fields of `Histograms`.

    Returns
    -------
    float32 ndarray of shape (N, D)
        For each histogram all cells, by columns, in these by rows, in these by time; for each cell its bins. A cell
        outside the clip is 0.

    Raises
    ------
    ArgumentError
        If a point lies outside the clip, or an argument is not allowed.

    Notes
    -----
    The volume reaches 9 sigma pixels and 4 tau frames to each side. A cell reaches from the pixel of its one edge to that
    of the other, so that neighbours share one. Points of sigma2 from 16 on are measured on frames halved once, from 64
    on twice, and so on. The last frame has no flow.

    References
    ----------
    I. Laptev, M. Marszalek, C. Schmid and B. Rozenfeld, "Learning realistic human actions from movies", CVPR 2008.
    N. Dalal, B. Triggs and C. Schmid, "Human detection using oriented histograms of flow and appearance", ECCV 2006.

    Examples
    --------
    >>> from harkit import stip
    >>> gray = np.zeros((16, 64, 64), np.float32)
    >>> gray[:, :, 32:] = 1  # an upright edge at rest
    >>> point = np.array([(8, 32, 32, 4, 2, 0)], stip.POINT_DTYPE)
    >>> stip.histograms(gray, point).shape
    (1, 162)
    >>> hog = stip.histograms(gray, point, descriptor="hog").reshape(3, 3, 2, 4)
    >>> hog[1, 1, 0]
    array([1., 0., 0., 0.], dtype=float32)
    """
    known = {field.name for field in fields(Histograms)}
    if unknown := sorted(changes.keys() - known):
        raise ArgumentError(f"histograms have no {unknown[0]!r}; they have {', '.join(sorted(known))}")
    settings = Histograms(descriptor=descriptor, **changes)
    records, pieces = to_records(points), pieces_of(clip)
    if pieces is None:
        values = _core.stip_histograms(as_clip(clip), records, settings)
    else:
        describer = _core.StipHistograms(records, settings)
        for piece in pieces:
            describer.push(piece)
        values = describer.finish()
    return values.reshape(-1, settings.n_columns)
