"""Rotation and zoom: given and random."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np
import numpy.typing as npt

from harkit.errors import ArgumentError
from harkit.transforms._base import (
    FILLS,
    MAX_SIDE,
    Array,
    Fill,
    Seed,
    Transform,
    apply,
    checked_choice,
    checked_float,
    checked_pair,
    store,
)

__all__ = [
    "RandomRotation",
    "RandomZoom",
    "Rotate",
    "Zoom",
    "random_rotation",
    "random_zoom",
    "rotate",
    "zoom",
]


@dataclass(frozen=True)
class Rotate(Transform):
    """A rotation about the middle; the size stays.

    Parameters
    ----------
    angle : float
        In degrees, counter-clockwise.
    fill : {'reflect', 'zero'}
        What comes into the corners, and how pixels are read:

        * 'reflect': as Keras's ``RandomRotation`` [1]_: the frame mirrored at its edges, bilinear; gives
          float32.
        * 'zero': as torchvision's ``RandomRotation`` on PIL images [2]_: black, nearest pixel, byte for
          byte; the type stays.

    Raises
    ------
    ArgumentError
        For an angle that is not finite, or another fill.

    Notes
    -----
    Keras: with t the angle and (cx, cy) = ((W - 1) / 2, (H - 1) / 2) the output pixel (x, y) reads the
    input at (cos t (x - cx) - sin t (y - cy) + cx, sin t (x - cx) + cos t (y - cy) + cy). The coordinate
    is mirrored (d c b a | a b c d | d c b a), clamped to the frame, then interpolated, all in float32 and
    in Keras's order, so that the values equal those of Keras 3.15 on TensorFlow 2.21 bit for bit.

    References
    ----------
    .. [1] Keras 3, ``random_rotation.py``; TensorFlow ``ImageProjectiveTransformV3``.
    .. [2] Pillow 13.0, ``Image.rotate`` with ``Resampling.NEAREST``.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> tf.apply(np.array([[1, 2], [3, 4]], np.uint8), [tf.Rotate(90, fill="zero")])
    array([[2, 4],
           [1, 3]], dtype=uint8)
    """

    angle: float
    _: KW_ONLY
    fill: Fill = "reflect"

    def __post_init__(self) -> None:
        store(self, angle=checked_float("angle", self.angle))
        checked_choice("fill", self.fill, FILLS)


def rotate(clip: Array, angle: float, *, fill: Fill = "reflect") -> Array:
    """Rotate a clip; see :class:`Rotate`.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W, C), (T, H, W), (H, W, C) or (H, W)
        Frames, uint8 or float32.
    angle : float
        In degrees, counter-clockwise.
    fill : {'reflect', 'zero'}
        What comes into the corners.

    Returns
    -------
    ndarray
        The rotated frames; float32 for 'reflect', the type of `clip` for 'zero'.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> tf.rotate(np.array([[1, 2], [3, 4]], np.uint8), 180).round(4)
    array([[4., 3.],
           [2., 1.]], dtype=float32)
    """
    return apply(clip, [Rotate(angle, fill=fill)])


@dataclass(frozen=True)
class RandomRotation(Transform):
    """A rotation by a random angle.

    Parameters
    ----------
    angle : float or tuple of float
        The angle is even in (low, high), in degrees counter-clockwise; a number a is (-a, a). Keras
        counts in whole turns: its factor 0.4 is 144 degrees.
    fill : {'reflect', 'zero'}
        As for :class:`Rotate`: as Keras, or as torchvision.

    Raises
    ------
    ArgumentError
        For a range that is empty or not finite, or another fill.

    Examples
    --------
    >>> from harkit import transforms as tf
    >>> tf.RandomRotation(144)
    RandomRotation(angle=(-144.0, 144.0), fill='reflect')
    >>> round(tf.RandomRotation(144).draw((64, 85), seed=0).angle, 3)
    -50.522
    """

    angle: float | tuple[float, float]
    _: KW_ONLY
    fill: Fill = "reflect"

    def __post_init__(self) -> None:
        store(self, angle=_around("angle", self.angle))
        checked_choice("fill", self.fill, FILLS)

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest angle, in degrees."""
        return checked_pair("angle", self.angle)


def random_rotation(
    clip: Array, angle: float | tuple[float, float], *, fill: Fill = "reflect", seed: Seed = None
) -> Array:
    """Rotate a clip by a random angle; see :class:`RandomRotation`.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W, C), (T, H, W), (H, W, C) or (H, W)
        Frames, uint8 or float32.
    angle : float or tuple of float
        Range of the angle, in degrees.
    fill : {'reflect', 'zero'}
        What comes into the corners.
    seed : int, tuple or None
        As for :func:`apply`.

    Returns
    -------
    ndarray
        The rotated frames; float32 for 'reflect', the type of `clip` for 'zero'.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> tf.random_rotation(np.zeros((8, 64, 85, 3), np.uint8), 15, fill="zero", seed=0).dtype
    dtype('uint8')
    """
    return apply(clip, [RandomRotation(angle, fill=fill)], seed=seed)


@dataclass(frozen=True)
class Zoom(Transform):
    """A zoom about the middle, as Keras's ``RandomZoom`` does it; the size stays; gives float32.

    Parameters
    ----------
    factor : float
        In (0, 32767]. Above 1 the scene looks smaller, with the frame mirrored around it (Keras's zooming
        *out*); below 1 it looks larger.

    Raises
    ------
    ArgumentError
        For a factor outside.

    Notes
    -----
    The output pixel (x, y) reads the input at (z (x - cx) + cx, z (y - cy) + cy), bilinear, mirrored at
    the edges as :class:`Rotate` with 'reflect'.

    References
    ----------
    Keras 3, ``layers/preprocessing/image_preprocessing/random_zoom.py``.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> tf.apply(np.array([[0, 10, 20, 30]], np.uint8), [tf.Zoom(0.5)])
    array([[ 7.5, 12.5, 17.5, 22.5]], dtype=float32)
    """

    factor: float

    def __post_init__(self) -> None:
        factor = checked_float("factor", self.factor)
        if not 0 < factor <= MAX_SIDE:
            raise ArgumentError(f"`factor` must lie in (0, {MAX_SIDE}], got {factor}")
        store(self, factor=factor)


def zoom(clip: Array, factor: float) -> npt.NDArray[np.float32]:
    """Zoom a clip; see :class:`Zoom`.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W, C), (T, H, W), (H, W, C) or (H, W)
        Frames, uint8 or float32.
    factor : float
        Above 1 the scene looks smaller.

    Returns
    -------
    ndarray of float32
        The zoomed frames.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> tf.zoom(np.array([[0, 10, 20, 30]], np.uint8), 2)
    array([[ 5.,  5., 25., 25.]], dtype=float32)
    """
    return apply(clip, [Zoom(factor)])


@dataclass(frozen=True)
class RandomZoom(Transform):
    """A zoom by a random factor, as Keras's ``RandomZoom`` draws it.

    Parameters
    ----------
    factor : float or tuple of float
        The factor of :class:`Zoom` is even in (1 + low, 1 + high); a number f is (-f, f). As in Keras
        low and high lie in (-1, 1].

    Raises
    ------
    ArgumentError
        For a range that is empty or outside (-1, 1].

    Notes
    -----
    One draw for both axes, so the aspect stays: Keras's ``RandomZoom(f)`` without a width factor. The
    same in all versions of Keras 3.

    Examples
    --------
    >>> from harkit import transforms as tf
    >>> tf.RandomZoom(0.2).range
    (0.8, 1.2)
    >>> round(tf.RandomZoom(0.2).draw((64, 85), seed=0).factor, 4)
    0.9298
    """

    factor: float | tuple[float, float]

    def __post_init__(self) -> None:
        low, high = _around("factor", self.factor)
        if not -1 < low <= high <= 1:
            raise ArgumentError(f"`factor` must lie in (-1, 1], got {self.factor!r}")
        store(self, factor=(low, high))

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest factor."""
        low, high = checked_pair("factor", self.factor)
        return 1 + low, 1 + high


def random_zoom(
    clip: Array, factor: float | tuple[float, float], *, seed: Seed = None
) -> npt.NDArray[np.float32]:
    """Zoom a clip by a random factor; see :class:`RandomZoom`.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W, C), (T, H, W), (H, W, C) or (H, W)
        Frames, uint8 or float32.
    factor : float or tuple of float
        Range of the factor, counted from 1.
    seed : int, tuple or None
        As for :func:`apply`.

    Returns
    -------
    ndarray of float32
        The zoomed frames.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> tf.random_zoom(np.zeros((8, 64, 85, 3), np.uint8), 0.2, seed=0).shape
    (8, 64, 85, 3)
    """
    return apply(clip, [RandomZoom(factor)], seed=seed)


def _around(name: str, value: object) -> tuple[float, float]:
    """Return a range as (low, high); a number is as far to both sides."""
    if isinstance(value, (tuple, list)):
        return checked_pair(name, value)
    reach = abs(checked_float(name, value))
    return -reach, reach
