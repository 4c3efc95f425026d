"""Eight uniform frames of each dark clip to 224x224 RGB, one thread; files warm, and some cold."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import material
import peers
import timing


def measure(scratch: Path) -> dict[str, Any]:
    timing.pin_to_one_core()
    paths, what = material.dark_clips(scratch)
    paths = timing.some(paths)
    for path in paths:
        Path(path).read_bytes()
    warm = peers.enter(peers.SAME_WORK + peers.SCALING, "sample")
    timing.take_turns(warm, paths)
    cold = peers.enter(peers.SAME_WORK, "sample")
    timing.take_turns(cold, timing.some(paths, 0.15), before=forget)
    return {
        "title": "Eight uniform frames to 224x224 RGB, one thread",
        "material": what,
        "goal": 2.0,
        "parts": {
            "files in the system's cache": {"unit": "ms a clip", **timing.table(warm)},
            "files read from the disk": {"unit": "ms a clip", "goal": None, **timing.table(cold)},
        },
    }


def forget(path: str) -> None:
    """Drop the file from the system's cache, so that it is read from the disk."""
    with Path(path).open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
