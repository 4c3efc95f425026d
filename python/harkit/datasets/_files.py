"""What lies on disk: folders, video files, folders of frame images, and files written in one step.

A video is a file with a video's suffix or a folder of frame images; nothing here opens one.
"""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path
from typing import Literal

from harkit.datasets._tables import ENCODING, check_choice
from harkit.errors import (
    ArgumentError,
    ArgumentTypeError,
    FileAccessError,
    FilePermissionError,
    MissingFileError,
)

# What `video` reads as a frame of a folder.
IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
VIDEOS = (
    *(".avi", ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".mpg", ".mpeg", ".ts", ".m2ts"),
    *(".wmv", ".asf", ".flv", ".ogv", ".3gp", ".y4m", ".gif"),
)


def existing_folder(root: str | os.PathLike[str]) -> Path:
    """Return `root` as a path, or raise where it is no folder."""
    if not isinstance(root, (str, os.PathLike)):
        raise ArgumentTypeError(f"`root` must be a path, got {type(root).__name__}")
    folder = Path(root)
    if not folder.exists():
        raise MissingFileError(f"{folder}: there is no such folder", path=folder)
    if not folder.is_dir():
        raise ArgumentError(f"{folder}: `root` must be a folder, this is a file", path=folder)
    return folder


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder, hidden ones left out, sorted by name."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def is_image(name: str) -> bool:
    """Whether a file name is that of a frame image."""
    return not name.startswith(".") and name.lower().endswith(IMAGES)


def is_video(path: Path) -> bool:
    """Whether a path is a video file by its suffix, or a folder with frame images."""
    if path.name.startswith("."):
        return False
    if path.is_dir():
        return bool(_images(path))
    return path.suffix.lower() in VIDEOS


def video_name(path: str) -> str:
    """Return a file's name without a video's suffix; a folder of frames keeps its whole name."""
    name = Path(path).name
    return name[: -len(Path(name).suffix)] if Path(name).suffix.lower() in VIDEOS else name


def frame_files(
    folder: str | os.PathLike[str], *, order: Literal["numeric", "listing"] = "numeric"
) -> list[str]:
    """Return the frame images of a folder in order; a span ``(start, stop)`` counts in this list.

    Parameters
    ----------
    folder : path
        A folder of images.
    order : {"numeric", "listing"}
        ``"numeric"``: by the digits in the names as numbers (``frame_9`` before ``frame_10``), the order
        in which `VideoReader` reads the folder.
        ``"listing"``: as strings, the order of a sorted directory listing.

    Returns
    -------
    list of str
        Paths; other files are left out.

    Raises
    ------
    MissingFileError
        No such folder.
    """
    check_choice("order", order, ("numeric", "listing"))
    path = existing_folder(folder)
    names = _images(path)
    if order == "numeric":
        names.sort(key=_numeric)
    return [str(path / name) for name in names]


def _images(folder: Path) -> list[str]:
    """Return the names of the images in a folder, sorted as strings."""
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if is_image(entry.name))


def video_files(folder: str | os.PathLike[str]) -> list[str]:
    """Return all videos below a folder, at any depth, in the order of their paths.

    Parameters
    ----------
    folder : path
        Where to look. Names that begin with a dot are left out.

    Returns
    -------
    list of str
        Files with a video's suffix, and folders that hold frame images and no videos.

    Raises
    ------
    MissingFileError, FilePermissionError
        No such folder, or one that may not be read.
    """
    return _videos_below(existing_folder(folder), set())


def _videos_below(folder: Path, seen: set[str]) -> list[str]:
    """Return the videos below a folder; `seen` ends circles of symbolic links."""
    found: list[str] = []
    seen.add(os.path.realpath(folder))
    try:
        entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except PermissionError:
        raise FilePermissionError(f"{folder}: the folder may not be read", path=folder) from None
    for path in entries:
        if not path.is_dir():
            found.extend([str(path)] if is_video(path) else [])
        elif os.path.realpath(path) not in seen:
            # Images beside videos, or above them, are no frames.
            found.extend(_videos_below(path, seen) or ([str(path)] if is_video(path) else []))
    return found


def _numeric(name: str) -> list[tuple[int, int]]:
    """Sort key: characters by their code, runs of digits as one number where a digit would stand."""
    parts = re.findall(r"[0-9]+|[^0-9]", name)
    return [(ord("0"), int(part)) if part[0] in "0123456789" else (ord(part), 0) for part in parts]


def write_atomically(path: Path, text: str) -> None:
    """Write a text file beside its place and move it there, so that no reader sees half of it."""
    part = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_bytes(text.encode(**ENCODING))
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except PermissionError:
        raise FilePermissionError(f"{path}: the file may not be written", path=path) from None
    except OSError as error:
        raise FileAccessError(f"{path}: {error.strerror}", path=path) from None
