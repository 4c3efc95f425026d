"""What all tests share: where real data lies, and small videos made by the ffmpeg program."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

# Figures are drawn into memory.
os.environ["MPLBACKEND"] = "agg"


def _folder(variable: str) -> Path:
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"needs real files: set {variable} to their folder")
    folder = Path(value).resolve()
    assert folder.is_dir(), f"{variable} names {folder}, which is not a folder"
    return folder


@pytest.fixture(scope="session")
def data() -> Path:
    return _folder("HARKIT_DATA")


@pytest.fixture(scope="session")
def real_weights() -> Path:
    return _folder("HARKIT_WEIGHTS")


@pytest.fixture(autouse=True)
def no_open_figures() -> Iterator[None]:
    """Close the figures that a test drew."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def ffmpeg(*arguments: object, stdin: bytes | None = None) -> bytes:
    """Run the ffmpeg program; what it writes to standard output."""
    command = ["ffmpeg", "-v", "error", "-y", *map(str, arguments)]
    done = subprocess.run(command, input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def ffmpeg_frames(
    path: object, shape: tuple[int, ...], pixel_format: str = "rgb24", options: Sequence[object] = ()
) -> np.ndarray:
    """All frames as the ffmpeg program gives them, with swscale's bilinear chroma."""
    command = ["ffmpeg", "-v", "quiet", *map(str, options), "-i", str(path), "-map", "0:v:0"]
    command += [
        "-sws_flags",
        "bilinear",
        "-fps_mode",
        "passthrough",
        "-f",
        "rawvideo",
        "-pix_fmt",
        pixel_format,
        "-",
    ]
    raw = subprocess.run(command, capture_output=True, check=False).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, *shape)


BITS = 8


def numbered_frames(n_frames: int, height: int = 64, width: int = 96, seed: int = 0) -> np.ndarray:
    """Noisy grey frames whose number stands in eight blocks of black or white in the first rows."""
    rng = np.random.default_rng(seed)
    frames = rng.integers(60, 190, (n_frames, height, width, 3), dtype=np.uint8)
    side = width // BITS
    for i, frame in enumerate(frames):
        for bit in range(BITS):
            frame[:16, bit * side : (bit + 1) * side] = 255 if i >> bit & 1 else 0
    return frames


def read_numbers(frames: np.ndarray) -> list[int]:
    """The numbers that :func:`numbered_frames` wrote, after any lossy codec."""
    side = frames.shape[2] // BITS
    blocks = frames[:, 4:12, : side * BITS].reshape(len(frames), 8, BITS, side, -1)
    bright = blocks[:, :, :, 2:-2].mean(axis=(1, 3, 4)) > 127
    return [int(sum(1 << bit for bit in range(BITS) if row[bit])) for row in bright]


@pytest.fixture(scope="session")
def encode(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Encode frames with the ffmpeg program: ``encode(frames, "name.mp4", *options, fps=25)``."""

    def make(frames: np.ndarray, name: str, *options: object, fps: float = 25) -> Path:
        path = tmp_path_factory.mktemp("encoded") / name
        height, width = frames.shape[1:3]
        source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", fps, "-i", "-"]
        ffmpeg(*source, *options, path, stdin=frames.tobytes())
        return path

    return make


@pytest.fixture(scope="session")
def numbered(encode: Callable[..., Path]) -> Path:
    """60 numbered frames as H.264 with B-frames in MP4."""
    return encode(numbered_frames(60), "numbered.mp4", "-c:v", "libx264", "-g", 20, "-pix_fmt", "yuv420p")
