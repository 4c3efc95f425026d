"""The steps of detection by themselves: to look at, to plot, to put together anew."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from harkit import _core
from harkit.stip._clips import Clip, as_clip, as_volume
from harkit.stip._detection import Border, Derivatives, Detection
from harkit.stip._points import Points, from_records

__all__ = ["gradients", "response", "scale_space", "second_moments", "select"]


def scale_space(
    clip: Clip,
    sigma2: float,
    tau2: float,
    *,
    radius: int | None = None,
    truncate: float | tuple[float, float] = 3.0,
    border: Border = "reflect",
) -> NDArray[np.float32]:
    """Smooth a clip by a Gaussian over space and time.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W)
        Grey frames, uint8, or float32 from 0 (black) to 1 (white).
    sigma2, tau2 : float
        Variances over space (pixels squared) and time (frames squared).
    radius, truncate, border : optional
        Reach of the kernels and what lies outside; see `Detection`.

    Returns
    -------
    float32 ndarray of shape (T, H, W)
        L, from 0 to 1.

    Raises
    ------
    ArgumentError
        If a variance is not positive, or the clip holds values outside 0 to 1 or not a number.

    Examples
    --------
    >>> from harkit import stip
    >>> gray = np.zeros((9, 9, 9), np.uint8)
    >>> gray[4, 4, 4] = 255
    >>> stip.scale_space(gray, 1, 1)[4, 4, 4].round(4)  # about (2 pi) ** -1.5
    np.float32(0.0635)
    """
    settings = Detection(radius=radius, truncate=truncate, border=border)
    return _core.stip_scale_space(as_clip(clip), sigma2, tau2, settings)


def gradients(
    volume: NDArray[np.float32], *, derivatives: Derivatives = "centered", border: Border = "reflect"
) -> NDArray[np.float32]:
    """Take the derivatives of a volume along columns, rows and frames.

    Parameters
    ----------
    volume : float32 ndarray of shape (T, H, W)
        The scale space; at least 3 along each axis.
    derivatives : {"centered", "shifted", "sobel"}
        See `Detection`.
    border : {"zero", "reflect", "nearest"}
        What lies outside, unless derivatives are shifted.

    Returns
    -------
    float32 ndarray of shape (3, T, H, W), or (3, T - 2, H - 2, W - 2) for shifted derivatives
        Lx, Ly, Lt, each a pixel or a frame.

    Raises
    ------
    ArgumentError
        If the volume is too small or holds a value that is not finite.

    Examples
    --------
    >>> from harkit import stip
    >>> t, y, x = np.indices((4, 4, 4), dtype=np.float32)
    >>> stip.gradients(t * y * x)[:, 1, 2, 2].tolist()  # yt xt xy: t y x = 1 2 2
    [2.0, 2.0, 4.0]
    """
    settings = Detection(derivatives=derivatives, border=border)
    return _core.stip_gradients(as_volume("volume", volume), settings)


def second_moments(
    gradients: NDArray[np.float32],
    sigma2: float,
    tau2: float,
    *,
    radius: int | None = None,
    truncate: float | tuple[float, float] = 3.0,
    border: Border = "reflect",
) -> NDArray[np.float32]:
    """Smooth the products of derivatives: the second-moment matrix of each voxel.

    Parameters
    ----------
    gradients : float32 ndarray of shape (3, T, H, W)
        Lx, Ly, Lt.
    sigma2, tau2 : float
        Variances of the integration window (not of the scale).
    radius, truncate, border : optional
        Reach of the kernels and what lies outside; see `Detection`.

    Returns
    -------
    float32 ndarray of shape (6, T, H, W)
        xx xy xt yy yt tt.

    Raises
    ------
    ArgumentError
        If a variance is not positive, or a derivative is not finite.
    """
    settings = Detection(radius=radius, truncate=truncate, border=border)
    return _core.stip_second_moments(as_volume("gradients", gradients, 3), sigma2, tau2, settings)


def response(moments: NDArray[np.float32], *, k: float = 0.005) -> NDArray[np.float32]:
    """Compute the Harris-3D response, det - k trace^3.

    Parameters
    ----------
    moments : float32 ndarray of shape (6, T, H, W)
        xx xy xt yy yt tt.
    k : float
        Weight of the trace.

    Returns
    -------
    float32 ndarray of shape (T, H, W)
        Large where all three eigenvalues are.

    Raises
    ------
    ArgumentError
        If a moment is not finite.
    """
    return _core.stip_response(as_volume("moments", moments, 6), k)


def select(response: NDArray[np.float32], **changes: Any) -> Points:
    """Choose points from a response.

    Parameters
    ----------
    response : float32 ndarray of shape (T, H, W)
        The response at one scale.
    **changes : Any
        Fields of `Detection` that differ: `threshold`, `threshold_type`, `interior`, `selection`, `margin`,
        `max_points`; `sigma2` and `tau2`, one number each, are written into the points.

    Returns
    -------
    ndarray of shape (N,) and type `POINT_DTYPE`
        Points in the order of frames, rows and columns.

    Raises
    ------
    ArgumentError
        If a value is not allowed.

    Examples
    --------
    >>> from harkit import stip
    >>> volume = np.zeros((5, 5, 5), np.float32)
    >>> volume[2, 1, 3] = 1
    >>> stip.select(volume)[["t", "y", "x"]].tolist()
    [(2, 1, 3)]
    """
    settings = Detection(**{"sigma2": 4.0, "tau2": 2.0, **changes})
    return from_records(_core.stip_select(as_volume("response", response), settings))
