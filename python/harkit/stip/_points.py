"""What an interest point is: one record of a structured array."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["POINT_DTYPE", "Points"]

# Frame, row and column, counted from 0; variances of the local scale, in pixels and in frames squared;
# Harris-3D response.
POINT_DTYPE = np.dtype(
    [("t", "<i4"), ("y", "<i4"), ("x", "<i4"), ("sigma2", "<f4"), ("tau2", "<f4"), ("response", "<f4")]
)

Points: TypeAlias = NDArray[Any]
