"""Records as Markdown: the table of ``docs/results.md``, and the words that tell figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harkit.experiments.record import Record
from harkit.experiments.statistics import wilson_interval

__all__ = ["Told", "extent", "markdown", "tell"]

_HEADS = (
    "experiment",
    "mode",
    "ours",
    "95 % over clips",
    "over groups",
    "reported",
    "in training",
    "protocol",
    "seeds",
)
# Names of missing items that are printed.
_SOME = 6


@dataclass(frozen=True)
class Told:
    """The figures of a record, in words.

    Attributes
    ----------
    ours : str
        Hits in counts and in percent; where data lack, it says that they are those of a part.
    over_clips, over_groups : str
        Intervals, 95 %.
    reported : str
        What the report printed, and whether that may be compared; empty where there is no report.
    train : str
        Training items that were recognised, ours and reported.
    seeds : str
        Their number, and the spread over them.
    """

    ours: str
    over_clips: str
    over_groups: str
    reported: str
    train: str
    seeds: str


def tell(record: Record) -> Told:
    """Say what a record found.

    Parameters
    ----------
    record : Record
        Of one run, of any number of seeds.

    Returns
    -------
    Told
        Dashes where there is nothing to say.
    """
    summary = record.summary()
    known = record.reported
    reported = ""
    if known is not None:
        hits, n = known["hits"], known["n"]
        reported = f"{hits} of {n} ({hits / n:.2%}; {interval(wilson_interval(hits, n))})"
        reported += f", {known['differs']}" if known["differs"] else ""
        reported += "" if record.complete else ", not to be compared"
    if not summary:
        return Told("too few data", "-", "-", reported, "-", "0")
    hits, n = summary["hits"][0], summary["n"]
    spread = str(len(record.runs))
    if not record.complete:
        return Told(f"{hits} of {n}, a part of the protocol", "-", "-", reported, "-", spread)
    if summary["sd"] is not None:
        low, high = summary["range"]
        spread += f": mean {summary['mean']:.2%}, sd {summary['sd']:.2%}, {low:.2%} to {high:.2%}"
    groups = summary["groups"]
    return Told(
        f"{hits} of {n} ({hits / n:.2%})",
        interval(summary["wilson"]),
        "-" if groups is None else f"{interval(groups)}, {summary['n_groups']} groups",
        reported,
        _train(record, summary),
        spread,
    )


def _train(record: Record, summary: dict[str, Any]) -> str:
    own = f"{summary['train_hits'][0]} of {summary['train_n']}"
    known = None if record.reported is None else record.reported["train"]
    return own if known is None else f"{own}; reported {known[0]} of {known[1]}"


def interval(limits: Sequence[float]) -> str:
    """Write an interval of shares in percent.

    Parameters
    ----------
    limits : sequence of float
        Lower and upper, 0 to 1.

    Returns
    -------
    str
        Such as ``"62.2 to 79.9 %"``.
    """
    return f"{100 * limits[0]:.1f} to {100 * limits[1]:.1f} %"


def extent(record: Record) -> str:
    """Say how much was taken from the videos.

    Parameters
    ----------
    record : Record
        Of local features, or of a vector a video.

    Returns
    -------
    str
        Such as ``"1,200 interest points"``.
    """
    if record.n_points is None:
        return f"a vector of {record.n_values or 0:,} values each"
    return f"{record.n_points['all']:,} interest points"


def markdown(records: Sequence[tuple[Path, Record]]) -> str:
    """Write the page of all records.

    Parameters
    ----------
    records : sequence of (pathlib.Path, Record)
        As `read_records` gives them.

    Returns
    -------
    str
        One table; below it a paragraph for each record: command, data, versions, notes, what lacks.
    """
    return "\n".join(_lines(records)) + "\n"


def _lines(records: Sequence[tuple[Path, Record]]) -> Iterator[str]:
    yield "# Results"
    yield ""
    yield (
        "Written by `harkit report` from the records of runs. Counts are of the first seed. The interval "
        "over clips is Wilson's and takes them for independent; the one over groups (persons, recordings) "
        "draws whole groups, and is the one to believe. Of a part of a protocol's data no accuracy is told."
    )
    yield ""
    yield from _table(records)
    for _, record in records:
        yield ""
        yield from _paragraph(record)


def _table(records: Sequence[tuple[Path, Record]]) -> Iterator[str]:
    yield _row(_HEADS)
    yield _row(["---"] * len(_HEADS))
    for _, record in records:
        told = tell(record)
        yield _row(
            (
                f"`{record.experiment}`",
                record.mode,
                told.ours,
                told.over_clips,
                told.over_groups,
                told.reported or "-",
                told.train,
                record.about,
                told.seeds,
            )
        )


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_plain(cell).replace('|', chr(92) + '|') for cell in cells)} |"


def _paragraph(record: Record) -> Iterator[str]:
    yield f"## {_plain(record.experiment)}, {_plain(record.mode)}"
    yield ""
    yield "```console"
    yield f"$ {_plain(record.command)}"
    yield "```"
    yield ""
    if record.note:
        yield f"* {_plain(record.note)}"
    yield f"* {len(record.files):,} videos, {extent(record)}"
    if record.missing:
        more = f" and {len(record.missing) - _SOME} more" if len(record.missing) > _SOME else ""
        names = ", ".join(map(_plain, record.missing[:_SOME]))
        yield f"* incomplete: {len(record.missing)} items of the protocol were not there: {names}{more}"
    if record.absent_classes:
        names = ", ".join(map(_plain, record.absent_classes))
        yield f"* incomplete: nothing to learn or nothing to test for {names}"
    versions = ", ".join(f"{name} {number}" for name, number in record.versions.items())
    yield f"* {_plain(record.started)}, {_plain(versions)}"
    machine = f"{_plain(record.machine['processor'])}, {record.machine['threads']} threads"
    took = record.seconds
    yield f"* {machine}: {took['all']:.0f} s, {took['features']:.0f} s for features or finding them cached"


def _plain(text: str) -> str:
    """Keep a record's text on one line."""
    return " ".join(text.split())
