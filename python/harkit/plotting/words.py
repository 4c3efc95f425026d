"""The words of a vocabulary as pictures, and how much each class uses them.

A word is a centre in the space of descriptors; what it looks like is seen in the mean of the patches around
the points that were given it. Grey clips are uint8 (T, H, W), points structured arrays as of
`harkit.stip.detect`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harkit.errors import ArgumentError
from harkit.plotting._canvas import canvas, plot
from harkit.plotting._points import Points, as_gray, as_points

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from harkit.plotting._canvas import Canvas

__all__ = ["word_use", "words"]

_GAP = 1  # pixels between the frames of a patch
_COLUMNS = 2


def words(
    clips: Sequence[NDArray[np.uint8]],
    points: Sequence[Points],
    labels: Sequence[NDArray[np.integer[Any]]],
    *,
    distances: Sequence[NDArray[np.floating[Any]]] | None = None,
    chosen: Sequence[int] | None = None,
    n_patches: int = 50,
    patch: tuple[int, int, int] = (9, 13, 13),
    figure: Canvas | None = None,
) -> NDArray[Any]:
    """Draw words as the mean patches of their points, the frames of a patch side by side.

    Parameters
    ----------
    clips : sequence of uint8 ndarray of shape (T, H, W)
        Grey clips.
    points : sequence of ndarray of shape (N_i,), as of harkit.stip.detect
        The points of each clip.
    labels : sequence of int ndarray of shape (N_i,)
        The word of each point.
    distances : sequence of float ndarray of shape (N_i,), optional
        How far each descriptor is from its word; the nearest are averaged. Without it the first.
    chosen : sequence of int, optional
        Which words. By default the ten that most points have, most first.
    n_patches : int, default: 50
        At most so many points of a word are averaged.
    patch : (int, int, int), default: (9, 13, 13)
        Frames, rows and columns of a patch; odd numbers. Points nearer to a face of the clip have none.
    figure : matplotlib Figure or SubFigure, optional
        Where to draw; a new figure by default.

    Returns
    -------
    ndarray of matplotlib Axes
        Shape (n_words,). Each image is (rows, frames x (columns + 1) - 1), its contrast stretched to the
        word's own range; the title has the word, and how many points it has and how many were averaged.

    Raises
    ------
    harkit.errors.ArgumentError
        Not as many clips, points and labels; a chosen word without a whole patch; an even patch.
    harkit.errors.ArgumentTypeError
        Clips that are not uint8, points without the fields.

    Examples
    --------
    >>> from harkit import plotting, stip
    >>> gray = clip[..., 1].copy()
    >>> points = stip.detect(gray)
    >>> axes = plotting.words([gray], [points], [points["x"] // 80], patch=(3, 9, 9))
    >>> axes[0].images[0].get_array().shape
    (9, 29)
    """
    if min(patch) < 1 or not all(side % 2 for side in patch):
        raise ArgumentError(f"`patch` must be three odd numbers, got {patch}")
    if n_patches < 1:
        raise ArgumentError(f"`n_patches` must be at least 1, got {n_patches}")
    clip_of, rows, word_of, distance = _gather(clips, points, labels, distances)
    inside = _has_patch(clips, clip_of, rows, patch)
    counts = np.bincount(word_of)
    if chosen is None:
        whole = np.bincount(word_of[inside], minlength=len(counts))
        chosen = [int(i) for i in np.argsort(-counts, kind="stable")[:10] if whole[i]]
    nearest = {}
    for word in chosen:
        mine = np.flatnonzero((word_of == word) & inside)
        if not len(mine):
            raise ArgumentError(f"`chosen` must be words of points with a whole patch, {word} has none")
        nearest[word] = mine[np.argsort(distance[mine], kind="stable")[:n_patches]]
    if not nearest:
        raise ArgumentError("`points` must have at least one point with a whole patch")
    n_rows = -(-len(nearest) // _COLUMNS)
    width = 0.055 * patch[0] * (patch[2] + _GAP)
    drawn = canvas(figure, width * _COLUMNS, n_rows * (width * patch[1] / (patch[0] * (patch[2] + 1)) + 0.35))
    axes = drawn.subplots(n_rows, _COLUMNS, squeeze=False).ravel()
    for ax in axes:
        ax.set_axis_off()
    for ax, (word, mine) in zip(axes, nearest.items(), strict=False):
        mean = np.mean([_cut(clips[clip_of[i]], rows[i], patch) for i in mine], axis=0)
        ax.imshow(_side_by_side(mean), cmap="gray")
        ax.set_title(f"{word}: {counts[word]:,} points, {len(mine)} averaged", loc="left", fontsize="small")
    shown: NDArray[Any] = axes[: len(nearest)]
    return shown


def word_use(
    encodings: ArrayLike,
    labels: ArrayLike,
    classes: Sequence[str],
    *,
    chosen: Sequence[int] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how much the clips of each class use each word, as a picture of classes by words.

    Parameters
    ----------
    encodings : array_like of float, shape (n_clips, n_words)
        Bags of words, as shares or counts.
    labels : array_like of int, shape (n_clips,)
        The class id of each clip, from 0.
    classes : sequence of str
        The name of each class, in the order of the ids.
    chosen : sequence of int, optional
        Which words, in this order; by default all, by the class that uses them most, most telling first.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        The image's array has the classes' means of each word, over the sum of these means: 1 is a word that
        one class alone uses.

    Raises
    ------
    harkit.errors.ArgumentError
        Encodings of another shape, a label that is no class, a word that is none.

    Examples
    --------
    >>> from harkit import plotting
    >>> ax = plotting.word_use([[3, 1], [1, 1], [0, 2]], [0, 0, 1], ["Run", "Sit"])
    >>> ax.images[0].get_array().round(2).tolist()
    [[1.0, 0.33], [0.0, 0.67]]
    """
    bags, ids = np.asarray(encodings, np.float64), np.asarray(labels)
    if bags.ndim != 2 or ids.shape != bags.shape[:1] or not bags.size:
        raise ArgumentError(f"`encodings` must be (n_clips, n_words), got {bags.shape} for {ids.size} labels")
    if ids.dtype.kind not in "iu" or ids.min() < 0 or ids.max() >= len(classes):
        raise ArgumentError(f"`labels` must be integers from 0 to {len(classes) - 1}")
    means = np.stack([bags[ids == i].sum(0) / max(1, (ids == i).sum()) for i in range(len(classes))])
    total = means.sum(0)
    share = np.divide(means, total, out=np.zeros_like(means), where=total > 0)
    if chosen is None:
        chosen = [int(i) for i in np.lexsort((-share.max(0), share.argmax(0)))]
    if not len(chosen) or not all(0 <= i < bags.shape[1] for i in chosen):
        raise ArgumentError(f"`chosen` must be words from 0 to {bags.shape[1] - 1}, at least one")
    ax = plot(ax, 10.0, 1.2 + 0.35 * len(classes))
    image = ax.imshow(share[:, list(chosen)], aspect="auto", cmap="magma", vmin=0, interpolation="nearest")
    ax.set_yticks(range(len(classes)), classes)
    ax.set_xlabel("Word")
    if len(chosen) <= 40:
        ax.set_xticks(range(len(chosen)), [str(i) for i in chosen], rotation=90)
    ax.figure.colorbar(image, ax=ax, label="Share of the word's use")
    return ax


def _gather(clips: Any, points: Any, labels: Any, distances: Any) -> tuple[NDArray[Any], ...]:
    """Clip, place (t, y, x), word and distance of all points in one row each."""
    if not len(clips) == len(points) == len(labels) == len(distances if distances is not None else clips):
        raise ArgumentError("`clips`, `points`, `labels` and `distances` must be of one length")
    for clip, found, word, far in zip(clips, points, labels, distances or labels, strict=True):
        as_gray(clip, "clips")
        if not len(as_points(found, "points")) == len(word) == len(far):
            raise ArgumentError("`labels` and `distances` must have an entry for each point of each clip")
    if not len(clips) or not sum(map(len, points)):
        raise ArgumentError("`points` must have at least one point")
    clip_of = np.repeat(np.arange(len(points)), [len(found) for found in points])
    rows = np.concatenate([np.stack([found[name] for name in "tyx"], axis=1) for found in points])
    word_of = np.concatenate([np.asarray(word, np.int64) for word in labels])
    if word_of.min() < 0:
        raise ArgumentError(f"`labels` must not be negative, got {word_of.min()}")
    far = np.zeros(len(rows)) if distances is None else np.concatenate(list(distances))
    return clip_of, rows, word_of, far


def _has_patch(clips: Any, clip_of: NDArray[Any], rows: NDArray[Any], patch: Any) -> NDArray[np.bool_]:
    half = np.array(patch) // 2
    sizes = np.array([clip.shape for clip in clips])[clip_of]
    inside: NDArray[np.bool_] = ((rows >= half) & (rows + half < sizes)).all(1)
    return inside


def _cut(clip: NDArray[np.uint8], place: NDArray[Any], patch: tuple[int, int, int]) -> NDArray[np.uint8]:
    (t, y, x), (a, b, c) = place, (side // 2 for side in patch)
    return clip[t - a : t + a + 1, y - b : y + b + 1, x - c : x + c + 1]


def _side_by_side(patch: NDArray[np.float64]) -> NDArray[np.float64]:
    """Frames in a row, not-a-number (blank) between them."""
    wide = np.pad(patch, ((0, 0), (0, 0), (0, _GAP)), constant_values=np.nan)
    return np.hstack(list(wide))[:, :-_GAP]
