"""A recipe over one video or many: sampled, decoded, enhanced and transformed in one pass."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from harkit import _core
from harkit import transforms as tf
from harkit._ahead import ahead
from harkit._progress import Progress, shown
from harkit.enhancement import Enhancement
from harkit.errors import ArgumentError, ArgumentTypeError
from harkit.sampling import Sampler, indices_many
from harkit.video import Gray, Source

__all__ = ["Batch", "ClipRecipe", "ClipStream", "Failure", "load_clips", "read_clip"]

Layout: TypeAlias = Literal["THWC", "TCHW", "CTHW"]
Span: TypeAlias = tuple[int, int]


class VideoList(Protocol):
    """What a data set's split offers: paths, and labels beside them.

    Attributes
    ----------
    paths : sequence
        The videos.
    labels : array_like
        A class for each.
    """

    @property
    def paths(self) -> Sequence[Any]:
        """The videos."""

    @property
    def labels(self) -> Any:
        """A class for each."""


@dataclass(frozen=True)
class ClipRecipe:
    """What is done to every video.

    Parameters
    ----------
    sampling : harkit.sampling.Sampler, optional
        Which frames; every frame where not given.
    enhancement : sequence of harkit.enhancement.Enhancement, default: ()
        How bright, in order.
    transforms : sequence of harkit.transforms.Transform, default: ()
        How large and where, in order. Random ones are drawn once for each clip, from `seed`, the epoch and
        the video's position in the list: never from order or threads.
    gray : {False, True, "y"}, default: False
        As for :class:`harkit.VideoReader`.
    layout : {"THWC", "TCHW", "CTHW"}, default: "THWC"
        Axes of a clip: time, height, width, channel. Grey clips with channels last have no channel axis.
    dtype : {"uint8", "float32"}, optional
        Where not given, what the transforms give.
    seed : int, default: 0
        Of the random transforms; samplers have seeds of their own.

    Raises
    ------
    harkit.errors.ArgumentError, harkit.errors.ArgumentTypeError
        An option of another kind, or out of range.

    Examples
    --------
    >>> from harkit import sampling, transforms as tf
    >>> small = [tf.ResizeShort(64), tf.CenterCrop(56)]
    >>> recipe = harkit.ClipRecipe(sampling=sampling.Uniform(8), transforms=small)
    >>> harkit.load_clips(paths, recipe).clips.shape[1:]
    (8, 56, 56, 3)
    """

    sampling: Sampler | None = None
    enhancement: Sequence[Enhancement] = ()
    transforms: Sequence[tf.Transform] = ()
    gray: Gray = False
    layout: Layout = "THWC"
    dtype: Literal["uint8", "float32"] | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.sampling is not None and not isinstance(self.sampling, Sampler):
            raise ArgumentTypeError(f"`sampling` must be a harkit.sampling rule, got {self.sampling!r}")
        object.__setattr__(self, "enhancement", _options("enhancement", self.enhancement, Enhancement))
        object.__setattr__(self, "transforms", _options("transforms", self.transforms, tf.Transform))
        if self.dtype not in (None, "uint8", "float32"):
            raise ArgumentError(f'`dtype` must be "uint8", "float32" or None, got {self.dtype!r}')
        if not isinstance(self.seed, int) or isinstance(self.seed, bool) or not 0 <= self.seed < 2**64:
            raise ArgumentError(f"`seed` must be an integer from 0 to 2**64 - 1, got {self.seed!r}")
        _core.check_recipe(self)


def _options(name: str, options: Any, kind: type) -> tuple[Any, ...]:
    checked: tuple[Any, ...] = (options,) if isinstance(options, kind) else tuple(options)
    for option in checked:
        if not isinstance(option, kind):
            raise ArgumentTypeError(f"`{name}` must hold options of harkit.{name}, got {option!r}")
    return checked


class Failure(NamedTuple):
    """A video that could not be loaded.

    Attributes
    ----------
    path : str, os.PathLike
        The file, as it was given.
    frame : int or None
        The frame, where one is known.
    reason : str
        What was wrong.
    """

    path: Any
    frame: int | None
    reason: str


@dataclass(frozen=True, eq=False)
class Batch:
    """Clips of many videos.

    Attributes
    ----------
    clips : ndarray or list of ndarray
        (rows, ...) in the recipe's layout; a list of one array a row where their shapes differ.
    video_index : ndarray of int64
        (rows,) position of each row's video in the list that was loaded. A sampler of several clips, or a
        transform of several views, gives a video several rows, clip by clip, view by view.
    frame_indices : ndarray of int64 or list of ndarray
        (rows, T) frames of each row, in presentation order from 0.
    labels : ndarray or None
        (rows,) labels, where the list has them.
    failures : list of Failure
        The videos that could not be loaded; they have no rows.
    """

    clips: NDArray[Any] | list[NDArray[Any]]
    video_index: NDArray[np.int64]
    frame_indices: NDArray[np.int64] | list[NDArray[np.int64]]
    labels: NDArray[Any] | None = None
    failures: list[Failure] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.video_index)

    def __repr__(self) -> str:
        clips = self.clips
        shape = (
            f"{clips.dtype} {clips.shape}"
            if isinstance(clips, np.ndarray)
            else f"{len(clips)} of several shapes"
        )
        n_videos = len(np.unique(self.video_index))
        return f"Batch(clips={shape}, videos={n_videos}, failures={len(self.failures)})"


def read_clip(
    source: Source,
    *,
    sampling: Sampler | None = None,
    size: tuple[int, int] | None = None,
    gray: Gray = False,
    enhancement: Sequence[Enhancement] = (),
    transforms: Sequence[tf.Transform] = (),
    layout: Layout = "THWC",
    dtype: Literal["uint8", "float32"] | None = None,
    seed: int = 0,
) -> NDArray[Any]:
    """Read one video by a recipe.

    Parameters
    ----------
    source : str, os.PathLike, bytes or binary file object
        A video, or the path of a folder of frame images.
    sampling : harkit.sampling.Sampler, optional
        Which frames; every frame where not given.
    size : tuple of int, optional
        (height, width): a resize (OpenCV's bilinear) before the other transforms.
    gray : {False, True, "y"}, default: False
        As for :class:`harkit.VideoReader`.
    enhancement : sequence of harkit.enhancement.Enhancement, default: ()
        How bright, in order.
    transforms : sequence of harkit.transforms.Transform, default: ()
        How large and where, in order.
    layout : {"THWC", "TCHW", "CTHW"}, default: "THWC"
        Axes of a clip. Grey clips with channels last have no channel axis.
    dtype : {"uint8", "float32"}, optional
        Where not given, what the transforms give.
    seed : int, default: 0
        Of the random transforms.

    Returns
    -------
    ndarray
        A clip in `layout`; with a leading axis where the sampler gives several clips or a transform several
        views.

    Raises
    ------
    harkit.errors.HarkitError
        Whatever is wrong with the video or the options.

    Examples
    --------
    >>> harkit.read_clip(path, sampling=harkit.sampling.Uniform(8), size=(56, 56)).shape
    (8, 56, 56, 3)
    >>> harkit.read_clip(path, gray=True).ndim
    3
    """
    if size is not None:
        transforms = (tf.Resize(size), *_options("transforms", transforms, tf.Transform))
    recipe = ClipRecipe(sampling, enhancement, transforms, gray, layout, dtype, seed)
    clips, _ = _core.load_video(source, recipe)
    several = len(clips) > 1 or (sampling is not None and not sampling.single_clip)
    return clips if several else cast("NDArray[Any]", clips[0])


def load_clips(
    videos: Sequence[Source] | VideoList,
    recipe: ClipRecipe,
    *,
    epoch: int = 0,
    progress: Progress = False,
) -> Batch:
    """Read many videos by one recipe, in parallel.

    Parameters
    ----------
    videos : sequence of sources, or a data set's split
        Paths (files or folders of frame images), bytes or file objects; or an object with ``paths``,
        ``labels`` and perhaps ``spans`` (the part of each file that counts as the video, as (start, stop)).
    recipe : ClipRecipe
        What is done to each.
    epoch : int, default: 0
        Random samplers and transforms draw anew in each epoch.
    progress : bool or callable, default: False
        ``True`` draws a bar; a callable gets the number of videos finished so far.

    Returns
    -------
    Batch
        Rows in the order of the videos, the same for any number of threads.

    Notes
    -----
    A video that fails is listed in ``failures`` and has no rows; the others are not lost, and nothing stands
    in for it. Memory: the result, and one video's frames for each thread.

    Examples
    --------
    >>> recipe = harkit.ClipRecipe(sampling=harkit.sampling.Uniform(4))
    >>> batch = harkit.load_clips([path, "missing.mp4"], recipe)
    >>> batch
    Batch(clips=uint8 (1, 4, 120, 160, 3), videos=1, failures=1)
    >>> batch.failures[0].path
    'missing.mp4'
    """
    listing = _Listing.of(videos)
    with shown(progress, len(listing), "video") as tell:
        return listing.load(range(len(listing)), recipe, epoch, tell)


class ClipStream:
    """Batches of clips, loaded ahead in the background.

    Parameters
    ----------
    videos : sequence of sources, or a data set's split
        As for :func:`load_clips`.
    recipe : ClipRecipe
        What is done to each.
    batch_size : int, default: 8
        Videos of a batch; rows are more where a video has several clips, and fewer where videos fail.
    shuffle : bool, default: False
        Whether each epoch has an order of its own, drawn from `seed` and the epoch.
    seed : int, default: 0
        Of the order.
    drop_last : bool, default: False
        Whether a last batch of fewer videos is left out.
    prefetch : int, default: 2
        Batches loaded ahead: at most so many, and the one in use, are in memory.

    Notes
    -----
    Each iteration is an epoch, counted from 0 (set ``epoch`` to go on elsewhere). The frames and pixels of a
    video depend on its position in the list and the epoch, not on the order.

    Examples
    --------
    >>> recipe = harkit.ClipRecipe(sampling=harkit.sampling.Uniform(4))
    >>> [len(batch) for batch in harkit.ClipStream(paths, recipe, batch_size=2)]
    [2, 2]
    """

    def __init__(
        self,
        videos: Sequence[Source] | VideoList,
        recipe: ClipRecipe,
        *,
        batch_size: int = 8,
        shuffle: bool = False,
        seed: int = 0,
        drop_last: bool = False,
        prefetch: int = 2,
    ) -> None:
        for name, value in (("batch_size", batch_size), ("prefetch", prefetch)):
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ArgumentError(f"`{name}` must be an integer of at least 1, got {value!r}")
        self.videos = videos
        self.recipe = recipe
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.drop_last = drop_last
        self.prefetch = prefetch
        self.epoch = 0
        self._listing = _Listing.of(videos)

    def __len__(self) -> int:
        whole, rest = divmod(len(self._listing), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Batch]:
        epoch, self.epoch = self.epoch, self.epoch + 1
        order = np.arange(len(self._listing))
        if self.shuffle:
            order = np.random.default_rng((self.seed, epoch)).permutation(order)
        parts = [order[i * self.batch_size : (i + 1) * self.batch_size].tolist() for i in range(len(self))]
        listing = self._listing.sampled(self.recipe, order.tolist(), epoch)
        return ahead(lambda part: listing.load(part, self.recipe, epoch, None), parts, self.prefetch)


@dataclass(frozen=True, eq=False)
class _Listing:
    """Videos as the core takes them, with what stands beside them."""

    sources: list[Any]
    labels: NDArray[Any] | None
    spans: list[Span | None]
    # Frames chosen beforehand, where a report's sampler draws from one stream over all videos.
    chosen: dict[int, list[list[int]]] | None = None
    unreadable: dict[int, Failure] = field(default_factory=dict)

    @classmethod
    def of(cls, videos: Any) -> _Listing:
        paths = getattr(videos, "paths", None)
        if paths is None:
            if isinstance(videos, (str, bytes, os.PathLike)):
                raise ArgumentTypeError(
                    f"`videos` must be a list of videos, got one: {videos!r}; use read_clip"
                )
            return cls(list(videos), None, [None] * len(videos))
        labels, spans = getattr(videos, "labels", None), getattr(videos, "spans", None)
        spans = [None] * len(paths) if spans is None else [(int(start), int(stop)) for start, stop in spans]
        return cls(list(paths), None if labels is None else np.asarray(labels), spans)

    def __len__(self) -> int:
        return len(self.sources)

    def sampled(self, recipe: ClipRecipe, order: Sequence[int], epoch: int) -> _Listing:
        """With the frames chosen, video after video in `order`, if the sampler wants it so."""
        if recipe.sampling is None or not recipe.sampling.sequential or self.chosen is not None:
            return self
        lengths, failures = _core.video_lengths([self._item(i) for i in order], None)
        known = [(i, length) for i, length in zip(order, lengths, strict=True) if length is not None]
        values = [length[1] if recipe.sampling.needs_timestamps else length[0] for _, length in known]
        clips = indices_many(recipe.sampling, values, epoch=epoch)
        chosen = {i: np.atleast_2d(clip).tolist() for (i, _), clip in zip(known, clips, strict=True)}
        unreadable = {order[failure[0]]: self._failure(order[failure[0]], failure) for failure in failures}
        return replace(self, chosen=chosen, unreadable=unreadable)

    def load(
        self, part: Sequence[int], recipe: ClipRecipe, epoch: int, tell: Callable[[int], object] | None
    ) -> Batch:
        listing = self.sampled(recipe, part, epoch)
        readable = [i for i in part if i not in listing.unreadable]
        results, failed = _core.load_videos([listing._item(i) for i in readable], recipe, epoch, tell)
        failures = {readable[failure[0]]: self._failure(readable[failure[0]], failure) for failure in failed}
        failures |= {i: listing.unreadable[i] for i in part if i in listing.unreadable}
        loaded = [(i, result) for i, result in zip(readable, results, strict=True) if result is not None]
        video_index = np.array([i for i, (clips, _) in loaded for _ in clips], dtype=np.int64)
        return Batch(
            clips=_stacked([clips for _, (clips, _) in loaded]),
            video_index=video_index,
            frame_indices=_stacked([frames for _, (_, frames) in loaded]),
            labels=None if self.labels is None else self.labels[video_index],
            failures=[failures[i] for i in part if i in failures],
        )

    def _item(self, i: int) -> tuple[Any, int, Span | None, list[list[int]] | None]:
        return self.sources[i], i, self.spans[i], None if self.chosen is None else self.chosen[i]

    def _failure(self, i: int, failure: tuple[int, Any, int | None, str]) -> Failure:
        source = self.sources[i]
        path = source if isinstance(source, (str, os.PathLike)) else f"<video {i} of the list>"
        return Failure(path, failure[2], failure[3])


def _stacked(arrays: list[NDArray[Any]]) -> Any:
    """One array of all rows; a list of rows where their shapes differ."""
    if len({array.shape[1:] for array in arrays}) > 1:
        return [row for array in arrays for row in array]
    if len(arrays) == 1:
        return arrays[0]
    with suppress(ValueError):
        return np.concatenate(arrays)
    return np.empty((0,))
