"""EE6222: human action recognition in the dark (NTU course edition of 2023, a part of ARID).

Six classes, 150 training and 96 test clips; the test list is the course's *validate* list. Lists are
``row, class id, path`` by white space, names in ``mapping_table_23.txt`` are ``class id, name``; line
ends, tabs or blanks and a missing last newline do not matter. Videos lie in ``train/`` and
``validate/``, in class folders or flat.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal

import numpy as np

from harkit.datasets._files import existing_folder
from harkit.datasets._tables import Line, check_choice, check_class_names, read_lines
from harkit.datasets.dataset import Dataset
from harkit.datasets.split import Split
from harkit.errors import ArgumentError, MissingFileError

__all__ = ["ee6222"]

# "Jump_11_1": class, recording group, number.
RECORDING = re.compile(r"(?P<action>.+)_(?P<group>\d+)_(?P<number>\d+)")


def ee6222(
    root: str | os.PathLike[str], *, absent: Literal["error", "leave_out", "keep"] = "error"
) -> Dataset:
    """Read the EE6222 dark videos.

    Parameters
    ----------
    root : path
        The folder that holds ``train.txt``, ``validate.txt``, ``mapping_table_23.txt`` (or another year's
        ``mapping_table*.txt``), ``train/`` and ``validate/``.
    absent : {"error", "leave_out", "keep"}
        What to do with a listed video that is not there: raise (the set is small and comes whole), leave
        it out, or keep it in the split; the last two name it in ``missing``.

    Returns
    -------
    Dataset
        ``.train`` and ``.test``. The groups of the training clips are class and recording, such as
        ``Jump_11``; the test clips carry bare numbers, so each is its own group.

    Raises
    ------
    MissingFileError
        No such folder, list or video; the message names list and line.
    ArgumentError
        A line that cannot be read, a class id outside the mapping, a number or file that stands twice, a
        training file named after another class than its label.

    Notes
    -----
    The training clips come from few recordings (Jump 8 11; Run 1 11; Sit 2 4 10; Stand 2 3 5 9;
    Turn 1 7; Walk 10 14): a random division of them puts one scene on both sides. `Split.folds` keeps
    recordings together; `Split.tfds_folds` repeats the report's folds, which do not.

    References
    ----------
    Xu et al., "ARID: a new dataset for recognizing action in the dark", 2020.
    """
    check_choice("absent", absent, ("error", "leave_out", "keep"))
    folder = existing_folder(root)
    classes = _mapping(folder)
    missing: list[str] = []
    splits = {
        name: _read_list(folder / f"{listed}.txt", name, classes, absent, missing)
        for name, listed in (("train", "train"), ("test", "validate"))
    }
    return Dataset(
        "ee6222", splits, tuple(missing), {"root": os.fspath(root), "absent": absent}, reader=ee6222
    )


def _mapping(folder: Path) -> tuple[str, ...]:
    """Return class names by id from the one mapping table."""
    tables = sorted(folder.glob("mapping_table*.txt"))
    if not tables:
        raise MissingFileError(f"{folder}: there is no mapping_table_23.txt", path=folder)
    if len(tables) > 1:
        raise ArgumentError(f"{folder}: more than one mapping table: {', '.join(t.name for t in tables)}")
    names: dict[int, str] = {}
    for line in read_lines(tables[0]):
        fields = line.text.split(None, 1)
        if len(fields) != 2:
            raise line.error(f"expected a class id and a name, got {line.text!r}")
        label = line.integer(fields[0], "the class id")
        if label in names:
            raise line.error(f"class id {label} stands twice")
        names[label] = fields[1]
    if sorted(names) != list(range(len(names))):
        raise ArgumentError(f"{tables[0]}: class ids must run from 0 without gaps, got {sorted(names)}")
    return check_class_names([names[label] for label in sorted(names)], tables[0])


def _read_list(path: Path, name: str, classes: tuple[str, ...], absent: str, missing: list[str]) -> Split:
    """Read one list file; `missing` gains the videos that are not there."""
    ids, labels, paths, names, groups = [], [], [], [], []
    seen: dict[str | int, int] = {}
    for line in read_lines(path):
        fields = line.text.split(None, 2)
        if len(fields) != 3:
            raise line.error(f"expected row, class id and path, got {line.text!r}")
        row, label, listed = (
            line.integer(fields[0], "the row"),
            line.integer(fields[1], "the class id"),
            fields[2],
        )
        if label >= len(classes):
            raise line.error(f"class id {label} is not in the mapping table (0..{len(classes) - 1})")
        stem = Path(listed).stem
        for what, key in (("row", row), ("video", stem)):
            if key in seen:
                raise line.error(f"{what} {key} stands twice, first in line {seen[key]}")
            seen[key] = line.number
        group = _group(line, stem, classes, label)
        video, found = _locate(path.with_suffix(""), listed, classes[label])
        if not found:
            if absent == "error":
                raise MissingFileError(
                    f"{line.path}, line {line.number}: there is no video {video}", path=video
                )
            missing.append(stem)
            if absent == "leave_out":
                continue
        ids.append(row)
        labels.append(label)
        paths.append(str(video))
        names.append(stem)
        groups.append(group)
    if not seen:
        raise ArgumentError(f"{path}: the list is empty", path=path)
    return Split(name, classes, paths, np.array(labels, np.int64), groups, names, np.array(ids, np.int64))


def _group(line: Line, stem: str, classes: tuple[str, ...], label: int) -> str:
    match = RECORDING.fullmatch(stem)
    if match is None:
        return stem
    if match["action"] in classes and match["action"] != classes[label]:
        raise line.error(f"{stem} is labelled {label}, which is {classes[label]}")
    return f"{match['action']}_{match['group']}"


def _locate(folder: Path, listed: str, action: str) -> tuple[Path, bool]:
    """Return the video as listed, or flat, or in its class folder; and whether it is there."""
    as_listed = folder / listed
    for video in (as_listed, folder / as_listed.name, folder / action / as_listed.name):
        if video.is_file():
            return video, True
    return as_listed, False
