"""Crops: given, centred, random, three at a time, random area and aspect."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from harkit.errors import ArgumentError
from harkit.transforms._base import (
    INTERPOLATIONS,
    MAX_SIDE,
    RULES,
    Array,
    Interpolation,
    Rule,
    Seed,
    Transform,
    apply,
    checked_choice,
    checked_int,
    checked_pair,
    checked_size,
    store,
)

__all__ = [
    "CenterCrop",
    "Crop",
    "RandomCrop",
    "RandomResizedCrop",
    "ResizedCrop",
    "ThreeCrop",
    "center_crop",
    "crop",
    "random_crop",
    "random_resized_crop",
    "resized_crop",
    "three_crop",
]


def _check_corner(transform: Crop | ResizedCrop) -> None:
    for name in ("top", "left"):
        store(transform, **{name: checked_int(name, getattr(transform, name), low=0)})
    for name in ("height", "width"):
        store(transform, **{name: checked_int(name, getattr(transform, name), high=MAX_SIDE)})


@dataclass(frozen=True, kw_only=True)
class Crop(Transform):
    """A rectangle of the frame.

    Parameters
    ----------
    top, left : int
        The first row and column, in pixels.
    height, width : int
        How many of each.

    Raises
    ------
    ArgumentError
        For a negative corner or an empty rectangle; when applied, for one that leaves the frame.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> tf.apply(np.arange(6, dtype=np.uint8).reshape(2, 3), [tf.Crop(top=1, left=1, height=1, width=2)])
    array([[4, 5]], dtype=uint8)
    """

    top: int
    left: int
    height: int
    width: int

    def __post_init__(self) -> None:
        _check_corner(self)


def crop(clip: Array, *, top: int, left: int, height: int, width: int) -> Array:
    """Crop a clip; see :class:`Crop`.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W, C), (T, H, W), (H, W, C) or (H, W)
        Frames, uint8 or float32.
    top, left, height, width : int
        The rectangle, in pixels.

    Returns
    -------
    ndarray
        A copy of the rectangle, of the type of `clip`.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> tf.crop(np.zeros((8, 64, 85, 3), np.uint8), top=4, left=14, height=56, width=56).shape
    (8, 56, 56, 3)
    """
    return apply(clip, [Crop(top=top, left=left, height=height, width=width)])


@dataclass(frozen=True)
class CenterCrop(Transform):
    """The middle of the frame.

    Parameters
    ----------
    size : int or tuple of int
        Height and width, in pixels; an integer is both.
    rule : {'mmaction2', 'torchvision'}
        Where the first row and column lie when the rest r is odd: r // 2 as mmaction2, or r / 2 rounded
        half to even as torchvision [1]_. Both take left 58 of 341 columns for 224, and 14 of 85 for 56;
        they differ for rests 3, 7, 11, ….

    Raises
    ------
    ArgumentError
        When applied, for a crop larger than the frame (torchvision would pad it).

    References
    ----------
    .. [1] torchvision 0.24, ``transforms.functional.center_crop``; mmaction2 1.2, ``CenterCrop``.

    Examples
    --------
    >>> from harkit import transforms as tf
    >>> tf.CenterCrop(224).draw((256, 341))
    Crop(top=16, left=58, height=224, width=224)
    """

    size: int | tuple[int, int]
    rule: Rule = "mmaction2"

    def __post_init__(self) -> None:
        store(self, size=checked_size(self.size))
        checked_choice("rule", self.rule, RULES)


def center_crop(clip: Array, size: int | tuple[int, int], *, rule: Rule = "mmaction2") -> Array:
    """Take the middle of a clip's frames; see :class:`CenterCrop`.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W, C), (T, H, W), (H, W, C) or (H, W)
        Frames, uint8 or float32.
    size : int or tuple of int
        Height and width, in pixels.
    rule : {'mmaction2', 'torchvision'}
        How an odd rest is split.

    Returns
    -------
    ndarray
        A copy of the middle, of the type of `clip`.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> tf.center_crop(np.arange(5, dtype=np.uint8)[None], (1, 3))
    array([[1, 2, 3]], dtype=uint8)
    """
    return apply(clip, [CenterCrop(size, rule)])


@dataclass(frozen=True)
class RandomCrop(Transform):
    """A rectangle at a random place, every place as likely.

    Parameters
    ----------
    size : int or tuple of int
        Height and width, in pixels; an integer is both.

    Raises
    ------
    ArgumentError
        When applied, for a crop larger than the frame.

    Notes
    -----
    Draws the column first, then the row.

    Examples
    --------
    >>> from harkit import transforms as tf
    >>> tf.RandomCrop(56).draw((64, 85), seed=0)
    Crop(top=4, left=23, height=56, width=56)
    """

    size: int | tuple[int, int]

    def __post_init__(self) -> None:
        store(self, size=checked_size(self.size))


def random_crop(clip: Array, size: int | tuple[int, int], *, seed: Seed = None) -> Array:
    """Crop a clip at a random place; see :class:`RandomCrop`.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W, C), (T, H, W), (H, W, C) or (H, W)
        Frames, uint8 or float32.
    size : int or tuple of int
        Height and width, in pixels.
    seed : int, tuple or None
        As for :func:`apply`.

    Returns
    -------
    ndarray
        A copy of the rectangle, of the type of `clip`; the same one in every frame.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> tf.random_crop(np.zeros((8, 64, 85, 3), np.uint8), 56, seed=0).shape
    (8, 56, 56, 3)
    """
    return apply(clip, [RandomCrop(size)], seed=seed)


@dataclass(frozen=True)
class ThreeCrop(Transform):
    """Three views along the longer rest: left, right, middle, or top, bottom, middle.

    Parameters
    ----------
    size : int or tuple of int
        Height and width of a view, in pixels; one of them must be that of the frame.

    Raises
    ------
    ArgumentError
        When applied, for a view with neither the height nor the width of the frame.

    Notes
    -----
    The rule of mmaction2 1.2: with step = (W - width) // 2 the views start at 0, 2 * step and step, so of
    85 columns three views of 64 start at 0, 20 and 10 and column 84 is in none. The result has an axis of
    three views before the others; only crops, flips, `Bgr`, `ToFloat` and `Normalize` may follow.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> tf.apply(np.arange(5, dtype=np.uint8)[None], [tf.ThreeCrop((1, 2))])[:, 0].tolist()
    [[0, 1], [2, 3], [1, 2]]
    """

    size: int | tuple[int, int]

    def __post_init__(self) -> None:
        store(self, size=checked_size(self.size))


def three_crop(clip: Array, size: int | tuple[int, int]) -> Array:
    """Take three views of a clip; see :class:`ThreeCrop`.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W, C), (T, H, W), (H, W, C) or (H, W)
        Frames, uint8 or float32.
    size : int or tuple of int
        Height and width of a view, in pixels.

    Returns
    -------
    ndarray of shape (3, ...)
        The views, of the type of `clip`.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> tf.three_crop(np.zeros((8, 64, 85, 3), np.uint8), 64).shape
    (3, 8, 64, 64, 3)
    """
    return apply(clip, [ThreeCrop(size)])


@dataclass(frozen=True)
class ResizedCrop(Transform):
    """A rectangle of uint8 frames, resized.

    Parameters
    ----------
    size : int or tuple of int
        Height and width of the result, in pixels; an integer is both.
    top, left, height, width : int
        The rectangle, in pixels.
    interpolation : {'bilinear', 'area', 'pil_bilinear'}
        As for :class:`Resize`.

    Raises
    ------
    ArgumentError
        As for :class:`Crop` and :class:`Resize`.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> part = tf.ResizedCrop(56, top=24, left=24, height=34, width=35)
    >>> tf.apply(np.zeros((8, 64, 85, 3), np.uint8), [part]).shape
    (8, 56, 56, 3)
    """

    size: int | tuple[int, int]
    _: KW_ONLY
    top: int
    left: int
    height: int
    width: int
    interpolation: Interpolation = "bilinear"

    def __post_init__(self) -> None:
        store(self, size=checked_size(self.size))
        _check_corner(self)
        checked_choice("interpolation", self.interpolation, INTERPOLATIONS)


def resized_crop(
    clip: Array,
    size: int | tuple[int, int],
    *,
    top: int,
    left: int,
    height: int,
    width: int,
    interpolation: Interpolation = "bilinear",
) -> Array:
    """Crop and resize a clip; see :class:`ResizedCrop`.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W, C), (T, H, W), (H, W, C) or (H, W)
        Frames, uint8.
    size : int or tuple of int
        Height and width of the result, in pixels.
    top, left, height, width : int
        The rectangle, in pixels.
    interpolation : {'bilinear', 'area', 'pil_bilinear'}
        Whose pixels to give.

    Returns
    -------
    ndarray of uint8
        The rectangle, resized.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> frame = np.arange(6, dtype=np.uint8)[None] * 10
    >>> tf.resized_crop(frame, (1, 4), top=0, left=2, height=1, width=2)
    array([[20, 23, 28, 30]], dtype=uint8)
    """
    part = ResizedCrop(size, top=top, left=left, height=height, width=width, interpolation=interpolation)
    return apply(clip, [part])


@dataclass(frozen=True)
class RandomResizedCrop(Transform):
    """A rectangle of random area, aspect and place in uint8 frames, resized.

    Parameters
    ----------
    size : int or tuple of int
        Height and width of the result, in pixels; an integer is both.
    area : tuple of float
        Lowest and highest area, as fractions of the frame, in (0, 1].
    aspect : tuple of float
        Lowest and highest width / height of the rectangle; drawn evenly in its logarithm.
    interpolation : {'bilinear', 'area', 'pil_bilinear'}
        As for :class:`Resize`.

    Raises
    ------
    ArgumentError
        For ranges that are empty or outside what is allowed.

    Notes
    -----
    The rule of mmaction2 [1]_: ten aspects r, then ten areas A are drawn; width = round(sqrt(A r)) and
    height = round(sqrt(A / r)), half to even; the first pair that fits the frame gets a column, then a
    row. If none fits, the middle square of the short side is taken. With
    ``seed=(numpy.random.RandomState(0), random.Random(0))`` the draws are those of a mmaction2 worker
    after ``numpy.random.seed(0)`` and ``random.seed(0)``. A side that rounds to 0 pixels counts as not
    fitting (mmaction2 would give an empty frame).

    References
    ----------
    .. [1] mmaction2 1.2, ``RandomResizedCrop.get_crop_bbox``, and its ``Resize`` with ``keep_ratio=False``.

    Examples
    --------
    >>> import random
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> streams = (np.random.RandomState(7), random.Random(7))
    >>> tf.RandomResizedCrop(56).draw((64, 85), seed=streams)
    ResizedCrop(size=(56, 56), top=0, left=5, height=62, width=72, interpolation='bilinear')
    """

    size: int | tuple[int, int]
    area: tuple[float, float] = (0.08, 1.0)
    aspect: tuple[float, float] = (3 / 4, 4 / 3)
    interpolation: Interpolation = "bilinear"

    def __post_init__(self) -> None:
        store(self, size=checked_size(self.size))
        store(self, area=checked_pair("area", self.area), aspect=checked_pair("aspect", self.aspect))
        if not 0 < self.area[0] <= self.area[1] <= 1:
            raise ArgumentError(f"`area` must lie in (0, 1], got {self.area}")
        if self.aspect[0] <= 0:
            raise ArgumentError(f"`aspect` must be positive, got {self.aspect}")
        checked_choice("interpolation", self.interpolation, INTERPOLATIONS)


def random_resized_crop(
    clip: Array,
    size: int | tuple[int, int],
    *,
    area: tuple[float, float] = (0.08, 1.0),
    aspect: tuple[float, float] = (3 / 4, 4 / 3),
    interpolation: Interpolation = "bilinear",
    seed: Seed = None,
) -> Array:
    """Crop a random part of a clip and resize it; see :class:`RandomResizedCrop`.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W, C), (T, H, W), (H, W, C) or (H, W)
        Frames, uint8.
    size : int or tuple of int
        Height and width of the result, in pixels.
    area, aspect : tuple of float
        Lowest and highest area (a fraction) and width / height.
    interpolation : {'bilinear', 'area', 'pil_bilinear'}
        Whose pixels to give.
    seed : int, tuple or None
        As for :func:`apply`.

    Returns
    -------
    ndarray of uint8
        The part, resized; the same one of every frame.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> tf.random_resized_crop(np.zeros((8, 64, 85, 3), np.uint8), 56, seed=0).shape
    (8, 56, 56, 3)
    """
    return apply(clip, [RandomResizedCrop(size, area, aspect, interpolation)], seed=seed)
