"""The videos: real ones where ``HARKIT_DATA`` names their folder, otherwise drawn ones of the same make."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def dark_clips(scratch: Path) -> tuple[list[str], str]:
    """The dark set's training clips (H.264, 320x240, with sound), and what they are."""
    if folder := _data("dark/train"):
        return sorted(map(str, folder.rglob("*.mp4"))), "dark training clips (H.264, 320x240, AAC sound)"
    paths = [_noisy(scratch / f"dark{i}.mp4", i, "320x240", "libx264", "-c:a", "aac") for i in range(12)]
    return paths, "drawn clips (H.264, 320x240, AAC sound): HARKIT_DATA is not set"


def all_dark_clips(scratch: Path) -> tuple[list[str], str]:
    """The dark set's clips, training and test."""
    if folder := _data("dark"):
        return sorted(map(str, folder.rglob("*.mp4"))), "dark clips (H.264, 320x240, AAC sound)"
    return dark_clips(scratch)


def kth_clips(scratch: Path) -> tuple[list[str], str]:
    """The KTH clips (MPEG-4 in AVI, 160x120, no colour), and what they are."""
    if folder := _data("kth"):
        return sorted(map(str, folder.glob("*.avi"))), "KTH clips (MPEG-4 in AVI, 160x120)"
    options = ("-bf", "0", "-q:v", "3", "-an", "-vtag", "DX50")
    paths = [
        _noisy(scratch / f"kth{i}.avi", i, "160x120", "mpeg4", *options, effect="hue=s=0,") for i in range(6)
    ]
    return paths, "drawn clips (MPEG-4 in AVI, 160x120): HARKIT_DATA is not set"


def half_an_hour(scratch: Path) -> str:
    """A 30-minute 640x480 video, 25 frames a second: one minute, thirty times, its packets copied."""
    minute, video = scratch / "minute.mp4", scratch / "half_an_hour.mp4"
    encode = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "28", "-pix_fmt", "yuv420p"]
    _ffmpeg("-f", "lavfi", "-i", "testsrc2=size=640x480:rate=25:duration=60", *encode, minute)
    _ffmpeg("-stream_loop", "29", "-i", minute, "-c", "copy", video)
    return str(video)


def _data(name: str) -> Path | None:
    root = os.environ.get("HARKIT_DATA")
    folder = Path(root) / name if root else None
    return folder if folder and folder.is_dir() else None


def _noisy(path: Path, seed: int, size: str, codec: str, *options: str, effect: str = "") -> str:
    seconds = 2 + seed % 3 * 0.5
    picture = f"testsrc2=size={size}:rate=30:duration={seconds},{effect}noise=alls=12:allf=t:all_seed={seed}"
    sound = f"sine=duration={seconds}"
    _ffmpeg("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, "-c:v", codec, "-pix_fmt", "yuv420p",
            *options, path)  # fmt: skip
    return str(path)


def _ffmpeg(*arguments: object) -> None:
    # Without a standard input of its own it would read the terminal's, and be stopped there.
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", *map(str, arguments)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
