"""Weizmann: ten actions of nine persons, 90 clips, or 93 with lena's doubles.

``ACTION/PERSON_ACTION.avi``, or all in one folder. Lena runs, skips and walks twice in the full set
(``lena_run1``, ``lena_run2``, ...); the common protocol leaves one person out.

Source: Blank, Gorelick, Shechtman, Irani, Basri, "Actions as space-time shapes", ICCV 2005.
"""

from __future__ import annotations

import os
import re
from typing import Literal

import numpy as np

from harkit.datasets._files import existing_folder
from harkit.datasets._tables import check_choice
from harkit.datasets.dataset import Dataset
from harkit.datasets.split import Split
from harkit.errors import ArgumentError, MissingFileError

__all__ = ["weizmann"]

CLASSES = ("bend", "jack", "jump", "pjump", "run", "side", "skip", "walk", "wave1", "wave2")
PERSONS = ("daria", "denis", "eli", "ido", "ira", "lena", "lyova", "moshe", "shahar")
NAME = re.compile(rf"([a-z]+)_({'|'.join(CLASSES)})([12]?)")


def weizmann(root: str | os.PathLike[str], *, doubles: Literal["keep", "leave_out"] = "keep") -> Dataset:
    """Read the Weizmann actions.

    Parameters
    ----------
    root : path
        A folder that holds the ``.avi`` files, flat or nested.
    doubles : {"keep", "leave_out"}
        Keep all clips (93 in the full set), or only the first where a person does an action twice (90).
        Papers differ; say which.

    Returns
    -------
    Dataset
        ``.all``, sorted by action and person; groups are persons. ``missing`` names the actions of the
        nine persons that are not there.

    Raises
    ------
    MissingFileError
        No such folder, or no clip in it.
    ArgumentError
        A clip that lies there twice.

    Examples
    --------
    Nine folds of ten clips, and the nine actions of papers that leave out ``skip``:

    >>> from harkit import datasets
    >>> weizmann = datasets.weizmann("data/weizmann")                        # doctest: +SKIP
    >>> folds = weizmann.all.leave_one_group_out()                           # doctest: +SKIP
    >>> nine = weizmann.with_classes([c for c in weizmann.classes if c != "skip"])   # doctest: +SKIP
    """
    check_choice("doubles", doubles, ("keep", "leave_out"))
    folder = existing_folder(root)
    clips: dict[tuple[str, str, str], str] = {}
    for path in sorted(folder.rglob("*.avi")):
        match = NAME.fullmatch(path.stem)
        if match is None:
            continue
        key = (match[2], match[1], match[3])
        if key in clips:
            raise ArgumentError(f"{path.name} lies there twice: {clips[key]} and {path}", path=path)
        clips[key] = str(path)
    if not clips:
        raise MissingFileError(f"{folder}: there is no Weizmann clip (PERSON_ACTION.avi)", path=folder)
    kept: dict[tuple[str, str, str], str] = {}
    for key in sorted(clips):
        first_take = not any(other[:2] == key[:2] for other in kept)
        if doubles == "keep" or first_take:
            kept[key] = clips[key]
    have = {(action, person) for action, person, _ in clips}
    missing = tuple(
        f"{person}_{action}" for action in CLASSES for person in PERSONS if (action, person) not in have
    )
    split = Split(
        "all",
        CLASSES,
        list(kept.values()),
        np.array([CLASSES.index(action) for action, *_ in kept], dtype=np.int64),
        [person for _, person, _ in kept],
        [f"{person}_{action}{take}" for action, person, take in kept],
    )
    return Dataset(
        "weizmann", {"all": split}, missing, {"root": os.fspath(root), "doubles": doubles}, reader=weizmann
    )
