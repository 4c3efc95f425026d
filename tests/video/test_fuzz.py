"""Mutated files never crash, hang or fault harkit.

``HARKIT_FUZZ_SECONDS=600 pytest tests/video/test_fuzz.py`` looks longer; a failure prints its seed, and
``HARKIT_FUZZ_SEED`` begins there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from conftest import ffmpeg, numbered_frames

X264 = ("-c:v", "libx264", "-g", 6, "-pix_fmt", "yuv420p")
KINDS = {
    "h264.mp4": X264,
    "front.mp4": (*X264, "-movflags", "+faststart"),
    "fragmented.mp4": (*X264, "-movflags", "frag_keyframe+empty_moov"),
    "hevc.mp4": ("-c:v", "libx265", "-x265-params", "log-level=none:keyint=6", "-pix_fmt", "yuv420p"),
    "av1.mp4": ("-c:v", "libaom-av1", "-cpu-used", 8, "-g", 6, "-b:v", "500k"),
    "prores.mov": ("-c:v", "prores", "-pix_fmt", "yuv422p10le"),
    "h264.mkv": X264,
    "vp8.webm": ("-c:v", "libvpx", "-g", 6),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-g", 6, "-deadline", "realtime"),
    "ffv1.mkv": ("-c:v", "ffv1"),
    "mpeg4.avi": ("-c:v", "mpeg4", "-g", 6, "-bf", 0),
    "b_frames.avi": ("-c:v", "mpeg4", "-g", 6, "-bf", 2),
    "packed.avi": ("-c:v", "libxvid", "-g", 6, "-bf", 2),
    "motion.avi": ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p"),
    "palette.avi": ("-c:v", "rawvideo", "-pix_fmt", "pal8"),
    "huffyuv.avi": ("-c:v", "huffyuv"),
    "h264.ts": X264,
    "mpeg2.mpg": ("-c:v", "mpeg2video", "-g", 6),
    "flash.flv": ("-c:v", "flv"),
    "windows.wmv": ("-c:v", "wmv2"),
    "theora.ogv": ("-c:v", "libtheora"),
    "raw.h264": X264,
    "one_bit.nut": ("-c:v", "rawvideo", "-pix_fmt", "monob"),
    "loop.gif": (),
    "plain.y4m": ("-pix_fmt", "yuv420p"),
}  # fmt: skip


def test_mutated_files_never_crash_hang_or_fault_harkit(encode: Callable[..., Path], tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    for name in ("png", "jpg"):
        (corpus / name).mkdir(parents=True)
    frames = numbered_frames(12)
    for name, options in KINDS.items():
        encode(frames, name, *options).rename(corpus / name)
    ffmpeg("-i", corpus / "ffv1.mkv", "-frames:v", 4, corpus / "png" / "%d.png")
    ffmpeg("-i", corpus / "ffv1.mkv", "-frames:v", 4, corpus / "jpg" / "%d.jpg")
    seconds = float(os.environ.get("HARKIT_FUZZ_SECONDS", "5"))
    seed = os.environ.get("HARKIT_FUZZ_SEED", "0")
    script = Path(__file__).with_name("fuzz_files.py")
    command = [sys.executable, str(script), str(corpus), seed, str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False)
    last = "\n".join(done.stdout.splitlines()[-2:])
    assert done.returncode == 0, f"{last}\n{done.stderr}"
    assert "done" in last
    assert "slow" not in last
