"""How everything here is timed: contestants in turns, medians and quartiles, every result looked at.

Contestants take turns on each item (A B C, B C A, …), so that what else the machine does falls on all alike,
and ratios are taken item by item. A result is compared with harkit's outside the timed part.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Below this, frames of 8 bits are other frames, not other roundings: neighbours in a quiet video differ more.
OTHER_FRAMES_BELOW_DB = 30.0


def share() -> float:
    """The part of the work that is done: 1, or less for a quick look (``HARKIT_BENCH_SHARE=0.1``)."""
    return float(os.environ.get("HARKIT_BENCH_SHARE", "1"))


def some(items: Sequence[Any], part: float = 1.0) -> list[Any]:
    """Every n-th item, so that about ``part * share()`` of them remain, from all over the list."""
    count = max(1, min(len(items), round(len(items) * part * share())))
    return [items[int((i + 0.5) * len(items) / count)] for i in range(count)]


def rounds(full: int, least: int = 3) -> int:
    return max(least, round(full * share()))


def pin_to_one_core() -> None:
    """One thread means one thread: helpers that a library starts unasked share the core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass
class Agreement:
    """How a contestant's results compare with harkit's."""

    n: int = 0
    n_equal: int = 0
    max_difference: int = 0
    lowest_psnr: float | None = None
    other_shapes: int = 0

    def look(self, result: NDArray[np.uint8], expected: NDArray[np.uint8]) -> None:
        self.n += 1
        if result.shape != expected.shape:
            self.other_shapes += 1
            return
        if np.array_equal(result, expected):
            self.n_equal += 1
            return
        difference = np.subtract(result, expected, dtype=np.int16)
        self.max_difference = max(self.max_difference, int(np.abs(difference).max()))
        # Frame by frame: one wrong frame among eight must not hide in a mean.
        errors = np.square(difference, dtype=np.float32).reshape(len(difference), -1).mean(axis=1)
        psnr = float(10 * np.log10(255**2 / errors.max()))
        self.lowest_psnr = round(min(psnr, self.lowest_psnr or np.inf), 1)

    @property
    def is_same_frames(self) -> bool:
        return not self.other_shapes and (
            self.lowest_psnr is None or self.lowest_psnr >= OTHER_FRAMES_BELOW_DB
        )

    def record(self) -> dict[str, Any]:
        return {
            "n": self.n,
            "n_equal": self.n_equal,
            "max_difference": self.max_difference,
            "lowest_psnr_db": self.lowest_psnr,
            "n_other_shapes": self.other_shapes,
            "same_frames": self.is_same_frames,
        }


@dataclass
class Contestant:
    label: str
    version: str
    run: Callable[[Any], NDArray[np.uint8]]
    is_same_work: bool = True
    note: str = ""
    seconds: list[float] = field(default_factory=list)
    agreement: Agreement = field(default_factory=Agreement)
    failure: str | None = None

    def time(self, item: Any) -> NDArray[np.uint8] | None:
        """One timed run; after a failure the contestant is out, and the reason is kept."""
        if self.failure is not None:
            return None
        start = time.perf_counter()
        try:
            result = self.run(item)
        except Exception as error:
            self.failure = f"{type(error).__name__}: {error}".splitlines()[0][:300]
            return None
        self.seconds.append(time.perf_counter() - start)
        return np.asarray(result)


def take_turns(
    contestants: list[Contestant],
    items: Sequence[Any],
    *,
    before: Callable[[Any], None] | None = None,
    warm_up: bool = True,
) -> None:
    """Time all contestants on all items, the first contestant (harkit) being the judge of the others."""
    if warm_up:
        for contestant in contestants:
            contestant.time(items[0])
            contestant.seconds.clear()
    for turn, item in enumerate(items):
        results: dict[int, NDArray[np.uint8]] = {}
        for place in range(len(contestants)):
            index = (turn + place) % len(contestants)
            if before is not None:
                before(item)
            result = contestants[index].time(item)
            if result is not None:
                results[index] = result
        if 0 not in results:
            raise RuntimeError(f"harkit failed on {item}: {contestants[0].failure}")
        for index, result in results.items():
            contestants[index].agreement.look(result, results[0])


def table(contestants: list[Contestant], *, per: float = 1.0, scale: float = 1e3) -> dict[str, Any]:
    """Rows for the record: medians and quartiles (ms unless `scale` says otherwise), ratios to harkit.

    `per` divides each time (items in a batch). A ratio is the median of the ratios item by item. The fastest
    peer is chosen among those that did the same work and gave the same frames.
    """
    harkit = np.array(contestants[0].seconds)
    rows = []
    for contestant in contestants:
        row: dict[str, Any] = {
            "who": contestant.label,
            "version": contestant.version,
            "same_work": contestant.is_same_work,
            "note": contestant.note,
            "failure": contestant.failure,
        }
        if contestant.failure is None:
            seconds = np.array(contestant.seconds)
            low, middle, high = np.percentile(seconds / per * scale, [25, 50, 75])
            row |= {
                "median": round(middle, 3),
                "quartiles": [round(low, 3), round(high, 3)],
                "least": round(seconds.min() / per * scale, 3),
                "n": len(seconds),
                "times_harkit": round(float(np.median(seconds / harkit)), 3),
            }
        if contestant.agreement.n:
            row["agreement"] = contestant.agreement.record()
        rows.append(row)
    fair = [
        row
        for row, contestant in zip(rows, contestants, strict=True)
        if contestant is not contestants[0]
        and contestant.failure is None
        and contestant.is_same_work
        and contestant.agreement.is_same_frames
    ]
    fastest = min(fair, key=lambda row: row["times_harkit"], default=None)
    return {
        "rows": rows,
        "fastest_peer": fastest and fastest["who"],
        "ratio": fastest and fastest["times_harkit"],
    }
