"""Human action recognition from video: decode, sample, enhance, transform, recognise."""

from __future__ import annotations

import logging

from harkit import datasets, enhancement, errors, sampling, transforms
from harkit._core import num_threads, set_num_threads
from harkit.inspection import Inspection, inspect_videos
from harkit.loading import Batch, ClipRecipe, ClipStream, load_clips, read_clip
from harkit.video import VideoInfo, VideoReader, ffmpeg_build, probe, write_clip, write_frames

__version__ = "0.1.0"

__all__ = [
    "Batch",
    "ClipRecipe",
    "ClipStream",
    "Inspection",
    "VideoInfo",
    "VideoReader",
    "datasets",
    "enhancement",
    "errors",
    "ffmpeg_build",
    "inspect_videos",
    "load_clips",
    "num_threads",
    "probe",
    "read_clip",
    "sampling",
    "set_num_threads",
    "transforms",
    "write_clip",
    "write_frames",
]

# FFmpeg's messages go to "harkit.ffmpeg"; nothing is printed unless the program sets up logging.
logging.getLogger("harkit").addHandler(logging.NullHandler())
