"""Dense optical flow."""

from __future__ import annotations

import operator

import numpy as np
from numpy.typing import NDArray

from harkit import _core
from harkit.errors import ArgumentError
from harkit.stip._clips import Clip, as_clip

__all__ = ["optical_flow"]


def optical_flow(
    clip: Clip,
    *,
    levels: int = 4,
    iterations: int = 3,
    window: float = 3.0,
    regularization: float = 2e-6,
) -> NDArray[np.float32]:
    frames = as_clip(clip)
    n_frames, height, width = frames.shape
    if n_frames < 2:
        raise ArgumentError(f"`clip` must have at least 2 frames, got {n_frames}")
    values = _core.stip_optical_flow(
        frames, operator.index(levels), operator.index(iterations), window, regularization
    )
    return values.reshape(n_frames - 1, height, width, 2)
