"""The page of all records: one HTML file that needs no other, no script and no network.

The template is ``report.html.jinja`` beside this file (Jinja2, with everything escaped: records are texts
from anywhere). Figures are drawn as tables and SVG, so that they stay sharp and need no matplotlib; pictures
that lie beside a record, such as those of interest points, are embedded.
"""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harkit.experiments.markdown import extent, tell
from harkit.experiments.record import Record

__all__ = ["page"]

_TEMPLATE = Path(__file__).with_name("report.html.jinja")
# Drawn from the record itself.
_DRAWN_HERE = {"confusion.png"}
# A page of pictures larger than this in all would be slow to open.
_MOST_BYTES = 8 << 20


def page(records: Sequence[tuple[Path, Record]], *, title: str = "harkit: results") -> str:
    """Write the page.

    Parameters
    ----------
    records : sequence of (pathlib.Path, Record)
        As `read_records` gives them; pictures are looked for in the folders.
    title : str
        Of the page.

    Returns
    -------
    str
        HTML.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["percent"] = lambda share: f"{100 * share:.1f} %"
    environment.filters["pretty"] = lambda value: json.dumps(value, indent=1, ensure_ascii=False)
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    shown = [_section(i, folder, record) for i, (folder, record) in enumerate(records)]
    return template.render(title=title, sections=shown)


def _section(number: int, folder: Path, record: Record) -> dict[str, Any]:
    """Everything that the template shows of a record."""
    summary = record.summary()
    return {
        "anchor": f"record-{number}",
        "record": record,
        "told": tell(record),
        "extent": extent(record),
        "summary": summary,
        "chance": 1 / max(len(record.classes), 1),
        "matrices": list(_matrices(record)),
        "groups": _by_group(record),
        "mistakes": [
            (p.name, record.classes[p.label], record.classes[p.predicted])
            for p in (record.runs[0].predictions if record.runs else [])
            if p.label != p.predicted
        ],
        "chosen": [chosen for run in record.runs[:1] for chosen in run.chosen if chosen],
        "pictures": list(_pictures(folder)),
    }


def _matrices(record: Record) -> Iterator[dict[str, Any]]:
    """Give the report's confusion matrix, where it has one, and the record's."""
    if record.reported is not None and record.reported["confusion"]:
        yield _matrix("reported", record.reported["confusion"])
    if record.runs:
        yield _matrix("harkit" if record.complete else "harkit, of a part of the data", record.confusion())


def _matrix(name: str, counts: ArrayLike) -> dict[str, Any]:
    matrix = np.asarray(counts, dtype=np.int64)
    totals = matrix.sum(1)
    shares = matrix / np.maximum(totals, 1)[:, None]
    cells = [list(zip(*pair, strict=True)) for pair in zip(matrix.tolist(), shares.tolist(), strict=True)]
    recalls: list[float | None] = [
        float(shares[i, i]) if total else None for i, total in enumerate(totals.tolist())
    ]
    return {
        "name": name,
        "cells": cells,
        "recalls": recalls,
        "hits": int(np.trace(matrix)),
        "n": int(totals.sum()),
    }


def _by_group(record: Record) -> list[tuple[str, int, int]]:
    """(group, hits, items) of the first run; nothing where every item is a group by itself."""
    counts: defaultdict[str, NDArray[np.int64]] = defaultdict(lambda: np.zeros(2, dtype=np.int64))
    predictions = record.runs[0].predictions if record.runs else []
    for prediction in predictions:
        counts[prediction.group] += (prediction.label == prediction.predicted, 1)
    if len(counts) == len(predictions):
        return []
    return [(name, int(hits), int(n)) for name, (hits, n) in sorted(counts.items())]


def _pictures(folder: Path) -> Iterator[tuple[str, str]]:
    """Names and data addresses of the pictures beside a record, as many as keep the page light."""
    size = 0
    for path in sorted(folder.glob("*.png")):
        if path.name in _DRAWN_HERE:
            continue
        content = path.read_bytes()
        size += len(content)
        if size > _MOST_BYTES:
            return
        yield path.stem, f"data:image/png;base64,{base64.b64encode(content).decode('ascii')}"
