"""The checks of what goes into a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harkit.errors import ArgumentError, ArgumentTypeError

__all__ = ["AXES", "batch_of_floats"]

# Axes of a batch, by family.
AXES = {"image": "(N, C, H, W)", "clip": "(N, C, T, H, W)", "vector": "(N, D)", "sequence": "(N, L, D)"}


def batch_of_floats(x: Any, family: str, item: Sequence[int]) -> NDArray[np.float32]:
    """Return `x`, which must be a batch as the network takes it: float32, of its axes, not empty.

    `item` is the shape of one item, 0 for an extent that is free. The core refuses what is not finite.
    """
    array = np.asarray(x)
    wanted = f"{AXES[family]} = (N, {', '.join(str(side) if side else 'any' for side in item)})"
    if array.dtype != np.float32:
        if array.dtype == np.uint8:
            hint = "; `predict` and `features` take uint8 frames, in RGB"
        else:
            hint = '; x.astype("float32") makes it so'
        raise ArgumentTypeError(f"`x` must be float32 of shape {wanted}, got {array.dtype}{hint}")
    fits = array.ndim == len(item) + 1 and all(
        w in (0, g) for w, g in zip(item, array.shape[1:], strict=True)
    )
    if not fits:
        raise ArgumentError(f"`x` must be of shape {wanted}, got {array.shape}{_hint(array.shape, item)}")
    if array.size == 0:
        raise ArgumentError(f"`x` must not be empty, got {array.shape}")
    return np.ascontiguousarray(array)


def _hint(shape: tuple[int, ...], item: Sequence[int]) -> str:
    if len(shape) == len(item) and all(w in (0, g) for w, g in zip(item, shape, strict=True)):
        return "; one item is x[None]"
    if len(shape) == len(item) + 1 and len(item) >= 3 and shape[-1] == item[0]:
        return "; channels come before rows and columns"
    return ""
