"""From frames to what a network takes, and how that is written down.

A preprocessing is a tuple of transforms (`harkit.transforms`), those of the published weights: resize, crop,
normalise. As JSON it is a list of `{"name": ..., option: value}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harkit import transforms as tf
from harkit.errors import ArgumentError, ArgumentTypeError

__all__ = ["Preprocessing", "checked_preprocessing", "from_json", "network_input", "to_json"]

Preprocessing = tuple[tf.Transform, ...]


def checked_preprocessing(transforms: Any) -> Preprocessing:
    """Return the transforms as a tuple."""
    if isinstance(transforms, (str, tf.Transform)) or not isinstance(transforms, Sequence):
        raise ArgumentTypeError(f"`preprocessing` must be a list of transforms, got {transforms!r}")
    for transform in transforms:
        if not isinstance(transform, tf.Transform):
            raise ArgumentTypeError(f"`preprocessing` must hold transforms, got {transform!r}")
    return tuple(transforms)


def to_json(preprocessing: Preprocessing) -> list[dict[str, Any]]:
    """Write transforms as plain values."""
    return [
        {"name": type(transform).__name__, **{f.name: getattr(transform, f.name) for f in fields(transform)}}  # type: ignore[arg-type]  # every transform is a dataclass
        for transform in preprocessing
    ]


def from_json(listed: Any) -> Preprocessing:
    """Read what `to_json` wrote; only classes of harkit.transforms are made."""
    made = []
    for found in listed:
        options = {key: tuple(v) if isinstance(v, list) else v for key, v in found.items() if key != "name"}
        kind = getattr(tf, found["name"], None)
        if not (isinstance(kind, type) and issubclass(kind, tf.Transform) and kind is not tf.Transform):
            raise ArgumentError(f"there is no transform {found['name']!r}")
        made.append(kind(**options))
    return tuple(made)


def network_input(frames: NDArray[Any], preprocessing: Preprocessing, family: str) -> NDArray[np.float32]:
    """Turn uint8 RGB frames (T, H, W, 3) into (views, T, 3, H, W), or (views, 3, T, H, W) of clips."""
    values = tf.apply(frames, preprocessing, seed=0)
    if values.ndim == 4:
        values = values[None]
    axes = (0, 1, 4, 2, 3) if family == "image" else (0, 4, 1, 2, 3)
    return np.ascontiguousarray(values.transpose(axes), dtype=np.float32)
