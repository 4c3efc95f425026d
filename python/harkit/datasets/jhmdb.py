"""JHMDB: 928 clips of 21 classes cut out of HMDB51, with puppet masks and three official splits.

The official lists are ``CLASS_test_splitN.txt`` with lines ``NAME.avi CODE``: 1 training, 2 test
(660 / 268, 658 / 270, 663 / 265).

Source: Jhuang, Gall, Zuffi, Schmid, Black, "Towards understanding action recognition", ICCV 2013.
"""

from __future__ import annotations

import os
from typing import Literal

from harkit.datasets._files import existing_folder
from harkit.datasets._tables import check_choice
from harkit.datasets.dataset import Dataset
from harkit.datasets.hmdb51 import find_clips, list_folder, place, read_official
from harkit.errors import MissingFileError

__all__ = ["jhmdb", "jhmdb_masks"]


def jhmdb(
    root: str | os.PathLike[str],
    *,
    split: Literal[1, 2, 3] = 1,
    splits: str | os.PathLike[str] | None = None,
    groups: Literal["source", "film"] = "source",
    absent: Literal["keep", "leave_out", "error"] = "keep",
    allow_shared_groups: bool = False,
) -> Dataset:
    """Read JHMDB.

    Parameters
    ----------
    root : path
        A folder with class folders of ``.avi`` files, directly or below (``ReCompress_Videos``).
    split : {1, 2, 3}
        Which official split.
    splits : path, optional
        The folder of the official lists; by default ``splits`` below `root`, or `root`.
    groups : {"source", "film"}
        The source video within its class, which the official splits keep together, or across classes,
        which needs `allow_shared_groups` (24, 22 and 25 films stand on both sides).
    absent : {"keep", "leave_out", "error"}
        What to do with a listed clip that is not there. The default keeps it, with the path where it
        would lie: masks, joints and videos of this set are spread apart, and each is of use without the
        others. ``missing`` names it.
    allow_shared_groups : bool
        Accept a group on both sides.

    Returns
    -------
    Dataset
        ``.train`` and ``.test`` in list order.

    Raises
    ------
    MissingFileError, ArgumentError
        As for `hmdb51`.
    """
    check_choice("split", split, (1, 2, 3))
    check_choice("groups", groups, ("source", "film"))
    check_choice("absent", absent, ("keep", "leave_out", "error"))
    folder = existing_folder(root)
    listed = read_official(list_folder(folder, splits, split), split)
    files = find_clips(folder, {action for action, *_ in listed}, ".avi")
    parts, missing = place(listed, files, folder, groups, absent)
    settings = {
        "root": os.fspath(root),
        "split": split,
        "splits": None if splits is None else os.fspath(splits),
        "groups": groups,
        "absent": absent,
        "allow_shared_groups": allow_shared_groups,
    }
    return Dataset("jhmdb", parts, missing, settings, allow_shared_groups, reader=jhmdb)


def jhmdb_masks(root: str | os.PathLike[str]) -> dict[str, str]:
    """Return the puppet mask file (MATLAB 5, ``part_mask``) of every clip that has one, by clip name.

    Parameters
    ----------
    root : path
        A folder with ``CLASS/CLIP.mat`` or, as published, ``CLASS/CLIP/puppet_mask.mat``, directly or
        below.

    Returns
    -------
    dict of str to str
        Paths by clip name, which is the name in `Split.names`.

    Raises
    ------
    MissingFileError
        No such folder, or no mask in it.
    """
    folder = existing_folder(root)
    masks = {
        path.parent.name if path.name == "puppet_mask.mat" else path.stem: str(path)
        for path in sorted(folder.rglob("*.mat"))
    }
    if not masks:
        raise MissingFileError(f"{folder}: there is no mask (CLASS/CLIP.mat)", path=folder)
    return masks
