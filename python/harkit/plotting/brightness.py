"""Mean brightness over time, in which a clip that flickers is seen at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harkit.errors import ArgumentError
from harkit.plotting._canvas import as_pictures, plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["brightness"]


def brightness(
    clips: Mapping[str, NDArray[np.uint8]], *, fps: float | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the mean value of each frame, a line a clip.

    Parameters
    ----------
    clips : mapping of str to ndarray of uint8
        Clips by their names in the legend, (T, H, W, 3) or (T, H, W).
    fps : float, optional
        Frames a second, for an x axis in seconds; by default it counts frames.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        One line a clip, in their order.

    Raises
    ------
    harkit.errors.ArgumentError
        No clips, a clip of another shape, a rate that is not positive.
    harkit.errors.ArgumentTypeError
        A clip that is not uint8.

    Examples
    --------
    >>> from harkit import plotting
    >>> ax = plotting.brightness({"as filmed": clip, "brighter": 2 * clip}, fps=25)
    >>> bool(ax.lines[0].get_ydata()[3] == clip[3].mean())
    True
    """
    if not clips:
        raise ArgumentError("`clips` must have at least one clip, got none")
    if fps is not None and not fps > 0:
        raise ArgumentError(f"`fps` must be positive, got {fps}")
    means = {
        name: [float(frame.mean()) for frame in as_pictures(clip, "clips")] for name, clip in clips.items()
    }
    ax = plot(ax, 7.0, 3.5)
    for name, values in means.items():
        ax.plot(np.arange(len(values)) / (fps or 1), values, label=name)
    ax.set(xlabel="Frame" if fps is None else "Seconds", ylabel="Mean value of the frame")
    ax.legend()
    return ax
