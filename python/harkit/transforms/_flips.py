"""Mirror images: given, by chance, and as Keras draws them."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Literal, TypeAlias

from harkit.errors import ArgumentError, ArgumentTypeError
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
    "Flip",
    "HorizontalFlip",
    "RandomFlip",
    "VerticalFlip",
    "flip",
    "horizontal_flip",
    "random_flip",
    "vertical_flip",
]

FlipMode: TypeAlias = Literal["horizontal", "vertical", "horizontal_and_vertical"]
_MODES = ("horizontal", "vertical", "horizontal_and_vertical")


@dataclass(frozen=True, kw_only=True)
class Flip(Transform):
    """The mirror image.

    Parameters
    ----------
    horizontal : bool
        Whether left and right change places.
    vertical : bool
        Whether top and bottom change places; both together are half a turn.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> tf.apply(np.array([[1, 2], [3, 4]], np.uint8), [tf.Flip(horizontal=True)])
    array([[2, 1],
           [4, 3]], dtype=uint8)
    """

    horizontal: bool = False
    vertical: bool = False

    def __post_init__(self) -> None:
        for name in ("horizontal", "vertical"):
            if not isinstance(getattr(self, name), bool):
                raise ArgumentTypeError(f"`{name}` must be True or False, got {getattr(self, name)!r}")


def flip(clip: Array, *, horizontal: bool = False, vertical: bool = False) -> Array:
    """Mirror a clip; see :class:`Flip`.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W, C), (T, H, W), (H, W, C) or (H, W)
        Frames, uint8 or float32.
    horizontal, vertical : bool
        Which sides change places.

    Returns
    -------
    ndarray
        The mirror image, of the type of `clip`.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> tf.flip(np.array([[1, 2], [3, 4]], np.uint8), horizontal=True, vertical=True)
    array([[4, 3],
           [2, 1]], dtype=uint8)
    """
    return apply(clip, [Flip(horizontal=horizontal, vertical=vertical)])


def _check_probability(transform: HorizontalFlip | VerticalFlip) -> None:
    probability = checked_float("probability", transform.probability)
    if not 0 <= probability <= 1:
        raise ArgumentError(f"`probability` must lie in 0..1, got {probability}")
    store(transform, probability=probability)


@dataclass(frozen=True)
class HorizontalFlip(Transform):
    """Left and right change places, with a probability.

    Parameters
    ----------
    probability : float
        In 0..1. The flip happens when a uniform number is below it.

    Examples
    --------
    >>> from harkit import transforms as tf
    >>> tf.HorizontalFlip(1).draw((64, 85))
    Flip(horizontal=True, vertical=False)
    """

    probability: float = 0.5

    def __post_init__(self) -> None:
        _check_probability(self)


def horizontal_flip(clip: Array, probability: float = 0.5, *, seed: Seed = None) -> Array:
    """Mirror a clip left to right, with a probability; see :class:`HorizontalFlip`.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W, C), (T, H, W), (H, W, C) or (H, W)
        Frames, uint8 or float32.
    probability : float
        In 0..1.
    seed : int, tuple or None
        As for :func:`apply`.

    Returns
    -------
    ndarray
        The clip or its mirror image.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> tf.horizontal_flip(np.array([[1, 2], [3, 4]], np.uint8), 1.0)
    array([[2, 1],
           [4, 3]], dtype=uint8)
    """
    return apply(clip, [HorizontalFlip(probability)], seed=seed)


@dataclass(frozen=True)
class VerticalFlip(Transform):
    """Top and bottom change places, with a probability.

    Parameters
    ----------
    probability : float
        In 0..1. The flip happens when a uniform number is below it.

    Examples
    --------
    >>> from harkit import transforms as tf
    >>> tf.VerticalFlip(1).draw((64, 85))
    Flip(horizontal=False, vertical=True)
    """

    probability: float = 0.5

    def __post_init__(self) -> None:
        _check_probability(self)


def vertical_flip(clip: Array, probability: float = 0.5, *, seed: Seed = None) -> Array:
    """Mirror a clip top to bottom, with a probability; see :class:`VerticalFlip`.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W, C), (T, H, W), (H, W, C) or (H, W)
        Frames, uint8 or float32.
    probability : float
        In 0..1.
    seed : int, tuple or None
        As for :func:`apply`.

    Returns
    -------
    ndarray
        The clip or its mirror image.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> tf.vertical_flip(np.array([[1, 2], [3, 4]], np.uint8), 1.0)
    array([[3, 4],
           [1, 2]], dtype=uint8)
    """
    return apply(clip, [VerticalFlip(probability)], seed=seed)


@dataclass(frozen=True)
class RandomFlip(Transform):
    """The mirror image as Keras's ``RandomFlip`` draws it.

    Parameters
    ----------
    mode : {'horizontal', 'vertical', 'horizontal_and_vertical'}
        Which sides may change places, each with probability 1/2.
    keras_compat : {'3.6+', '3.5'}
        How 'horizontal_and_vertical' draws. From 3.6 on: one draw for both, so a frame is left alone or
        turned by half, never mirrored. Up to 3.5: one draw for each.

    Raises
    ------
    ArgumentError
        For another choice.

    References
    ----------
    Keras 3.3 to 3.15, ``layers/preprocessing/image_preprocessing/random_flip.py``.

    Examples
    --------
    >>> from harkit import transforms as tf
    >>> draws = {tf.RandomFlip().draw((6, 8), seed=seed) for seed in range(50)}
    >>> sorted(draws, key=str)
    [Flip(horizontal=False, vertical=False), Flip(horizontal=True, vertical=True)]
    """

    mode: FlipMode = "horizontal_and_vertical"
    _: KW_ONLY
    keras_compat: KerasCompat = "3.6+"

    def __post_init__(self) -> None:
        checked_choice("mode", self.mode, _MODES)
        checked_choice("keras_compat", self.keras_compat, KERAS_COMPATS)


def random_flip(
    clip: Array,
    mode: FlipMode = "horizontal_and_vertical",
    *,
    keras_compat: KerasCompat = "3.6+",
    seed: Seed = None,
) -> Array:
    """Mirror a clip as Keras draws it; see :class:`RandomFlip`.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W, C), (T, H, W), (H, W, C) or (H, W)
        Frames, uint8 or float32.
    mode : {'horizontal', 'vertical', 'horizontal_and_vertical'}
        Which sides may change places.
    keras_compat : {'3.6+', '3.5'}
        Whose draws.
    seed : int, tuple or None
        As for :func:`apply`.

    Returns
    -------
    ndarray
        The clip or a mirror image of it.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> tf.random_flip(np.zeros((8, 64, 85, 3), np.uint8), seed=0).shape
    (8, 64, 85, 3)
    """
    return apply(clip, [RandomFlip(mode, keras_compat=keras_compat)], seed=seed)
