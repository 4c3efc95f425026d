"""What a video held is given back when it is closed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import harkit

OPENED = 40


def resident() -> int:
    """Bytes of memory that this process holds."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("frames", [[], [7], [0, 30, 59]], ids=["opened", "one frame", "three frames"])
def test_reading_many_videos_does_not_grow(encode: Callable[..., Path], frames: list[int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 120, 160, 3), dtype=np.uint8)
    path = encode(noise, "noise.mp4", "-c:v", "libx264", "-qp", 10, "-pix_fmt", "yuv420p")

    def read() -> None:
        with harkit.VideoReader(path) as video:
            if frames:
                video[frames]

    for _ in range(5):
        read()
    before = resident()
    for _ in range(OPENED):
        read()
    # A packet or a picture that is not freed would cost the file's size, or a frame's, each time.
    assert resident() - before < OPENED * path.stat().st_size / 10
