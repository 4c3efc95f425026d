"""Interest points over frames and in space-time, how many there are over time, and their responses.

Points are structured arrays (N,) with the fields t, y, x, sigma2, tau2 and response (`harkit.stip.detect`);
grey clips are uint8 (T, H, W). Circles and space-time plots are in the manner of Laptev's "On space-time
interest points" (IJCV 64, 2005, figures 3 and 6); a point of variance sigma2 is a circle of radius 2 sigma.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harkit.errors import ArgumentError
from harkit.plotting._canvas import canvas, plot, pyplot, show
from harkit.plotting._points import Points, as_gray, as_points

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize

    from harkit.plotting._canvas import Canvas

__all__ = ["points_in_space_time", "points_on_frames", "points_per_frame", "response_histogram"]

_COLORS = "plasma"
# Radius of a circle in standard deviations of its scale.
_RADIUS = 2.0
_N_BINS = 100
# Largest response of a bright, empty clip (a corner of the zero-padded box) at brightness 1, times the share
# 0.01 of the largest response from where on the report takes points; it grows with the sixth power.
_CORNER_FLOOR = 1.5785e-6 * 0.01


def points_on_frames(
    clip: NDArray[np.uint8],
    points: Points,
    *,
    frames: Sequence[int] | None = None,
    n_frames: int = 5,
    reach: int = 0,
    cell: float = 2.6,
    figure: Canvas | None = None,
) -> NDArray[Any]:
    """Draw frames side by side, and the points in them as circles, their colour the response.

    Parameters
    ----------
    clip : uint8 ndarray of shape (T, H, W)
        The grey clip that the points were found in.
    points : ndarray of shape (N,), as of harkit.stip.detect
        Circles have the radius 2 sigma.
    frames : sequence of int, optional
        Which frames. By default the one with the most points in each of `n_frames` equal parts of the clip.
    n_frames : int, default: 5
        How many parts.
    reach : int, default: 0
        Points up to so many frames before and after a frame are drawn in it too.
    cell : float, default: 2.6
        Width of a frame in inches.
    figure : matplotlib Figure or SubFigure, optional
        Where to draw; a new figure by default.

    Returns
    -------
    ndarray of matplotlib Axes
        Shape (n_frames,). ``axes[i].collections[0]`` holds the circles, its array the responses; colours are
        on one logarithmic scale for all frames.

    Raises
    ------
    harkit.errors.ArgumentError
        A clip or points of another shape, no frames, a frame that the clip does not have.
    harkit.errors.ArgumentTypeError
        A clip that is not uint8, points without the fields.

    Examples
    --------
    >>> from harkit import plotting, stip
    >>> gray = clip[..., 1].copy()
    >>> points = stip.detect(gray)
    >>> axes = plotting.points_on_frames(gray, points, frames=[4, 8, 12])
    >>> [ax.get_title(loc="left") for ax in axes]
    ['4', '8', '12']
    """
    pictures, found = as_gray(clip, "clip"), as_points(points, "points")
    chosen = _fullest(found["t"], len(pictures), n_frames) if frames is None else [int(i) for i in frames]
    if not chosen or not all(0 <= i < len(pictures) for i in chosen):
        raise ArgumentError(f"`frames` must be from 0 to {len(pictures) - 1}, and at least one, got {chosen}")
    height = cell * pictures.shape[1] / pictures.shape[2] + 0.3
    drawn = canvas(figure, cell * len(chosen) + 0.7, height)
    axes: NDArray[Any] = drawn.subplots(1, len(chosen), squeeze=False)[0]
    norm = _log_norm(found["response"])
    for ax, index in zip(axes, chosen, strict=True):
        show(ax, pictures[index])
        ax.set_title(str(index), loc="left")
        circles = _circles(ax, found[np.abs(found["t"] - index) <= reach], norm)
    if len(found):
        drawn.colorbar(circles, ax=axes.tolist(), label="Response", shrink=0.9)
    return axes


def points_in_space_time(
    points: Points, *, shape: tuple[int, int, int] | None = None, figure: Canvas | None = None
) -> NDArray[Any]:
    """Draw points over column and time, over row and time, and in the space of all three.

    Parameters
    ----------
    points : ndarray of shape (N,), as of harkit.stip.detect
        The points.
    shape : (int, int, int), optional
        T, H, W of the clip, the limits of the axes; by default they follow the points.
    figure : matplotlib Figure or SubFigure, optional
        Where to draw; a new figure by default.

    Returns
    -------
    ndarray of matplotlib Axes
        Shape (3,): (t, x), (t, y), and a 3-D view whose upright axis is the row, upside down as in a picture.

    Raises
    ------
    harkit.errors.ArgumentError
        Points or a clip of another shape.
    harkit.errors.ArgumentTypeError
        Points without the fields.

    Examples
    --------
    >>> from harkit import plotting, stip
    >>> gray = clip[..., 1].copy()
    >>> axes = plotting.points_in_space_time(stip.detect(gray), shape=gray.shape)
    >>> [ax.get_ylabel() for ax in axes[:2]]
    ['Column x', 'Row y']
    """
    found = as_points(points, "points")
    if shape is not None and (len(shape) != 3 or min(shape) < 1):
        raise ArgumentError(f"`shape` must be T, H, W, each at least 1, got {shape}")
    drawn = canvas(figure, 13.0, 4.0)
    axes = np.array([drawn.add_subplot(1, 3, i + 1, projection=("3d" if i == 2 else None)) for i in range(3)])
    style = {"c": found["response"], "norm": _log_norm(found["response"]), "cmap": _COLORS, "s": 6}
    for ax, field, label in ((axes[0], "x", "Column x"), (axes[1], "y", "Row y")):
        ax.scatter(found["t"], found[field], linewidths=0, **style)
        ax.set(xlabel="Frame t", ylabel=label)
    axes[2].scatter(found["t"], found["x"], found["y"], linewidths=0, **style)
    axes[2].set(xlabel="Frame t", ylabel="Column x", zlabel="Row y")
    if shape is not None:
        n_frames, height, width = shape
        axes[0].set(xlim=(0, n_frames), ylim=(0, width))
        axes[1].set(xlim=(0, n_frames), ylim=(0, height))
        axes[2].set(xlim=(0, n_frames), ylim=(0, width), zlim=(0, height))
    axes[1].invert_yaxis()
    axes[2].invert_zaxis()
    axes[2].set_box_aspect((2, 1, 0.75), zoom=0.85)
    axes[2].locator_params(nbins=4)
    axes[2].xaxis.labelpad = 12
    return axes


def points_per_frame(points: Points | Mapping[str, Points], n_frames: int, *, ax: Axes | None = None) -> Axes:
    """Draw how many points each frame has.

    Parameters
    ----------
    points : ndarray of shape (N,), as of harkit.stip.detect, or mapping of str to such
        The points of a clip; several detectors' by their names in the legend.
    n_frames : int
        Frames of the clip.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        A line for each detector; counts are on a scale that is linear up to 1 and logarithmic above.

    Raises
    ------
    harkit.errors.ArgumentError
        No detectors, points of another shape, or after the last frame.
    harkit.errors.ArgumentTypeError
        Points without the fields.

    Examples
    --------
    >>> from harkit import plotting, stip
    >>> points = stip.detect(clip[..., 1].copy())
    >>> ax = plotting.points_per_frame(points, 16)
    >>> int(ax.lines[0].get_ydata().sum()) == len(points)
    True
    """
    named = points if isinstance(points, Mapping) else {"": points}
    if not named:
        raise ArgumentError("`points` must have at least one detector's points, got none")
    counts = {}
    for name, found in named.items():
        times = as_points(found, "points")["t"]
        if len(times) and not 0 <= times.min() <= times.max() < n_frames:
            raise ArgumentError(f"`points` must lie in frames 0 to {n_frames - 1}, got {times.max()}")
        counts[name] = np.bincount(times, minlength=n_frames)
    ax = plot(ax, 8.0, 3.0)
    for name, values in counts.items():
        ax.plot(values, label=name or None)
    ax.set_yscale("symlog", linthresh=1)
    ax.set(xlabel="Frame", ylabel="Points", xlim=(0, n_frames - 1), ylim=(0, None))
    if isinstance(points, Mapping):
        ax.legend()
    return ax


def response_histogram(
    response: ArrayLike,
    *,
    threshold: float | None = None,
    brightness: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how often each response occurs, on logarithmic scales.

    Parameters
    ----------
    response : array_like of float
        Responses of any shape: of all voxels (`harkit.stip.response`) or of points. Only positive ones can be
        drawn; the title says how many they are.
    threshold : float, optional
        From where on voxels are points: a line.
    brightness : float, optional
        Brightness of the background, 0 to 1: a line at 1.58e-8 ``brightness ** 6``, the least threshold that
        the ``faithful`` mode can have in such a clip, as the corners of its dark surround respond too.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        The histogram is a ``StepPatch``, the lines are in ``ax.lines``.

    Raises
    ------
    harkit.errors.ArgumentError
        No positive response, one that is not finite, a threshold or brightness that is not positive.

    Examples
    --------
    >>> from harkit import plotting
    >>> ax = plotting.response_histogram([1e-9, 1e-8, 1e-8, -1e-8], threshold=5e-9)
    >>> int(ax.patches[0].get_data().values.sum()), ax.get_title()
    (3, '3 of 4 responses are positive')
    """
    values = np.asarray(response, np.float64).ravel()
    positive = values[values > 0]
    if not positive.size or not np.isfinite(values).all():
        raise ArgumentError("`response` must be finite and have at least one positive value")
    for name, given in (("threshold", threshold), ("brightness", brightness)):
        if given is not None and not given > 0:
            raise ArgumentError(f"`{name}` must be positive, got {given}")
    ax = plot(ax, 6.0, 3.5)
    low, high = float(positive.min()), float(positive.max())
    edges = np.geomspace(low, max(high, low * 1.001), _N_BINS + 1)
    edges[0], edges[-1] = low, max(high, edges[-1])
    heights, _ = np.histogram(positive, edges)
    ax.stairs(heights, edges, fill=True, color="C0")
    ax.set(xscale="log", yscale="log", xlabel="Response", ylabel="Voxels")
    ax.set_title(f"{positive.size:,} of {values.size:,} responses are positive", fontsize="medium")
    if threshold is not None:
        ax.axvline(threshold, color="C3", label="threshold")
    if brightness is not None:
        ax.axvline(_CORNER_FLOOR * brightness**6, color="C1", linestyle="--", label="corner floor")
    if ax.lines:
        ax.legend()
    return ax


def _fullest(times: NDArray[np.int32], n_frames: int, n_parts: int) -> list[int]:
    """Give the frame with the most points in each part of the clip."""
    if not 1 <= n_parts <= n_frames:
        raise ArgumentError(f"`n_frames` must be from 1 to {n_frames}, the frames of the clip, got {n_parts}")
    counts = np.bincount(times, minlength=n_frames)[:n_frames]
    edges = np.linspace(0, n_frames, n_parts + 1).astype(int)
    return [int(a + counts[a:b].argmax()) for a, b in pairwise(edges)]


def _log_norm(responses: NDArray[np.float32]) -> Normalize:
    pyplot()
    from matplotlib.colors import LogNorm, Normalize

    positive = responses[responses > 0]
    if not len(positive):
        return Normalize(0, 1)
    return LogNorm(float(positive.min()), float(positive.max()))


def _circles(ax: Axes, points: Points, norm: Normalize) -> Any:
    from matplotlib.collections import EllipseCollection

    diameters = 2 * _RADIUS * np.sqrt(points["sigma2"])
    circles = EllipseCollection(
        diameters,
        diameters,
        np.zeros(len(points)),
        units="xy",
        offsets=np.stack([points["x"], points["y"]], axis=1),
        transOffset=ax.transData,
        facecolors="none",
        cmap=_COLORS,
        norm=norm,
        linewidths=1.2,
    )
    circles.set_array(points["response"])
    return ax.add_collection(circles, autolim=False)
