"""A long clip in pieces is worked on in the memory of a window."""

from __future__ import annotations

import subprocess
import sys

import pytest

PIECE, PIECES = 50, 60

PROGRAM = f"""
import resource
import numpy as np
import harkit
from harkit import stip
harkit.set_num_threads(1)
piece = np.random.default_rng(0).integers(100, 120, ({PIECE}, 120, 160)).astype(np.uint8)
piece[:, 40:60, 50:80] += (np.arange({PIECE}) % 10 * 12).astype(np.uint8)[:, None, None]
def clip(n):
    return (piece for _ in range(n))
def work(n):
    points = stip.detect(clip(n), mode="faithful", max_points=1000)
    stip.describe(clip(n), points, descriptor="jet6", mode="faithful")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
few = work(2)
print(work({PIECES}) - few)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss counts in KiB on Linux")
def test_a_clip_in_pieces_does_not_fill_memory() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    one_field = PIECE * PIECES * 120 * 160 * 4
    # A window, and the candidates that are kept until they are thinned out.
    assert int(done.stdout) < one_field / 4
