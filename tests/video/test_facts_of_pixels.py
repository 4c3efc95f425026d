"""The shape of a pixel, as the ffmpeg program wrote it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import harkit
from conftest import ffmpeg

FRAMES = np.random.default_rng(0).integers(0, 256, (5, 48, 64, 3), dtype=np.uint8)


# MP4 keeps the shape in a box of its own, H.264 in its parameter set, Matroska as the size to show.
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
@pytest.mark.parametrize("ratio", ["2/3", "64/51", "1/1"])
def test_the_shape_of_a_pixel_is_read(encode: Callable[..., Path], name: str, ratio: str) -> None:
    path = encode(FRAMES, name, "-vf", f"setsar={ratio}", "-c:v", "libx264", "-pix_fmt", "yuv420p")
    width, height = map(int, ratio.split("/"))
    # Matroska keeps whole pixels of the size to show.
    assert harkit.probe(path).pixel_aspect == pytest.approx(width / height, abs=1 / 64)


def test_a_video_on_its_side_has_its_pixels_on_theirs(encode: Callable[..., Path], tmp_path: Path) -> None:
    path = encode(FRAMES, "a.mp4", "-vf", "setsar=2/3", "-c:v", "libx264", "-pix_fmt", "yuv420p")
    ffmpeg("-i", path, "-c", "copy", "-metadata:s:v", "rotate=90", tmp_path / "turned.mp4")
    info = harkit.probe(tmp_path / "turned.mp4")
    assert (info.width, info.height, info.rotation % 180) == (48, 64, 90)
    assert info.pixel_aspect == pytest.approx(3 / 2)
