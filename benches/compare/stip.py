"""Interest points of KTH clips: the report's arithmetic against PyTorch, many scales against real time.

The PyTorch script is `tests/generate/kth_stip_bow.py`: the report's own convolutions, its loop over points
replaced by a gather; and the same with its convolutions written as sums of shifted fields, which PyTorch does
faster. Frames are in memory, grey. With all cores harkit works on a clip a thread, PyTorch on
one clip after the other with its own threads. Real time is 25 frames a second, on one core.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import material
import numpy as np
import timing
from numpy.typing import NDArray
from peers import Harkit

import harkit
from harkit import stip

FRAMES_A_SECOND = 25
# Voxels so near the threshold that the order of a sum decides: their share of the points.
MOST_OTHER_POINTS = 1e-3

Places = NDArray[np.int32]


@dataclass
class PointAgreement(timing.Agreement):
    """How many points one has and the other has not."""

    n_points: int = 0
    n_other: int = 0

    def look(self, result: Any, expected: Any) -> None:
        self.n += 1
        mine, theirs = (set(map(tuple, rows.tolist())) for rows in (result, expected))
        self.n_points += len(theirs)
        self.n_other += len(mine ^ theirs)

    @property
    def is_same_frames(self) -> bool:
        return self.n_other <= MOST_OTHER_POINTS * self.n_points

    def record(self) -> dict[str, Any]:
        return {
            "n_points": self.n_points,
            "n_other": self.n_other,
            "same_frames": self.is_same_frames,
            "says": f"{self.n_other} of {self.n_points:,} points differ",
        }


def measure(scratch: Path) -> dict[str, Any]:
    paths, what = material.kth_clips(scratch)
    clips = [gray_frames(path) for path in timing.some(paths, 0.5)]
    everywhere = os.sched_getaffinity(0)
    timing.pin_to_one_core()
    Harkit(threads=1).prepare()
    reference = reference_module()
    one_thread = {
        "faithful and jets against PyTorch, one thread": faithful_on_one_thread(reference, clips),
        "sigma2 4, 8 by tau2 2, 4 and HOG/HOF against real time": against_real_time(corrected, clips, 10.0),
        "all scales of laptev against real time": against_real_time(stip_of_laptev, clips, 4.0),
    }
    os.sched_setaffinity(0, everywhere)
    together = {"faithful and jets against PyTorch, all cores": faithful_on_all_cores(reference, clips)}
    return {
        "title": "Interest points",
        "material": f"{len(clips)} {what}, {sum(map(len, clips)):,} frames",
        "goal": None,
        "parts": one_thread | together,
    }


def faithful_on_one_thread(reference: Any, clips: list[NDArray[np.uint8]]) -> dict[str, Any]:
    reference.torch.set_num_threads(1)
    contestants = [
        contestant("harkit", harkit.__version__, faithful),
        contestant("torch", reference.torch.__version__, lambda gray: by_torch(reference, gray)),
        contestant(
            "torch, shifted fields", reference.torch.__version__, lambda gray: by_shifts(reference, gray)
        ),
    ]
    timing.take_turns(contestants, clips)
    return {"unit": "ms a clip", "goal": 15.0, **against_convolutions(timing.table(contestants))}


def faithful_on_all_cores(reference: Any, clips: list[NDArray[np.uint8]]) -> dict[str, Any]:
    reference.torch.set_num_threads(timing.cores())
    pool = ThreadPoolExecutor(timing.cores())
    contestants = [
        contestant("harkit", harkit.__version__, lambda all_: numbered(pool.map(faithful, all_))),
        contestant(
            "torch",
            reference.torch.__version__,
            lambda all_: numbered(by_torch(reference, gray) for gray in all_),
        ),
        contestant(
            "torch, shifted fields",
            reference.torch.__version__,
            lambda all_: numbered(by_shifts(reference, gray) for gray in all_),
        ),
    ]
    timing.take_turns(contestants, [clips] * timing.rounds(3), warm_up=False)
    return {
        "unit": "ms a clip",
        "goal": 15.0,
        **against_convolutions(timing.table(contestants, per=len(clips))),
    }


def against_real_time(
    work: Callable[[NDArray[np.uint8]], Places], clips: list[NDArray[np.uint8]], goal: float
) -> dict[str, Any]:
    ours = contestant("harkit", harkit.__version__, work)
    timing.take_turns([ours], clips)
    real = contestant("real time", f"{FRAMES_A_SECOND} frames a second", work)
    real.seconds = [len(gray) / FRAMES_A_SECOND for gray in clips]
    real.agreement = timing.Agreement()
    return {"unit": "ms a clip", "goal": goal, **timing.table([ours, real])}


def faithful(gray: NDArray[np.uint8]) -> Places:
    points = stip.detect(gray, mode="faithful")
    stip.describe(gray, points, descriptor="jet6", mode="faithful")
    return places(points)


def corrected(gray: NDArray[np.uint8]) -> Places:
    points = stip.detect(gray, sigma2=(4, 8), tau2=(2, 4))
    stip.describe(gray, points, descriptor="hoghof")
    return places(points)


def stip_of_laptev(gray: NDArray[np.uint8]) -> Places:
    points = stip.detect(gray, mode="laptev")
    stip.describe(gray, points, descriptor="hoghof", mode="laptev")
    return places(points)


def by_torch(reference: Any, gray: NDArray[np.uint8]) -> Places:
    found = reference.detect(gray)
    reference.describe(found.space, found.kept)
    return found.kept.int().numpy()


def by_shifts(reference: Any, gray: NDArray[np.uint8]) -> Places:
    """As `by_torch`, each convolution a sum of shifted fields, axis by axis."""
    pad = reference.torch.nn.functional.pad

    def blur(volume: Any, sigma: float, tau: float) -> Any:
        for axis, std in ((2, sigma), (1, sigma), (0, tau)):
            weights, length = reference.kernel(std).tolist(), volume.shape[axis]
            sides = [0, 0] * (2 - axis) + [reference.RADIUS] * 2
            padded = pad(volume, sides)
            volume = padded.narrow(axis, 0, length) * weights[0]
            for shift, weight in enumerate(weights[1:], start=1):
                volume.add_(padded.narrow(axis, shift, length), alpha=weight)
        return volume

    found = reference.detect(gray, blur)
    reference.describe(found.space, found.kept)
    return found.kept.int().numpy()


def against_convolutions(table: dict[str, Any]) -> dict[str, Any]:
    """The goal is over the script as it stands; the faster way of writing it is shown beside it."""
    script = next(row for row in table["rows"] if row["who"] == "torch")
    return table | {"fastest_peer": script["who"], "ratio": script.get("times_harkit")}


def places(points: stip.Points) -> Places:
    return np.stack([points["t"], points["y"], points["x"]], axis=1)


def numbered(results: Any) -> Places:
    """The places of several clips in one array, the clip's number before each."""
    return np.concatenate([np.insert(rows, 0, i, axis=1) for i, rows in enumerate(results)])


def contestant(label: str, version: str, run: Callable[[Any], Any]) -> timing.Contestant:
    return timing.Contestant(label, version, run, agreement=PointAgreement())


def gray_frames(path: str) -> NDArray[np.uint8]:
    with harkit.VideoReader(path, gray=True) as video:
        return video[:]


def reference_module() -> Any:
    sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "generate"))
    import kth_stip_bow

    return kth_stip_bow
