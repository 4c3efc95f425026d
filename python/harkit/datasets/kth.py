"""KTH: six actions of 25 persons in four scenarios (599 files, or their 2,391 segments).

Files are ``personPP_action_dS[_uncomp].avi``, in one folder or nested. ``00sequences.txt`` gives the
frame ranges of the segments (1-based, inclusive, in the order that is kept: some overlap, some run
backwards). A group is a person.

Source: Schuldt, Laptev, Caputo, "Recognizing human actions: a local SVM approach", ICPR 2004.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from harkit.datasets._files import existing_folder
from harkit.datasets._tables import check_choice, read_lines
from harkit.datasets.dataset import Dataset
from harkit.datasets.split import Split
from harkit.errors import ArgumentError, MissingFileError

__all__ = ["KthSequence", "kth", "kth_sequences"]

CLASSES = ("boxing", "handclapping", "handwaving", "jogging", "running", "walking")
N_PERSONS = 25
N_SCENARIOS = 4
# The one absent file of the published set.
NEVER_PUBLISHED = ("person13_handclapping_d3",)
# "report": kth-stip-bow, section 1. "official": the head of 00sequences.txt.
PERSONS: dict[str, dict[str, tuple[int, ...]]] = {
    "report": {"train": tuple(range(1, 18)), "val": tuple(range(18, 22)), "test": tuple(range(22, 26))},
    "official": {
        "train": (11, 12, 13, 14, 15, 16, 17, 18),
        "val": (19, 20, 21, 23, 24, 25, 1, 4),
        "test": (22, 2, 3, 5, 6, 7, 8, 9, 10),
    },
}
SEQUENCES = "00sequences.txt"

FILE = re.compile(r"person(\d+)_([a-z]+)_d(\d)")
ENTRY = re.compile(r"(person(\d{2})_([a-z]+)_d(\d))\s+(?:(\*missing\*)|frames\s+(\S.*))")
RANGE = re.compile(r"(\d+)\s*-\s*(\d+)")


@dataclass(frozen=True)
class KthSequence:
    """One line of ``00sequences.txt``.

    Attributes
    ----------
    name : str
        Such as ``"person01_boxing_d1"``.
    person, scenario : int
        Numbers from 1.
    action : str
        One of the six classes.
    spans : tuple of (int, int)
        The segments in listed order: start frame from 0, stop frame not included; empty for the one
        sequence that was never published.
    """

    name: str
    person: int
    action: str
    scenario: int
    spans: tuple[tuple[int, int], ...]

    @property
    def missing(self) -> bool:
        """Whether the list marks the sequence as missing."""
        return not self.spans


def kth_sequences(path: str | os.PathLike[str]) -> tuple[KthSequence, ...]:
    """Read ``00sequences.txt``, with or without its head.

    Parameters
    ----------
    path : path
        The list file, or the folder that holds it.

    Returns
    -------
    tuple of KthSequence
        In file order; segments in listed order, neither sorted nor merged.

    Raises
    ------
    MissingFileError
        No such file.
    ArgumentError
        A sequence that cannot be read or stands twice, an unknown action, a range that runs backwards;
        the message names the line.
    """
    path = Path(path)
    source = path / SEQUENCES if path.is_dir() else path
    entries: dict[str, KthSequence] = {}
    for line in read_lines(source):
        # The head names authors and split; a sequence begins with its person and an underscore.
        if re.match(r"person\d+_", line.text) is None:
            continue
        match = ENTRY.fullmatch(line.text)
        if match is None:
            raise line.error(f"expected 'personPP_action_dS frames a-b, c-d, ...', got {line.text!r}")
        name, person, action, scenario, absent, ranges = match.groups()
        if action not in CLASSES:
            raise line.error(f"unknown action {action!r}, the set has {', '.join(CLASSES)}")
        if name in entries:
            raise line.error(f"{name} stands twice")
        spans = []
        for part in () if absent else ranges.split(","):
            found = RANGE.fullmatch(part.strip())
            if found is None or not 1 <= int(found[1]) <= int(found[2]):
                raise line.error(f"expected a range of frames from 1, such as 1-95, got {part.strip()!r}")
            spans.append((int(found[1]) - 1, int(found[2])))
        entries[name] = KthSequence(name, int(person), action, int(scenario), tuple(spans))
    if not entries:
        raise ArgumentError(f"{source}: there are no sequences in it", path=source)
    return tuple(entries.values())


def kth(
    root: str | os.PathLike[str],
    *,
    split: Literal["report", "official"] = "report",
    segments: bool = False,
    sequences: str | os.PathLike[str] | None = None,
    absent: Literal["leave_out", "keep", "error"] = "leave_out",
) -> Dataset:
    """Read KTH by file or by segment.

    Parameters
    ----------
    root : path
        A folder that holds the ``.avi`` files, flat or nested.
    split : {"report", "official"}
        By person. ``"report"``: training 1..17, validation 18..21, test 22..25. ``"official"``: that of
        the paper, 8, 8 and 9 persons.
    segments : bool
        One sample a segment of ``00sequences.txt`` in place of one a file; the split then has `spans`.
        A file that decodes to fewer frames than its list says is for `loading` to report.
    sequences : path, optional
        The list file; by default ``00sequences.txt`` in `root`.
    absent : {"leave_out", "keep", "error"}
        What to do with a published file that is not there: leave it out (parts of the set are common),
        keep it in the split with the path where it would lie, or raise. The first two name it in
        ``missing``.

    Returns
    -------
    Dataset
        ``.train``, ``.val`` and ``.test``, sorted by name; groups are persons, such as ``person01``. With
        all files: 407, 96, 96 files or 1,624, 384, 383 segments (report); 191, 192, 216 or 760, 768, 863
        (official).

    Raises
    ------
    MissingFileError
        No such folder or list, or a file that is not there with ``absent="error"``.
    ArgumentError
        An unknown action in a file name, a sequence that lies there twice, or no KTH file at all.

    Notes
    -----
    ``person13_handclapping_d3`` was never published and is not counted as missing.

    Examples
    --------
    >>> from harkit import datasets
    >>> kth = datasets.kth("data/kth", split="official")       # doctest: +SKIP
    >>> kth.with_split("report").train                         # doctest: +SKIP
    Split('train', 407 samples, 6 classes, 17 groups)
    """
    check_choice("split", split, tuple(PERSONS))
    check_choice("segments", segments, (True, False))
    check_choice("absent", absent, ("leave_out", "keep", "error"))
    folder = existing_folder(root)
    listed = kth_sequences(folder if sequences is None else sequences) if segments else None
    files = _files(folder)
    if not files and absent != "keep":
        raise MissingFileError(f"{folder}: there is no KTH file (person01_boxing_d1_uncomp.avi)", path=folder)
    missing = sorted(set(_published()) - set(files))
    if missing and absent == "error":
        raise MissingFileError(f"{folder}: {len(missing)} of 599 files are missing, first {missing[0]}")
    if absent == "keep":
        files.update({name: folder / f"{name}_uncomp.avi" for name in missing})
    spans = None if listed is None else {entry.name: entry.spans for entry in listed}
    if spans is not None and (unlisted := sorted(set(files) - set(spans))):
        raise ArgumentError(f"{SEQUENCES} has no entry for {unlisted[0]}")
    splits = {
        name: chosen
        for name, persons in PERSONS[split].items()
        if len(chosen := _split(name, files, spans, persons))
    }
    settings = {
        "root": os.fspath(root),
        "split": split,
        "segments": segments,
        "sequences": None if sequences is None else os.fspath(sequences),
        "absent": absent,
    }
    return Dataset("kth", splits, tuple(missing), settings, reader=kth)


def _published() -> Iterable[str]:
    for person in range(1, N_PERSONS + 1):
        for action in CLASSES:
            for scenario in range(1, N_SCENARIOS + 1):
                name = f"person{person:02d}_{action}_d{scenario}"
                if name not in NEVER_PUBLISHED:
                    yield name


def _files(folder: Path) -> dict[str, Path]:
    """Return the videos by sequence name, wherever they lie below the folder."""
    files: dict[str, Path] = {}
    for path in sorted(folder.rglob("*.avi")):
        match = FILE.search(path.name)
        if match is None:
            continue
        person, action, scenario = int(match[1]), match[2], int(match[3])
        if action not in CLASSES:
            raise ArgumentError(
                f"{path}: unknown action {action!r}, the set has {', '.join(CLASSES)}", path=path
            )
        if not (1 <= person <= N_PERSONS and 1 <= scenario <= N_SCENARIOS):
            raise ArgumentError(f"{path}: the set has persons 1..25 and scenarios 1..4", path=path)
        name = f"person{person:02d}_{action}_d{scenario}"
        if name in files:
            raise ArgumentError(f"{name} lies there twice: {files[name]} and {path}", path=path)
        files[name] = path
    return files


def _split(
    name: str,
    files: dict[str, Path],
    spans: dict[str, tuple[tuple[int, int], ...]] | None,
    persons: tuple[int, ...],
) -> Split:
    """Return the files (or segments) of some persons, sorted by name."""
    paths, labels, groups, names, ranges = [], [], [], [], []
    for sequence in sorted(files):
        match = FILE.match(sequence)
        if match is None or int(match[1]) not in persons:
            continue
        own = [(0, 1)] if spans is None else spans[sequence]
        for number, span in enumerate(own, start=1):
            paths.append(str(files[sequence]))
            labels.append(CLASSES.index(match[2]))
            groups.append(sequence[: len("person01")])
            names.append(sequence if spans is None else f"{sequence}_{number}")
            ranges.append(span)
    return Split(
        name,
        CLASSES,
        paths,
        np.array(labels, dtype=np.int64),
        groups,
        names,
        spans=None if spans is None else np.array(ranges, dtype=np.int64).reshape(-1, 2),
    )
