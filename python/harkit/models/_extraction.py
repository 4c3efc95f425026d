"""Frames or clips of videos through a network: chosen, loaded in parts, batched, averaged.

Frames are chosen first (`harkit.sampling`), so that the cache knows a video by the frames that count. What is
not cached is loaded by the fused loader, several videos side by side and the next part while the network
computes the last; the network sees batches of a fixed size that run on from video to video. Memory: the
loaded parts, of some hundred frames each, whatever the number and the length of the videos.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache as cached
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from harkit import _core
from harkit import enhancement as en
from harkit import sampling as sp
from harkit import transforms as tf
from harkit._ahead import ahead
from harkit._videos import Item
from harkit.cache import FeatureCache, content_hash
from harkit.errors import ArgumentError, DecodeError, HarkitError
from harkit.loading import ClipRecipe
from harkit.models._model import Model
from harkit.models._rows import Rows

__all__ = ["Extraction", "complete"]

# Frames that one thread loads of one video at a time; of all threads, no more than the other.
_PIECE, _MOST = 128, 512
# Frames of a default recipe, for networks of pictures.
_N_FRAMES = 8


def complete(recipe: ClipRecipe | None, model: Model) -> ClipRecipe:
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


class Extraction:
    """What is done to each video, checked."""

    def __init__(
        self, model: Model, recipe: ClipRecipe, stage: str, pool: Literal["mean"] | None, batch_size: int
    ) -> None:
        self.model, self.recipe, self.stage = model, recipe, stage
        self.pool, self.batch_size = pool, batch_size
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
