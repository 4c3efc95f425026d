"""Transforms of the frames of a clip."""

from __future__ import annotations

from dataclasses import dataclass

from harkit.transforms._base import Array, Transform, apply, checked_int, store

__all__ = ["TemporalUpsample", "temporal_upsample"]


@dataclass(frozen=True)
class TemporalUpsample(Transform):
    """Nearest frames, to so many.

    Parameters
    ----------
    n_frames : int
        Frames of the result; fewer than before are taken by the same rule.

    Raises
    ------
    ArgumentError
        For a number below 1; when applied, for a clip without frames.

    Notes
    -----
    Frame i shows frame min(floor(i s), T - 1) with s = T / n_frames in float32, as PyTorch's
    ``interpolate(mode="nearest")`` [1]_. It moves no pixels and may stand anywhere in a list.

    References
    ----------
    .. [1] PyTorch 2.9, ``aten/src/ATen/native/UpSample.h``, ``nearest_neighbor_compute_source_index``.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> clip = np.arange(3, dtype=np.uint8).reshape(3, 1, 1, 1)
    >>> tf.apply(clip, [tf.TemporalUpsample(5)]).ravel().tolist()
    [0, 0, 1, 1, 2]
    """

    n_frames: int

    def __post_init__(self) -> None:
        store(self, n_frames=checked_int("n_frames", self.n_frames))


def temporal_upsample(clip: Array, n_frames: int) -> Array:
    """Repeat the nearest frames of a clip; see :class:`TemporalUpsample`.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W, C) or (T, H, W)
        Frames, uint8 or float32.
    n_frames : int
        Frames of the result.

    Returns
    -------
    ndarray of shape (n_frames, ...)
        The frames, of the type of `clip`.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import transforms as tf
    >>> tf.temporal_upsample(np.zeros((8, 64, 85, 3), np.uint8), 10).shape
    (10, 64, 85, 3)
    """
    return apply(clip, [TemporalUpsample(n_frames)])
