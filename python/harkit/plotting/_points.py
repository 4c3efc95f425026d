"""Checks of interest points: structured arrays as `harkit.stip.detect` gives them."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harkit.errors import ArgumentError, ArgumentTypeError

Points: TypeAlias = NDArray[Any]

_FIELDS = ("t", "y", "x", "sigma2", "response")


def as_points(points: Any, name: str) -> Points:
    """Check points, shape (N,), with the fields that are drawn."""
    if not isinstance(points, np.ndarray) or not set(_FIELDS) <= set(points.dtype.names or ()):
        raise ArgumentTypeError(f"`{name}` must be what harkit.stip.detect gives, an array with named fields")
    if points.ndim != 1:
        raise ArgumentError(f"`{name}` must have shape (N,), got {points.shape}")
    return points


def as_gray(clip: Any, name: str) -> NDArray[np.uint8]:
    """Check a clip, uint8 (T, H, W)."""
    array = np.asarray(clip)
    if array.dtype != np.uint8:
        raise ArgumentTypeError(f"`{name}` must be uint8, got {array.dtype}")
    if array.ndim != 3 or not array.size:
        raise ArgumentError(f"`{name}` must have shape (T, H, W), got {array.shape}")
    return array
