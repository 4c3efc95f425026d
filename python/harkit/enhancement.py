"""How bright: dark frames made readable.

=============  =========================================================================
`gamma`        one power for all values, as the dark-video reports' table
`auto_gamma`   the power that sends the mean to a target
`log`          a logarithm of all values
`equalize`     histogram equalisation, as KerasCV, Pillow or OpenCV do it
`clahe`        histogram equalisation by tiles, contrast limited, as OpenCV does it
`retinex`      each value against its surroundings
`lime`         the illumination estimated and divided out
`denoise`      the noise that all of these lift up, taken out over space and time
=============  =========================================================================

A clip is an array of bytes of shape (T, H, W, 3), RGB, or (T, H, W) or (T, H, W, 1), grey; a single
frame of shape (H, W, 3) or (H, W) is a clip of one. Three numbers of which the last is 3 are one RGB
frame: give a grey clip three pixels wide as (T, H, 3, 1). The result is a new array of the same
shape; the argument is not changed.

``per`` says what shares one set of statistics. With ``"frame"`` each frame is treated by itself, so
that noise which moves the statistics makes a clip flicker. With ``"clip"`` the whole clip has one set:
what is equally bright before is equally bright after.

Every function has an option object of the same name (`Gamma` for `gamma`), which `chain` and recipes
take.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from harkit import _core
from harkit._options import make_plain
from harkit.errors import ArgumentTypeError

__all__ = [
    "AutoGamma",
    "Clahe",
    "Denoise",
    "Enhancement",
    "Equalize",
    "Gamma",
    "Lime",
    "Log",
    "Per",
    "Retinex",
    "auto_gamma",
    "chain",
    "clahe",
    "denoise",
    "equalize",
    "gamma",
    "lime",
    "log",
    "retinex",
]

Per: TypeAlias = Literal["frame", "clip"]
"""What shares one set of statistics."""

Clip: TypeAlias = npt.NDArray[np.uint8]


class Enhancement:
    """What all steps have in common; make one of the classes below."""

    def __post_init__(self) -> None:
        make_plain(self)
        _core.check_enhancement(self)


@dataclass(frozen=True)
class Gamma(Enhancement):
    """Options of `gamma`.

    Parameters
    ----------
    gamma : float
        The gamma, positive; above 1 brightens.
    """

    gamma: float


@dataclass(frozen=True)
class AutoGamma(Enhancement):
    """Options of `auto_gamma`.

    Parameters
    ----------
    target : float
        Where the mean goes, between 0 and 1.
    per : {"frame", "clip"}
        What the mean is taken over.
    """

    _: KW_ONLY
    target: float = 0.5
    per: Per = "frame"


@dataclass(frozen=True)
class Log(Enhancement):
    """Options of `log`.

    Parameters
    ----------
    per : {"frame", "clip"}
        What the largest value is taken over.
    """

    _: KW_ONLY
    per: Per = "frame"


@dataclass(frozen=True)
class Equalize(Enhancement):
    """Options of `equalize`.

    Parameters
    ----------
    convention : {"keras_cv", "pil", "opencv"}
        Whose rule.
    channels : {"each", "luma"}
        Each channel by itself, or the luma alone.
    per : {"frame", "clip"}
        What the histogram is taken over.
    """

    _: KW_ONLY
    convention: Literal["keras_cv", "pil", "opencv"] = "keras_cv"
    channels: Literal["each", "luma"] = "each"
    per: Per = "frame"


@dataclass(frozen=True)
class Clahe(Enhancement):
    """Options of `clahe`.

    Parameters
    ----------
    clip_limit : float
        How many times the mean count a bin may hold; 0 does not clip.
    grid : (int, int)
        Rows and columns of tiles, 1 to 256 each. OpenCV's ``tileGridSize`` is (columns, rows).
    per : {"frame", "clip"}
        What the histogram of a tile is taken over.
    """

    _: KW_ONLY
    clip_limit: float = 2.0
    grid: tuple[int, int] = (8, 8)
    per: Per = "frame"


@dataclass(frozen=True)
class Retinex(Enhancement):
    """Options of `retinex`.

    Parameters
    ----------
    scales : sequence of float
        One to eight surrounds, in pixels, each the radius at which it has fallen to 1/e.
    saturated : float
        Percentage of the values that become 0, and of those that become 255.
    channels : {"each", "intensity"}
        Each channel by itself, or the mean of the channels, colours kept.
    per : {"frame", "clip"}
        What the percentiles are taken over.
    """

    _: KW_ONLY
    scales: Sequence[float] = (15.0, 80.0, 250.0)
    saturated: float = 1.0
    channels: Literal["each", "intensity"] = "each"
    per: Per = "frame"


@dataclass(frozen=True)
class Lime(Enhancement):
    """Options of `lime`.

    Parameters
    ----------
    alpha : float
        Weight of the smoothness of the illumination, 0 to 1000.
    gamma : float
        Power of the illumination that is divided out, 0 (nothing) to 1 (all).
    """

    _: KW_ONLY
    alpha: float = 0.15
    gamma: float = 0.8


@dataclass(frozen=True)
class Denoise(Enhancement):
    """Options of `denoise`.

    Parameters
    ----------
    sigma : float, optional
        Standard deviation of the noise in grey levels, 0 to 255; estimated where it is None.
    strength : float
        The filter's h in units of sigma.
    radius : int
        Rows and columns searched in each direction, 0 to 15.
    frames : int
        Frames searched before and after, 0 to 15.
    patch : int
        Half a side of the patches that are compared, 0 to 3.
    per : {"frame", "clip"}
        What the noise is estimated over.
    """

    _: KW_ONLY
    sigma: float | None = None
    strength: float = 0.55
    radius: int = 3
    frames: int = 2
    patch: int = 1
    per: Per = "clip"


def gamma(clip: Clip, gamma: float) -> Clip:
    """Gamma correction; a gamma above 1 brightens.

    Parameters
    ----------
    clip : numpy.ndarray of uint8, shape (T, H, W, 3), (T, H, W), (H, W, 3) or (H, W)
        The frames.
    gamma : float
        The gamma, positive.

    Returns
    -------
    numpy.ndarray of uint8, shape of `clip`

    Raises
    ------
    ArgumentError
        A gamma that is not positive and finite, or a clip of another shape or without pixels.
    ArgumentTypeError
        A clip that is not an array of bytes.

    Notes
    -----
    ``floor(255 * (I / 255) ** (1 / gamma))``: the look-up table of the report dark-csn (3.3),
    truncated, whose entries sum to 48757 for gamma 3 and to 54161 for gamma 5. To raise to the power
    itself, as the text of the report has it, give the reciprocal: ``gamma(clip, 1 / 3)``.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import enhancement as en
    >>> en.gamma(np.array([[0, 1, 8, 64, 255]], np.uint8), 3)
    array([[  0,  40,  80, 160, 255]], dtype=uint8)
    """
    return chain(clip, [Gamma(gamma)])


def auto_gamma(clip: Clip, *, target: float = 0.5, per: Per = "frame") -> Clip:
    """Gamma correction by the power that sends the mean to a target.

    Parameters
    ----------
    clip : numpy.ndarray of uint8, shape (T, H, W, 3), (T, H, W), (H, W, 3) or (H, W)
        The frames.
    target : float
        Where the mean goes, between 0 and 1; the middle by default.
    per : {"frame", "clip"}
        What the mean is taken over.

    Returns
    -------
    numpy.ndarray of uint8, shape of `clip`

    Raises
    ------
    ArgumentError
        A target outside 0 to 1, or a clip of another shape or without pixels.
    ArgumentTypeError
        A clip that is not an array of bytes.

    Notes
    -----
    ``gamma(clip, log(mean) / log(target))``, the mean over all values and channels, 0 to 1. It is the
    value of the mean that lands on the target; the mean of the result is near it. A frame all
    black or all white stays as it is.

    References
    ----------
    P. Babakhani, P. Zarei, "Automatic gamma correction based on average of brightness", Advances in
    Computer Science 4(6), 2015 (with a target of 0.5).

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import enhancement as en
    >>> en.auto_gamma(np.array([[10, 20, 30]], np.uint8))
    array([[105, 127, 142]], dtype=uint8)
    """
    return chain(clip, [AutoGamma(target=target, per=per)])


def log(clip: Clip, *, per: Per = "frame") -> Clip:
    """Logarithm of all values, stretched so that the largest becomes 255.

    Parameters
    ----------
    clip : numpy.ndarray of uint8, shape (T, H, W, 3), (T, H, W), (H, W, 3) or (H, W)
        The frames.
    per : {"frame", "clip"}
        What the largest value is taken over.

    Returns
    -------
    numpy.ndarray of uint8, shape of `clip`

    Raises
    ------
    ArgumentError
        A clip of another shape or without pixels.
    ArgumentTypeError
        A clip that is not an array of bytes.

    Notes
    -----
    ``round(255 * log(1 + I) / log(1 + M))``, M the largest value of all channels.

    References
    ----------
    R. C. Gonzalez, R. E. Woods, "Digital Image Processing", 4th edition, equation (3-4).

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import enhancement as en
    >>> en.log(np.array([[0, 1, 3, 15]], np.uint8))
    array([[  0,  64, 128, 255]], dtype=uint8)
    """
    return chain(clip, [Log(per=per)])


def equalize(
    clip: Clip,
    *,
    convention: Literal["keras_cv", "pil", "opencv"] = "keras_cv",
    channels: Literal["each", "luma"] = "each",
    per: Per = "frame",
) -> Clip:
    """Histogram equalisation, to the byte of one of three libraries.

    Parameters
    ----------
    clip : numpy.ndarray of uint8, shape (T, H, W, 3), (T, H, W), (H, W, 3) or (H, W)
        The frames.
    convention : {"keras_cv", "pil", "opencv"}
        Whose rule: KerasCV 0.9.0 ``Equalization((0, 255))``, as in the report dark-convnext-lstm
        (3.6); Pillow 13.0 ``ImageOps.equalize``; or OpenCV 5.0 ``equalizeHist``.
    channels : {"each", "luma"}
        Each channel by itself, which can shift colours, or the luma of OpenCV's YCrCb, chroma kept.
        A grey clip is its own luma.
    per : {"frame", "clip"}
        What the histogram is taken over.

    Returns
    -------
    numpy.ndarray of uint8, shape of `clip`

    Raises
    ------
    ArgumentError
        Another convention or choice of channels, or a clip of another shape or without pixels.
    ArgumentTypeError
        A clip that is not an array of bytes.

    Notes
    -----
    With h the histogram of N values:

    * ``keras_cv``: ``step = (N - m) // 255``, m the smallest count that is not zero;
      ``min(255, (h[0] + ... + h[I - 1] + step // 2) // step)``; unchanged where step is 0.
    * ``pil``: the same, m the count of the largest value.
    * ``opencv``: ``round((h[f + 1] + ... + h[I]) * 255 / (N - h[f]))``, f the smallest value;
      unchanged where all values are equal.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import enhancement as en
    >>> en.equalize(np.array([[5, 6, 7, 8]], np.uint8), convention="opencv")
    array([[  0,  85, 170, 255]], dtype=uint8)
    """
    return chain(clip, [Equalize(convention=convention, channels=channels, per=per)])


def clahe(clip: Clip, *, clip_limit: float = 2.0, grid: tuple[int, int] = (8, 8), per: Per = "frame") -> Clip:
    """Contrast-limited adaptive histogram equalisation, to the byte of OpenCV.

    RGB frames have their luma equalised and keep their chroma.

    Parameters
    ----------
    clip : numpy.ndarray of uint8, shape (T, H, W, 3), (T, H, W), (H, W, 3) or (H, W)
        The frames.
    clip_limit : float
        How many times the mean count a bin may hold; 0 does not clip.
    grid : (int, int)
        Rows and columns of tiles, 1 to 256 each. OpenCV's ``tileGridSize`` is (columns, rows).
    per : {"frame", "clip"}
        What the histogram of a tile is taken over.

    Returns
    -------
    numpy.ndarray of uint8, shape of `clip`

    Raises
    ------
    ArgumentError
        A negative limit, an empty grid, or a clip of another shape or without pixels.
    ArgumentTypeError
        A clip that is not an array of bytes.

    Notes
    -----
    Equal to OpenCV 5.0: ``cv2.createCLAHE(clip_limit, (columns, rows)).apply`` on grey frames, and on
    the Y of ``cv2.cvtColor(frame, cv2.COLOR_RGB2YCrCb)``, converted back, on RGB; sizes that
    the grid does not divide too.

    References
    ----------
    K. Zuiderveld, "Contrast limited adaptive histogram equalization", Graphics Gems IV, 1994.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import enhancement as en
    >>> ramp = np.arange(64, dtype=np.uint8).reshape(8, 8)
    >>> en.clahe(ramp, grid=(1, 1))[0, :4]
    array([ 4,  8, 12, 16], dtype=uint8)
    """
    return chain(clip, [Clahe(clip_limit=clip_limit, grid=grid, per=per)])


def retinex(
    clip: Clip,
    *,
    scales: Sequence[float] = (15.0, 80.0, 250.0),
    saturated: float = 1.0,
    channels: Literal["each", "intensity"] = "each",
    per: Per = "frame",
) -> Clip:
    """Multi-scale retinex: each value against its surroundings.

    Parameters
    ----------
    clip : numpy.ndarray of uint8, shape (T, H, W, 3), (T, H, W), (H, W, 3) or (H, W)
        The frames.
    scales : sequence of float
        One to eight surrounds, in pixels (1 to 10000), each the radius at which it has fallen to 1/e;
        the paper's three by default.
    saturated : float
        Percentage of the values that become 0, and of those that become 255; 0 to below 50.
    channels : {"each", "intensity"}
        Each channel by itself, which makes colours greyer, or the mean of the channels, colours kept.
    per : {"frame", "clip"}
        What the percentiles are taken over.

    Returns
    -------
    numpy.ndarray of uint8, shape of `clip`

    Raises
    ------
    ArgumentError
        Scales or a percentage outside their range, or a clip of another shape or without pixels.
    ArgumentTypeError
        A clip that is not an array of bytes.

    Notes
    -----
    ``R = mean over n of log(I + 1) - log(F_n * I + 1)``, with surrounds F_n proportional to
    ``exp(-r ** 2 / c_n ** 2)`` and planes mirrored at their borders (equations 1 to 3 of [1]_; 1 is
    added because bytes hold zeros). R goes to bytes by the balance of [2]_: from the lowest
    to the highest value that is not saturated, stretched over 0 to 255. ``"intensity"`` is algorithm 2 of
    [2]_. The colour restoration of [1]_ depends on a normalisation that the paper does not state, and is
    left out.

    References
    ----------
    .. [1] D. J. Jobson, Z. Rahman, G. A. Woodell, "A multiscale retinex for bridging the gap between
       color images and the human observation of scenes", IEEE Trans. Image Processing 6(7), 1997.
    .. [2] A. B. Petro, C. Sbert, J.-M. Morel, "Multiscale retinex", Image Processing On Line 4, 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import enhancement as en
    >>> half_lit = np.full((8, 8), 10, np.uint8)
    >>> half_lit[:, 4:] = 200
    >>> half_lit[::2] += 5
    >>> en.retinex(half_lit, scales=[2], saturated=0)[:2, [0, 7]]
    array([[215, 212],
           [177, 210]], dtype=uint8)
    """
    return chain(clip, [Retinex(scales=scales, saturated=saturated, channels=channels, per=per)])


def lime(clip: Clip, *, alpha: float = 0.15, gamma: float = 0.8) -> Clip:
    """Low-light enhancement by illumination map estimation.

    Nothing is shared between frames, so there is no ``per``.

    Parameters
    ----------
    clip : numpy.ndarray of uint8, shape (T, H, W, 3), (T, H, W), (H, W, 3) or (H, W)
        The frames.
    alpha : float
        Weight of the smoothness of the illumination, 0 to 1000; the paper's by default.
    gamma : float
        Power of the illumination that is divided out, 0 (nothing) to 1 (all); the paper's by default.

    Returns
    -------
    numpy.ndarray of uint8, shape of `clip`

    Raises
    ------
    ArgumentError
        An alpha or gamma outside its range, or a clip of another shape or without pixels.
    ArgumentTypeError
        A clip that is not an array of bytes.

    Notes
    -----
    The illumination T starts as the largest channel, is smoothed by the paper's sped-up solver
    (equations 17 and 18) with the weights of strategy III, and ``L / T ** gamma`` is rounded to bytes.
    The paper's BM3D on the result is left out; `denoise` after it stands in.

    References
    ----------
    X. Guo, Y. Li, H. Ling, "LIME: Low-light image enhancement via illumination map estimation", IEEE
    Trans. Image Processing 26(2), 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import enhancement as en
    >>> en.lime(np.full((4, 4, 3), (40, 20, 10), np.uint8))[0, 0]
    array([176,  88,  44], dtype=uint8)
    """
    return chain(clip, [Lime(alpha=alpha, gamma=gamma)])


def denoise(
    clip: Clip,
    *,
    sigma: float | None = None,
    strength: float = 0.55,
    radius: int = 3,
    frames: int = 2,
    patch: int = 1,
    per: Per = "clip",
) -> Clip:
    """Denoising by non-local means over space and time.

    Parameters
    ----------
    clip : numpy.ndarray of uint8, shape (T, H, W, 3), (T, H, W), (H, W, 3) or (H, W)
        The frames.
    sigma : float, optional
        Standard deviation of the noise in grey levels, 0 to 255; estimated where it is not given.
    strength : float
        The filter's h in units of sigma; larger is smoother.
    radius : int
        Rows and columns searched in each direction, 0 to 15: how far a thing may move from one
        frame to another and still be found.
    frames : int
        Frames searched before and after, 0 to 15.
    patch : int
        Half a side of the patches that are compared, 0 to 3.
    per : {"frame", "clip"}
        What the noise is estimated over; a sensor's noise is that of the whole clip.

    Returns
    -------
    numpy.ndarray of uint8, shape of `clip`

    Raises
    ------
    ArgumentError
        A parameter outside its range, a clip of another shape or without pixels, or frames of fewer
        than 3 x 3 pixels without a sigma.
    ArgumentTypeError
        A clip that is not an array of bytes.

    Notes
    -----
    A pixel becomes the mean of all pixels q within `radius` and `frames`, weighted by
    ``exp(-max(d2 - 2 * sigma ** 2, 0) / (strength * sigma) ** 2)``, d2 the mean squared difference of the
    patches about both, all channels together [1]_ [2]_. Frames are mirrored at their borders. Sigma is
    estimated as in [3]_, in which texture counts as noise.

    References
    ----------
    .. [1] A. Buades, B. Coll, J.-M. Morel, "Nonlocal image and movie denoising", International Journal
       of Computer Vision 76, 2008.
    .. [2] A. Buades, B. Coll, J.-M. Morel, "Non-local means denoising", Image Processing On Line 1,
       2011.
    .. [3] J. Immerkaer, "Fast noise variance estimation", Computer Vision and Image Understanding
       64(2), 1996.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import enhancement as en
    >>> noisy = np.random.default_rng(0).normal(100, 10, (5, 32, 32)).astype(np.uint8)
    >>> bool(en.denoise(noisy, sigma=10).std() < 3)
    True
    """
    step = Denoise(sigma=sigma, strength=strength, radius=radius, frames=frames, patch=patch, per=per)
    return chain(clip, [step])


def chain(clip: Clip, steps: Sequence[Enhancement]) -> Clip:
    """Several steps, in order.

    Parameters
    ----------
    clip : numpy.ndarray of uint8, shape (T, H, W, 3), (T, H, W), (H, W, 3) or (H, W)
        The frames.
    steps : sequence of option objects
        What to do; none copies the clip.

    Returns
    -------
    numpy.ndarray of uint8, shape of `clip`

    Raises
    ------
    ArgumentError
        A clip of another shape or without pixels.
    ArgumentTypeError
        A clip that is not an array of bytes, or a step that is not an option object.

    Examples
    --------
    >>> import numpy as np
    >>> from harkit import enhancement as en
    >>> clip = np.full((4, 16, 16, 3), 8, np.uint8)
    >>> en.chain(clip, [en.Gamma(3), en.Denoise()])[0, 0, 0]
    array([80, 80, 80], dtype=uint8)
    """
    if not isinstance(clip, np.ndarray) or clip.dtype != np.uint8:
        got = f"an array of {clip.dtype}" if isinstance(clip, np.ndarray) else type(clip).__name__
        raise ArgumentTypeError(f"`clip` must be an array of uint8, got {got}")
    if not isinstance(steps, Sequence):
        raise ArgumentTypeError(f"`steps` must be a sequence of option objects, got {type(steps).__name__}")
    return _core.enhance_clip(np.ascontiguousarray(clip), list(steps))
