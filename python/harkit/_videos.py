"""Lists of videos, as estimators take them: paths, parts of files, or a data set's split."""

from __future__ import annotations

import operator
import os
from typing import Any, NamedTuple

from harkit.errors import ArgumentError, ArgumentTypeError

__all__ = ["Item", "items_of"]


class Item(NamedTuple):
    """A video: a file, or the frames from start up to, not including, stop of one."""

    path: str
    span: tuple[int, int] | None

    @property
    def name(self) -> str:
        """The path, with the span where there is one."""
        return self.path if self.span is None else f"{self.path} [{self.span[0]}:{self.span[1]}]"

    @property
    def n_asked(self) -> int:
        """The frames of the span; 0 where all are wanted."""
        return 0 if self.span is None else self.span[1] - self.span[0]


def items_of(videos: Any) -> list[Item]:
    """Return the videos of a list or of a data set's split."""
    if isinstance(videos, (str, bytes, os.PathLike)):
        raise ArgumentTypeError(f"`videos` must be a list of videos, got one: {videos!r}")
    paths = getattr(videos, "paths", None)
    if paths is None:
        listed = list(videos)
    else:
        spans = getattr(videos, "spans", None)
        listed = list(paths) if spans is None else [(p, *span) for p, span in zip(paths, spans, strict=True)]
    return [_item(*video) if isinstance(video, (tuple, list)) else _item(video) for video in listed]


def _item(path: Any, *span: Any) -> Item:
    if not isinstance(path, (str, os.PathLike)):
        raise ArgumentTypeError(f"`videos` must hold paths or (path, start, stop), got {path!r}")
    name = os.fspath(path)
    if not isinstance(name, str):
        raise ArgumentTypeError(f"`videos` must hold paths of text, got {path!r}")
    if not span:
        return Item(name, None)
    try:
        start, stop = (operator.index(frame) for frame in span)
    except (TypeError, ValueError):
        raise ArgumentTypeError(
            f"`videos` must hold paths or (path, start, stop), got {(path, *span)!r}"
        ) from None
    if not 0 <= start < stop:
        raise ArgumentError(f"`videos` must have spans with 0 <= start < stop, got {start, stop} for {name}")
    return Item(name, (start, stop))
