"""One picture before and after: dark-convnext-lstm, section 4, item 4."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harkit.plotting._canvas import as_picture
from harkit.plotting.frames import frame_grid

if TYPE_CHECKING:
    from harkit.plotting._canvas import Canvas

__all__ = ["before_after"]


def before_after(
    before: NDArray[np.uint8],
    after: NDArray[np.uint8],
    *,
    titles: tuple[str, str] = ("Before", "After"),
    cell: float = 4.0,
    figure: Canvas | None = None,
) -> NDArray[Any]:
    """Draw a frame twice, side by side, without axes.

    Parameters
    ----------
    before, after : ndarray of uint8
        (H, W, 3) or (H, W).
    titles : (str, str), default: ("Before", "After")
        What stands above them.
    cell : float, default: 4.0
        Width of a frame in inches.
    figure : matplotlib Figure or SubFigure, optional
        Where to draw; a new figure by default.

    Returns
    -------
    ndarray of matplotlib Axes
        Shape (2,).

    Raises
    ------
    harkit.errors.ArgumentError
        A frame of another shape.
    harkit.errors.ArgumentTypeError
        A frame that is not uint8.

    Examples
    --------
    >>> from harkit import plotting
    >>> plotting.before_after(clip[0], 255 - clip[0]).shape
    (2,)
    """
    frames = [as_picture(before, "before"), as_picture(after, "after")]
    axes: NDArray[Any] = frame_grid(frames, titles=titles, columns=2, cell=cell, figure=figure)[0]
    return axes
