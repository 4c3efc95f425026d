"""What an interest point is: one record of a structured array."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harkit.errors import ArgumentTypeError

__all__ = ["POINT_DTYPE", "Points", "from_records", "to_records"]

# Frame, row and column, counted from 0; variances of the local scale, in pixels and in frames squared;
# Harris-3D response.
POINT_DTYPE = np.dtype(
    [("t", "<i4"), ("y", "<i4"), ("x", "<i4"), ("sigma2", "<f4"), ("tau2", "<f4"), ("response", "<f4")]
)

Points: TypeAlias = NDArray[Any]


def from_records(records: NDArray[np.uint8]) -> Points:
    """Points of the bytes that the core gives."""
    return records.view(POINT_DTYPE)


def to_records(points: Points) -> NDArray[np.uint8]:
    """Give the bytes that the core takes."""
    if not isinstance(points, np.ndarray) or points.dtype != POINT_DTYPE or points.ndim != 1:
        raise ArgumentTypeError("`points` must be an array of shape (N,) and type harkit.stip.POINT_DTYPE")
    return np.ascontiguousarray(points).view(np.uint8)
