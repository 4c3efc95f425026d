"""One frame of each class with its name on it: hmdb-vgg-frames, section 4, item 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harkit.errors import ArgumentError
from harkit.plotting._canvas import as_names, as_pictures
from harkit.plotting.frames import frame_grid

if TYPE_CHECKING:
    from harkit.plotting._canvas import Canvas

__all__ = ["class_examples"]

# Where the report writes the name, in pixels of the frame: left end and base line.
_X, _Y = 10, 30
# Its letters: capitals of OpenCV's Hershey simplex at scale 1 are 21 pixels high. Capitals of matplotlib's
# font are 0.73 of its size.
_CAPITALS, _CAPITALS_OF_SIZE = 21, 0.73
_POINTS_PER_INCH = 72


def class_examples(
    frames: NDArray[np.uint8] | Sequence[NDArray[np.uint8]],
    names: Sequence[str],
    *,
    rows: int = 5,
    columns: int = 4,
    cell: float = 2.4,
    figure: Canvas | None = None,
) -> NDArray[Any]:
    """Draw frames in a grid, each with the name of its class on it in red.

    Parameters
    ----------
    frames : ndarray of uint8, or sequence of them
        (n, H, W, 3) or (n, H, W); frames in a sequence may differ in size.
    names : sequence of str
        The class of each frame.
    rows, columns : int, default: 5 and 4
        The grid, the report's by default; it has room for so many frames, and is as high as they need.
    cell : float, default: 2.4
        Width of a frame in inches.
    figure : matplotlib Figure or SubFigure, optional
        Where to draw; a new figure by default.

    Returns
    -------
    ndarray of matplotlib Axes
        Shape (at most rows, columns); each has its name as its one text.

    Raises
    ------
    harkit.errors.ArgumentError
        No frames, more than the grid holds, not as many names as frames.
    harkit.errors.ArgumentTypeError
        Frames that are not uint8.

    Notes
    -----
    The report draws into the pixels with OpenCV, at (10, 30), red, Hershey simplex of scale 1. Here the text
    has that size and place, in matplotlib's font, and the pixels stay as they are.

    Examples
    --------
    >>> from harkit import plotting
    >>> axes = plotting.class_examples(clip[:3], ["Jump", "Run", "Sit"])
    >>> [ax.texts[0].get_text() for ax in axes.flat[:3]]
    ['Jump', 'Run', 'Sit']
    """
    pictures = as_pictures(frames, "frames")
    listed = as_names(names, len(pictures), "names") or []
    if len(pictures) > rows * columns:
        raise ArgumentError(f"`frames` must be at most {rows} times {columns}, got {len(pictures)}")
    axes = frame_grid(pictures, columns=columns, cell=cell, figure=figure)
    for ax, picture, name in zip(axes.flat, pictures, listed, strict=False):
        pixel = cell * _POINTS_PER_INCH / picture.shape[1]  # points
        size = _CAPITALS * pixel / _CAPITALS_OF_SIZE
        ax.text(_X, _Y, name, color="red", fontsize=size, verticalalignment="baseline", clip_on=True)
    return axes
