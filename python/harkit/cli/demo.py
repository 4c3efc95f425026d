"""``harkit demo``: from videos to labels and pictures, in under a minute."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np

import harkit
from harkit import experiments, plotting, stip
from harkit.cli._group import bar
from harkit.cli._summary import save, save_figure, told
from harkit.errors import MissingPackageError
from harkit.experiments.markdown import extent

__all__ = ["demo"]

_VARIABLE = "HARKIT_DATA"
_REAL, _DRAWN = "weizmann/lopo", "synthetic"


@click.command(short_help="Run the main job, with pictures.")
@click.option("--out", default="out/demo", show_default=True, type=click.Path(), help="Where results go.")
def demo(*, out: str) -> None:
    """Find interest points in videos, learn to tell the actions apart, and show how well that goes.

    The videos are the Weizmann set in the folder that HARKIT_DATA names, each person recognised by what
    the others taught; or drawn ones where there is none. Files of an earlier run are replaced.
    """
    begin = time.perf_counter()
    folder = Path(out)
    name, data = _material(folder)
    experiment = experiments.find(name)
    result = experiments.run(
        experiment,
        data,
        mode="quick",
        cache=folder / "cache",
        progress=sys.stderr.isatty(),
        tell=lambda line: click.echo(line, err=True),
    )
    made = save(result, folder)
    click.echo(told(result.record))
    try:
        made += _pictures(experiment.material(data).folds, folder)
    except MissingPackageError as error:
        click.echo(f"no pictures: {error}", err=True)
    seconds = time.perf_counter() - begin
    click.echo(
        f"\n{extent(result.record)}, {harkit.num_threads()} threads, {seconds:.0f} s\n"
        f"in {folder}{os.sep}: {', '.join(made)}"
    )


def _material(folder: Path) -> tuple[str, Path]:
    """Give the experiment to run, and its data, drawn where there are no real ones."""
    data = Path(os.environ.get(_VARIABLE) or "", "weizmann")
    if os.environ.get(_VARIABLE) and data.is_dir():
        return _REAL, data
    drawn = folder / "synthetic"
    click.echo(f"drawing clips into {drawn} ...", err=True)
    with bar(experiments.local_features.N_DRAWN, "clip") as tell:
        experiments.local_features.draw(drawn, progress=tell)
    return _DRAWN, drawn


def _pictures(folds: tuple[experiments.Fold, ...], folder: Path) -> Iterator[str]:
    """Draw the points of a video of each class over its frames, and in space and time."""
    split = folds[0].train
    for label in np.unique(split.labels):
        name = split.classes[label]
        path = split.paths[int(np.flatnonzero(split.labels == label)[0])]
        gray = harkit.read_clip(path, gray=True)
        points = stip.detect(gray, sigma2=(4, 8), tau2=(2, 4))
        yield save_figure(
            plotting.points_on_frames(gray, points).flat[0], folder / f"points-{name.lower()}.png"
        )
        if label == split.labels.min():
            shape = (gray.shape[0], gray.shape[1], gray.shape[2])
            axes = plotting.points_in_space_time(points, shape=shape)
            yield save_figure(axes.flat[0], folder / f"space-time-{name.lower()}.png")
