"""What write_clip writes is what others read, and is whole or not there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import harkit
from conftest import ffmpeg_frames, numbered_frames, read_numbers
from harkit import errors


def facts(path: Path) -> dict[str, str]:
    """What ffprobe says of the video stream."""
    command = [
        "ffprobe",
        "-v",
        "error",
        "-select_streams",
        "v",
        "-count_frames",
        "-show_streams",
        "-of",
        "json",
        str(path),
    ]
    [stream] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["streams"]
    return stream


def moving_picture(n_frames: int = 10, height: int = 96, width: int = 128) -> np.ndarray:
    """Smooth colours that move, as lossy codecs are made for."""
    t, y, x = np.ogrid[:n_frames, :height, :width]
    channels = [
        128 + 100 * np.sin(x / 17 + t / 3),
        128 + 90 * np.cos(y / 11 - t / 4),
        128 + 80 * np.sin((x + y) / 23),
    ]
    return np.stack(np.broadcast_arrays(*channels), -1).astype(np.uint8)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2)))


@pytest.mark.parametrize(
    ("height", "width"), [(64, 96), (33, 47), (1, 1), (2, 3), (15, 17), (17, 16), (5, 640)]
)
def test_ffv1_keeps_every_byte(height: int, width: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(width)
    color = rng.integers(0, 256, (4, height, width, 3), dtype=np.uint8)
    for ending in ("mkv", "avi"):
        path = tmp_path / f"exact.{ending}"
        harkit.write_clip(path, color, codec="ffv1")
        np.testing.assert_array_equal(harkit.VideoReader(path)[:], color)
    np.testing.assert_array_equal(ffmpeg_frames(path, (height, width, 3)), color)
    if width == 3:
        return  # a grey clip three pixels wide looks like one RGB frame
    gray = color[..., 0]
    for ending in ("avi", "mkv"):
        path = tmp_path / f"exact.{ending}"
        harkit.write_clip(path, gray, codec="ffv1")
        np.testing.assert_array_equal(harkit.VideoReader(path, gray=True)[:], gray)
        np.testing.assert_array_equal(harkit.VideoReader(path, gray="y")[:], gray)
    np.testing.assert_array_equal(ffmpeg_frames(path, (height, width), "gray"), gray)
    known = facts(path)
    assert (known["codec_name"], known["pix_fmt"], known["nb_read_frames"]) == ("ffv1", "gray", "4")


@pytest.mark.parametrize("ending", ["mp4", "webm", "mkv", "MP4"])
def test_the_default_is_vp9_that_browsers_play(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"clip.{ending}"
    clip = moving_picture()
    harkit.write_clip(path, clip, fps=25)
    known = facts(path)
    assert (known["codec_name"], known["profile"], known["pix_fmt"]) == ("vp9", "Profile 0", "yuv420p")
    assert (known["color_range"], known["color_space"]) == ("tv", "smpte170m")
    assert (known["width"], known["height"], known["nb_read_frames"]) == (128, 96, "10")
    assert known["avg_frame_rate"] == "25/1"
    frames = harkit.VideoReader(path)[:]
    np.testing.assert_array_equal(frames, ffmpeg_frames(path, (96, 128, 3)))
    assert psnr(frames, clip) > 35


def test_vp9_holds_limited_bt601_samples(tmp_path: Path) -> None:
    """Judged by the matrix of ITU-R BT.601 itself: luma to the rounding, chroma on average."""
    path = tmp_path / "best.mkv"
    clip = moving_picture()
    harkit.write_clip(path, clip, quality=0)
    planes = ffmpeg_frames(path, (96 * 128 * 3 // 2,), "yuv420p").astype(float)
    matrix = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]) / 255
    luma, blue, red = np.moveaxis(clip @ matrix.T + [16, 128, 128], -1, 0)
    assert np.abs(planes[:, : 96 * 128].reshape(luma.shape) - luma).max() < 1.01
    for plane, expected in zip(np.split(planes[:, 96 * 128 :], 2, axis=1), (blue, red), strict=True):
        fours = expected.reshape(-1, 48, 2, 64, 2).mean((2, 4))
        error = plane.reshape(fours.shape) - fours
        assert abs(error.mean()) < 0.05
        assert np.abs(error).max() < 3


@pytest.mark.parametrize(("height", "width"), [(95, 127), (33, 48), (16, 9), (1, 1)])
def test_vp9_takes_odd_sizes_and_gray(height: int, width: int, tmp_path: Path) -> None:
    clip = moving_picture(5, height, width)
    harkit.write_clip(tmp_path / "odd.mp4", clip)
    frames = harkit.VideoReader(tmp_path / "odd.mp4")[:]
    assert frames.shape == clip.shape
    assert psnr(frames, clip) > 30
    harkit.write_clip(tmp_path / "gray.mp4", clip[..., 0])
    gray = harkit.VideoReader(tmp_path / "gray.mp4", gray=True)[:]
    assert psnr(gray, clip[..., 0]) > 38


def test_the_order_of_frames_is_kept(tmp_path: Path) -> None:
    frames = numbered_frames(80)
    harkit.write_clip(tmp_path / "n.webm", frames)
    video = harkit.VideoReader(tmp_path / "n.webm")
    assert read_numbers(video[:]) == list(range(80))
    assert read_numbers(video[[70, 3]]) == [70, 3]


def test_quality_is_the_size_of_the_file_against_its_likeness(tmp_path: Path) -> None:
    clip = moving_picture()
    sizes, likeness = [], []
    for quality in (10, 30, 55):
        harkit.write_clip(tmp_path / "q.mp4", clip, quality=quality)
        sizes.append((tmp_path / "q.mp4").stat().st_size)
        likeness.append(psnr(harkit.VideoReader(tmp_path / "q.mp4")[:], clip))
    assert sizes == sorted(sizes, reverse=True)
    assert likeness == sorted(likeness, reverse=True)


@pytest.mark.parametrize(
    ("fps", "rate"),
    [
        (25, "25/1"),
        (30000 / 1001, "30000/1001"),
        (24000 / 1001, "24000/1001"),
        (60, "60/1"),
        (12.5, "25/2"),
        (0.5, "1/2"),
    ],
)
def test_rates_are_kept_exactly(fps: float, rate: str, tmp_path: Path) -> None:
    for name in ("r.mp4", "r.mkv"):
        harkit.write_clip(tmp_path / name, np.zeros((30, 16, 16, 3), np.uint8), fps=fps)
        assert facts(tmp_path / name)["avg_frame_rate"] == rate
        video = harkit.VideoReader(tmp_path / name)
        # Matroska keeps times in milliseconds, MP4 in the rate's own.
        tolerance = 1e-12 if name == "r.mp4" else 0.5e-3 + 1e-9
        expected = np.arange(30) / float(Fraction(rate))
        np.testing.assert_allclose(video.timestamps, expected, rtol=1e-9, atol=tolerance)
        assert video.info.fps == pytest.approx(float(Fraction(rate)), rel=1e-3)


@pytest.mark.parametrize("codec", ["vp9", "ffv1"])
def test_bytes_do_not_depend_on_the_number_of_threads(codec: str, tmp_path: Path) -> None:
    clip = moving_picture(12, 144, 176)
    path = tmp_path / "t.mkv"
    written = set()
    for threads in (1, 2, 5):
        harkit.set_num_threads(threads)
        harkit.write_clip(path, clip, codec=codec)
        written.add(path.read_bytes())
    harkit.set_num_threads(0)
    assert len(written) == 1


def test_progress_is_told_the_number_of_frames_written(tmp_path: Path) -> None:
    told: list[int] = []
    harkit.write_clip(tmp_path / "p.mp4", moving_picture(40, 144, 176), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 40
    harkit.write_clip(tmp_path / "p.mp4", moving_picture(), progress=True)


def test_progress_that_raises_ends_the_writing_and_leaves_nothing(tmp_path: Path) -> None:
    def fail(done: int) -> None:
        raise RuntimeError(f"after {done}")

    with pytest.raises(RuntimeError, match="after"):
        harkit.write_clip(tmp_path / "p.mp4", moving_picture(100, 288, 352), progress=fail)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_replaced_at_once_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    harkit.write_clip(path, numbered_frames(3), codec="ffv1")
    video = harkit.VideoReader(path)
    harkit.write_clip(path, numbered_frames(5, seed=1), codec="ffv1")
    np.testing.assert_array_equal(video[:], numbered_frames(3), "what was open stays as it was")
    np.testing.assert_array_equal(harkit.VideoReader(path)[:], numbered_frames(5, seed=1))
    with pytest.raises(errors.ArgumentError):
        harkit.write_clip(path, numbered_frames(2), codec="ffv1", fps=-1)
    np.testing.assert_array_equal(harkit.VideoReader(path)[:], numbered_frames(5, seed=1))
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.mkv"]


def child(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_an_interrupted_writing_leaves_nothing(tmp_path: Path) -> None:
    code = """
import sys, numpy as np, harkit
clip = np.random.default_rng(0).integers(0, 256, (300, 240, 320, 3), np.uint8)
print("ready", flush=True)
try:
    harkit.write_clip(sys.argv[1], clip)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    with child(code, tmp_path / "long.mp4") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        while not list(tmp_path.iterdir()):
            time.sleep(0.01)
        time.sleep(0.1)
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        assert time.monotonic() - start < 1
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    code = """
import resource, signal, sys, numpy as np, harkit
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
clip = np.random.default_rng(0).integers(0, 256, (30, 120, 160, 3), np.uint8)
for codec in ("vp9", "ffv1"):
    try:
        harkit.write_clip(sys.argv[1], clip, codec=codec, quality=0)
    except harkit.errors.FileAccessError as error:
        print(error)
"""
    path = tmp_path / "full.mkv"
    out, err = child(code, path).communicate()
    assert out.splitlines() == [f"{path}: cannot be written: File too large"] * 2, err
    assert list(tmp_path.iterdir()) == []


def test_many_threads_may_write_into_one_folder(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    clips = [numbered_frames(4, seed=seed) for seed in range(8)]

    def write(i: int) -> None:
        harkit.write_clip(tmp_path / f"{i}.mkv", clips[i], codec="ffv1")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(8)))
    for i, clip in enumerate(clips):
        np.testing.assert_array_equal(harkit.VideoReader(tmp_path / f"{i}.mkv")[:], clip)
    assert len(os.listdir(tmp_path)) == 8  # noqa: PTH208
