"""Dense optical flow: where each pixel goes until the next frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harkit import _core
from harkit._options import make_plain
from harkit.errors import ArgumentError
from harkit.stip._clips import Clip, as_clip

__all__ = ["OpticalFlow", "optical_flow"]


@dataclass(frozen=True, kw_only=True)
class OpticalFlow:
    """Every number of `optical_flow`.

    Parameters
    ----------
    levels : int
        Most levels of the pyramid, 1 to 16; frames are not halved to less than 16 pixels.
    iterations : int
        Warps at each level, 1 to 100.
    window : float
        Standard deviation of the window that moves as one, in pixels, 0.5 to 50: larger is smoother.
    regularization : float
        Added to the diagonal of the normal matrices, 1e-9 to 1, in squares of grey values (0 to 1) a pixel:
        where there is less structure, the flow of the coarser level stays.
    """

    levels: int = 4
    iterations: int = 3
    window: float = 3.0
    regularization: float = 5e-6

    def __post_init__(self) -> None:
        make_plain(self)
        _core.stip_check_flow(self)


def optical_flow(
    clip: Clip,
    *,
    levels: int = 4,
    iterations: int = 3,
    window: float = 3.0,
    regularization: float = 5e-6,
) -> NDArray[np.float32]:
    """Find where each pixel goes until the next frame.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W)
        Grey frames, two at least, uint8 or float32 from 0 (black) to 1 (white).
    levels, iterations, window, regularization
        See `OpticalFlow`.

    Returns
    -------
    float32 ndarray of shape (T - 1, H, W, 2)
        Displacement along x (to the right) and y (down) in pixels, from each frame to the next.

    Raises
    ------
    ArgumentError
        If there is one frame only, or an argument is not allowed.

    Notes
    -----
    Least squares of Lucas and Kanade over a Gaussian window around every pixel, iterated from coarse to
    fine, in the form of Le Besnerais and Champagnat: each pixel of a window says where it would go by its
    own flow so far.

    References
    ----------
    B. D. Lucas and T. Kanade, "An iterative image registration technique", IJCAI 1981.
    G. Le Besnerais and F. Champagnat, "Dense optical flow by iterative local window registration", ICIP 2005.

    Examples
    --------
    >>> from harkit import stip
    >>> y, x = np.mgrid[:64, :64]
    >>> frames = [0.5 + 0.2 * np.sin((x - shift) / 3) + 0.2 * np.sin(y / 4) for shift in (0, 1.5)]
    >>> flow = stip.optical_flow(np.array(frames, np.float32))
    >>> flow.shape, flow[0, 16:48, 16:48].mean((0, 1)).round(1) + 0
    ((1, 64, 64, 2), array([1.5, 0. ], dtype=float32))
    """
    settings = OpticalFlow(levels=levels, iterations=iterations, window=window, regularization=regularization)
    frames = as_clip(clip)
    n_frames, height, width = frames.shape
    if n_frames < 2:
        raise ArgumentError(f"`clip` must have 2 frames at least, got {n_frames}")
    return _core.stip_optical_flow(frames, settings).reshape(n_frames - 1, height, width, 2)
