"""What becomes of the values: contrast, channel order, scale, mean and standard deviation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np
import numpy.typing as npt

from harkit.errors import ArgumentError
from harkit.transforms._base import (
    KERAS_COMPATS,
    Array,
    KerasCompat,
    Seed,
    Transform,
    apply,
    checked_choice,
    checked_float,
    store,
)

__all__ = [
    "Bgr",
    "Contrast",
    "Normalize",
    "RandomContrast",
    "ToFloat",
    "bgr",
    "contrast",
    "normalize",
    "random_contrast",
    "to_float",
]


@dataclass(frozen=True)
class Contrast(Transform):
    """Values further from or nearer to their mean, as Keras's ``RandomContrast`` does it; gives float32.

    Parameters
    ----------
    factor : float
        At least 0; 1 leaves the values, 0 gives their mean.

    Raises
    ------
    ArgumentError
        For a negative factor.

    Notes
    -----
    Per frame and channel: clip((x - m) f + m, 0, 255), m the mean of the channel, in float32. On values
    in 0..1 the upper clip never acts. The mean is summed in float64; Keras sums in float32.

    References
    ----------
    Keras 3, ``layers/preprocessing/image_preprocessing/random_contrast.py``.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> tf.apply(np.array([[10, 30]], np.uint8), [tf.Contrast(1.5)])
    array([[ 5., 35.]], dtype=float32)
    """

    factor: float

    def __post_init__(self) -> None:
        factor = checked_float("factor", self.factor)
        if factor < 0:
            raise ArgumentError(f"`factor` must be at least 0, got {factor}")
        store(self, factor=factor)


def contrast(clip: Array, factor: float) -> npt.NDArray[np.float32]:
    """Scale the contrast of a clip, frame by frame; see :class:`Contrast`.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W, C), (T, H, W), (H, W, C) or (H, W)
        Frames, uint8 or float32.
    factor : float
        Above 1 raises the contrast.

    Returns
    -------
    ndarray of float32
        Values in 0..255.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> tf.contrast(np.array([[10, 30]], np.uint8), 0)
    array([[20., 20.]], dtype=float32)
    """
    return apply(clip, [Contrast(factor)])


@dataclass(frozen=True)
class RandomContrast(Transform):
    """Contrast by a random factor, as Keras's ``RandomContrast`` draws it.

    Parameters
    ----------
    factor : float or tuple of float
        The factor of :class:`Contrast` is even in (1 - lower, 1 + upper). A number f is (0, f) from Keras
        3.6 on, so that contrast is only ever raised, and (f, f) up to 3.5. Both lie in 0..1.
    keras_compat : {'3.6+', '3.5'}
        Whose reading of a number.

    Raises
    ------
    ArgumentError
        For values outside 0..1, or another choice.

    References
    ----------
    Keras 3.3 to 3.15, ``random_contrast.py`` and ``_set_factor`` of its base class.

    Examples
    --------
    >>> from harkit import transforms as tf
    >>> tf.RandomContrast(0.2).range, tf.RandomContrast(0.2, keras_compat="3.5").range
    ((1.0, 1.2), (0.8, 1.2))
    """

    factor: float | tuple[float, float]
    _: KW_ONLY
    keras_compat: KerasCompat = "3.6+"

    def __post_init__(self) -> None:
        checked_choice("keras_compat", self.keras_compat, KERAS_COMPATS)
        if isinstance(self.factor, (tuple, list)):
            if len(self.factor) != 2:
                raise ArgumentError(f"`factor` must be a number or (lower, upper), got {self.factor!r}")
            lower, upper = (checked_float("factor", side) for side in self.factor)
        else:
            upper = checked_float("factor", self.factor)
            lower = 0.0 if self.keras_compat == "3.6+" else upper
        if not (0 <= lower <= 1 and 0 <= upper <= 1):
            raise ArgumentError(f"`factor` must lie in 0..1, got {self.factor!r}")
        store(self, factor=(lower, upper))

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest factor."""
        assert isinstance(self.factor, tuple)
        lower, upper = self.factor
        return 1 - lower, 1 + upper


def random_contrast(
    clip: Array,
    factor: float | tuple[float, float],
    *,
    keras_compat: KerasCompat = "3.6+",
    seed: Seed = None,
) -> npt.NDArray[np.float32]:
    """Scale the contrast of a clip by a random factor; see :class:`RandomContrast`.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W, C), (T, H, W), (H, W, C) or (H, W)
        Frames, uint8 or float32.
    factor : float or tuple of float
        How far the factor may lie from 1.
    keras_compat : {'3.6+', '3.5'}
        Whose reading of a number.
    seed : int, tuple or None
        As for :func:`apply`.

    Returns
    -------
    ndarray of float32
        Values in 0..255.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> tf.random_contrast(np.zeros((8, 64, 85, 3), np.uint8), 0.2, seed=0).dtype
    dtype('float32')
    """
    return apply(clip, [RandomContrast(factor, keras_compat=keras_compat)], seed=seed)


@dataclass(frozen=True)
class Bgr(Transform):
    """The channels in reverse order: RGB to BGR and back.

    Raises
    ------
    ArgumentError
        When applied to frames without three channels.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> tf.apply(np.array([[[1, 2, 3]]], np.uint8), [tf.Bgr()])
    array([[[3, 2, 1]]], dtype=uint8)
    """


def bgr(clip: Array) -> Array:
    """Reverse the order of a clip's channels; see :class:`Bgr`.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W, 3) or (H, W, 3)
        Frames, uint8 or float32.

    Returns
    -------
    ndarray
        The same frames, channels reversed.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> tf.bgr(np.array([[[1, 2, 3]]], np.uint8)).tolist()
    [[[3, 2, 1]]]
    """
    return apply(clip, [Bgr()])


@dataclass(frozen=True)
class ToFloat(Transform):
    """Values divided by a scale: x / scale, in float32.

    Parameters
    ----------
    scale : float
        Positive; 255 brings bytes to 0..1.

    Raises
    ------
    ArgumentError
        For a scale that is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> tf.apply(np.array([[0, 51, 255]], np.uint8), [tf.ToFloat()])
    array([[0. , 0.2, 1. ]], dtype=float32)
    """

    scale: float = 255.0

    def __post_init__(self) -> None:
        store(self, scale=_positive("scale", self.scale))


def to_float(clip: Array, scale: float = 255.0) -> npt.NDArray[np.float32]:
    """Divide the values of a clip by a scale; see :class:`ToFloat`.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W, C), (T, H, W), (H, W, C) or (H, W)
        Frames, uint8 or float32.
    scale : float
        Positive.

    Returns
    -------
    ndarray of float32
        x / scale.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> tf.to_float(np.array([[3, 16]], np.uint8), 16)
    array([[0.1875, 1.    ]], dtype=float32)
    """
    return apply(clip, [ToFloat(scale)])


@dataclass(frozen=True)
class Normalize(Transform):
    """Values as a model expects them: (x / scale - mean) / std, in float32.

    Parameters
    ----------
    mean, std : float or sequence of float
        One number, or one for each channel. std is positive.
    scale : float
        What values are divided by first. It has no default, because reports get it wrong: 255 where mean
        and std are those of values in 0..1 (torchvision), 1 where they are those of 0..255 (mmaction2).

    Raises
    ------
    ArgumentError
        For a std or a scale that is not positive; when applied, for a number of means that is neither 1
        nor that of the channels.

    Notes
    -----
    Three float32 operations in this order, so the results equal torchvision's ``ToTensor`` and
    ``Normalize`` (scale 255) and mmaction2's data preprocessor (scale 1) bit for bit.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> tf.apply(np.array([[0, 255]], np.uint8), [tf.Normalize(0.5, 0.25, scale=255)])
    array([[-2.,  2.]], dtype=float32)
    """

    mean: float | Sequence[float]
    std: float | Sequence[float]
    _: KW_ONLY
    scale: float

    def __post_init__(self) -> None:
        std = _numbers("std", self.std)
        for value in std:
            _positive("std", value)
        store(self, mean=_numbers("mean", self.mean), std=std, scale=_positive("scale", self.scale))


def normalize(
    clip: Array, mean: float | Sequence[float], std: float | Sequence[float], *, scale: float
) -> npt.NDArray[np.float32]:
    """Normalise the values of a clip; see :class:`Normalize`.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W, C), (T, H, W), (H, W, C) or (H, W)
        Frames, uint8 or float32.
    mean, std : float or sequence of float
        One number, or one for each channel.
    scale : float
        What values are divided by first.

    Returns
    -------
    ndarray of float32
        (x / scale - mean) / std.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> pixel = np.array([[[10, 20, 30]]], np.uint8)
    >>> tf.normalize(pixel, (10, 10, 10), (1, 2, 4), scale=1)
    array([[[0., 5., 5.]]], dtype=float32)
    """
    return apply(clip, [Normalize(mean, std, scale=scale)])


def _positive(name: str, value: object) -> float:
    number = checked_float(name, value)
    if np.float32(number) <= 0:
        raise ArgumentError(f"`{name}` must be positive, got {number}")
    return number


def _numbers(name: str, values: object) -> tuple[float, ...]:
    if isinstance(values, (Sequence, np.ndarray)) and not isinstance(values, (str, bytes)):
        numbers = tuple(checked_float(name, value) for value in values)
        if len(numbers) not in (1, 3):
            raise ArgumentError(f"`{name}` must be one number or three, got {len(numbers)}")
        return numbers
    return (checked_float(name, values),)
