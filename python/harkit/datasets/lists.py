"""Lists that other programs read: mmaction2's annotation files and the reports' ``VideoId`` tables.

mmaction2 (1.x, ``RawframeDataset`` and ``VideoDataset``): one line a video, ``path n_frames label`` for
folders of frames and ``path label`` for files, single blanks between. ``splitInfo_BlockSize_<block>``:
``train.csv``, ``val.csv``, ``test.csv``, each one column ``VideoId`` under a header.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from harkit.datasets._files import existing_folder, video_name, write_atomically
from harkit.datasets._tables import Line, check_class_names, read_lines
from harkit.datasets.dataset import Dataset
from harkit.datasets.split import Split
from harkit.errors import ArgumentError, ArgumentTypeError

__all__ = ["mmaction2", "read_video_ids", "write_mmaction2", "write_video_ids"]

HEADING = "VideoId"


def mmaction2(
    lists: str | os.PathLike[str] | Mapping[str, str | os.PathLike[str]],
    *,
    root: str | os.PathLike[str] | None = None,
    classes: Sequence[str] | None = None,
) -> Dataset:
    """Read mmaction2 lists, of files (``path label``) or of frame folders (``path n_frames label``).

    Parameters
    ----------
    lists : path or mapping of str to path
        One list, or one a split: ``{"train": "train.txt", "val": "val.txt"}``.
    root : path, optional
        The folder that relative paths start from; by default that of each list.
    classes : sequence of str, optional
        Class names in label order; by default ``"0"``, ``"1"``, ... up to the highest label.

    Returns
    -------
    Dataset
        The named splits, or ``.all``. Each sample is its own group, as the lists tell none. Frame counts
        are checked and not kept: `video` counts frames itself.

    Raises
    ------
    MissingFileError
        No such list.
    ArgumentError
        A line that is neither form, several labels, a label outside `classes`, a path that stands twice.
    """
    sources = dict(lists) if isinstance(lists, Mapping) else {"all": lists}
    read = {name: _read_mmaction2(Path(path)) for name, path in sources.items()}
    highest = max((label for rows in read.values() for _, _, label in rows), default=-1)
    names = check_class_names(
        [str(label) for label in range(highest + 1)] if classes is None else list(classes), "`lists`"
    )
    splits = {}
    for name, rows in read.items():
        for line, _, label in rows:
            if label >= len(names):
                raise line.error(f"label {label} is outside `classes` (0..{len(names) - 1})")
        base = Path(sources[name]).parent if root is None else Path(root)
        splits[name] = Split(
            name,
            names,
            [str(base / path) for _, path, _ in rows],
            np.array([label for *_, label in rows], dtype=np.int64),
            [path for _, path, _ in rows],
            [path for _, path, _ in rows],
        )
    settings = {
        "lists": {name: os.fspath(path) for name, path in sources.items()},
        "root": None if root is None else os.fspath(root),
        "classes": None if classes is None else tuple(classes),
    }
    return Dataset("mmaction2", splits, (), settings, reader=mmaction2)


def _read_mmaction2(source: Path) -> list[tuple[Line, str, int]]:
    rows: list[tuple[Line, str, int]] = []
    first: dict[str, int] = {}
    for line in read_lines(source):
        fields = line.text.split()
        if len(fields) not in (2, 3):
            raise line.error(f"expected 'path label' or 'path n_frames label', got {line.text!r}")
        path, label = fields[0], line.integer(fields[-1], "the label")
        if len(fields) == 3 and line.integer(fields[1], "n_frames") < 1:
            raise line.error("n_frames must be at least 1, got 0")
        if path in first:
            raise line.error(f"{path} stands twice, first in line {first[path]}")
        first[path] = line.number
        rows.append((line, path, label))
    if not rows:
        raise ArgumentError(f"{source}: the list is empty", path=source)
    return rows


def write_mmaction2(
    split: Split,
    path: str | os.PathLike[str],
    *,
    n_frames: Sequence[int] | None = None,
    root: str | os.PathLike[str] | None = None,
) -> None:
    """Write a split as an mmaction2 list.

    Parameters
    ----------
    split : Split
        Whole videos: a split with spans is refused, as the format has no place for them.
    path : path
        The list file; an existing one is replaced in one step.
    n_frames : sequence of int, optional
        Frames of each video, for lists of frame folders (``path n_frames label``); without it the list is
        one of files (``path label``).
    root : path, optional
        The folder to write paths relative to (mmaction2's ``data_prefix``); as they are by default.

    Raises
    ------
    ArgumentError
        A path with white space, which mmaction2 cannot read, or outside `root`; a split with spans;
        counts below 1 or of another number than samples.
    """
    if split.spans is not None:
        raise ArgumentError("mmaction2 lists hold whole videos, this `split` has spans")
    if n_frames is not None:
        counts = np.asarray(n_frames)
        if counts.dtype.kind not in "iu":
            raise ArgumentTypeError(f"`n_frames` must be whole numbers, got {counts.dtype}")
        if counts.shape != (len(split),) or (counts < 1).any():
            raise ArgumentError(f"`n_frames` must be {len(split)} counts from 1, got shape {counts.shape}")
    lines = []
    for i, (own, label) in enumerate(zip(split.paths, split.labels, strict=True)):
        listed = own
        if root is not None:
            if not Path(own).is_relative_to(root):
                raise ArgumentError(f"{own} does not lie below `root` {os.fspath(root)}")
            listed = Path(own).relative_to(root).as_posix()
        if len(listed.split()) != 1:
            raise ArgumentError(f"{listed!r} has white space in it, which mmaction2 lists cannot hold")
        middle = "" if n_frames is None else f"{int(n_frames[i])} "
        lines.append(f"{listed} {middle}{int(label)}\n")
    write_atomically(Path(path), "".join(lines))


def read_video_ids(folder: str | os.PathLike[str]) -> dict[str, list[str]]:
    """Read ``train.csv``, ``val.csv`` and ``test.csv`` with one column ``VideoId`` each.

    Parameters
    ----------
    folder : path
        Such as ``splitInfo_BlockSize_8``.

    Returns
    -------
    dict of str to list of str
        Video names by split, in file order.

    Raises
    ------
    MissingFileError
        No such folder or file.
    ArgumentError
        Another header, or a video that stands twice, in one file or in two.
    """
    base = existing_folder(folder)
    parts: dict[str, list[str]] = {}
    first: dict[str, str] = {}
    for part in ("train", "val", "test"):
        lines = list(read_lines(base / f"{part}.csv"))
        if not lines or _unquote(lines[0].text) != HEADING:
            raise ArgumentError(f"{base / part}.csv: the first line must be {HEADING}", path=base)
        for line in lines[1:]:
            name = _unquote(line.text)
            if name in first:
                raise line.error(f"{name} stands twice, first in {first[name]}")
            first[name] = f"{part}.csv, line {line.number}"
        parts[part] = [_unquote(line.text) for line in lines[1:]]
    return parts


def write_video_ids(dataset: Dataset, folder: str | os.PathLike[str], *, block: int) -> str:
    """Write the videos of the splits ``train``, ``val`` and ``test`` as ``VideoId`` tables.

    Parameters
    ----------
    dataset : Dataset
        With these three splits; segments and blocks of a video count as that video.
    folder : path
        Gains ``splitInfo_BlockSize_<block>`` with the three files; existing ones are replaced.
    block : int
        The clip length that the tables are for.

    Returns
    -------
    str
        The folder of the tables, which `read_video_ids` and ``hmdb_simp(split="files")`` read.

    Raises
    ------
    ArgumentError
        A split that is missing, a video in two of them, two videos of one name.
    """
    target = Path(folder) / f"splitInfo_BlockSize_{block}"
    tables: dict[str, str] = {}
    owner: dict[str, tuple[str, str]] = {}
    for part in ("train", "val", "test"):
        if part not in dataset.splits:
            raise ArgumentError(f"{dataset.name} has no split {part!r}, it has {', '.join(dataset.splits)}")
        videos = list(dict.fromkeys(dataset.splits[part].paths))
        names = [video_name(path) for path in videos]
        for name, path in zip(names, videos, strict=True):
            if owner.setdefault(name, (part, path)) != (part, path):
                raise ArgumentError(f"two videos are named {name}: {owner[name][1]} and {path}")
        tables[part] = "".join(f"{_quote(name)}\n" for name in [HEADING, *names])
    for part, text in tables.items():
        write_atomically(target / f"{part}.csv", text)
    return str(target)


def _quote(name: str) -> str:
    """Return one CSV field, quoted where it must be, as pandas and fast_ml write it."""
    if any(char in name for char in ',"\n\r'):
        doubled = name.replace('"', '""')
        return f'"{doubled}"'
    return name


def _unquote(field: str) -> str:
    if len(field) >= 2 and field[0] == field[-1] == '"':
        return field[1:-1].replace('""', '"')
    return field
