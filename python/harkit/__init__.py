"""Human action recognition from video: decode, sample, enhance, transform, recognise."""

from __future__ import annotations

from harkit._core import num_threads, set_num_threads

__version__ = "0.1.0"

__all__ = ["num_threads", "set_num_threads"]
