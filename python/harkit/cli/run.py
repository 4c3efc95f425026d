"""``harkit run``: an experiment, from videos to a record."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from harkit import experiments
from harkit.cli._group import complaints
from harkit.cli._summary import save, told
from harkit.errors import ArgumentError, MissingFileError

__all__ = ["run"]

_VARIABLE = "HARKIT_DATA"


@click.command(short_help="Run an experiment.")
@click.argument("experiment", metavar="ID")
@click.option("--data", type=click.Path(), help=f"The data set's folder, or the one above [{_VARIABLE}].")
@click.option("--mode", help="Which reading or recipe; `harkit list` shows the experiments.")
@click.option("--seeds", default=1, show_default=True, help="How often to learn, each time from a new seed.")
@click.option("--out", default="out", show_default=True, type=click.Path(), help="Where the record goes.")
@click.option("--cache", type=click.Path(), help="Where features are kept.  [default: OUT/cache]")
def run(
    *, experiment: str, data: str | None, mode: str | None, seeds: int, out: str, cache: str | None
) -> None:
    """Run an experiment (`harkit list`); write its record, model and confusion matrix to OUT/ID-MODE.

    Features are cached: a run that was stopped goes on where it was. A record of an earlier run is replaced.
    """
    wanted = experiments.find(experiment)
    folder = data or os.environ.get(_VARIABLE)
    if not folder:
        raise ArgumentError(f"say where the data lie, with --data or {_VARIABLE}: {wanted.needs}")
    try:
        with complaints():
            result = experiments.run(
                wanted,
                folder,
                mode=mode,
                seeds=seeds,
                cache=cache or Path(out, "cache"),
                progress=sys.stderr.isatty(),
                tell=lambda line: click.echo(line, err=True),
            )
    except MissingFileError as error:
        raise MissingFileError(f"{error}; {experiment} needs {wanted.needs}", path=error.path) from error
    place = Path(out, f"{experiment}-{wanted.mode(mode)}")
    made = save(result, place)
    click.echo(told(result.record))
    click.echo(f"\nin {place}{os.sep}: {', '.join(made)}")
