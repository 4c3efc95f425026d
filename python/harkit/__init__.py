"""Human action recognition from video: decode, sample, enhance, transform, recognise."""

from __future__ import annotations

import logging

from harkit import datasets, enhancement, errors, sampling, transforms
from harkit._core import num_threads, set_num_threads
from harkit.loading import Batch, ClipRecipe, ClipStream, load_clips, read_clip
from harkit.video import VideoInfo, VideoReader, probe, write_clip

__version__ = "0.1.0"

__all__ = [
    "Batch",
    "ClipRecipe",
    "ClipStream",
    "VideoInfo",
    "VideoReader",
    "datasets",
    "enhancement",
    "errors",
    "load_clips",
    "num_threads",
    "probe",
    "read_clip",
    "sampling",
    "set_num_threads",
    "transforms",
    "write_clip",
]

# FFmpeg's messages go to "harkit.ffmpeg"; nothing is printed unless the program sets up logging.
logging.getLogger("harkit").addHandler(logging.NullHandler())
