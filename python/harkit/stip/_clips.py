"""What the functions of the room take for a clip."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harkit.errors import ArgumentError, ArgumentTypeError

__all__ = ["Clip", "Pieces", "as_clip", "as_volume", "pieces_of"]

Clip: TypeAlias = NDArray[np.uint8] | NDArray[np.float32]
Pieces: TypeAlias = Iterable[Clip]


def as_clip(clip: Any) -> Clip:
    """Grey frames (T, H, W) as the core takes them, copied only where they are not contiguous."""
    if not isinstance(clip, np.ndarray) or clip.dtype not in (np.uint8, np.float32):
        what = clip.dtype if isinstance(clip, np.ndarray) else type(clip).__name__
        message = f"`clip` must be an array of uint8, or of float32 from 0 (black) to 1 (white), got {what}"
        raise ArgumentTypeError(message)
    if clip.ndim != 3:
        raise ArgumentError(f"`clip` must have shape (T, H, W), grey, got {clip.shape}")
    return np.ascontiguousarray(clip)


def pieces_of(clip: Clip | Pieces) -> Iterator[Clip] | None:
    """Give the pieces of a clip that comes in pieces, None for an array."""
    if isinstance(clip, np.ndarray) or not isinstance(clip, Iterable):
        return None
    return (as_clip(piece) for piece in clip)


def as_volume(name: str, values: Any, fields: int | None = None) -> NDArray[np.float32]:
    """Check a volume (T, H, W), or several (fields, T, H, W), of finite float32."""
    shape = "(T, H, W)" if fields is None else f"({fields}, T, H, W)"
    if not isinstance(values, np.ndarray) or values.dtype != np.float32:
        what = values.dtype if isinstance(values, np.ndarray) else type(values).__name__
        raise ArgumentTypeError(f"`{name}` must be an array of float32, shape {shape}, got {what}")
    if values.ndim != (3 if fields is None else 4):
        raise ArgumentError(f"`{name}` must have shape {shape}, got {values.shape}")
    if not np.isfinite(values).all():
        raise ArgumentError(f"`{name}` must hold finite numbers only")
    return np.ascontiguousarray(values)
