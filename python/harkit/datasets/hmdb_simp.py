"""HMDB_simp: 25 classes of 50 videos, each video a folder of frame images, cut into blocks of frames.

``root/CLASS/VIDEO/FRAME``. A sample is one block of consecutive frames (an incomplete last block is
dropped), so a video gives many samples; splits are by video. The report *hmdb-attention* writes them as
``splitInfo_BlockSize_<block>/{train,val,test}.csv`` with one column ``VideoId``.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from harkit.datasets._files import existing_folder, frame_files, subfolders
from harkit.datasets._tables import check_choice, check_class_names
from harkit.datasets.dataset import Dataset
from harkit.datasets.hmdb51 import list_folder, read_official, source_group
from harkit.datasets.lists import read_video_ids
from harkit.datasets.split import Split
from harkit.errors import ArgumentError, ArgumentTypeError

__all__ = ["hmdb_simp"]

# The report's division of each class's 50 videos: 40, 5, 5.
SHARES = {"train": 0.8, "val": 0.1, "test": 0.1}


@dataclass(frozen=True)
class _Video:
    name: str
    folder: Path
    label: int
    group: str
    n_frames: int


def hmdb_simp(
    root: str | os.PathLike[str],
    *,
    block: int | None = 8,
    split: Literal["sources", "report", "files", "official"] = "sources",
    splits: str | os.PathLike[str] | None = None,
    official: Literal[1, 2, 3] = 1,
    seed: int = 0,
    order: Literal["numeric", "listing"] = "numeric",
    allow_shared_groups: bool = False,
) -> Dataset:
    """Read a tree of classes, videos and frame images, in blocks of frames.

    Parameters
    ----------
    root : path
        The folder of class folders.
    block : int or None
        Frames a sample; None takes each video whole (then there are no `spans`).
    split : {"sources", "report", "files", "official"}
        ``"sources"``: a seeded division, about 80/10/10 in each class, that keeps the clips of one source
        video together. ``"report"``: a seeded 80/10/10 division of each class's videos (40, 5, 5 of 50),
        as the report's: clips of one source video stand on both sides, which this name asks for.
        ``"files"``: read ``train.csv``, ``val.csv``, ``test.csv``. ``"official"``: HMDB51's own split,
        for the videos that are there.
    splits : path, optional
        For ``"files"`` the folder of the CSV files, by default ``splitInfo_BlockSize_<block>`` in `root`;
        for ``"official"`` that of the lists.
    official : {1, 2, 3}
        Which official split.
    seed : int
        Of the division.
    order : {"numeric", "listing"}
        The order of a video's frames; see `frame_files`.
    allow_shared_groups : bool
        Accept a source video on two sides of a division that was read.

    Returns
    -------
    Dataset
        ``.train``, ``.val``, ``.test`` (no ``.val`` for ``"official"``). A sample is named
        ``<video>_<k>``, k from 1; ``paths`` are the video's folder; groups are the class and the source
        video that an HMDB51 name tells, else the video. ``missing`` names the videos of the lists that
        are not there, and those with fewer frames than one block.

    Warns
    -----
    UserWarning
        Frame names whose numbers are not padded, so that the two orders differ.

    Raises
    ------
    MissingFileError
        No such folder or list.
    ArgumentError
        An empty class or video folder, a video name in two classes, a video that the lists name twice or
        not at all, a source video on both sides of a division that was read.
    """
    check_choice("split", split, ("sources", "report", "files", "official"))
    check_choice("official", official, (1, 2, 3))
    check_choice("order", order, ("numeric", "listing"))
    if block is not None and (isinstance(block, bool) or not isinstance(block, int)):
        raise ArgumentTypeError(f"`block` must be a whole number or None, got {type(block).__name__}")
    if block is not None and block < 1:
        raise ArgumentError(f"`block` must be at least 1, got {block}")
    folder = existing_folder(root)
    classes, videos = _videos(folder)
    whole = _whole(classes, videos)
    parts: Mapping[str, list[str]]
    if split in ("sources", "report"):
        by: Literal["groups", "videos"] = "groups" if split == "sources" else "videos"
        drawn = whole.divide(SHARES, seed=seed, by=by, allow_shared_groups=True)
        parts = {name: own.names for name, own in drawn.splits.items()}
    elif split == "files":
        parts = read_video_ids(folder / f"splitInfo_BlockSize_{block}" if splits is None else splits)
    else:
        listed = read_official(list_folder(folder, splits, official), official)
        parts = {part: [name for _, name, own in listed if own == part] for part in ("train", "test")}
    assigned, missing = _assign(videos, parts, complete=split != "official")
    short = [name for name, video in videos.items() if block is not None and video.n_frames < block]
    settings = {
        "root": os.fspath(root),
        "block": block,
        "split": split,
        "splits": None if splits is None else os.fspath(splits),
        "official": official,
        "seed": seed,
        "order": order,
        "allow_shared_groups": allow_shared_groups,
    }
    return Dataset(
        "hmdb_simp",
        {name: _blocks(name, classes, own, block) for name, own in assigned.items()},
        (*missing, *short),
        settings,
        allow_shared_groups or split == "report",
        reader=hmdb_simp,
    )


def _videos(root: Path) -> tuple[tuple[str, ...], dict[str, _Video]]:
    """Return class names, and every video by name, in bytewise order."""
    folders = subfolders(root)
    folders = [folder for folder in folders if not folder.name.startswith("splitInfo_")]
    classes = check_class_names([folder.name for folder in folders], root)
    videos: dict[str, _Video] = {}
    unpadded: Path | None = None
    for label, folder in enumerate(folders):
        inside = subfolders(folder)
        if not inside:
            raise ArgumentError(f"{folder}: there is no video folder in this class folder", path=folder)
        for path in inside:
            frames = frame_files(path)
            if not frames:
                raise ArgumentError(f"{path}: there is no frame image in this folder", path=path)
            if path.name in videos:
                raise ArgumentError(f"{path.name} lies there twice: {videos[path.name].folder} and {path}")
            if unpadded is None and frames != sorted(frames):
                unpadded = path
            group = source_group(classes[label], path.name, "source")
            videos[path.name] = _Video(path.name, path, label, group, len(frames))
    if unpadded is not None:
        warnings.warn(
            f"{unpadded}: frame numbers are not padded, so `order` 'numeric' and 'listing' differ",
            stacklevel=3,
        )
    return classes, videos


def _whole(classes: tuple[str, ...], videos: Mapping[str, _Video]) -> Split:
    return _blocks("all", classes, list(videos.values()), None)


def _assign(
    videos: Mapping[str, _Video], parts: Mapping[str, list[str]], *, complete: bool
) -> tuple[dict[str, list[_Video]], list[str]]:
    """Return the videos of each part in listed order, and listed names that are not there."""
    listed = [name for names in parts.values() for name in names]
    if complete and (rest := sorted(set(videos) - set(listed))):
        raise ArgumentError(f"{len(rest)} videos stand in no split, first {rest[0]}")
    assigned = {part: [videos[name] for name in names if name in videos] for part, names in parts.items()}
    # An official list names all of HMDB51, of which this tree is a part by design.
    missing = [name for name in listed if name not in videos] if complete else []
    return assigned, missing


def _blocks(name: str, classes: tuple[str, ...], videos: list[_Video], block: int | None) -> Split:
    """Make one sample a block of `block` frames, or one a video."""
    rows = [(video, k) for video in videos for k in range(1 if block is None else video.n_frames // block)]
    spans = None
    if block is not None:
        starts = np.array([k * block for _, k in rows], dtype=np.int64)
        spans = np.stack([starts, starts + block], axis=1)
    return Split(
        name,
        classes,
        [str(video.folder) for video, _ in rows],
        np.array([video.label for video, _ in rows], dtype=np.int64),
        [video.group for video, _ in rows],
        [video.name if block is None else f"{video.name}_{k + 1}" for video, k in rows],
        spans=spans,
    )
