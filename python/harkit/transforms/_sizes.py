"""Resizes: to a size, by the short side, into a padded frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harkit.transforms._base import (
    INTERPOLATIONS,
    MAX_SIDE,
    RULES,
    Array,
    Interpolation,
    Rule,
    Transform,
    apply,
    checked_choice,
    checked_int,
    checked_size,
    store,
)

__all__ = ["Resize", "ResizeShort", "ResizeWithPad", "resize", "resize_short", "resize_with_pad"]


@dataclass(frozen=True)
class Resize(Transform):
    """Resize uint8 frames to a size, whatever their aspect.

    Parameters
    ----------
    size : int or tuple of int
        Height and width, in pixels; an integer is both.
    interpolation : {'bilinear', 'area', 'pil_bilinear'}
        Whose pixels to give, byte for byte:

        * 'bilinear': OpenCV ``INTER_LINEAR`` [1]_, the default because most video pipelines use it. No
          antialiasing: shrinking by more than 2 skips pixels.
        * 'area': OpenCV ``INTER_AREA`` [1]_, the mean of what a pixel covers; where an axis is enlarged,
          a bilinear rule of OpenCV's own.
        * 'pil_bilinear': Pillow ``Resampling.BILINEAR`` [2]_, a triangle filter as wide as the scale. So
          does torchvision resize PIL images.

    Raises
    ------
    ArgumentError
        For a side outside 1..32767 or another interpolation.

    Notes
    -----
    A frame that has the size already is left as it is, as all three libraries do.

    References
    ----------
    .. [1] OpenCV 4.11 and 5.0, x86-64 wheels, ``modules/imgproc/src/resize.cpp``; with and without IPP.
    .. [2] Pillow 13.0, ``src/libImaging/Resample.c``.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> clip = np.zeros((16, 240, 320, 3), np.uint8)
    >>> tf.apply(clip, [tf.Resize((224, 224))]).shape
    (16, 224, 224, 3)
    """

    size: int | tuple[int, int]
    interpolation: Interpolation = "bilinear"

    def __post_init__(self) -> None:
        store(self, size=checked_size(self.size))
        checked_choice("interpolation", self.interpolation, INTERPOLATIONS)


def resize(
    clip: Array, size: int | tuple[int, int], *, interpolation: Interpolation = "bilinear"
) -> npt.NDArray[np.uint8]:
    """Resize a clip; see :class:`Resize`.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W, C), (T, H, W), (H, W, C) or (H, W)
        Frames, uint8.
    size : int or tuple of int
        Height and width, in pixels.
    interpolation : {'bilinear', 'area', 'pil_bilinear'}
        Whose pixels to give.

    Returns
    -------
    ndarray of uint8
        The frames, resized.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> tf.resize(np.array([[0, 100]], np.uint8), (1, 4))
    array([[  0,  25,  75, 100]], dtype=uint8)
    """
    return apply(clip, [Resize(size, interpolation)])


@dataclass(frozen=True)
class ResizeShort(Transform):
    """Resize uint8 frames so that their short side has a length, keeping the aspect.

    Parameters
    ----------
    short : int
        Length of the short side, in pixels.
    rule : {'mmaction2', 'torchvision'}
        How the long side is rounded, for a scale s = short / old short side: int(long * s + 0.5) as
        mmaction2 [1]_ (320 x 240 to 85 x 64), or int(short * long / old short) as torchvision [2]_
        (320 x 240 to 341 x 256).
    interpolation : {'bilinear', 'area', 'pil_bilinear'}
        As for :class:`Resize`. torchvision's own resize of PIL images is 'pil_bilinear'.

    Raises
    ------
    ArgumentError
        For a side outside 1..32767 or another choice.

    References
    ----------
    .. [1] mmaction2 1.2, ``Resize(scale=(-1, short))``; mmcv ``rescale_size``.
    .. [2] torchvision 0.24, ``transforms.Resize(short)``.

    Examples
    --------
    >>> from harkit import transforms as tf
    >>> tf.ResizeShort(64).draw((240, 320))
    Resize(size=(64, 85), interpolation='bilinear')
    >>> tf.ResizeShort(256, rule="torchvision", interpolation="pil_bilinear").draw((240, 320))
    Resize(size=(256, 341), interpolation='pil_bilinear')
    """

    short: int
    rule: Rule = "mmaction2"
    interpolation: Interpolation = "bilinear"

    def __post_init__(self) -> None:
        store(self, short=checked_int("short", self.short, high=MAX_SIDE))
        checked_choice("rule", self.rule, RULES)
        checked_choice("interpolation", self.interpolation, INTERPOLATIONS)


def resize_short(
    clip: Array, short: int, *, rule: Rule = "mmaction2", interpolation: Interpolation = "bilinear"
) -> npt.NDArray[np.uint8]:
    """Resize a clip by its short side; see :class:`ResizeShort`.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W, C), (T, H, W), (H, W, C) or (H, W)
        Frames, uint8.
    short : int
        Length of the short side, in pixels.
    rule : {'mmaction2', 'torchvision'}
        How the long side is rounded.
    interpolation : {'bilinear', 'area', 'pil_bilinear'}
        Whose pixels to give.

    Returns
    -------
    ndarray of uint8
        The frames, resized.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> tf.resize_short(np.zeros((8, 240, 320, 3), np.uint8), 64).shape
    (8, 64, 85, 3)
    """
    return apply(clip, [ResizeShort(short, rule, interpolation)])


@dataclass(frozen=True)
class ResizeWithPad(Transform):
    """Resize frames into a frame of a size, keeping the aspect, with black bars; gives float32.

    Parameters
    ----------
    size : int or tuple of int
        Height and width of the whole, in pixels; MoveNet takes 192 (lightning) and 256 (thunder).

    Raises
    ------
    ArgumentError
        For a side outside 1..32767.

    Notes
    -----
    The values of ``tf.image.resize_with_pad`` [1]_: bilinear without antialiasing in float32, sizes
    rounded down, the bar above and left rounded down. 320 x 240 into 192 fills rows 24 to 167. A side
    that would round to 0 pixels keeps 1, where TensorFlow fails.

    References
    ----------
    .. [1] TensorFlow 2.21, ``image_ops_impl._resize_image_with_pad_common`` and ``ResizeBilinear`` with
       half-pixel centres.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> padded = tf.apply(np.full((240, 320, 3), 9, np.uint8), [tf.ResizeWithPad(192)])
    >>> padded.shape, padded.dtype, np.flatnonzero(padded[:, 0, 0])[[0, -1]].tolist()
    ((192, 192, 3), dtype('float32'), [24, 167])
    """

    size: int | tuple[int, int]

    def __post_init__(self) -> None:
        store(self, size=checked_size(self.size))


def resize_with_pad(clip: Array, size: int | tuple[int, int]) -> npt.NDArray[np.float32]:
    """Resize a clip into frames with black bars; see :class:`ResizeWithPad`.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W, C), (T, H, W), (H, W, C) or (H, W)
        Frames, uint8 or float32.
    size : int or tuple of int
        Height and width of the whole, in pixels.

    Returns
    -------
    ndarray of float32
        The padded frames.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> tf.resize_with_pad(np.array([[10, 20]], np.uint8), 2)
    array([[10., 20.],
           [ 0.,  0.]], dtype=float32)
    """
    return apply(clip, [ResizeWithPad(size)])
