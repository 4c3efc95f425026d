"""Human action recognition from video: decode, sample, enhance, transform, recognise."""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any

from harkit import errors
from harkit._core import num_threads, set_num_threads

if TYPE_CHECKING:
    from harkit import (
        cache,
        datasets,
        encoders,
        enhancement,
        experiments,
        loading,
        models,
        plotting,
        sampling,
        stip,
        training,
        transforms,
        video,
        weights,
    )
    from harkit.inspection import Inspection, inspect_videos
    from harkit.loading import Batch, ClipRecipe, ClipStream, load_clips, read_clip
    from harkit.models import create_model, list_models
    from harkit.video import VideoInfo, VideoReader, ffmpeg_build, probe, write_clip, write_frames
    from harkit.weights import list_weights

__version__ = "0.1.0"

__all__ = [
    "Batch",
    "ClipRecipe",
    "ClipStream",
    "Inspection",
    "VideoInfo",
    "VideoReader",
    "cache",
    "create_model",
    "datasets",
    "encoders",
    "enhancement",
    "errors",
    "experiments",
    "ffmpeg_build",
    "inspect_videos",
    "list_models",
    "list_weights",
    "load_clips",
    "loading",
    "models",
    "num_threads",
    "plotting",
    "probe",
    "read_clip",
    "sampling",
    "set_num_threads",
    "stip",
    "training",
    "transforms",
    "video",
    "weights",
    "write_clip",
    "write_frames",
]

# Rooms are imported when they are first used, so that `import harkit` stays quick.
_HOMES = {
    "Batch": "loading",
    "ClipRecipe": "loading",
    "ClipStream": "loading",
    "Inspection": "inspection",
    "VideoInfo": "video",
    "VideoReader": "video",
    "create_model": "models",
    "ffmpeg_build": "video",
    "inspect_videos": "inspection",
    "list_models": "models",
    "list_weights": "weights",
    "load_clips": "loading",
    "probe": "video",
    "read_clip": "loading",
    "write_clip": "video",
    "write_frames": "video",
}

# FFmpeg's messages go to "harkit.ffmpeg"; nothing is printed unless the program sets up logging.
logging.getLogger("harkit").addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'harkit' has no attribute {name!r}")
    home = importlib.import_module(f"harkit.{_HOMES.get(name, name)}")
    value = getattr(home, name) if name in _HOMES else home
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
