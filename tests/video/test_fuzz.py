"""Mutated files never crash, hang or panic: they decode, or raise an error of harkit's.

Each container runs in a process of its own, so that a crash is seen as one, for a bounded time. The seed
is fixed; a longer hunt is `HARKIT_FUZZ_SECONDS=600 pytest tests/video/test_fuzz.py`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import numbered_frames

SECONDS = float(os.environ.get("HARKIT_FUZZ_SECONDS", "2"))
X264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", 8)
FILES = {
    "plain.mp4": X264,
    "fragments.mp4": (*X264, "-movflags", "frag_keyframe+empty_moov"),
    "matroska.mkv": X264,
    "stream.ts": X264,
    "xvid.avi": ("-c:v", "mpeg4", "-bf", 2, "-g", 8),
    "motion.avi": ("-c:v", "mjpeg"),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-deadline", "realtime"),
    "hevc.mp4": ("-c:v", "libx265", "-pix_fmt", "yuv420p", "-x265-params", "log-level=none"),
    "program.mpg": ("-c:v", "mpeg2video", "-bf", 2),
}

HUNT = """
import random, sys, time
import harkit
from harkit import errors, sampling

original, seconds = open(sys.argv[1], "rb").read(), float(sys.argv[2])
draw, start, tried, decoded = random.Random(sys.argv[1].rpartition("/")[2]), time.monotonic(), 0, 0
while time.monotonic() - start < seconds:
    data = bytearray(original)
    for _ in range(draw.choice([1, 1, 3, 20, 200])):
        place = draw.randrange(len(data))
        kind = draw.randrange(4)
        if kind == 0:
            data[place] ^= 1 << draw.randrange(8)
        elif kind == 1:
            data[place] = draw.choice([0, 1, 0x7F, 0x80, 0xFF])
        elif kind == 2:
            del data[place : place + draw.randrange(1, 64)]
        else:
            data[place:place] = data[draw.randrange(len(data)) :][: draw.randrange(1, 64)]
        data = data or bytearray(b"x")
    if draw.random() < 0.2:
        del data[draw.randrange(len(data)) :]
    tried += 1
    begun = time.monotonic()
    try:
        video = harkit.VideoReader(bytes(data), gray=draw.choice([False, True]))
        n = len(video)
        video[[draw.randrange(n) for _ in range(3)]]
        video[n - 1]
        harkit.read_clip(bytes(data), sampling=sampling.Uniform(4, short="repeat_last"))
        decoded += 1
    except errors.InternalError:
        raise
    except errors.HarkitError:
        pass
    except MemoryError:
        pass
    assert time.monotonic() - begun < 20, "took too long"
print(tried, decoded)
"""


@pytest.mark.timeout(SECONDS + 100)
@pytest.mark.parametrize("name", FILES)
def test_mutated_files_decode_or_raise(encode: Callable[..., Path], name: str) -> None:
    path = encode(numbered_frames(16, 48, 64), name, *FILES[name])
    hunt = [sys.executable, "-c", HUNT, str(path), str(SECONDS)]
    done = subprocess.run(hunt, capture_output=True, text=True, check=False, timeout=SECONDS + 90)
    assert done.returncode == 0, f"exit status {done.returncode}\n{done.stderr[-3000:]}"
    tried, decoded = map(int, done.stdout.split())
    assert tried > 10
    assert decoded > 0
