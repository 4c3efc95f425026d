"""HMDB51: 6,766 clips of 51 classes, with three official splits, or as a Kaggle copy renamed them.

The official lists are ``CLASS_test_splitN.txt`` with lines ``NAME.avi CODE``: 1 training, 2 test, 0
unused; names hold blanks' likes (``#``, ``;``, ``&``, ``!``, brackets), so a line is cut at its last
blank. Each split has 3,570 training and 1,530 test clips.

Source: Kuehne, Jhuang, Garrote, Poggio, Serre, "HMDB: a large video database for human motion
recognition", ICCV 2011.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal

import numpy as np

from harkit.datasets._files import existing_folder
from harkit.datasets._tables import check_choice, check_class_names, read_lines
from harkit.datasets.dataset import UNUSED, Dataset
from harkit.datasets.split import Split
from harkit.errors import ArgumentError, MissingFileError

__all__ = ["hmdb51"]

# Where the lists lie below the root, as published and as commonly unpacked.
LIST_FOLDERS = ("splits", "testTrainMulti_7030_splits", ".")
CODES = {"0": UNUSED, "1": "train", "2": "test"}
# ..._f_cm_np1_le_bad_18: visible body, camera, persons, view, quality, number.
TAGS = r"_[a-z]_[a-z]{2}_np\d+_[a-z]{2}_[a-z]{3}_\d+"


def hmdb51(
    root: str | os.PathLike[str],
    *,
    splits: str | os.PathLike[str] | None = None,
    split: Literal[1, 2, 3] = 1,
    convention: Literal["official", "kaggle"] = "official",
    groups: Literal["source", "film"] = "source",
    absent: Literal["leave_out", "keep", "error"] = "leave_out",
    allow_shared_groups: bool = False,
) -> Dataset:
    """Read HMDB51.

    Parameters
    ----------
    root : path
        A folder with class folders of ``.avi`` files, directly or below (either edition).
    splits : path, optional
        The folder of the official lists; by default ``splits`` or ``testTrainMulti_7030_splits`` below
        `root`, or `root`.
    split : {1, 2, 3}
        Which official split.
    convention : {"official", "kaggle"}
        ``"kaggle"`` reads the copy whose files were renamed ``training_<n>.avi`` and ``testing_<n>.avi``:
        it needs no lists, its official split is unknown, and as the original names are lost each clip is
        its own group.
    groups : {"source", "film"}
        ``"source"``: the source video within its class (``run/AmericanGangster``), which the official
        splits keep together. ``"film"``: the source video across classes; 133, 149 and 144 of them stand
        on both sides of the three official splits, so this needs `allow_shared_groups`.
    absent : {"leave_out", "keep", "error"}
        What to do with a listed clip that is not there: leave it out (parts of the set are common), keep
        it with the path where it would lie, or raise. The first two name it in ``missing``.
    allow_shared_groups : bool
        Accept a group on both sides.

    Returns
    -------
    Dataset
        ``.train``, ``.test`` and ``.splits["unused"]`` in list order; classes are those of the lists
        (or the class folders), sorted.

    Raises
    ------
    MissingFileError
        No such folder or lists, no clip at all, or a clip that is not there with ``absent="error"``.
    ArgumentError
        A line that cannot be read, an unknown code, a clip that stands or lies there twice, a name of
        the other convention.
    """
    check_choice("split", split, (1, 2, 3))
    check_choice("convention", convention, ("official", "kaggle"))
    check_choice("groups", groups, ("source", "film"))
    check_choice("absent", absent, ("leave_out", "keep", "error"))
    folder = existing_folder(root)
    settings = {
        "root": os.fspath(root),
        "splits": None if splits is None else os.fspath(splits),
        "split": split,
        "convention": convention,
        "groups": groups,
        "absent": absent,
        "allow_shared_groups": allow_shared_groups,
    }
    if convention == "kaggle":
        settings.pop("split")
        return Dataset("hmdb51", _kaggle(folder), settings=settings, reader=hmdb51)
    lists = list_folder(folder, splits, split)
    listed = read_official(lists, split)
    files = find_clips(folder, {action for action, *_ in listed}, ".avi")
    parts, missing = place(listed, files, folder, groups, absent)
    return Dataset("hmdb51", parts, missing, settings, allow_shared_groups, reader=hmdb51)


def list_folder(root: Path, splits: str | os.PathLike[str] | None, split: int) -> Path:
    """Return the folder that holds the official lists of `split`."""
    candidates = [root / name for name in LIST_FOLDERS] if splits is None else [existing_folder(splits)]
    for folder in candidates:
        if any(folder.glob(f"*_test_split{split}.txt")):
            return folder
    raise MissingFileError(
        f"{candidates[0] if splits is not None else root}: there are no lists CLASS_test_split{split}.txt; "
        f"name their folder with `splits`",
        path=root,
    )


def read_official(lists: Path, split: int) -> list[tuple[str, str, str]]:
    """Return (class, clip name, part) of every listed clip, classes sorted, clips in list order."""
    suffix = f"_test_split{split}.txt"
    rows: list[tuple[str, str, str]] = []
    seen: dict[str, str] = {}
    for path in sorted(lists.glob(f"*{suffix}"), key=lambda path: path.name):
        action = path.name.removesuffix(suffix)
        for line in read_lines(path):
            name, _, code = line.text.replace("\t", " ").rpartition(" ")
            name = name.strip()
            if code not in CODES or not name:
                raise line.error(f"expected 'NAME.avi' and 0, 1 or 2, got {line.text!r}")
            if name in seen:
                raise line.error(f"{name} stands twice, first in {seen[name]}")
            seen[name] = path.name
            rows.append((action, name.removesuffix(".avi"), CODES[code]))
    if not rows:
        raise ArgumentError(f"{lists}: the lists of split {split} are empty", path=lists)
    return rows


def find_clips(root: Path, classes: set[str], suffix: str) -> dict[tuple[str, str], Path]:
    """Return the files in class folders anywhere below `root`, by class and name."""
    files: dict[tuple[str, str], Path] = {}
    for path in sorted(root.rglob(f"*{suffix}")):
        if path.parent.name not in classes:
            continue
        key = (path.parent.name, path.name.removesuffix(suffix))
        if key in files:
            raise ArgumentError(f"{path.name} lies there twice: {files[key]} and {path}", path=path)
        files[key] = path
    return files


def source_group(action: str, name: str, groups: str) -> str:
    """Return the source video that a clip's name tells, or the name where it tells none."""
    match = re.fullmatch(rf"(.+)_{re.escape(action)}{TAGS}", name)
    source = name if match is None else match[1]
    return source if groups == "film" else f"{action}/{source}"


def place(
    listed: list[tuple[str, str, str]],
    files: dict[tuple[str, str], Path],
    root: Path,
    groups: str,
    absent: str,
) -> tuple[dict[str, Split], tuple[str, ...]]:
    """Return the splits of the listed clips, and the names of those that are not there."""
    classes = tuple(sorted({action for action, *_ in listed}))
    missing = tuple(name for action, name, _ in listed if (action, name) not in files)
    if missing and absent == "error":
        raise MissingFileError(f"{root}: {len(missing)} listed clips are missing, first {missing[0]}")
    if len(missing) == len(listed) and absent == "leave_out":
        raise MissingFileError(
            f"{root}: none of the {len(listed)} listed clips is there (CLASS/NAME.avi); "
            f"absent='keep' reads the lists alone",
            path=root,
        )
    parts: dict[str, Split] = {}
    for part in ("train", "test", UNUSED):
        rows = [row for row in listed if row[2] == part and (absent == "keep" or row[:2] in files)]
        if not rows:
            continue
        parts[part] = Split(
            part,
            classes,
            [str(files.get((action, name), root / action / f"{name}.avi")) for action, name, _ in rows],
            np.array([classes.index(action) for action, *_ in rows], dtype=np.int64),
            [source_group(action, name, groups) for action, name, _ in rows],
            [name for _, name, _ in rows],
        )
    return parts, missing


def _kaggle(root: Path) -> dict[str, Split]:
    """Class folders of training_<n>.avi and testing_<n>.avi, in bytewise order."""
    folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    classes = check_class_names([folder.name for folder in folders], root)
    rows: dict[str, list[tuple[int, Path]]] = {"train": [], "test": []}
    for label, folder in enumerate(folders):
        files = sorted(folder.glob("*.avi"))
        if not files:
            raise ArgumentError(f"{folder}: there is no .avi file in this class folder", path=folder)
        for path in files:
            if "training" not in path.name and "testing" not in path.name:
                raise ArgumentError(
                    f"{path}: the name says neither training nor testing; "
                    f"convention='official' reads the published names",
                    path=path,
                )
            rows["train" if "training" in path.name else "test"].append((label, path))
    return {
        part: Split(
            part,
            classes,
            [str(path) for _, path in own],
            np.array([label for label, _ in own], dtype=np.int64),
            names := [f"{path.parent.name}/{path.stem}" for _, path in own],
            list(names),
        )
        for part, own in rows.items()
        if own
    }
