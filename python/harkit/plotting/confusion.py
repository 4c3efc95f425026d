"""Confusion matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from harkit.errors import ArgumentError
from harkit.plotting._canvas import plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["confusion_matrix"]

# Above this share of its row a cell is so dark that its count is written in white.
_DARK = 0.55
_CELL, _MARGIN = 0.62, 1.6


def confusion_matrix(counts: ArrayLike, classes: Sequence[str], *, ax: Axes | None = None) -> Axes:
    """Draw how often each class was taken for which.

    Parameters
    ----------
    counts : array_like of int, shape (n_classes, n_classes)
        True classes in rows.
    classes : sequence of str
        The names, by label.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        Shades are shares of the row, numbers are counts; the title says the hits.

    Raises
    ------
    ArgumentError
        Counts that are not square, are negative, or do not fit the classes.

    Examples
    --------
    >>> axes = harkit.plotting.confusion_matrix([[3, 1], [0, 4]], ["walk", "run"])
    >>> axes.get_title()
    '7 of 8'
    """
    matrix = np.asarray(counts)
    if matrix.shape != (len(classes), len(classes)) or matrix.dtype.kind not in "iu" or (matrix < 0).any():
        raise ArgumentError(
            f"`counts` must be whole numbers of shape ({len(classes)}, {len(classes)}), got "
            f"{matrix.dtype} of shape {matrix.shape}"
        )
    totals = matrix.sum(1, keepdims=True)
    shares = np.divide(matrix, totals, out=np.zeros(matrix.shape), where=totals > 0)
    side = _CELL * len(classes) + _MARGIN
    axes = plot(ax, side, side)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            shade: dict[str, Any] = {"color": "white" if shares[row, column] > _DARK else "black"}
            axes.text(column, row, str(count), ha="center", va="center", **shade)
    axes.set_xticks(range(len(classes)), classes, rotation=40, ha="right")
    axes.set_yticks(range(len(classes)), classes)
    axes.set_xlabel("recognised as")
    axes.set_ylabel("true class")
    axes.set_title(f"{np.trace(matrix)} of {matrix.sum()}")
    return axes
