"""``harkit report``: one page of all records."""

from __future__ import annotations

from pathlib import Path

import click

from harkit import experiments
from harkit.errors import MissingFileError

__all__ = ["report"]


@click.command(short_help="One page of all records of runs.")
@click.argument("folder", default="out", type=click.Path())
@click.option("--html", type=click.Path(), help="The page.  [default: FOLDER/report.html]")
@click.option("--markdown", type=click.Path(), help="The same as a table.  [default: FOLDER/results.md]")
def report(*, folder: str, html: str | None, markdown: str | None) -> None:
    """Write one HTML page, which needs no other file, and a Markdown table of all records below FOLDER.

    What an earlier report wrote is replaced.
    """
    if not Path(folder).is_dir():
        raise MissingFileError(f"{folder}: there is no such folder; `harkit run` makes one", path=folder)
    records = experiments.read_records(folder)
    if not records:
        raise MissingFileError(f"{folder}: holds no record; `harkit run` makes one", path=folder)
    texts = {
        Path(html or Path(folder, "report.html")): experiments.page(records),
        Path(markdown or Path(folder, "results.md")): experiments.markdown(records),
    }
    for place, text in texts.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    click.echo(f"{len(records)} record{'s' if len(records) > 1 else ''}: {', '.join(map(str, texts))}")
