"""Detection: where a clip changes in space and in time at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias

from harkit import _core
from harkit._options import make_plain
from harkit.errors import ArgumentError
from harkit.stip._clips import Clip, Pieces, as_clip, pieces_of
from harkit.stip._points import Points, from_records

__all__ = ["Border", "Derivatives", "Detection", "Mode", "Reduction", "check_mode", "detect"]

Mode: TypeAlias = Literal["faithful", "corrected", "laptev"]
Border: TypeAlias = Literal["zero", "reflect", "nearest"]
Derivatives: TypeAlias = Literal["shifted", "centered", "sobel"]
Reduction: TypeAlias = Literal["wide", "narrow"]


@dataclass(frozen=True, kw_only=True)
class Detection:
    """Every number of a detector; the defaults are those of ``mode="corrected"``.

    Parameters
    ----------
    sigma2, tau2 : float or sequence of float
        Variances of the scales over space (pixels squared) and time (frames squared); each of the one is
        paired with each of the other.
    levels : int
        Levels of a pyramid: each halves the frames of the one before and has the same scales there, four
        times as large in pixels of the clip.
    reduction : {"wide", "narrow"}
        How frames are halved: every second pixel of the binomial (1 4 6 4 1) / 16, edges mirrored about their
        pixel (OpenCV's ``pyrDown``); or of (1 2 1) / 4, edges repeated, rounded to bytes.
    integration : float
        Variances of the window over which second moments are summed, over those of the scale.
    radius : int, optional
        Reach of every Gaussian kernel in pixels or frames. None: `truncate` says.
    truncate : float or (float, float)
        Reach of a Gaussian kernel in standard deviations, rounded up: two numbers, over frames and over
        pixels, or one for both.
    border : {"zero", "reflect", "nearest"}
        What lies outside the clip: nothing; the clip mirrored (d c b a | a b c d | d c b a, as SciPy's
        ``"reflect"``; the edge repeated where the clip is shorter than the kernel's radius); the edge
        repeated.
    derivatives : {"shifted", "centered", "sobel"}
        ``L[i + 2] - L[i]`` stored at i, which crops the fields by 2 on each axis (the report's);
        ``(L[i + 1] - L[i - 1]) / 2`` at i; or this over time and half of the 3 x 3 Sobel filter over space,
        which is 4 times the derivative, smoothed across (the STIP program's).
    normalized : bool
        Whether derivatives are multiplied by sigma and tau, so that responses of different scales compare.
    k : float
        Weight of the trace: the response is det - k trace^3. A point's ellipsoid is rounder the larger k is;
        above 1/27 there are none.
    threshold : float
        From where on a response counts; see `threshold_type`.
    threshold_type : {"absolute", "relative"}
        The threshold is a response, for values from 0 to 1; or a share of the largest response of the clip.
    interior : float
        A relative threshold leaves out what is less than so many sigma and tau from a face of the clip (where
        nothing is left, it takes all).
    selection : {"all", "maxima"}
        All responses above the threshold; or those that are larger than each of their 26 neighbours.
    scale_selection : bool
        Whether a point gives way to a stronger one at a neighbouring scale within sigma pixels and tau frames
        (of the coarser of the two).
    margin : int or (int, int)
        Points less than so many frames and pixels of the level (two numbers, or one for both) from a face are
        dropped.
    online : bool
        Whether the clip is seen as by a program that reads a stream into empty buffers: all is black before
        the clip, and so is its first frame; points begin where the integration window is full, and end where
        a frame's successor still has all of its frames.
    max_points : int, optional
        The strongest so many points are kept.
    """

    sigma2: float | Sequence[float] = (4.0, 8.0)
    tau2: float | Sequence[float] = (2.0, 4.0)
    levels: int = 1
    reduction: Reduction = "wide"
    integration: float = 2.0
    radius: int | None = None
    truncate: float | tuple[float, float] = 3.0
    border: Border = "reflect"
    derivatives: Derivatives = "centered"
    normalized: bool = True
    k: float = 0.005
    threshold: float = 0.01
    threshold_type: Literal["absolute", "relative"] = "relative"
    interior: float = 3.0
    selection: Literal["all", "maxima"] = "maxima"
    scale_selection: bool = False
    margin: int | tuple[int, int] = 0
    online: bool = False
    max_points: int | None = None

    def __post_init__(self) -> None:
        make_plain(self)
        for name in ("sigma2", "tau2"):
            value = getattr(self, name)
            object.__setattr__(self, name, value if isinstance(value, tuple) else (value,))
        for name in ("truncate", "margin"):
            value = getattr(self, name)
            object.__setattr__(self, name, value if isinstance(value, tuple) else (value, value))
        _core.stip_check(self)

    @classmethod
    def preset(cls, mode: Mode, **changes: Any) -> Detection:
        """Make the detector that a mode names.

        Parameters
        ----------
        mode : {"faithful", "corrected", "laptev"}
            See `detect`.
        **changes : Any
            Fields that differ; None leaves what the mode says.

        Returns
        -------
        Detection
            The detector.
        """
        check_mode(mode)
        known = {field.name for field in fields(cls)}
        if unknown := sorted(changes.keys() - known):
            raise ArgumentError(f"a detector has no {unknown[0]!r}; it has {', '.join(sorted(known))}")
        chosen = {name: value for name, value in changes.items() if value is not None}
        return cls(**{**PRESETS[mode], **chosen})


def check_mode(mode: Mode) -> None:
    """Raise unless there is such a mode."""
    if mode not in PRESETS:
        raise ArgumentError(f"`mode` must be one of {', '.join(map(repr, PRESETS))}, got {mode!r}")


# The report's arithmetic; the paper's meaning; the STIP program's, found beside its output (see the guide).
# Its kernels over time reach 3 deviations, rounded down: at its variances 2, 4 and 8 that is 2.8, rounded up.
PRESETS: dict[str, dict[str, Any]] = {
    "faithful": {
        "sigma2": 1.5**2,
        "tau2": 1.0,
        "integration": 4.0,
        "radius": 3,
        "border": "zero",
        "derivatives": "shifted",
        "normalized": False,
        "interior": 0.0,
        "selection": "all",
        "margin": 2,
    },
    "corrected": {},
    "laptev": {
        "levels": 3,
        "reduction": "narrow",
        "truncate": (2.8, 4.0),
        "border": "nearest",
        "derivatives": "sobel",
        "k": 5e-4,
        "threshold": 1e-9,
        "threshold_type": "absolute",
        "margin": (0, 5),
        "online": True,
    },
}


def detect(
    clip: Clip | Pieces,
    *,
    mode: Mode = "corrected",
    sigma2: float | Sequence[float] | None = None,
    tau2: float | Sequence[float] | None = None,
    levels: int | None = None,
    reduction: Reduction | None = None,
    integration: float | None = None,
    radius: int | None = None,
    truncate: float | tuple[float, float] | None = None,
    border: Border | None = None,
    derivatives: Derivatives | None = None,
    normalized: bool | None = None,
    k: float | None = None,
    threshold: float | None = None,
    threshold_type: Literal["absolute", "relative"] | None = None,
    interior: float | None = None,
    selection: Literal["all", "maxima"] | None = None,
    scale_selection: bool | None = None,
    margin: int | tuple[int, int] | None = None,
    online: bool | None = None,
    max_points: int | None = None,
) -> Points:
    """Find the space-time interest points of a clip.

    Parameters
    ----------
    clip : ndarray of shape (T, H, W), or iterable of such
        Grey frames, uint8, or float32 from 0 (black) to 1 (white); at least 3 along each axis. An iterable
        gives a clip in pieces along time, for clips that are larger than memory; the points are the same.
    mode : {"faithful", "corrected", "laptev"}
        A preset of all that follows; `Detection` describes each. ``"faithful"`` is what the code of the KTH
        report does, ``"corrected"`` what its text and the paper mean, ``"laptev"`` what Laptev's STIP program
        does.
    sigma2, tau2, levels, reduction, integration, radius, truncate, border, derivatives, normalized : optional
        Scales, kernels and derivatives; None is what the mode says.
    k, threshold, threshold_type, interior, selection, scale_selection, margin, online, max_points : optional
        Response and selection; None is what the mode says.

    Returns
    -------
    ndarray of shape (N,) and type `POINT_DTYPE`
        Points in the order of frames, rows, columns and scales.

    Raises
    ------
    ArgumentError
        If a value is not allowed, the clip is too short, or it holds values outside 0 to 1 or not a number.
    ArgumentTypeError
        If the clip is no array of uint8 or float32.

    Notes
    -----
    With L the clip smoothed by a Gaussian of variances sigma2 and tau2, and mu = g * (grad L grad L^T),
    smoothed by one of `integration` times these, the response is H = det(mu) - k trace(mu)^3 [1]_. The first
    modes' numbers are [2]_'s as a report reads it.

    Memory is a window of frames and the points, for clips in pieces too. The result does not depend on the
    number of threads.

    References
    ----------
    .. [1] I. Laptev, "On space-time interest points", IJCV 64, 2005, section 2.
    .. [2] C. Schuldt, I. Laptev and B. Caputo, "Recognizing human actions: a local SVM approach", ICPR 2004.

    Examples
    --------
    >>> from harkit import stip
    >>> gray = np.full((24, 48, 64), 200, np.uint8)
    >>> gray[12:, 16:32, 24:40] = 50  # a square that appears
    >>> points = stip.detect(gray, sigma2=4, tau2=2)
    >>> points[["t", "y", "x"]].tolist()
    [(14, 19, 27), (14, 19, 36), (14, 28, 27), (14, 28, 36)]
    """
    settings = Detection.preset(
        mode,
        sigma2=sigma2,
        tau2=tau2,
        levels=levels,
        reduction=reduction,
        integration=integration,
        radius=radius,
        truncate=truncate,
        border=border,
        derivatives=derivatives,
        normalized=normalized,
        k=k,
        threshold=threshold,
        threshold_type=threshold_type,
        interior=interior,
        selection=selection,
        scale_selection=scale_selection,
        margin=margin,
        online=online,
        max_points=max_points,
    )
    pieces = pieces_of(clip)
    if pieces is None:
        return from_records(_core.stip_detect(as_clip(clip), settings))
    detector = _core.StipDetector(settings)
    for piece in pieces:
        detector.push(piece)
    return from_records(detector.finish())
