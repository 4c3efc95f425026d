"""The exceptions of harkit.

Every class is also the builtin that a user expects, so ``except FileNotFoundError`` and
``except harkit.errors.HarkitError`` both work. Where the file or the frame is known, the exception
carries them as ``path`` and ``frame``.
"""

from __future__ import annotations

import os
from typing import Any

__all__ = [
    "ArgumentError",
    "ArgumentTypeError",
    "DecodeError",
    "FileAccessError",
    "FilePermissionError",
    "FrameIndexError",
    "HarkitError",
    "InternalError",
    "MissingFileError",
    "MissingPackageError",
    "UnsupportedError",
]


class HarkitError(Exception):
    """What all exceptions of harkit have in common.

    Attributes
    ----------
    path : str, os.PathLike or None
        The file, where one is known.
    frame : int or None
        The frame, in presentation order from 0, where one is known.
    """

    path: str | os.PathLike[str] | None
    frame: int | None

    def __init__(
        self, message: str = "", *, path: str | os.PathLike[str] | None = None, frame: int | None = None
    ) -> None:
        super().__init__(message)
        self.path = path
        self.frame = frame

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), str(self), self.path, self.frame)


def _rebuild(
    kind: type[HarkitError], message: str, path: str | os.PathLike[str] | None, frame: int | None
) -> HarkitError:
    return kind(message, path=path, frame=frame)


class MissingFileError(HarkitError, FileNotFoundError):
    """There is no such file or folder."""


class FilePermissionError(HarkitError, PermissionError):
    """The file may not be read or written."""


class FileAccessError(HarkitError, OSError):
    """The system failed to read or write the file."""


class DecodeError(HarkitError, ValueError):
    """The file is not what it should be (a video, a checkpoint), or is damaged beyond reading."""


class UnsupportedError(HarkitError, ValueError):
    """A codec, format or option that this build does not have."""


class FrameIndexError(HarkitError, IndexError):
    """A frame outside the video."""


class ArgumentError(HarkitError, ValueError):
    """A value that an argument does not allow."""


class ArgumentTypeError(HarkitError, TypeError):
    """An argument of a type that is not taken."""


class MissingPackageError(HarkitError, ImportError):  # type: ignore[misc]  # `path` of both is str or None here
    """An optional package that is not installed; the message names the extra that brings it."""


class InternalError(HarkitError, RuntimeError):
    """A fault of harkit's own; please report it."""
