"""Any CSV file with a header and one row a sample, read and written.

Columns ``path`` and ``label`` are needed; ``group``, ``split``, ``start``, ``stop`` are taken where the
header has them. What `write_csv` writes, `csv` reads back equal.
"""

from __future__ import annotations

import csv as standard_csv
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harkit.datasets._files import write_atomically
from harkit.datasets._tables import Line, check_class_names, read_text
from harkit.datasets.dataset import Dataset
from harkit.datasets.split import Split
from harkit.errors import ArgumentError

__all__ = ["csv", "write_csv"]

COLUMNS = ("path", "label", "group", "name", "split", "start", "stop")
NEEDED = ("path", "label")


def csv(
    path: str | os.PathLike[str],
    *,
    root: str | os.PathLike[str] | None = None,
    columns: dict[str, str] | None = None,
    classes: Sequence[str] | None = None,
    delimiter: str = ",",
    allow_shared_groups: bool = False,
) -> Dataset:
    """Read a CSV file of samples.

    Parameters
    ----------
    path : path
        The file; its first line names the columns.
    root : path, optional
        The folder that relative paths start from; by default that of the file.
    columns : dict of str to str, optional
        Other names for the columns ``path``, ``label``, ``group``, ``name``, ``split``, ``start`` (frame
        from 0), ``stop`` (frame, not included), such as ``{"path": "video_path"}``. A column named here
        must be there.
    classes : sequence of str, optional
        The classes in label order. Without it, labels that are all whole numbers are taken as they are
        (the classes are then called ``"0"``, ``"1"``, ...), and others are sorted by name.
    delimiter : str
        One character between fields.
    allow_shared_groups : bool
        Accept a group in two splits.

    Returns
    -------
    Dataset
        The splits that the column ``split`` names, in order of first appearance, or ``.all``. Samples
        without a group are their own.

    Raises
    ------
    MissingFileError
        No such file. Whether the videos are there is for `loading` to find.
    ArgumentError
        A column that is missing, a row with another number of fields, an unknown class, a sample that
        stands twice; the message names the line.
    """
    source = Path(path)
    rows = _rows(source, _headings(columns), delimiter)
    if not rows:
        raise ArgumentError(f"{source}: there are no samples in it", path=source)
    names, labels = _labels(rows, classes, source)
    base = source.parent if root is None else Path(root)
    by_split: dict[str, list[int]] = {}
    for position, (_, row) in enumerate(rows):
        by_split.setdefault(row.get("split") or "all", []).append(position)
    spans = _spans(rows)
    _refuse_doubles(rows)
    splits = {}
    for split, own in by_split.items():
        chosen = [rows[i][1] for i in own]
        splits[split] = Split(
            split,
            names,
            [str(base / row["path"]) for row in chosen],
            labels[own],
            [row.get("group") or _name(row) for row in chosen],
            [_name(row) for row in chosen],
            spans=None if spans is None else spans[own],
        )
    settings = {
        "path": os.fspath(path),
        "root": None if root is None else os.fspath(root),
        "columns": columns,
        "classes": None if classes is None else tuple(classes),
        "delimiter": delimiter,
        "allow_shared_groups": allow_shared_groups,
    }
    return Dataset("csv", splits, (), settings, allow_shared_groups, reader=csv)


def write_csv(dataset: Dataset, path: str | os.PathLike[str]) -> None:
    """Write all samples of a data set to a CSV file that `csv` reads back.

    Parameters
    ----------
    dataset : Dataset
        Labels are written as class names.
    path : path
        The file; paths of videos below its folder are written relative to it, so that both can move
        together. An existing file is replaced in one step.
    """
    target = Path(path)
    with_spans = any(split.spans is not None for split in dataset.splits.values())
    columns = COLUMNS if with_spans else COLUMNS[:-2]
    text = io.StringIO()
    writer = standard_csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for name, split in dataset.splits.items():
        for i in range(len(split)):
            span = [] if split.spans is None else split.spans[i].tolist()
            writer.writerow(
                [
                    _relative(split.paths[i], target.parent),
                    split.classes[split.labels[i]],
                    split.groups[i],
                    split.names[i],
                    name,
                    *span,
                ]
            )
    write_atomically(target, text.getvalue())


def _relative(path: str, folder: Path) -> str:
    """`path` from `folder`, where it lies below it; else absolute."""
    absolute, base = Path(path).absolute(), folder.absolute()
    return absolute.relative_to(base).as_posix() if absolute.is_relative_to(base) else str(absolute)


def _headings(columns: dict[str, str] | None) -> dict[str, str]:
    unknown = [name for name in columns or {} if name not in COLUMNS]
    if unknown:
        raise ArgumentError(f"`columns` may rename {', '.join(COLUMNS)}, got {unknown[0]!r}")
    return dict(columns or {})


def _rows(source: Path, renamed: dict[str, str], delimiter: str) -> list[tuple[Line, dict[str, str]]]:
    """Each row with its place, by our column names."""
    if len(delimiter) != 1:
        raise ArgumentError(f"`delimiter` must be one character, got {delimiter!r}")
    reader = standard_csv.reader(io.StringIO(read_text(source)), delimiter=delimiter, strict=True)
    rows: list[tuple[Line, dict[str, str]]] = []
    header: list[str] | None = None
    try:
        for fields in reader:
            if not any(field.strip() for field in fields):
                continue
            line = Line(source, reader.line_num, delimiter.join(fields))
            if header is None:
                header = [field.strip() for field in fields]
                positions = _positions(line, header, renamed)
            elif len(fields) != len(header):
                raise line.error(f"expected {len(header)} fields as in the header, got {len(fields)}")
            else:
                rows.append((line, {name: fields[i].strip() for name, i in positions.items()}))
    except standard_csv.Error as error:
        raise Line(source, reader.line_num, "").error(str(error)) from None
    return rows


def _positions(line: Line, header: list[str], renamed: dict[str, str]) -> dict[str, int]:
    doubles = sorted({field for field in header if header.count(field) > 1})
    if doubles:
        raise line.error(f"column {doubles[0]!r} stands twice")
    positions = {}
    for name in COLUMNS:
        heading = renamed.get(name, name)
        if heading in header:
            positions[name] = header.index(heading)
        elif name in NEEDED or name in renamed:
            raise line.error(f"there is no column {heading!r}, the header has {', '.join(header)}")
    if ("start" in positions) != ("stop" in positions):
        raise line.error("columns 'start' and 'stop' go together")
    return positions


def _labels(
    rows: list[tuple[Line, dict[str, str]]], classes: Sequence[str] | None, source: Path
) -> tuple[tuple[str, ...], Any]:
    """Class names and one label a row."""
    given = [row["label"] for _, row in rows]
    numbers = all(label.isascii() and label.isdigit() for label in given)
    if classes is None:
        highest = max(map(int, given)) if numbers else 0
        found = [str(label) for label in range(highest + 1)] if numbers else sorted(set(given))
        names = check_class_names(found, source)
    else:
        names = check_class_names(list(classes), "`classes`")
    position = {name: label for label, name in enumerate(names)}
    labels = []
    for line, row in rows:
        label = row["label"]
        if label in position:
            labels.append(position[label])
        elif numbers and int(label) < len(names):
            labels.append(int(label))
        else:
            raise line.error(f"unknown class {label!r}, `classes` are {', '.join(names)}")
    return names, np.array(labels, dtype=np.int64)


def _spans(rows: list[tuple[Line, dict[str, str]]]) -> Any:
    if "start" not in rows[0][1]:
        return None
    spans = []
    for line, row in rows:
        start, stop = line.integer(row["start"], "start"), line.integer(row["stop"], "stop")
        if stop <= start:
            raise line.error(f"stop must be greater than start, got {start} and {stop}")
        spans.append((start, stop))
    return np.array(spans, dtype=np.int64)


def _name(row: dict[str, str]) -> str:
    if row.get("name"):
        return row["name"]
    return f"{row['path']}:{row['start']}-{row['stop']}" if "start" in row else row["path"]


def _refuse_doubles(rows: list[tuple[Line, dict[str, str]]]) -> None:
    first: dict[str, int] = {}
    for line, row in rows:
        if not row["path"] or not row["label"]:
            raise line.error("path and label must not be empty")
        name = _name(row)
        if name in first:
            raise line.error(f"{name} stands twice, first in line {first[name]}")
        first[name] = line.number
