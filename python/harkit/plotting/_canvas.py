"""What all figures stand on: matplotlib when it is needed, panels, and pictures in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harkit.errors import ArgumentError, ArgumentTypeError, MissingPackageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    Canvas: TypeAlias = Figure | SubFigure

Picture: TypeAlias = NDArray[np.uint8]


def pyplot() -> Any:
    """Import matplotlib's pyplot, or say how to get it."""
    try:
        import matplotlib.pyplot as plt
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "matplotlib":
            raise
        message = 'figures need matplotlib, which is not installed: pip install "harkit[plot]"'
        raise MissingPackageError(message) from error
    return plt


def canvas(figure: Canvas | None, width: float, height: float) -> Canvas:
    """Give the figure to draw in: the caller's, or a new one of so many inches."""
    if figure is not None:
        return figure
    new: Figure = pyplot().figure(figsize=(width, height), layout="constrained")
    return new


def plot(ax: Axes | None, width: float, height: float, *, polar: bool = False) -> Axes:
    """Give the axes to draw in: the caller's, or those of a new figure of so many inches."""
    if ax is None:
        ax = canvas(None, width, height).add_subplot(polar=polar)
    elif polar and ax.name != "polar":
        raise ArgumentError("`ax` must be polar: make it with subplot_kw={'projection': 'polar'}")
    return ax


def as_pictures(frames: Iterable[Any], name: str) -> list[Picture]:
    """Check frames, (T, H, W, 3) or (T, H, W) or a list of such frames."""
    if isinstance(frames, np.ndarray) and frames.ndim not in (3, 4):
        raise ArgumentError(f"`{name}` must have shape (T, H, W, 3) or (T, H, W), got {frames.shape}")
    pictures = [as_picture(frame, name) for frame in frames]
    if not pictures:
        raise ArgumentError(f"`{name}` must have at least one frame, got none")
    return pictures


def as_picture(frame: Any, name: str) -> Picture:
    """Check one frame, (H, W, 3) or (H, W)."""
    array = np.asarray(frame)
    if array.dtype != np.uint8:
        raise ArgumentTypeError(f"`{name}` must be uint8, got {array.dtype}")
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3) or not array.size:
        raise ArgumentError(f"`{name}` must have frames of shape (H, W, 3) or (H, W), got {array.shape}")
    return array


def show(ax: Axes, frame: Picture) -> None:
    """Draw a frame without axes, its values as they are: black is 0, white is 255."""
    ax.imshow(frame, cmap="gray", vmin=0, vmax=255)
    ax.set_axis_off()


def as_names(names: Iterable[Any] | None, count: int, argument: str) -> list[str] | None:
    """Check that there is a name for each of `count` things."""
    if names is None:
        return None
    if isinstance(names, str):
        raise ArgumentTypeError(f"`{argument}` must be a list of texts, got the single text {names!r}")
    listed = [str(name) for name in names]
    if len(listed) != count:
        raise ArgumentError(f"`{argument}` must have one entry a frame, got {len(listed)} for {count} frames")
    return listed
