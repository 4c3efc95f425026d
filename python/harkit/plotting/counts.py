"""How many clips, and how many frames, a data set has of each class.

Clips a class are the horizontal bars of dark-convnext-lstm (section 4, item 1); frames a class the bars and
the polar bars of hmdb-attention (section 4, item 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harkit.errors import ArgumentError, ArgumentTypeError
from harkit.plotting._canvas import plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["class_counts", "frame_counts"]

# Of the radius: the empty middle of polar bars, and what names need beyond the longest.
_HOLE, _RIM = 0.35, 0.45
_BAR = 0.3  # inches a bar


def class_counts(
    labels: ArrayLike, classes: Sequence[str], *, polar: bool = False, ax: Axes | None = None
) -> Axes:
    """Draw how many clips there are of each class, in the order of their ids.

    Parameters
    ----------
    labels : array_like of int
        The class id of each clip, from 0, shape (n_clips,).
    classes : sequence of str
        The name of each class, in the order of the ids.
    polar : bool, default: False
        Bars around a circle in place of horizontal ones.
    ax : matplotlib Axes, optional
        Where to draw (polar ones for polar bars); a new figure by default.

    Returns
    -------
    matplotlib Axes
        A bar a class, the first id at the top (polar: at noon, and on with the clock).

    Raises
    ------
    harkit.errors.ArgumentError
        No classes, a label that is no class, axes that are not polar.
    harkit.errors.ArgumentTypeError
        Labels that are not integers.

    Examples
    --------
    >>> from harkit import plotting
    >>> ax = plotting.class_counts([0, 0, 1, 0], ["Jump", "Run", "Sit"])
    >>> [int(bar.get_width()) for bar in ax.patches]
    [3, 1, 0]
    """
    names = _as_classes(classes)
    counts = np.bincount(_as_labels(labels, len(names)), minlength=len(names))
    if polar:
        return _polar_bars(names, counts, ax)
    ax = plot(ax, 6.0, 1.0 + _BAR * len(names))
    ax.bar_label(ax.barh(names, counts), padding=3)
    ax.invert_yaxis()
    ax.margins(x=0.08)
    ax.locator_params(axis="x", integer=True)
    ax.set_xlabel("Clips")
    return ax


def frame_counts(
    n_frames: ArrayLike,
    labels: ArrayLike,
    classes: Sequence[str],
    *,
    polar: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw how many frames there are of each class.

    Parameters
    ----------
    n_frames : array_like of int
        Frames of each clip, shape (n_clips,).
    labels : array_like of int
        The class id of each clip, from 0, shape (n_clips,).
    classes : sequence of str
        The name of each class, in the order of the ids.
    polar : bool, default: False
        Bars around a circle, ascending, in place of upright ones in the order of the ids.
    ax : matplotlib Axes, optional
        Where to draw (polar ones for polar bars); a new figure by default.

    Returns
    -------
    matplotlib Axes
        A bar a class.

    Raises
    ------
    harkit.errors.ArgumentError
        No classes, a label that is no class, not as many counts as labels, a negative count, axes that are
        not polar.
    harkit.errors.ArgumentTypeError
        Labels or counts that are not integers.

    Examples
    --------
    >>> from harkit import plotting
    >>> ax = plotting.frame_counts([60, 45, 30], [0, 0, 1], ["Jump", "Run"])
    >>> [int(bar.get_height()) for bar in ax.patches]
    [105, 30]
    """
    names = _as_classes(classes)
    ids = _as_labels(labels, len(names))
    lengths = _as_integers(n_frames, "n_frames")
    if lengths.shape != ids.shape:
        raise ArgumentError(f"`n_frames` must have a count a label, got {lengths.size} for {ids.size} labels")
    counts = np.zeros(len(names), np.int64)
    np.add.at(counts, ids, lengths)
    if polar:
        order = np.argsort(counts, kind="stable")
        return _polar_bars([names[i] for i in order], counts[order], ax)
    ax = plot(ax, max(5.0, 1.0 + 2 * _BAR * len(names)), 4.0)
    ax.bar_label(ax.bar(names, counts), padding=2, fontsize="small")
    ax.tick_params(axis="x", rotation=90 if len(names) > 8 else 0)
    ax.margins(x=0.01, y=0.08)
    ax.set_ylabel("Frames")
    return ax


def _polar_bars(names: Sequence[str], counts: NDArray[np.int64], ax: Axes | None) -> Axes:
    """Bars around a circle from noon with the clock, each with its name and count at its end."""
    ax = plot(ax, 7.0, 7.0, polar=True)
    angles = np.arange(len(names)) * 2 * np.pi / len(names)
    longest = max(int(counts.max()), 1)
    colors = [f"C{i % 10}" for i in range(len(names))]
    ax.bar(angles, counts, width=0.9 * 2 * np.pi / len(names), color=colors)
    polar: Any = ax
    polar.set_theta_zero_location("N")
    polar.set_theta_direction(-1)
    polar.set_rorigin(-_HOLE * longest)
    ax.set_ylim(0, (1 + _RIM) * longest)
    ax.set_axis_off()
    for angle, count, name in zip(angles, counts, names, strict=True):
        _label(ax, f"{name} {count}", angle, count + 0.03 * longest)
    return ax


def _label(ax: Axes, text: str, angle: float, radius: float) -> None:
    """Write along the radius, never upside down."""
    on_screen = 90 - np.degrees(angle)
    is_right = np.sin(angle) >= 0
    ax.text(
        angle,
        radius,
        text,
        rotation=on_screen if is_right else on_screen + 180,
        rotation_mode="anchor",
        horizontalalignment="left" if is_right else "right",
        verticalalignment="center",
    )


def _as_classes(classes: Sequence[str]) -> list[str]:
    if isinstance(classes, str):
        raise ArgumentTypeError(f"`classes` must be a list of names, got the single text {classes!r}")
    if not len(classes):
        raise ArgumentError("`classes` must have at least one name, got none")
    return [str(name) for name in classes]


def _as_labels(labels: ArrayLike, n_classes: int) -> NDArray[np.int64]:
    ids = _as_integers(labels, "labels")
    if ids.size and ids.max() >= n_classes:
        raise ArgumentError(f"`labels` must be below the {n_classes} classes, got {ids.max()}")
    return ids


def _as_integers(values: ArrayLike, name: str) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise ArgumentTypeError(
            f"`{name}` must be a 1-D list of integers, got shape {array.shape} and dtype {array.dtype}"
        )
    if array.size and array.min() < 0:
        raise ArgumentError(f"`{name}` must be at least 0, got {array.min()}")
    return array.astype(np.int64)
