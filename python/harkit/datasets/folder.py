"""Any folder of class folders: ``root/CLASS/VIDEO``, or ``root/SPLIT/CLASS/VIDEO``.

A video is a file with a video's suffix, or a folder of frame images.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from harkit.datasets._files import existing_folder, is_video, subfolders
from harkit.datasets._tables import check_class_names
from harkit.datasets.dataset import Dataset
from harkit.datasets.split import Split
from harkit.errors import ArgumentError

__all__ = ["folder"]


def folder(
    root: str | os.PathLike[str],
    *,
    splits: Sequence[str] = (),
    groups: str | None = None,
    classes: Sequence[str] | None = None,
    allow_shared_groups: bool = False,
) -> Dataset:
    r"""Read a folder of class folders.

    Parameters
    ----------
    root : path
        The folder of class folders, or of split folders.
    splits : sequence of str, optional
        Names of split folders between root and classes, such as ``("train", "test")``.
    groups : str, optional
        A regular expression that finds the group in a file's name (without suffix): its first bracket, or
        the whole match. For UCF101: ``r"_g(\d+)_"``. Without it each video is its own group.
    classes : sequence of str, optional
        The classes in label order; by default the class folders of all splits, sorted.
    allow_shared_groups : bool
        Accept a group in two splits.

    Returns
    -------
    Dataset
        ``.all``, or the named splits; samples are named ``class/stem`` (``split/class/stem``) and sorted
        by name within a class.

    Raises
    ------
    MissingFileError
        No such folder.
    ArgumentError
        No class folder, a class folder without videos or outside `classes`, a name that `groups` does
        not match, a group in two splits.
    """
    top = existing_folder(root)
    try:
        pattern = None if groups is None else re.compile(groups)
    except re.error as error:
        raise ArgumentError(f"`groups` must be a regular expression, got {groups!r}: {error}") from None
    tops = {name: existing_folder(top / name) for name in splits} or {"all": top}
    found = sorted({path.name for own in tops.values() for path in _class_folders(own)})
    names = check_class_names(list(found if classes is None else classes), "`classes`")
    unknown = [name for name in found if name not in names]
    if unknown:
        raise ArgumentError(f"{top}: class folder {unknown[0]} is not in `classes` ({', '.join(names)})")
    parts = {
        name: _split(name, own, names, pattern, f"{name}/" if splits else "") for name, own in tops.items()
    }
    settings = {
        "root": os.fspath(root),
        "splits": tuple(splits),
        "groups": groups,
        "classes": None if classes is None else tuple(classes),
        "allow_shared_groups": allow_shared_groups,
    }
    return Dataset("folder", parts, (), settings, allow_shared_groups, reader=folder)


def _class_folders(top: Path) -> list[Path]:
    folders = subfolders(top)
    if not folders:
        raise ArgumentError(f"{top}: there is no class folder in it", path=top)
    return folders


def _split(
    name: str, top: Path, classes: tuple[str, ...], pattern: re.Pattern[str] | None, prefix: str
) -> Split:
    paths: list[Path] = []
    labels: list[int] = []
    for own in _class_folders(top):
        videos = sorted(path for path in own.iterdir() if is_video(path))
        if not videos:
            raise ArgumentError(f"{own}: there is no video in this class folder", path=own)
        paths.extend(videos)
        labels.extend([classes.index(own.name)] * len(videos))
    order = sorted(range(len(paths)), key=lambda i: labels[i])
    paths = [paths[i] for i in order]
    names = [f"{prefix}{path.parent.name}/{path.stem if path.is_file() else path.name}" for path in paths]
    return Split(
        name,
        classes,
        [str(path) for path in paths],
        np.array(sorted(labels), dtype=np.int64),
        names if pattern is None else [_group(path, pattern) for path in paths],
        names,
    )


def _group(path: Path, pattern: re.Pattern[str]) -> str:
    match = pattern.search(path.stem if path.is_file() else path.name)
    if match is None:
        raise ArgumentError(f"{path}: `groups` {pattern.pattern!r} does not match the name", path=path)
    return str(match[1] if pattern.groups and match[1] is not None else match[0])
