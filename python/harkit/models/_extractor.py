"""From videos to feature vectors: frames or clips through a network, as scikit-learn wants it.

Frames are chosen first (`harkit.sampling`), so that the cache knows a video by the frames that count. What
is not cached is loaded by the fused loader, several videos side by side and the next part while the network
computes the last; the network sees batches of a fixed size that run on from video to video. Memory: the
loaded parts, of some hundred frames each, whatever the number and the length of the videos.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache as cached
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin

from harkit import _core
from harkit import enhancement as en
from harkit import sampling as sp
from harkit import transforms as tf
from harkit._ahead import ahead
from harkit._progress import Progress, shown
from harkit._videos import Item, items_of
from harkit.cache import FeatureCache, content_hash
from harkit.errors import ArgumentError, ArgumentTypeError, DecodeError, HarkitError
from harkit.loading import ClipRecipe, Failure
from harkit.models._create import create_model
from harkit.models._model import Model, checked_count
from harkit.models._rows import Rows

__all__ = ["BackboneExtractor"]

# Failures that an error spells out.
_N_REPORTED = 5
# Frames that one thread loads of one video at a time; of all threads, no more than the other.
_PIECE, _MOST = 128, 512
# Frames of a default recipe, for networks of pictures.
_N_FRAMES = 8

_log = logging.getLogger("harkit.models")


class BackboneExtractor(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Features of videos: what a network makes of their frames or clips, averaged over each video.

    Parameters
    ----------
    backbone : str or Model
        An architecture, as :func:`harkit.list_models` shows it; or a model.
    weights : str or os.PathLike, optional
        As for :func:`harkit.create_model`; without them the network is initialised, which is of use in tests.
    recipe : ClipRecipe, optional
        Which frames, how bright, how large. Where it has no transforms, those of the weights are
        used. Where not given: 8 frames a video in the middle of equal parts; of networks that take
        clips, one clip of as many frames as the reference takes. Layout and dtype are the network's
        affair.
    stage : str, default: "features"
        One of the model's stages; maps are averaged over rows and columns (and time).
    pool : {"mean", None}, default: "mean"
        The mean over the frames, or the clips and views, of a video; None keeps them: (n, frames, d).
    batch_size : int, default: 16
        Frames, or clips, that go through the network at once.
    device : str, default: "cpu"
        "cpu", "cuda" or "cuda:1".
    seed : int, default: 0
        Of initial values, where there are no weights.
    cache : str, os.PathLike or FeatureCache, optional
        Where features are kept, found again by the video's content, the frames, the recipe and the network.
    progress : bool or callable, default: False
        ``True`` draws a bar; a callable gets the number of videos finished so far.

    Attributes
    ----------
    n_features_out_ : int
        The width of a vector.
    failures_ : list of harkit.loading.Failure
        The videos that the last `transform` could not read.

    Notes ----- It learns nothing: `fit` only checks the arguments, as `transform` does, before the
    first frame is read. Videos are paths, or ``(path, start, stop)`` for the frames from start up to,
    not including, stop; or a data set's split.

    Examples
    --------
    >>> recipe = harkit.ClipRecipe(
    ...     sampling=harkit.sampling.Uniform(4),
    ...     transforms=[harkit.transforms.Resize(64), harkit.transforms.Normalize(0.5, 0.25, scale=255)],
    ... )
    >>> extractor = harkit.models.BackboneExtractor("resnet18", recipe=recipe)
    >>> extractor.fit_transform(paths).shape
    (4, 512)
    """

    def __init__(
        self,
        backbone: str | Model,
        *,
        weights: str | os.PathLike[str] | None = None,
        recipe: ClipRecipe | None = None,
        stage: str = "features",
        pool: Literal["mean"] | None = "mean",
        batch_size: int = 16,
        device: str = "cpu",
        seed: int = 0,
        cache: str | os.PathLike[str] | FeatureCache | None = None,
        progress: Progress = False,
    ) -> None:
        self.backbone = backbone
        self.weights = weights
        self.recipe = recipe
        self.stage = stage
        self.pool = pool
        self.batch_size = batch_size
        self.device = device
        self.seed = seed
        self.cache = cache
        self.progress = progress

    def fit(self, videos: Any, y: Any = None) -> BackboneExtractor:
        """Check the arguments.

        Parameters
        ----------
        videos : sequence of paths and (path, start, stop), or a data set's split
            Only looked at, not opened.
        y : object, optional
            Not used.

        Returns
        -------
        BackboneExtractor
            Itself.

        Raises
        ------
        harkit.errors.ArgumentError, harkit.errors.ArgumentTypeError
            An argument out of range or of another kind.
        harkit.errors.MissingFileError
            Weights that are not at hand.
        """
        items_of(videos)
        self._remember(self._work())
        return self

    def transform(self, videos: Any) -> NDArray[np.float32]:
        """Compute the features of each video, or find them in the cache.

        Parameters
        ----------
        videos : sequence of paths and (path, start, stop), or a data set's split
            The videos.

        Returns
        -------
        ndarray of float32, shape (n, d)
            A row a video, in the same order; (n, frames, d) for ``pool=None``.

        Raises
        ------
        harkit.errors.ArgumentError, harkit.errors.ArgumentTypeError
            An argument out of range or of another kind; nothing has been read then.
        harkit.errors.HarkitError
            Videos that cannot be read; the error names them, `failures_` lists them all. The
            others are in the cache.
        """
        items, work = items_of(videos), self._work()
        self._remember(work)
        cache = self.cache
        if cache is not None and not isinstance(cache, FeatureCache):
            cache = FeatureCache(cache)
        with shown(self.progress, len(items), "video") as tell:
            features, failed = work.run(items, cache, tell)
        self.failures_ = [_failure(items[i], error) for i, error in sorted(failed.items())]
        if failed:
            raise _joined([error for _, error in sorted(failed.items())], len(items))
        return _stacked(items, features, work.n_columns, keep=self.pool is None)

    def _remember(self, work: _Work) -> None:
        self.n_features_out_ = self._n_features_out = work.n_columns

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.no_validation = True
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags

    def _work(self) -> _Work:
        if self.pool not in ("mean", None):
            raise ArgumentError(f'`pool` must be "mean" or None, got {self.pool!r}')
        if self.recipe is not None and not isinstance(self.recipe, ClipRecipe):
            raise ArgumentTypeError(f"`recipe` must be a harkit.ClipRecipe, got {self.recipe!r}")
        batch_size = checked_count("batch_size", self.batch_size)
        if isinstance(self.backbone, Model):
            if self.weights is not None:
                raise ArgumentError("`weights` must not be given beside a model, which has its own")
            model = self.backbone
        elif isinstance(self.backbone, str):
            model = create_model(self.backbone, weights=self.weights, seed=self.seed, device=self.device)
        else:
            raise ArgumentTypeError(f"`backbone` must be a name or a Model, got {self.backbone!r}")
        return _Work(model, _complete(self.recipe, model), self.stage, self.pool, batch_size)


def _complete(recipe: ClipRecipe | None, model: Model) -> ClipRecipe:
    """Return a recipe that gives what the network takes."""
    known = model.description
    if known.family not in ("image", "clip"):
        raise ArgumentError(
            f"`backbone` must take pictures or clips, {known.architecture} takes a {known.family}"
        )
    if recipe is None:
        n_frames = _N_FRAMES if known.family == "image" else known.input_shape[1]
        recipe = ClipRecipe(sampling=sp.Uniform(n_frames))
    if recipe.gray is not False:
        raise ArgumentError(f"`recipe` must give RGB frames, got gray={recipe.gray!r}")
    if not recipe.transforms:
        if known.preprocessing is None:
            raise ArgumentError(
                f"`recipe` must have transforms: {known.architecture} ({known.origin}) knows no preprocessing"
            )
        recipe = replace(recipe, transforms=known.preprocessing)
    return replace(recipe, layout="TCHW" if known.family == "image" else "CTHW", dtype="float32")


@dataclass(frozen=True)
class _Part:
    """Frames of one video to be loaded at once: a list for each clip."""

    position: int
    clips: list[list[int]]
    last: bool

    @property
    def n_frames(self) -> int:
        return sum(map(len, self.clips))


class _Work:
    """What is done to each video, checked."""

    def __init__(
        self, model: Model, recipe: ClipRecipe, stage: str, pool: Literal["mean"] | None, batch_size: int
    ) -> None:
        self.model, self.recipe, self.stage, self.pool, self.batch_size = (
            model,
            recipe,
            stage,
            pool,
            batch_size,
        )
        nodes = dict(model.graph.stages)
        if stage not in nodes:
            raise ArgumentError(f"`stage` must be one of {', '.join(nodes)}, got {stage!r}")
        shape = model.network.shapes([1, *model.description.input_shape])[nodes[stage]]
        self.n_columns = shape[1]
        self.by_frame = model.description.family == "image"
        self.is_random = any(_is_random(transform) for transform in recipe.transforms)
        # Pieces of a video give the same only where a frame does not look at others.
        self.whole = self.is_random or any(_looks_along_time(step) for step in recipe.enhancement)

    def run(
        self, items: Sequence[Item], cache: FeatureCache | None, tell: Callable[[int], object] | None
    ) -> tuple[dict[int, NDArray[np.float32]], dict[int, HarkitError]]:
        """Features and failures, by the position of the video."""
        clips, failed = self._chosen(items)
        keys: dict[int, dict[str, Any]] = {}
        features: dict[int, NDArray[np.float32]] = {}
        if cache is not None:
            shared = self._shared_key()
            for i, chosen in clips.items():
                keys[i] = {**shared, **self._key(items[i], i, chosen)}
                found = cache.get(keys[i])
                if found is not None:
                    features[i] = np.array(found["features"])
        if tell is not None:
            tell(len(features) + len(failed))
        wanted = {i: chosen for i, chosen in clips.items() if i not in features}
        for i, outcome in self._computed(items, wanted):
            if isinstance(outcome, HarkitError):
                failed[i] = outcome
            elif cache is not None:
                features[i] = np.array(cache.get_or_compute(keys[i], _given(outcome))["features"])
            else:
                features[i] = outcome
            if tell is not None:
                tell(len(features) + len(failed))
        return features, failed

    def _chosen(self, items: Sequence[Item]) -> tuple[dict[int, list[list[int]]], dict[int, HarkitError]]:
        """Choose the frames of each video, a list for each clip."""
        listed = [(item.path, i, item.span, None) for i, item in enumerate(items)]
        lengths, failures = _core.video_lengths(listed, None)
        failed: dict[int, HarkitError] = {i: _typed(items[i], frame, why) for i, _, frame, why in failures}
        sampler = self.recipe.sampling
        clips: dict[int, list[list[int]]] = {}
        known = {i: length for i, length in enumerate(lengths) if length is not None}
        if sampler is None:
            return {i: [list(range(n_frames))] for i, (n_frames, _) in known.items()}, failed
        taken = {i: length[1] if sampler.needs_timestamps else length[0] for i, length in known.items()}
        if sampler.sequential:
            drawn = sp.indices_many(sampler, taken.values())
            return {i: np.atleast_2d(one).tolist() for i, one in zip(taken, drawn, strict=True)}, failed
        for i, length in taken.items():
            try:
                clips[i] = np.atleast_2d(sampler.indices(length, video=i)).tolist()
            except ArgumentError as error:
                failed[i] = ArgumentError(f"{items[i].name}: {error}", path=items[i].path)
        return clips, failed

    def _shared_key(self) -> dict[str, Any]:
        return {
            "network": self.model.fingerprint(),
            "stage": self.stage,
            "pool": self.pool,
            "computed": [self.model.executor, self.model.device],
            "enhancement": self.recipe.enhancement,
            "transforms": self.recipe.transforms,
            "code": _code(),
        }

    def _key(self, item: Item, position: int, clips: list[list[int]]) -> dict[str, Any]:
        draw = [self.recipe.seed, position] if self.is_random else None
        start = 0 if item.span is None else item.span[0]
        frames = [[start + frame for frame in clip] for clip in clips]
        return {"video": content_hash(item.path), "frames": frames, "draw": draw}

    def _parts(self, wanted: dict[int, list[list[int]]]) -> Iterator[_Part]:
        """Cut long videos into pieces: of pictures, frames; of clips, clips."""
        for i, clips in wanted.items():
            if self.whole:
                pieces = [clips]
            elif self.by_frame:
                pieces = [
                    [clip[start : start + _PIECE]] for clip in clips for start in range(0, len(clip), _PIECE)
                ]
                if len(clips) > 1 and len(pieces) == len(clips):
                    pieces = [clips] if sum(map(len, clips)) <= _PIECE else pieces
            else:
                each = max(_PIECE // max(len(clips[0]), 1), 1)
                pieces = [clips[start : start + each] for start in range(0, len(clips), each)]
            for k, piece in enumerate(pieces):
                yield _Part(i, piece, k + 1 == len(pieces))

    def _loads(self, wanted: dict[int, list[list[int]]]) -> list[list[_Part]]:
        """Gather what is loaded at once: pieces for all threads."""
        most = min(max(self.batch_size, 32 * _core.num_threads()), _MOST)
        loads: list[list[_Part]] = []
        filled = most
        for part in self._parts(wanted):
            if filled + part.n_frames > most:
                loads.append([])
                filled = 0
            loads[-1].append(part)
            filled += part.n_frames
        return loads

    def _computed(
        self, items: Sequence[Item], wanted: dict[int, list[list[int]]]
    ) -> Iterator[tuple[int, NDArray[np.float32] | HarkitError]]:
        """Give the features of each video as soon as they are known, or why there are none."""

        def load(parts: list[_Part]) -> Any:
            listed = [
                (items[part.position].path, part.position, items[part.position].span, part.clips)
                for part in parts
            ]
            return _core.load_videos(listed, self.recipe, 0, None)

        rows = Rows(self._forward, self.batch_size, self.n_columns, mean=self.pool is not None)
        lost: set[int] = set()
        for parts, (results, failures) in zip(
            loads := self._loads(wanted), ahead(load, loads, 1), strict=True
        ):
            for k, _, frame, why in failures:
                position = parts[k].position
                if position not in lost:
                    lost.add(position)
                    rows.drop(position)
                    yield position, _typed(items[position], frame, why)
            for part, result in zip(parts, results, strict=True):
                if result is None or part.position in lost:
                    continue
                clips = result[0]
                if self.by_frame:
                    clips = clips.reshape(-1, *clips.shape[2:])
                for outcome in rows.push(part.position, clips, last=part.last):
                    yield self._checked(items, lost, outcome)
        for outcome in rows.finish():
            yield self._checked(items, lost, outcome)

    def _checked(
        self,
        items: Sequence[Item],
        lost: set[int],
        outcome: tuple[int, NDArray[np.float32] | HarkitError],
    ) -> tuple[int, NDArray[np.float32] | HarkitError]:
        """Name the video of a failure, and load no more of it."""
        position, result = outcome
        if not isinstance(result, HarkitError):
            return outcome
        lost.add(position)
        return position, type(result)(f"{items[position].name}: {result}", path=items[position].path)

    def _forward(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features of a batch, a row an item: the means of maps."""
        found = self.model.features(x, stage=self.stage)
        return found if found.ndim == 2 else found.mean(axis=tuple(range(2, found.ndim)), dtype=np.float64)


def _given(features: NDArray[np.float32]) -> Callable[[], dict[str, NDArray[np.float32]]]:
    return lambda: {"features": features}


@cached
def _code() -> list[str]:
    """Return the hashes of the build and of this room: others may give other numbers."""
    return [content_hash(_core.__file__), content_hash(Path(__file__).parent)]


def _is_random(transform: tf.Transform) -> bool:
    return type(transform).__name__.startswith("Random")


def _looks_along_time(step: en.Enhancement) -> bool:
    return isinstance(step, en.Denoise) or getattr(step, "per", "frame") == "clip"


def _typed(item: Item, frame: int | None, why: str) -> HarkitError:
    """Return the exception of a video that the loader could not read."""
    try:
        content_hash(item.path)
    except HarkitError as error:
        return error
    place = "" if frame is None else f"frame {frame}: "
    return DecodeError(f"{item.name}: {place}{why}", path=item.path, frame=frame)


def _failure(item: Item, error: HarkitError) -> Failure:
    return Failure(item.path, error.frame, str(error))


def _joined(failures: Sequence[HarkitError], n_items: int) -> HarkitError:
    first = failures[0]
    if len(failures) == 1:
        return first
    listed = "; ".join(str(error) for error in failures[:_N_REPORTED])
    more = f"; and {len(failures) - _N_REPORTED} more" if len(failures) > _N_REPORTED else ""
    message = f"{len(failures)} of {n_items} videos failed: {listed}{more}"
    return type(first)(message, path=first.path, frame=first.frame)


def _stacked(
    items: Sequence[Item], features: dict[int, NDArray[np.float32]], n_columns: int, *, keep: bool
) -> NDArray[np.float32]:
    if not items:
        return np.empty((0, 0, n_columns) if keep else (0, n_columns), np.float32)
    counts = {len(features[i]) for i in features} if keep else {0}
    if len(counts) > 1:
        raise ArgumentError(
            '`pool` must be "mean" where videos have different numbers of frames, '
            f"got {min(counts)} to {max(counts)}"
        )
    return np.stack([features[i] for i in range(len(items))])
