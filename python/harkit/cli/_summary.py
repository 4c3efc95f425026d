"""What commands say and keep of a finished run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harkit import plotting
from harkit.cli._table import table
from harkit.errors import MissingPackageError
from harkit.experiments import Record, Result, wilson_interval
from harkit.experiments.markdown import tell

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["save", "save_figure", "told"]

# Names of missing files that are printed.
_SOME = 6


def save(result: Result, folder: Path) -> list[str]:
    """Write record, model and picture; their names."""
    result.record.write(folder)
    made = ["record.json"]
    if result.recogniser is not None:
        result.recogniser.save(folder / "model")
        made.append("model (for `harkit predict`)")
    if result.record.runs:
        try:
            axes = plotting.confusion_matrix(result.record.confusion(), result.record.classes)
            made.append(save_figure(axes, folder / "confusion.png"))
        except MissingPackageError as error:
            click.echo(f"no picture: {error}", err=True)
    return made


def save_figure(axes: Axes, path: Path) -> str:
    """Write the figure that some axes belong to, and close it; the file's name."""
    import matplotlib.pyplot as plt

    figure = axes.get_figure(root=True)
    assert figure is not None, "harkit's figures are drawn in one"
    figure.savefig(path, dpi=100, bbox_inches="tight")
    plt.close(figure)
    return path.name


def told(record: Record) -> str:
    """Say what a run found, and what it does not say."""
    return "\n".join(_lines(record))


def _lines(record: Record) -> Iterator[str]:
    yield f"{record.experiment}, {record.mode}: {record.about}"
    if record.note:
        yield record.note
    if record.missing:
        some = ", ".join(record.missing[:_SOME])
        more = ", ... (all in the record)" if len(record.missing) > _SOME else ""
        yield f"INCOMPLETE: {len(record.missing)} files of this protocol are not there: {some}{more}"
    if record.absent_classes:
        yield f"INCOMPLETE: nothing to learn or nothing to test for {', '.join(record.absent_classes)}"
    if not record.runs:
        yield "no fold has two classes to learn and an item to test: no figure"
        return
    yield ""
    if not record.complete:
        yield table(
            ("seed", "hits", "of"), [(run.seed, run.hits, len(run.predictions)) for run in record.runs]
        )
        yield "the hits are those of the part at hand: they say nothing about a figure of the whole"
        return
    yield table(("", "hits", "of", "accuracy", "95 % over clips", "95 % over groups"), list(_rows(record)))
    yield f"\nin training: {tell(record).train}"


def _rows(record: Record) -> Iterator[tuple[object, ...]]:
    reported = record.reported
    if reported is not None:
        hits, n = reported["hits"], reported["n"]
        yield "reported", hits, n, f"{hits / n:.2%}", _interval(wilson_interval(hits, n)), ""
    summary = record.summary()
    n = summary["n"]
    for run, hits in zip(record.runs, summary["hits"], strict=True):
        first = run is record.runs[0]
        seed = f", seed {run.seed}" if len(record.runs) > 1 else ""
        over_groups = _interval(summary["groups"]) if first and summary["groups"] else ""
        yield f"harkit{seed}", hits, n, f"{hits / n:.2%}", _interval(wilson_interval(hits, n)), over_groups
    if summary["sd"] is not None:
        low, high = summary["range"]
        yield (
            f"mean of {len(record.runs)}",
            "",
            n,
            f"{summary['mean']:.2%}",
            f"sd {summary['sd']:.2%}",
            _interval((low, high)),
        )


def _interval(limits: tuple[float, float]) -> str:
    return f"{limits[0]:.2%} .. {limits[1]:.2%}"
