"""What all transforms share: the checks of their options, drawing, and applying."""

from __future__ import annotations

import math
import operator
import random
import secrets
from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from harkit import _core
from harkit.errors import ArgumentError, ArgumentTypeError

__all__ = ["Interpolation", "KerasCompat", "Rule", "Seed", "Transform", "apply", "draw"]

Interpolation: TypeAlias = Literal["bilinear", "area", "pil_bilinear"]
Rule: TypeAlias = Literal["mmaction2", "torchvision"]
Fill: TypeAlias = Literal["reflect", "zero"]
KerasCompat: TypeAlias = Literal["3.5", "3.6+"]
Seed: TypeAlias = "int | tuple[np.random.RandomState, random.Random] | None"
Array: TypeAlias = "npt.NDArray[Any]"

INTERPOLATIONS = ("bilinear", "area", "pil_bilinear")
RULES = ("mmaction2", "torchvision")
FILLS = ("reflect", "zero")
KERAS_COMPATS = ("3.5", "3.6+")

MAX_SIDE = 32_767
"""The longest side of a frame, as in the core."""


class Transform:
    """A transform: where pixels come from and what becomes of their values.

    Transforms are frozen dataclasses: compared, hashed, printed and pickled by their options. Those
    that need the size of the frame or random numbers have a concrete form, which :meth:`draw` gives.
    """

    def draw(self, size: tuple[int, int], *, seed: Seed = None) -> Transform:
        """Give the concrete transform for frames of one size.

        Parameters
        ----------
        size : tuple of int
            Height and width of the frames, in pixels.
        seed : int, tuple or None
            As for :func:`apply`.

        Returns
        -------
        Transform
            One whose pixels depend on nothing but the frame: a random crop gives a `Crop`, and so on.
            A transform that is concrete already gives itself.

        Raises
        ------
        ArgumentError
            Where the transform does not fit frames of this size.

        Examples
        --------
        >>> from harkit import transforms as tf
        >>> tf.CenterCrop(56).draw((64, 85))
        Crop(top=4, left=14, height=56, width=56)
        >>> tf.RandomRotation(15).draw((64, 85), seed=0) == tf.RandomRotation(15).draw((64, 85), seed=0)
        True
        """
        return draw([self], size, seed=seed)[0]


def draw(transforms: Iterable[Transform], size: tuple[int, int], *, seed: Seed = None) -> list[Transform]:
    """Give the concrete form of each transform of a list, following the size through it.

    Applying what was drawn gives the same pixels on any clip, machine and number of threads.

    Parameters
    ----------
    transforms : iterable of Transform
        Applied from the first to the last.
    size : tuple of int
        Height and width of the frames, in pixels.
    seed : int, tuple or None
        As for :func:`apply`.

    Returns
    -------
    list of Transform
        As many as were given.

    Raises
    ------
    ArgumentError
        Where a transform does not fit the frames that reach it.

    Examples
    --------
    >>> from harkit import transforms as tf
    >>> tf.draw([tf.ResizeShort(64), tf.CenterCrop(56)], (240, 320))
    [Resize(size=(64, 85), interpolation='bilinear'), Crop(top=4, left=14, height=56, width=56)]
    """
    listed = _listed(transforms)
    return _core.transforms_draw(listed, checked_size(size), _checked_seed(seed))


def apply(clip: Array, transforms: Iterable[Transform], *, seed: Seed = None) -> Array:
    """Apply a list of transforms to a clip, all frames with the same random draw.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W, C), (T, H, W), (H, W, C) or (H, W)
        Frames, uint8 or float32, C = 1 or 3. An array of three axes is one frame where the last axis has
        1 or 3 entries, and grey frames otherwise. A clip that is not contiguous is copied first.
    transforms : iterable of Transform
        Applied from the first to the last. Resizes take uint8; `Rotate` that mirrors, `Zoom`,
        `Contrast`, `ResizeWithPad`, `ToFloat` and `Normalize` give float32.
    seed : int, tuple or None
        What random transforms draw from: an integer in 0..2**64 (harkit's own stream), the pair
        ``(numpy.random.RandomState, random.Random)`` (uniforms from the first, integers from the second,
        both moved on, as mmaction2 draws), or None for a new draw every time.

    Returns
    -------
    ndarray
        A new array, uint8 or float32, with the axes of `clip`; `ThreeCrop` puts an axis of three views
        before them.

    Raises
    ------
    ArgumentError
        Where a value, a shape or a size does not fit.
    ArgumentTypeError
        Where an array or an object is of a type that is not taken.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> clip = np.zeros((16, 240, 320, 3), np.uint8)
    >>> tf.apply(clip, [tf.ResizeShort(64), tf.RandomCrop(56), tf.HorizontalFlip()], seed=0).shape
    (16, 56, 56, 3)
    """
    frames = np.asarray(clip)
    listed = _listed(transforms)
    if frames.dtype != np.uint8 and frames.dtype != np.float32:
        raise ArgumentTypeError(f"`clip` must be uint8 or float32, got {frames.dtype}")
    shape = frames.shape
    colour = len(shape) == 4 or (len(shape) == 3 and shape[-1] in (1, 3))
    one_frame = len(shape) == 2 or (len(shape) == 3 and colour)
    if not 2 <= len(shape) <= 4 or (colour and shape[-1] not in (1, 3)):
        raise ArgumentError(f"`clip` must be (T, H, W, C), (T, H, W), (H, W, C) or (H, W), got {shape}")
    if one_frame and any(type(transform).__name__ == "TemporalUpsample" for transform in listed):
        raise ArgumentError(f"`clip` must have frames for `TemporalUpsample`, got one frame of {shape}")
    height, width = shape[-3:-1] if colour else shape[-2:]
    if not (0 < height <= MAX_SIDE and 0 < width <= MAX_SIDE):
        raise ArgumentError(f"`clip` must have sides in 1..{MAX_SIDE}, got {height} x {width}")
    channels = shape[-1] if colour else 1
    n_frames = 1 if one_frame else shape[0]
    whole = np.ascontiguousarray(frames).reshape(n_frames, height, width, channels)
    result = _core.transforms_apply(whole, listed, _checked_seed(seed))
    if one_frame:
        result = result[:, 0]
    if not colour:
        result = result[..., 0]
    return result if result.shape[0] == 3 else result[0]


def _listed(transforms: Iterable[Transform]) -> list[Transform]:
    if isinstance(transforms, Transform):
        raise ArgumentTypeError(f"`transforms` must be a list, got one {type(transforms).__name__}")
    listed = list(transforms)
    for transform in listed:
        if not isinstance(transform, Transform):
            got = type(transform).__name__
            raise ArgumentTypeError(f"`transforms` must hold transforms of harkit.transforms, got a {got}")
    return listed


def _checked_seed(seed: Seed) -> int | tuple[np.random.RandomState, random.Random]:
    if seed is None:
        return secrets.randbits(64)
    if isinstance(seed, tuple):
        if (
            len(seed) == 2
            and isinstance(seed[0], np.random.RandomState)
            and isinstance(seed[1], random.Random)
        ):
            return seed
        raise ArgumentTypeError(
            "`seed` must be an integer, None, or (numpy.random.RandomState, random.Random)"
        )
    number = checked_int("seed", seed, low=0)
    if number >= 1 << 64:
        raise ArgumentError(f"`seed` must be below 2**64, got {number}")
    return number


def checked_int(name: str, value: Any, *, low: int = 1, high: int | None = None) -> int:
    """Return `value` as an integer in `low`..`high`."""
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise ArgumentTypeError(f"`{name}` must be an integer, got {value!r}") from None
    if number < low or (high is not None and number > high):
        allowed = f"at least {low}" if high is None else f"in {low}..{high}"
        raise ArgumentError(f"`{name}` must be {allowed}, got {number}")
    return number


def checked_float(name: str, value: Any) -> float:
    """Return `value` as a finite float."""
    try:
        if isinstance(value, (bool, np.bool_, str, bytes)):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError):
        raise ArgumentTypeError(f"`{name}` must be a number, got {value!r}") from None
    if not math.isfinite(number):
        raise ArgumentError(f"`{name}` must be finite, got {number}")
    return number


def checked_size(size: object, name: str = "size") -> tuple[int, int]:
    """Return a size as (height, width); an integer is both."""
    sides: Sequence[object]
    if isinstance(size, (tuple, list)):
        if len(size) != 2:
            raise ArgumentError(f"`{name}` must be (height, width), got {size!r}")
        sides = size
    else:
        sides = (size, size)
    height, width = (checked_int(name, side, high=MAX_SIDE) for side in sides)
    return height, width


def checked_pair(name: str, value: object) -> tuple[float, float]:
    """Return a range as (low, high)."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ArgumentTypeError(f"`{name}` must be a pair (low, high), got {value!r}")
    low, high = (checked_float(name, end) for end in value)
    if low > high:
        raise ArgumentError(f"`{name}` must be (low, high) with low <= high, got {value!r}")
    return low, high


def checked_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Refuse what is none of `choices`."""
    if value not in choices:
        allowed = ", ".join(repr(choice) for choice in choices)
        raise ArgumentError(f"`{name}` must be one of {allowed}, got {value!r}")


def store(transform: Transform, **values: object) -> None:
    """Replace options of a frozen transform by their checked values."""
    for name, value in values.items():
        object.__setattr__(transform, name, value)
