"""Strips and grids of frames, and the frames that samplers choose, one rule above the other.

Frames are uint8, (T, H, W, 3) RGB or (T, H, W) grey. The grid is that of the report dark-csn (figures 1 to 3:
five columns), the two panels of sampled frames are those of dark-convnext-lstm (section 4, item 2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harkit.errors import ArgumentError
from harkit.plotting._canvas import Picture, as_names, as_pictures, canvas, show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from harkit.plotting._canvas import Canvas

__all__ = ["frame_grid", "frame_panels", "frame_strip", "sampled_frames"]

# Inches above a row of frames for its titles, and above a panel for its heading.
_TITLE, _HEADING = 0.3, 0.35


class _Video(Protocol):
    """What gives frames by their numbers: a clip or a `harkit.VideoReader`."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: Any) -> NDArray[np.uint8]: ...


def frame_grid(
    frames: NDArray[np.uint8] | Sequence[NDArray[np.uint8]],
    *,
    titles: Iterable[object] | None = None,
    columns: int = 5,
    cell: float = 2.2,
    figure: Canvas | None = None,
) -> NDArray[Any]:
    """Draw frames in rows, from left to right and from top to bottom.

    Parameters
    ----------
    frames : ndarray of uint8, or sequence of them
        (T, H, W, 3) or (T, H, W); frames in a sequence may differ in size.
    titles : iterable, optional
        What stands above each frame, its number say.
    columns : int, default: 5
        Frames in a row; there are ceil(T / columns) rows. 5 is the report's.
    cell : float, default: 2.2
        Width of a frame in inches (the report's cells are 5 by 5).
    figure : matplotlib Figure or SubFigure, optional
        Where to draw; a new figure by default.

    Returns
    -------
    ndarray of matplotlib Axes
        Shape (rows, columns). Unused cells at the end are not visible.

    Raises
    ------
    harkit.errors.ArgumentError
        No frames, frames of another shape, not as many titles as frames, no columns.
    harkit.errors.ArgumentTypeError
        Frames that are not uint8.

    Examples
    --------
    >>> from harkit import plotting
    >>> plotting.frame_grid(clip[:12], titles=range(12)).shape
    (3, 5)
    """
    pictures = as_pictures(frames, "frames")
    names = as_names(titles, len(pictures), "titles")
    if columns < 1:
        raise ArgumentError(f"`columns` must be at least 1, got {columns}")
    rows = -(-len(pictures) // columns)
    height = cell * _tallest(pictures) + (_TITLE if names else 0.0)
    axes = canvas(figure, cell * columns, height * rows).subplots(rows, columns, squeeze=False)
    for ax in axes.flat[len(pictures) :]:
        ax.set_visible(False)
    _fill(axes.flat, pictures, names, loc="center")
    return axes


def frame_strip(
    frames: NDArray[np.uint8] | Sequence[NDArray[np.uint8]],
    *,
    titles: Iterable[object] | None = None,
    cell: float = 2.2,
    figure: Canvas | None = None,
) -> NDArray[Any]:
    """Draw frames side by side.

    Parameters
    ----------
    frames : ndarray of uint8, or sequence of them
        (T, H, W, 3) or (T, H, W); frames in a sequence may differ in size.
    titles : iterable, optional
        What stands at the left above each frame, its number say.
    cell : float, default: 2.2
        Width of a frame in inches.
    figure : matplotlib Figure or SubFigure, optional
        Where to draw; a new figure by default.

    Returns
    -------
    ndarray of matplotlib Axes
        Shape (T,).

    Raises
    ------
    harkit.errors.ArgumentError
        No frames, frames of another shape, not as many titles as frames.
    harkit.errors.ArgumentTypeError
        Frames that are not uint8.

    Examples
    --------
    >>> from harkit import plotting
    >>> chosen = [0, 5, 10, 15]
    >>> axes = plotting.frame_strip(clip[chosen], titles=chosen)
    >>> axes[0].figure.savefig("strip.png")
    """
    pictures = as_pictures(frames, "frames")
    names = as_names(titles, len(pictures), "titles")
    height = cell * _tallest(pictures) + (_TITLE if names else 0.0)
    drawn = canvas(figure, cell * len(pictures), height)
    axes: NDArray[Any] = drawn.subplots(1, len(pictures), squeeze=False)[0]
    _fill(axes, pictures, names, loc="left")
    return axes


def frame_panels(
    clips: Mapping[str, NDArray[np.uint8] | Sequence[NDArray[np.uint8]]],
    *,
    titles: Mapping[str, Iterable[object]] | None = None,
    cell: float = 2.2,
    figure: Canvas | None = None,
) -> dict[str, NDArray[Any]]:
    """Draw strips of frames one above the other, each under a heading: a clip in several forms, say.

    Parameters
    ----------
    clips : mapping of str to ndarray of uint8, or to sequence of them
        The heading of each panel and its frames, (T, H, W, 3) or (T, H, W).
    titles : mapping of str to iterable, optional
        For a heading what stands at the left above each of its frames.
    cell : float, default: 2.2
        Width of a frame in inches.
    figure : matplotlib Figure or SubFigure, optional
        Where to draw; a new figure by default.

    Returns
    -------
    dict of str to ndarray of matplotlib Axes
        For each heading the axes of its frames, shape (T,).

    Raises
    ------
    harkit.errors.ArgumentError
        No clips, no frames, frames of another shape, not as many titles as frames.
    harkit.errors.ArgumentTypeError
        Frames that are not uint8.

    Examples
    --------
    >>> from harkit import plotting
    >>> axes = plotting.frame_panels({"As filmed": clip[:4], "Inverted": 255 - clip[:4]})
    >>> axes["Inverted"].shape
    (4,)
    """
    if not clips:
        raise ArgumentError("`clips` must have at least one clip, got none")
    pictures = {heading: as_pictures(clip, "clips") for heading, clip in clips.items()}
    above = {
        heading: as_names((titles or {}).get(heading), len(strip), "titles")
        for heading, strip in pictures.items()
    }
    heights = [
        cell * _tallest(strip) + _HEADING + (_TITLE if above[heading] else 0.0)
        for heading, strip in pictures.items()
    ]
    width = cell * max(map(len, pictures.values()))
    drawn = canvas(figure, width, sum(heights))
    panels = drawn.subfigures(len(pictures), 1, squeeze=False, height_ratios=heights)[:, 0]
    axes = {}
    for panel, heading in zip(panels, pictures, strict=True):
        panel.suptitle(heading)
        axes[heading] = frame_strip(pictures[heading], titles=above[heading], cell=cell, figure=panel)
    return axes


def sampled_frames(
    video: _Video,
    chosen: Mapping[str, ArrayLike],
    *,
    cell: float = 2.2,
    figure: Canvas | None = None,
) -> dict[str, NDArray[Any]]:
    """Draw the frames that rules choose of one video: a panel a rule, one above the other.

    Parameters
    ----------
    video : ndarray of uint8, or harkit.VideoReader
        (T, H, W, 3) or (T, H, W).
    chosen : mapping of str to array_like of int
        The heading of each panel, and the frames in it by their numbers, which stand at the left above them.
    cell : float, default: 2.2
        Width of a frame in inches.
    figure : matplotlib Figure or SubFigure, optional
        Where to draw; a new figure by default.

    Returns
    -------
    dict of str to ndarray of matplotlib Axes
        For each heading the axes of its frames, shape (T,).

    Raises
    ------
    harkit.errors.ArgumentError
        Nothing chosen, or frames of another shape.
    harkit.errors.FrameIndexError
        A number that `video`, a reader, does not have.

    Notes
    -----
    The report's figure (dark-convnext-lstm, section 4, item 2) is a panel "Interval (Uniform)" over a panel
    "Random", of five frames each: ``Linspace(5, rounding="open_step")`` and ``Random(5)``.

    Examples
    --------
    >>> from harkit import plotting, sampling
    >>> axes = plotting.sampled_frames(
    ...     clip,
    ...     {
    ...         "Interval (Uniform)": sampling.Linspace(5, rounding="open_step").indices(len(clip)),
    ...         "Random": sampling.Random(5, seed=0).indices(len(clip)),
    ...     },
    ... )
    >>> [ax.get_title(loc="left") for ax in axes["Interval (Uniform)"]]
    ['0', '3', '6', '9', '12']
    """
    numbers = {heading: np.asarray(indices).ravel() for heading, indices in chosen.items()}
    if not numbers or not all(indices.size for indices in numbers.values()):
        raise ArgumentError("`chosen` must name at least one rule, and at least one frame for each")
    clips = {heading: video[indices] for heading, indices in numbers.items()}
    return frame_panels(clips, titles=numbers, cell=cell, figure=figure)


def _tallest(pictures: Sequence[Picture]) -> float:
    """Height over width of the tallest frame."""
    return max(float(picture.shape[0] / picture.shape[1]) for picture in pictures)


def _fill(
    axes: Iterable[Axes],
    pictures: Sequence[Picture],
    names: Sequence[str] | None,
    *,
    loc: Literal["left", "center"],
) -> None:
    for i, (ax, picture) in enumerate(zip(axes, pictures, strict=False)):
        show(ax, picture)
        if names:
            ax.set_title(names[i], loc=loc)
