"""A data set that anyone has: drawn figures that jump, run, sit, stand, turn and walk.

`motion` says how a figure moves, `figure` what it looks like, `scene` where it is and what a camera sees,
`clip` makes one clip of it from a seed; this file renders a set of video files. Place, size, clothes,
background, tempo, length, viewing side and phase are drawn alike for all classes, so that neither one frame
nor the frame count tells the action; the motion does.
"""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np

from harkit.datasets.dataset import Dataset, Split
from harkit.datasets.files import write_atomically
from harkit.datasets.synthetic.clip import check_count, check_rate, check_size, synthetic_clip
from harkit.datasets.synthetic.motion import ACTIONS
from harkit.datasets.tables import check_choice, read_text
from harkit.errors import ArgumentError

__all__ = ["ACTIONS", "synthetic", "synthetic_clip"]

# Raised whenever the same seed gives other pixels, so that old files are not taken for new ones.
RENDERING = 1
# Share of performers in the test split.
TEST_SHARE = 0.3
MANIFEST = "manifest.json"


def synthetic(
    root: str | os.PathLike[str],
    *,
    videos_per_class: int = 10,
    dark: bool = True,
    seed: int = 0,
    performers: int = 10,
    size: tuple[int, int] = (120, 160),
    fps: float = 25.0,
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
    Sixty videos take about ten seconds on one core. Files are written under another name and moved into place, so
    that an interrupted call leaves whole videos only; ``manifest.json`` keeps the arguments.

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
    for label, performer, take in takes:
        _write(_path(folder, label, performer, take), ACTIONS[label], performer, take, settings)
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


def _write(path: Path, action: str, performer: int, take: int, settings: dict[str, Any]) -> None:
    """Render one video, unless it is there."""
    if path.exists():
        return
    from harkit import write_clip

    clip = synthetic_clip(
        action,
        take=take,
        performer=performer,
        **{name: settings[name] for name in ("seed", "dark", "size", "fps")},
    )
    path.parent.mkdir(exist_ok=True)
    part = path.with_name(f".{path.stem}.{os.getpid()}-{threading.get_ident()}.part{path.suffix}")
    try:
        write_clip(part, clip, fps=settings["fps"])
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


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
