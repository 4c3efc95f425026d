"""How often each value occurs in a picture, and how often it or a smaller one does.

The report dark-convnext-lstm draws them before and after equalisation (section 4, item 5).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harkit.errors import ArgumentError, ArgumentTypeError
from harkit.plotting._canvas import canvas

if TYPE_CHECKING:
    from harkit.plotting._canvas import Canvas

__all__ = ["Bins", "histograms"]

Bins: TypeAlias = Literal["levels", "range"]

_N_BINS = 256
_COLORS = {1: ("black",), 3: ("red", "green", "blue")}
# So that three curves are seen through each other: the report's.
_ALPHA = 1 / 3
_WIDTH, _HEIGHT = 4.5, 4.5


def histograms(
    images: NDArray[np.uint8] | Mapping[str, NDArray[np.uint8]],
    *,
    bins: Bins = "levels",
    figure: Canvas | None = None,
) -> NDArray[Any]:
    """Draw counts of each value, and their running sum below, a column a picture.

    Parameters
    ----------
    images : ndarray of uint8, or mapping of str to ndarray
        (H, W, 3), or a clip (T, H, W, 3) as one picture; (H, W) is grey. Several by their titles, as in
        ``{"Before": frame, "After": bright}``.
    bins : {"levels", "range"}, default: "levels"
        ``"levels"`` gives each of the 256 values its bin, with edges -0.5, 0.5, …, 255.5 (``corrected``).
        ``"range"`` cuts each channel's own range, smallest to largest value, in 256: bins are narrower than a
        level, and the bars have gaps like a comb. It is what the report's code does (``faithful``).
    figure : matplotlib Figure or SubFigure, optional
        Where to draw; a new figure by default.

    Returns
    -------
    ndarray of matplotlib Axes
        Shape (2, n_images): counts above, running sums below, with a common x axis. Red, green and blue lie
        over each other; each is a ``StepPatch`` whose ``get_data()`` has the numbers and the edges.

    Raises
    ------
    harkit.errors.ArgumentError
        A picture of another shape, no pictures, or a choice of bins that is none.
    harkit.errors.ArgumentTypeError
        A picture that is not uint8.

    Notes
    -----
    A caption of the report expects equalised values to be "roughly normal". Equalisation aims at a uniform
    distribution: its running sum is a straight line.

    Examples
    --------
    >>> from harkit import plotting
    >>> axes = plotting.histograms({"Before": clip[0], "After": 2 * clip[0]})
    >>> axes.shape, int(axes[0, 0].patches[0].get_data().values.sum())
    ((2, 2), 19200)
    """
    if bins not in ("levels", "range"):
        raise ArgumentError(f'`bins` must be "levels" or "range", got {bins!r}')
    named = images if isinstance(images, Mapping) else {"": images}
    channels = {title: _channels(image) for title, image in named.items()}
    if not channels:
        raise ArgumentError("`images` must have at least one picture, got none")
    drawn = canvas(figure, _WIDTH * len(channels), _HEIGHT)
    axes = drawn.subplots(2, len(channels), sharex="col", squeeze=False)
    for (counts, sums), (title, values) in zip(axes.T, channels.items(), strict=True):
        counts.set_title(title)
        counts.set_ylabel("Count")
        sums.set(xlabel="Intensity", ylabel="Cumulative count")
        for channel, color in zip(values, _COLORS[len(values)], strict=True):
            heights, edges = _histogram(channel, bins)
            counts.stairs(heights, edges, fill=True, color=color, alpha=_ALPHA)
            sums.stairs(np.cumsum(heights), edges, baseline=None, color=color, alpha=_ALPHA, linewidth=2)
        for ax in (counts, sums):
            ax.ticklabel_format(axis="y", style="scientific", scilimits=(0, 0))
    return axes


def _histogram(values: NDArray[np.uint8], bins: Bins) -> tuple[NDArray[Any], NDArray[Any]]:
    if bins == "levels":
        return np.bincount(values, minlength=_N_BINS), np.arange(_N_BINS + 1) - 0.5
    heights, edges = np.histogram(values, bins=_N_BINS)
    return heights, edges


def _channels(image: Any) -> list[NDArray[np.uint8]]:
    """Give the values of each channel, in a row."""
    array = np.asarray(image)
    if array.dtype != np.uint8:
        raise ArgumentTypeError(f"`images` must be uint8, got {array.dtype}")
    is_color = array.ndim >= 3 and array.shape[-1] == 3
    if array.ndim not in (2, 3, 4) or (array.ndim == 4 and not is_color) or not array.size:
        raise ArgumentError(f"`images` must have shape (H, W, 3), (T, H, W, 3) or (H, W), got {array.shape}")
    return list(array.reshape(-1, 3).T) if is_color else [array.ravel()]
