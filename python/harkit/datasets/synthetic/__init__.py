"""A data set that anyone has: drawn figures that jump, run, sit, stand, turn and walk.

`_motion` says how a figure moves, `_figure` what it looks like, `_scene` where it is and what a camera
sees, `_clip` makes one clip of it from a seed; this file renders a set of video files. Place, size, clothes,
background, tempo, length, viewing side and phase are drawn alike for all classes, so that neither one frame
nor the frame count tells the action; the motion does.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from harkit._core import num_threads
from harkit._progress import Progress, shown
from harkit.datasets._files import write_atomically
from harkit.datasets._tables import check_choice, read_text
from harkit.datasets.dataset import Dataset
from harkit.datasets.split import Split
from harkit.datasets.synthetic._clip import check_count, check_rate, check_size, synthetic_clip
from harkit.datasets.synthetic._motion import ACTIONS
from harkit.errors import ArgumentError
from harkit.video import write_clip

__all__ = ["ACTIONS", "synthetic", "synthetic_clip"]

# Raised whenever the same seed gives other pixels, so that old files are not taken for new ones.
RENDERING = 1
# Share of performers in the test split.
TEST_SHARE = 0.3
MANIFEST = "manifest.json"
# VP9 quality at which a dark clip keeps its noise and its colours.
QUALITY = 16


def synthetic(
    root: str | os.PathLike[str],
    *,
    videos_per_class: int = 10,
    dark: bool = True,
    seed: int = 0,
    performers: int = 10,
    size: tuple[int, int] = (120, 160),
    fps: float = 25.0,
    progress: Progress = False,
) -> Dataset:
    """Render a set of six actions to video files, or find it where it was rendered before.

    Parameters
    ----------
    root : path
        A new or empty folder, or that of an earlier call with the same arguments: its finished files are
        kept, missing ones are rendered.
    videos_per_class : int
        At least 2.
    dark : bool
        Expose at about a hundredth, with the sensor's noise. The same seed gives the same scenes bright.
    seed : int
        From 0.
    performers : int
        Bodies with their clothes, at least 2; each does every action, in turn.
    size : (int, int)
        Height and width of the frames in pixels.
    fps : float
        Frames a second.
    progress : bool or callable
        ``True`` draws a bar; a callable gets the number of videos written so far.

    Returns
    -------
    Dataset
        ``.train`` and ``.test``, about seven to three by performer; groups are performers. Files are
        ``root/Jump/Jump_<performer>_<take>.mp4`` (VP9), 1.5 to 3 seconds each.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument out of its range; a folder that holds something else, or a set of other arguments.

    Notes
    -----
    Sixty videos take about ten seconds on one core. A file appears when it is whole, so that an interrupted
    call leaves whole videos only; ``manifest.json`` keeps the arguments.

    Examples
    --------
    >>> from harkit import datasets
    >>> toy = datasets.synthetic("out/toy", videos_per_class=10, dark=True, seed=0)    # doctest: +SKIP
    >>> toy                                                                            # doctest: +SKIP
    Dataset('synthetic', 6 classes, train 42, test 18)
    """
    settings: dict[str, Any] = {
        "videos_per_class": check_count("videos_per_class", videos_per_class, 2),
        "dark": dark,
        "seed": check_count("seed", seed, 0),
        "performers": check_count("performers", performers, 2),
        "size": check_size(size),
        "fps": check_rate(fps),
    }
    check_choice("dark", dark, (True, False))
    folder = Path(root)
    _claim(folder, settings)
    used = min(performers, videos_per_class)
    n_test = max(1, round(TEST_SHARE * used))
    takes = [(label, i % used, i // used) for label in range(len(ACTIONS)) for i in range(videos_per_class)]
    with shown(progress, len(takes), "video") as tell:
        _write_all(folder, takes, settings, tell)
    splits = {
        "train": _split("train", folder, [own for own in takes if own[1] < used - n_test]),
        "test": _split("test", folder, [own for own in takes if own[1] >= used - n_test]),
    }
    return Dataset("synthetic", splits, (), {"root": os.fspath(root), **settings}, reader=synthetic)


def _claim(folder: Path, settings: dict[str, Any]) -> None:
    """Write the manifest into a new folder, or compare it with that of an earlier call."""
    wanted = json.loads(json.dumps({"rendering": RENDERING, **settings}))
    manifest = folder / MANIFEST
    if not manifest.exists():
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ArgumentError(f"{folder}: `root` must be a new or empty folder", path=folder)
        write_atomically(manifest, json.dumps(wanted, indent=1) + "\n")
        return
    try:
        found = json.loads(read_text(manifest))
    except json.JSONDecodeError as error:
        raise ArgumentError(
            f"{manifest}: not a manifest ({error}); remove the folder", path=manifest
        ) from None
    if found != wanted:
        differs = [name for name in wanted if not isinstance(found, dict) or found.get(name) != wanted[name]]
        raise ArgumentError(
            f"{folder}: `root` holds a set of another {', '.join(differs)}; choose another folder",
            path=folder,
        )


def _path(folder: Path, label: int, performer: int, take: int) -> Path:
    action = ACTIONS[label]
    return folder / action / f"{action}_{performer}_{take}.mp4"


def _write_all(
    folder: Path,
    takes: list[tuple[int, int, int]],
    settings: dict[str, Any],
    tell: Callable[[int], object] | None,
) -> None:
    """Render the videos that are not there; one encodes while another is drawn."""

    def write(own: tuple[int, int, int]) -> None:
        path = _path(folder, *own)
        if not path.exists():
            label, performer, take = own
            chosen = {name: settings[name] for name in ("seed", "dark", "size", "fps")}
            clip = synthetic_clip(ACTIONS[label], take=take, performer=performer, **chosen)
            path.parent.mkdir(exist_ok=True)
            write_clip(path, clip, fps=settings["fps"], quality=QUALITY)

    # A clip follows from its own stream, so threads change nothing; an error or Ctrl-C drops the rest.
    with ThreadPoolExecutor(num_threads()) as pool:
        for done, _ in enumerate(pool.map(write, takes), start=1):
            if tell is not None:
                tell(done)


def _split(name: str, folder: Path, takes: list[tuple[int, int, int]]) -> Split:
    paths = [_path(folder, *own) for own in takes]
    return Split(
        name,
        ACTIONS,
        [str(path) for path in paths],
        np.array([label for label, *_ in takes], dtype=np.int64),
        [f"performer{performer}" for _, performer, _ in takes],
        [path.stem for path in paths],
    )
