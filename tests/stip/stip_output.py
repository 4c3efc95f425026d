"""What Laptev's STIP program printed (its points), the grey it saw, and how two lists of points compare."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import harkit

# Points this near each other are the same: pixels, frames, and powers of two of both scales.
PIXELS, FRAMES, RUNGS = 4.0, 3, 1.0

Rows = NDArray[np.float64]


class Match(NamedTuple):
    """Shares of one list that the other has: near (`recall`, `precision`), and to the pixel and scale."""

    n_reference: int
    n_ours: int
    recall: float
    precision: float
    exact: float


def rows_of(points: harkit.stip.Points) -> Rows:
    """y x t sigma2 tau2 of points."""
    names = ("y", "x", "t", "sigma2", "tau2")
    return np.stack([points[name].astype(np.float64) for name in names], axis=1)


def table(path: Path) -> Rows:
    """Rows of numbers; lines that begin with # left out."""
    return np.loadtxt(path, ndmin=2)


def second_version(path: Path, video: str) -> Rows:
    """y x t sigma2 tau2 that STIP 2.0 printed for a video; the file holds several, each after its name."""
    sections: dict[str, list[list[float]]] = {}
    for line in path.read_text().splitlines():
        words = line.split()
        if line.startswith("#"):
            rows = sections.setdefault(words[1] if len(words) > 1 else "", [])
        elif len(words) > 9:
            rows.append([float(word) for word in words[4:9]])
    return np.array(sections[video])


def first_version(path: Path) -> tuple[Rows, NDArray[np.float64]]:
    """y x t sigma2 tau2 and the responses that STIP 1.0 printed."""
    rows = np.loadtxt(path, usecols=range(7), ndmin=2)
    return rows[:, [2, 1, 3, 4, 5]], rows[:, 6]


def gray_of_stip(path: Path) -> NDArray[np.uint8]:
    """Frames as STIP greys them: OpenCV's weights with red and blue exchanged."""
    rgb = np.asarray(harkit.read_clip(path)).astype(np.int32)
    red, green, blue = np.moveaxis(rgb, -1, 0)
    # OpenCV's fixed point of 0.114, 0.587, 0.299.
    return ((3735 * red + 19235 * green + 9798 * blue + 16384) >> 15).astype(np.uint8)


def match(reference: Rows, ours: Rows) -> Match:
    """Compare two lists of points."""
    apart = np.abs(reference[:, None] - ours[None])
    rungs = np.abs(np.log2(reference[:, None, 3:]) - np.log2(ours[None, :, 3:]))
    near = (np.hypot(apart[..., 0], apart[..., 1]) <= PIXELS) & (apart[..., 2] <= FRAMES)
    near &= (rungs <= RUNGS + 1e-6).all(axis=-1)
    exact = (apart == 0).all(axis=-1)
    return Match(len(reference), len(ours), near.any(1).mean(), near.any(0).mean(), exact.any(1).mean())
