"""Every frame of each KTH clip to one grey volume (T, H, W), one thread."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import material
import peers
import timing


def measure(scratch: Path) -> dict[str, Any]:
    timing.pin_to_one_core()
    paths, what = material.kth_clips(scratch)
    for path in paths:
        Path(path).read_bytes()
    contestants = peers.enter(peers.SAME_WORK + peers.GRAYING, "volume")
    timing.take_turns(contestants, timing.some(paths) * timing.rounds(5))
    return {
        "title": "Every frame to a grey volume, one thread",
        "material": what,
        "goal": 1.0,
        "parts": {"files in the system's cache": {"unit": "ms a clip", **timing.table(contestants)}},
    }
