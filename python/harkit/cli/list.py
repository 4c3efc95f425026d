"""``harkit list``: every experiment, what was reported, what was reproduced, what it needs."""

from __future__ import annotations

import textwrap
from pathlib import Path

import click

from harkit.cli._table import table
from harkit.experiments import EXPERIMENTS, Record, read_records, wilson_interval
from harkit.experiments.markdown import interval

__all__ = ["list_experiments"]


@click.command("list", short_help="List all experiments.")
@click.option(
    "--records", default="out", show_default=True, type=click.Path(), help="Where records of runs lie."
)
def list_experiments(*, records: str) -> None:
    """List experiments: the reported hits, the ones of records at hand, and the data that each one needs."""
    known = [record for _, record in read_records(records)] if Path(records).is_dir() else []
    rows = []
    for experiment in EXPERIMENTS.values():
        reported = experiment.reported
        told = ""
        if reported is not None:
            told = counted(str(reported.hits), reported.hits, reported.n)
            told += f", {reported.differs}" if reported.differs else ""
        own = [record for record in known if record.experiment == experiment.id]
        rows.append((experiment.id, told, ", ".join(map(reproduced, own)) or "-", experiment.about))
    click.echo(table(("experiment", "reported", "reproduced", "what"), rows))
    click.echo("\nneeds")
    together: dict[str, list[str]] = {}
    for experiment in EXPERIMENTS.values():
        together.setdefault(experiment.needs, []).append(experiment.id)
    for needs, ids in together.items():
        click.echo(
            textwrap.fill(
                ", ".join(ids), 110, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
            )
        )
        click.echo(textwrap.indent(needs, "      "))


def reproduced(record: Record) -> str:
    """Say in a word or two what a record found; a part of the data is not compared."""
    summary = record.summary()
    if not summary:
        return f"{record.mode}: too few data"
    hits = "/".join(str(hits) for hits in sorted(set(summary["hits"])))
    if not record.complete:
        return f"{record.mode}: {hits} of {summary['n']} of a part"
    return f"{record.mode}: {counted(hits, summary['hits'][0], summary['n'])}"


def counted(told: str, hits: int, n: int) -> str:
    """Say hits with the interval over clips."""
    return f"{told} of {n} ({interval(wilson_interval(hits, n))})"
