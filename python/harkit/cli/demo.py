"""``harkit demo``: the main job on real or synthetic clips, with pictures and a table of speeds."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from numpy.typing import NDArray

import harkit
from harkit import ClipRecipe, ClipStream, VideoReader, datasets, plotting, sampling
from harkit import enhancement as en
from harkit import transforms as tf
from harkit.cli._group import bar
from harkit.cli._table import table
from harkit.errors import MissingFileError, MissingPackageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["demo"]

# Clips of each class that the stages are timed on: the whole takes well under a minute on two cores.
_PER_CLASS, _N_CLASSES = 6, 6
# Real sets in HARKIT_DATA beside the dark one, of which a clip each is drawn.
_OTHERS = ("kth", "weizmann", "hmdb51")
_VARIABLE = "HARKIT_DATA"

_LOOKS: dict[str, list[en.Enhancement]] = {
    "As filmed": [],
    "Gamma 3": [en.Gamma(3)],
    "Equalised": [en.Equalize()],
    "Gamma 3, then CLAHE": [en.Gamma(3), en.Clahe()],
}
_EIGHT, _SMALL = sampling.Uniform(8), tf.Resize((224, 224))
_INPUT = tf.Normalize(mean=(0.07,) * 3, std=(0.1, 0.09, 0.08), scale=255)
# Stage by stage, each with those before it.
_STAGES: dict[str, ClipRecipe] = {
    "decode every frame": ClipRecipe(),
    "decode 8 uniform frames": ClipRecipe(sampling=_EIGHT),
    "... gamma 3": ClipRecipe(sampling=_EIGHT, enhancement=[en.Gamma(3)]),
    "... resize to 224x224": ClipRecipe(sampling=_EIGHT, enhancement=[en.Gamma(3)], transforms=[_SMALL]),
    "... normalise to float32": ClipRecipe(
        sampling=_EIGHT,
        enhancement=[en.Gamma(3)],
        transforms=[_SMALL, _INPUT],
        layout="CTHW",
        dtype="float32",
    ),
    "the same, equalised": ClipRecipe(
        sampling=_EIGHT,
        enhancement=[en.Equalize()],
        transforms=[_SMALL, _INPUT],
        layout="CTHW",
        dtype="float32",
    ),
    "the same, CLAHE": ClipRecipe(
        sampling=_EIGHT, enhancement=[en.Clahe()], transforms=[_SMALL, _INPUT], layout="CTHW", dtype="float32"
    ),
}


@click.command(short_help="Run the main job, with pictures.")
@click.option("--out", default="out/demo", show_default=True, type=click.Path(), help="Where pictures go.")
def demo(*, out: str) -> None:
    """Decode, sample and enhance dark clips; write pictures, and print clips a second for each stage.

    The clips are the dark set in the folder that HARKIT_DATA names, with a few others from there, or drawn
    ones where there is none. Files of an earlier run are replaced.
    """
    folder = Path(out)
    split, origin = _clips(folder)
    chosen = _first_of_each_class(split, _PER_CLASS)
    click.echo(f"{len(chosen)} {origin}, {harkit.num_threads()} threads\n")
    click.echo(_timed(chosen))
    click.echo()
    try:
        made = list(_pictures(split, folder))
    except MissingPackageError as error:
        click.echo(f"no pictures: {error}", err=True)
        made = []
    made.append(_bright_video(split, folder))
    click.echo(f"pictures and a video in {folder}{os.sep}")
    for path, about in made:
        click.echo(f"  {path.name:<22}{about}")


def _clips(folder: Path) -> tuple[datasets.Split, str]:
    """Give the dark training clips, real or drawn, and what to call them."""
    data = os.environ.get(_VARIABLE)
    if data:
        try:
            return datasets.ee6222(Path(data, "dark")).train, "real dark clips (EE6222)"
        except MissingFileError:
            click.echo(f"harkit: {_VARIABLE} holds no dark set, so clips are drawn", err=True)
    click.echo(f"drawing clips into {folder / 'synthetic'} ...", err=True)
    with bar(_PER_CLASS * _N_CLASSES, "clip") as tell:
        drawn = datasets.synthetic(folder / "synthetic", videos_per_class=_PER_CLASS, progress=tell)
    return drawn.all, "drawn dark clips"


def _first_of_each_class(split: datasets.Split, count: int) -> datasets.Split:
    rows = [np.flatnonzero(split.labels == label)[:count] for label in range(len(split.classes))]
    return split.select(np.concatenate(rows).tolist())


def _timed(split: datasets.Split) -> str:
    """Run each stage over all clips, batch by batch, and lay out how fast it was."""
    rows = []
    for name, recipe in _STAGES.items():
        stream = ClipStream(split.paths, recipe, batch_size=8)
        n_clips = n_frames = 0
        begin = time.perf_counter()
        with bar(len(split), "clip") as tell:
            for batch in stream:
                n_clips += len(batch.video_index)
                n_frames += sum(len(indices) for indices in batch.frame_indices)
                for failure in batch.failures:
                    click.echo(f"harkit: warning: {failure.reason}", err=True)
                tell(n_clips)
        seconds = time.perf_counter() - begin
        rows.append(
            (
                name,
                n_clips,
                n_frames,
                f"{seconds:.2f}",
                f"{n_clips / seconds:.1f}",
                f"{n_frames / seconds:.0f}",
            )
        )
    heads = ("stage", "clips", "frames", "seconds", "clips/s", "frames/s")
    return table(heads, rows, right=heads[1:])


def _pictures(split: datasets.Split, folder: Path) -> Iterator[tuple[Path, str]]:
    """Draw, and give each picture with what it is."""
    firsts = _first_of_each_class(split, 1)
    for label, path in zip(firsts.labels, firsts.paths, strict=True):
        with VideoReader(path) as video:
            indices = sampling.Uniform(5).indices(len(video))
            clip = video[indices]
        looks = {look: en.chain(clip, steps) if steps else clip for look, steps in _LOOKS.items()}
        panels = plotting.frame_panels(looks, titles={"As filmed": indices}, cell=1.8)
        name = split.classes[label].lower()
        yield _save(panels["As filmed"], folder / f"enhanced-{name}.png"), "five frames in four looks"
    yield from _about_one_clip(firsts.paths[0], folder)
    for name, path in _others():
        axes = plotting.frame_strip(harkit.read_clip(path, sampling=sampling.Uniform(5)))
        yield _save(axes, folder / f"other-{name}.png"), "five frames"


def _about_one_clip(path: str, folder: Path) -> Iterator[tuple[Path, str]]:
    with VideoReader(path) as video:
        chosen = {
            "Interval (Uniform)": sampling.Linspace(5, rounding="open_step").indices(len(video)),
            "Random": sampling.Random(5, seed=0).indices(len(video)),
        }
        bright = en.gamma(video[:], 3)
        first = video[0]
    panels = plotting.sampled_frames(bright, chosen)
    yield _save(panels["Random"], folder / "sampled-frames.png"), "frames of two sampling rules"
    columns = {"Before": first, "After equalisation": en.equalize(first)}
    yield _save(plotting.histograms(columns), folder / "histograms.png"), "values before and after"


def _others() -> Iterator[tuple[str, str]]:
    """Give one clip of each other real set that is there, with the name of the set."""
    data = os.environ.get(_VARIABLE)
    for name in _OTHERS if data else ():
        folder = Path(str(data), name)
        if folder.is_dir():
            yield from ((name, path) for path in datasets.video_files(folder)[:1])


def _bright_video(split: datasets.Split, folder: Path) -> tuple[Path, str]:
    place = folder / "bright.mp4"
    with VideoReader(split.paths[0]) as video:
        harkit.write_clip(place, en.gamma(video[:], 3), fps=video.info.fps)
    return place, "gamma 3, plays in a browser"


def _save(axes: NDArray[Any], path: Path) -> Path:
    import matplotlib.pyplot as plt

    figure: Figure = axes.flat[0].get_figure(root=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)
    plt.close(figure)
    return path
