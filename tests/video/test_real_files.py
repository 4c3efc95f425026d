"""Real files: every frame equals the ffmpeg program's, and samples equal PyAV's.

The judge is the ffmpeg program of Debian 12 (5.1.9), decoding with one thread (more conceal damage
differently) and converting with swscale's bilinear chroma. PyAV 18 carries swscale 9.5, whose general path
(more than 8 bits, and odd heights) places chroma differently: on sharp test patterns that is up to 190 levels
(26 dB), on a natural picture 46 dB. So PyAV judges 8-bit pictures of even size only, where the two take the
same special path.
"""

from __future__ import annotations

import csv
import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np
import pytest

import harkit
from conftest import ffmpeg_frames

ENDINGS = {".avi", ".mkv", ".mov", ".mp4", ".webm"}
# Its Matroska times put frames 3 and 4 the other way round than the codec does; harkit follows the container.
SWAPPED = "auto-editor/h264-mjpeg.mkv"


def videos(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.rglob("*") if path.suffix in ENDINGS)
    assert found, f"{folder} has no videos"
    return found


def first_difference(path: Path) -> str | None:
    """Compare all frames with the ffmpeg program's, a frame at a time; what differs first."""
    video = harkit.VideoReader(path)
    info = video.info
    command = [
        "ffmpeg",
        "-v",
        "quiet",
        "-threads",
        "1",
        "-i",
        str(path),
        "-map",
        "0:v:0",
        "-sws_flags",
        "bilinear",
    ]
    command += ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    size = info.height * info.width * 3
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=size) as process:
        assert process.stdout is not None
        for i, frame in enumerate(video):
            expected = process.stdout.read(size)
            if len(expected) != size:
                return f"{len(video)} frames, ffmpeg gives {i}"
            if frame.tobytes() != expected:
                return f"frame {i} differs"
        if process.stdout.read():
            return f"{len(video)} frames, ffmpeg gives more"
    return None


def differences(paths: Iterable[Path], compare: Callable[[Path], str | None]) -> dict[str, str]:
    """Compare many files, two at a time; those that differ and how."""
    paths = list(paths)
    with ThreadPoolExecutor(2) as pool:
        found = zip(paths, pool.map(compare, paths), strict=True)
        return {str(path): difference for path, difference in found if difference}


@pytest.mark.parametrize("folder", ["clips", "kth", "weizmann", "hmdb51", "video-samples", "stip-reference"])
def test_every_frame_equals_the_ffmpeg_program(data: Path, folder: str) -> None:
    paths = [path for path in videos(data / folder) if not str(path).endswith(SWAPPED)]
    assert differences(paths, first_difference) == {}


def test_a_sample_of_the_dark_set_equals_the_ffmpeg_program(data: Path) -> None:
    assert differences(videos(data / "dark")[::25], first_difference) == {}


def test_frames_follow_the_times_of_the_container(data: Path) -> None:
    video = harkit.VideoReader(data / "clips" / SWAPPED)
    expected = ffmpeg_frames(data / "clips" / SWAPPED, (360, 640, 3))
    order = [0, 1, 2, 4, 3, *range(5, 60)]
    np.testing.assert_array_equal(video[:], expected[order])
    assert (np.diff(video.timestamps) > 0).all()
    # What the container says: the packets' own times, with the bytes of the frames they carry.
    with av.open(str(data / "clips" / SWAPPED)) as container:
        stream = container.streams.video[0]
        times = sorted(
            float(packet.pts * stream.time_base) for packet in container.demux(stream) if packet.size
        )
    np.testing.assert_allclose(video.timestamps, np.array(times) - times[0], atol=1e-9)


@pytest.mark.parametrize(
    ("table", "file", "frames", "separator"),
    [
        ("clips/probe.csv", "file", "decoded_frames", ","),
        ("dark/probe.csv", "file", "decoded_frames", ","),
        ("kth/probe.csv", "file", "decoded_frames", ","),
        ("stip-reference/probe.csv", "file", "decoded_frames", ","),
        ("weizmann/probe.csv", "path", "frames", ","),
        ("hmdb51/clips.tsv", "clip", "frames", "\t"),
    ],
)
def test_frames_are_as_many_as_ffprobe_counted(
    data: Path, table: str, file: str, frames: str, separator: str
) -> None:
    path = data / table
    with path.open(newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter=separator))

    def count(row: dict[str, str]) -> tuple[str, int]:
        folder = (
            path.parent / "videos_stabilized" / row["class"] if table.startswith("hmdb51") else path.parent
        )
        return row[file], len(harkit.VideoReader(folder / row[file]))

    with ThreadPoolExecutor(2) as pool:
        assert dict(pool.map(count, rows)) == {row[file]: int(row[frames]) for row in rows}
    assert len(rows) == len({row[file] for row in rows}) > 0


def samples_differ_from_pyav(path: Path) -> str | None:
    video = harkit.VideoReader(path)
    info = video.info
    if info.pixel_format != "yuv420p" or info.color_range == "full" or info.height % 2 or info.width % 2:
        return None
    indices = np.floor((np.arange(8) + 0.5) * len(video) / 8).astype(int)
    frames = dict(zip(indices.tolist(), video[indices], strict=True))
    found = 0
    with av.open(str(path)) as container:
        container.streams.video[0].codec_context.thread_count = 1
        for i, frame in enumerate(container.decode(video=0)):
            if i in frames:
                found += 1
                # PyAV leaves turning to the caller.
                turned = np.rot90(frames[i], info.rotation // 90)
                if not np.array_equal(turned, frame.to_ndarray(format="rgb24")):
                    return f"frame {i} differs"
            if i == indices[-1]:
                break
    return None if found == len(frames) else f"PyAV gives {found} of {len(frames)} frames"


@pytest.mark.parametrize("folder", ["dark", "kth", "clips"])
def test_sampled_frames_equal_pyav(data: Path, folder: str) -> None:
    # PyAV ends at the first damaged packet of this one.
    paths = [
        path for path in videos(data / folder) if not str(path).endswith((SWAPPED, "decord/corrupted.mp4"))
    ]
    assert differences(paths, samples_differ_from_pyav) == {}


def test_gray_frames_of_kth_equal_opencv(data: Path) -> None:
    import cv2

    for path in videos(data / "kth")[::6]:
        color, gray = harkit.VideoReader(path)[::9], harkit.VideoReader(path, gray=True)[::9]
        for rgb, luma in zip(color, gray, strict=True):
            np.testing.assert_array_equal(luma, cv2.cvtColor(rgb[..., ::-1].copy(), cv2.COLOR_BGR2GRAY))
