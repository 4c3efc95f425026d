"""Grey frames as the extractor wants them: decoded, enhanced, resized; in pieces where the video is long."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harkit import enhancement as en
from harkit import transforms as tf
from harkit._videos import Item
from harkit.errors import ArgumentError, ArgumentTypeError
from harkit.video import VideoReader

__all__ = ["Reading"]

Frames = NDArray[np.uint8]

# A video whose grey frames take more than this is read in pieces.
_PIECE_BYTES = 64 << 20
_LEAST_FRAMES = 32

_log = logging.getLogger("harkit.stip")


@dataclass(frozen=True)
class Reading:
    """How frames come out of a file.

    Parameters
    ----------
    gray : {True, "y"}
        As for harkit.VideoReader.
    size : tuple of int or None
        Height and width, by OpenCV's bilinear rule.
    max_side : int or None
        The longest side allowed; larger frames are shrunk by area, their aspect kept.
    enhancement : sequence of harkit.enhancement.Enhancement
        How bright, in order, before the resize.
    mirrored : bool
        Whether left and right are exchanged, after the resize.
    """

    gray: Literal[True, "y"]
    size: tuple[int, int] | None
    max_side: int | None
    enhancement: Sequence[en.Enhancement]
    mirrored: bool

    def __post_init__(self) -> None:
        if self.gray is not True and self.gray != "y":
            raise ArgumentError(f'`gray` must be True or "y", got {self.gray!r}')
        if not isinstance(self.mirrored, bool):
            raise ArgumentTypeError(f"`mirrored` must be True or False, got {self.mirrored!r}")
        if self.size is not None and self.max_side is not None:
            raise ArgumentError("`size` and `max_side` must not both be given")
        if self.size is not None:
            object.__setattr__(self, "size", tf.Resize(self.size).size)
        if self.max_side is not None:
            tf.Resize(self.max_side)
        if isinstance(self.enhancement, en.Enhancement) or not isinstance(self.enhancement, Sequence):
            raise ArgumentTypeError(f"`enhancement` must be a list of steps, got {self.enhancement!r}")
        for step in self.enhancement:
            if not isinstance(step, en.Enhancement):
                raise ArgumentTypeError(f"`enhancement` must hold steps of harkit.enhancement, got {step!r}")
        object.__setattr__(self, "enhancement", tuple(self.enhancement))

    def clip_or_pieces(self, item: Item) -> Frames | Callable[[], Iterator[Frames]]:
        """Give the whole clip, (T, H, W), or, for a long video, what begins a walk over its pieces."""
        with VideoReader(item.path, gray=self.gray) as video:
            start, stop = self._span(item, video)
            height, width = (video.info.height, video.info.width)
            per_piece = max(_PIECE_BYTES // (height * width), _LEAST_FRAMES)
            if stop - start <= per_piece or any(_looks_along_time(step) for step in self.enhancement):
                return self._prepared(video[start:stop])

        def pieces() -> Iterator[Frames]:
            with VideoReader(item.path, gray=self.gray) as video:
                for first in range(start, stop, per_piece):
                    yield self._prepared(video[first : min(first + per_piece, stop)])

        return pieces

    def _span(self, item: Item, video: VideoReader) -> tuple[int, int]:
        start, stop = (0, len(video)) if item.span is None else item.span
        if stop > len(video):
            _log.warning("%s: only %d frames, cut", item.name, len(video))
        return min(start, len(video)), min(stop, len(video))

    def _prepared(self, frames: Frames) -> Frames:
        if not len(frames):
            return frames
        if self.enhancement:
            frames = en.chain(frames, self.enhancement)
        frames = self._resized(frames)
        return np.ascontiguousarray(frames[:, :, ::-1]) if self.mirrored else frames

    def _resized(self, frames: Frames) -> Frames:
        if self.size is not None:
            return tf.apply(frames[..., None], [tf.Resize(self.size)])[..., 0]
        longest = max(frames.shape[1:])
        if self.max_side is None or longest <= self.max_side:
            return frames
        height, width = (max(round(side * self.max_side / longest), 1) for side in frames.shape[1:])
        return tf.apply(frames[..., None], [tf.Resize((height, width), "area")])[..., 0]


def _looks_along_time(step: en.Enhancement) -> bool:
    """Whether a frame depends on others, so that pieces would differ from the whole."""
    return isinstance(step, en.Denoise) or getattr(step, "per", "frame") == "clip"
