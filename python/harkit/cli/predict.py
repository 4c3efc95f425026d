"""``harkit predict``: a trained recogniser on other videos."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from harkit.cli._group import complaints
from harkit.cli._table import table
from harkit.errors import MissingFileError
from harkit.experiments import Recogniser

__all__ = ["predict"]

_MODEL = "model"


@click.command(short_help="Recognise videos with the model of a run.")
@click.argument("run", type=click.Path())
@click.argument("videos", nargs=-1, required=True, type=click.Path())
@click.option("--top", default=3, show_default=True, type=click.IntRange(min=1), help="Classes a video.")
@click.option("--cache", type=click.Path(), help="Where features are kept; by default nowhere.")
def predict(*, run: str, videos: tuple[str, ...], top: int, cache: str | None) -> None:
    """Say which action VIDEOS show, by the model that `harkit run` left in the folder RUN.

    Scores are decision values, comparable within a row; no probabilities. Loading a model runs no code of it.
    """
    folder = Path(run, _MODEL) if Path(run, _MODEL).is_dir() else Path(run)
    if not folder.is_dir():
        raise MissingFileError(f"{run}: there is no such folder; `harkit run` makes one", path=run)
    recogniser = Recogniser.load(folder)
    recogniser.mirrored = False
    with complaints():
        scores = recogniser.scores(recogniser.views(list(videos), cache=cache)[0])
    rows = []
    for video, row in zip(videos, scores, strict=True):
        best = [label for label in np.argsort(-row, kind="stable")[:top] if np.isfinite(row[label])]
        rows.append((video, *(f"{recogniser.classes[label]} {row[label]:.2f}" for label in best)))
    width = max(map(len, rows))
    heads = ("video", "class", *(f"or {i}" for i in range(2, width)))[:width]
    click.echo(table(heads, [(*row, *[""] * (width - len(row))) for row in rows]))
