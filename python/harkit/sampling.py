"""Which frames of a video: rules from a number of frames, or from timestamps, to frame indices.

==============  =====================================================================
`Interval`      every s-th frame, as many as there are
`Random`        frames drawn without replacement
`Linspace`      points from the first frame to the last (or near it)
`Uniform`       the middle of each of n equal parts
`Segments`      a frame from each of n equal parts (mmaction2, TSN)
`Dense`         clips of frames a fixed stride apart (the Kinetics models)
`Blocks`        the whole video in consecutive blocks
==============  =====================================================================

Every sampler has ``indices``; `indices_many` goes over many videos. A random sampler is seeded.
With ``stream="harkit"`` a draw depends on the seed, the epoch and the position of the video, and
never on order or threads; with ``stream="numpy"`` or ``"python"`` all videos draw from one stream
of that library, one after another, as the code of a report did.

``short`` names what a video gets that has fewer frames than the rule asks for, here 3 where 5 are
wanted: ``"error"``, ``"repeat_last"`` (0 1 2 2 2), ``"loop"`` (0 1 2 0 1), ``"stretch"`` (frames
repeat evenly) or ``"fewer"`` (0 1 2).
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal, SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt

from harkit import _core
from harkit._options import make_plain
from harkit.errors import ArgumentError, ArgumentTypeError

__all__ = [
    "Blocks",
    "Dense",
    "Fraction",
    "Interval",
    "Linspace",
    "Random",
    "Sampler",
    "Segments",
    "Short",
    "Uniform",
    "coverage",
    "indices_many",
]

Short: TypeAlias = Literal["error", "repeat_last", "loop", "stretch", "fewer"]
"""What a video gets that has fewer frames than the rule asks for."""

Length: TypeAlias = "SupportsIndex | npt.ArrayLike"


class _Options:
    """An option object that checks itself when it is made; the rules are in `src/sampling`."""

    def __post_init__(self) -> None:
        make_plain(self)
        _core.check_sampling(self)


@dataclass(frozen=True)
class Fraction(_Options):
    """A number of frames as a fraction of the video.

    A plain float in place of a number of frames, ``Random(0.5)``, is ``Fraction(0.5)``.

    Parameters
    ----------
    value : float
        The fraction q of the T frames of the video, above 0 and at most 1.
    mode : {"corrected", "faithful"}
        ``"corrected"`` is ``max(1, floor(q * T + 0.5))``. ``"faithful"`` is the code of the report
        dark-convnext-lstm (3.4), ``int(float32(q) * float32(T + 1))``: it counts one frame too many
        before it truncates, so that the whole of 20 frames is 21; 0 frames are an error.

    Examples
    --------
    >>> Linspace(Fraction(0.5)).indices(9)
    array([0, 2, 4, 6, 8])
    """

    value: float
    _: KW_ONLY
    mode: Literal["corrected", "faithful"] = "corrected"


class Sampler(_Options):
    """What all samplers have in common; make one of the classes below."""

    @property
    def single_clip(self) -> bool:
        """Whether a video is one clip, so that indices are (T,); otherwise they are (clips, T)."""
        return _core.sampling_traits(self)[0]

    @property
    def sequential(self) -> bool:
        """Whether all videos draw from one stream, in order, as a report's code did."""
        return _core.sampling_traits(self)[1]

    @property
    def needs_timestamps(self) -> bool:
        """Whether `indices` wants the timestamps of the frames, not their count."""
        return _core.sampling_traits(self)[2]

    def indices(self, length: Length, *, epoch: int = 0, video: int = 0) -> npt.NDArray[np.int64]:
        """Frames of one video.

        Parameters
        ----------
        length : int or array_like of float, shape (n_frames,)
            The number of frames; or the timestamp of each in seconds, ascending
            (``video.timestamps``), which a sampler with ``fps`` needs.
        epoch : int
            Another epoch, other random draws. Later epochs seed the streams "numpy" and "python"
            with ``seed + epoch``.
        video : int
            The position of the video in its data set: each has random draws of its own. With the
            streams "numpy" and "python" only the first video, 0, can be asked for by itself; use
            `indices_many`.

        Returns
        -------
        numpy.ndarray of int64, shape (T,) or (clips, T)
            (T,) for samplers of one clip. `Blocks`, and `Segments` and `Dense` of several clips,
            give (clips, T).

        Raises
        ------
        ArgumentError
            The video has no frames, or fewer than the rule needs and ``short`` is "error";
            timestamps that go backwards or are not finite.
        ArgumentTypeError
            A count where timestamps are needed, or neither a count nor timestamps.
        """
        return _core.sample_indices(
            self, _length(length, "length"), _position(epoch, "epoch"), _position(video, "video")
        )


@dataclass(frozen=True)
class Interval(Sampler):
    """Every `interval`-th frame from the first on.

    Parameters
    ----------
    interval : int
        The distance s between frames: 1 takes every frame.
    fps : float, optional
        Steps of a timeline of so many frames a second in place of the video's frames:
        ``Interval(1, fps=15)`` is the video at 15 frames a second. See Notes of `Dense`.

    Notes
    -----
    Frames 0, s, 2s, … below n_frames: ``ceil(n_frames / s)`` of them. There is no short video: even
    one frame is one frame. The report dark-csn (3.2) takes ``Interval(2)``.

    Examples
    --------
    >>> Interval(2).indices(9)
    array([0, 2, 4, 6, 8])
    >>> Interval(1, fps=10).indices(np.arange(9) / 30)
    array([0, 3, 6])
    """

    interval: int
    _: KW_ONLY
    fps: float | None = None


@dataclass(frozen=True)
class Random(Sampler):
    """Frames drawn without replacement; every set of frames is as likely as any other.

    Parameters
    ----------
    frames : int, float or Fraction
        How many; a float is a fraction of the video.
    seed : int
        The same seed, the same frames. Below 2**64; below 2**32 for stream "numpy".
    stream : {"harkit", "numpy", "python"}
        ``"harkit"``: each video draws from its own stream. ``"numpy"``:
        ``numpy.random.RandomState(seed).choice(n_frames, frames, replace=False)``, and ``"python"``:
        ``random.Random(seed).sample(range(n_frames), frames)``, from one stream over all videos.
    order : {"time", "drawn"}
        Frames ascending, or as they were drawn.
    short : {"error", "repeat_last", "loop", "stretch", "fewer"}
        Of a video of fewer frames. "error" by default: there is no such draw, and the code of all
        three reports stops there. Such a video draws nothing from a stream.

    Notes
    -----
    dark-csn (3.1) is ``Random(5, stream="python")``; hmdb-vgg-frames (1.3)
    ``Random(2, seed=23, stream="numpy", order="drawn")``; dark-convnext-lstm (3.3) drew from
    TensorFlow's stream, which cannot be had again: ``Random(5)``, corrected with ``short="stretch"``.

    Examples
    --------
    >>> Random(5, stream="python").indices(100)
    array([ 5, 33, 49, 53, 97])
    >>> Random(2, seed=23, stream="numpy", order="drawn").indices(100)
    array([26, 80])
    """

    frames: int | float | Fraction
    _: KW_ONLY
    seed: int = 0
    stream: Literal["harkit", "numpy", "python"] = "harkit"
    order: Literal["time", "drawn"] = "time"
    short: Short = "error"


@dataclass(frozen=True)
class Linspace(Sampler):
    """Points from the first frame to the last, or near it.

    Parameters
    ----------
    frames : int, float or Fraction
        How many points n; a float is a fraction of the video. At least 2 for the two step rules.
    rounding : {"floor", "nearest", "step", "open_step"}
        What is rounded to whole frames, of N:

        * ``"floor"``, each point down: ``floor(i * (N - 1) / (n - 1))``
        * ``"nearest"``, each point, halves up: ``floor(i * (N - 1) / (n - 1) + 0.5)``
        * ``"step"``, the distance down: ``i * floor((N - 1) / (n - 1))``. Up to n - 2 frames at the
          end are out of reach.
        * ``"open_step"``, one distance less: ``i * (floor(N / (n - 1)) - 1)``. At least a whole
          distance at the end is out of reach.
    short : {"error", "repeat_last", "loop", "stretch", "fewer"}, optional
        Of a video of fewer frames. By default "stretch" for "floor" and "nearest", whose formula
        repeats frames by itself, and "error" for "step" and "open_step", whose step would be 0 or
        negative, as in the report; its correction is ``short="stretch"``, the formula of "nearest".

    Notes
    -----
    "floor" equals ``numpy.linspace(0, N - 1, n).astype(int)``, NumPy's float64 included: about one
    list in a hundred has a frame one before the exact quotient. The others are in integers.

    dark-convnext-lstm: "step" is ``BatchIntervalSampling`` (3.1), "open_step" is
    ``IntervalSampling`` (3.2, the demonstration), "nearest" the correction of both. "open_step" lets
    ``n - 1 <= N < 2 * (n - 1)`` pass as n times the first frame, as the report does.

    Examples
    --------
    >>> Linspace(5).indices(54)
    array([ 0, 13, 26, 39, 53])
    >>> Linspace(5, rounding="nearest").indices(54)
    array([ 0, 13, 27, 40, 53])
    >>> Linspace(5, rounding="step").indices(54)
    array([ 0, 13, 26, 39, 52])
    >>> Linspace(5, rounding="open_step").indices(54)
    array([ 0, 12, 24, 36, 48])
    """

    frames: int | float | Fraction
    _: KW_ONLY
    rounding: Literal["floor", "nearest", "step", "open_step"] = "floor"
    short: Short | None = None


@dataclass(frozen=True)
class Uniform(Sampler):
    """The middle of each of n equal parts.

    Parameters
    ----------
    frames : int, float or Fraction
        How many parts n; a float is a fraction of the video.
    short : {"error", "repeat_last", "loop", "stretch", "fewer"}
        Of a video of fewer frames. "stretch" by default: the formula repeats frames by itself, as
        hmdb-vgg-frames (2.5) has it.

    Notes
    -----
    ``floor((i + 0.5) * n_frames / n)`` for i = 0 … n - 1, in integers.

    Examples
    --------
    >>> Uniform(8).indices(120)
    array([  7,  22,  37,  52,  67,  82,  97, 112])
    >>> Uniform(5, short="repeat_last").indices(3)
    array([0, 1, 2, 2, 2])
    """

    frames: int | float | Fraction
    _: KW_ONLY
    short: Short = "stretch"


@dataclass(frozen=True)
class Segments(Sampler):
    """A frame from each of n equal parts: random in training, the same every time in tests.

    Parameters
    ----------
    frames : int
        How many parts n, and frames in a clip.
    mode : {"test", "train"}
        In tests every video of N frames gets the same frames.
    clips : int
        Clips to draw, one after another.
    rule : {"mmaction2", "tsn"}
        Whose parts; see Notes.
    seed : int, optional
        By default 0, and 255 for mmaction2's frames in tests, as there.
    stream : {"harkit", "numpy"}, optional
        Where training draws from: by default "harkit", each video from its own stream; "numpy": one
        legacy ``RandomState(seed)`` over all videos. In tests mmaction2's frames are NumPy's from
        ``seed``, begun anew for each video.
    short : {"error", "repeat_last", "loop", "stretch", "fewer"}, optional
        Of a video of fewer than n frames. By default "loop" for mmaction2, which wraps around (in
        training from a random frame), and "stretch" for TSN.

    Notes
    -----
    ``rule="mmaction2"`` is ``UniformSampleFrames(clip_len=n)``, draw for draw with stream "numpy":

    * n_frames >= 2n: one of the frames ``floor(i * n_frames / n)`` to ``floor((i + 1) * n_frames / n)``, the
      latter excluded, for each i;
    * n_frames from n to 2n - 1: ascending frames, with n_frames - n single ones left out at random;
    * fewer: n consecutive frames, modulo n_frames.

    ``rule="tsn"`` is ``TSNDataSet``: in training one of the ``floor(n_frames / n)`` frames of each
    part, the remainder of the division left out at the end; in tests
    ``int(n_frames / n / 2 + n_frames / n * i)`` in float64, the middles. TSN's training code gives a
    video of fewer than n frames its first frame n times; here it gets the frames of a test.

    References
    ----------
    mmaction2 1.2.0, ``mmaction/datasets/transforms/pose_transforms.py``; the report dark-csn (4.3).
    L. Wang et al., Temporal Segment Networks, ECCV 2016, and ``dataset.py`` of yjxiong/tsn-pytorch.

    Examples
    --------
    >>> Segments(8).indices(64)
    array([ 3,  9, 23, 25, 38, 45, 55, 56])
    >>> Segments(8, mode="train", seed=0, stream="numpy").indices(64)
    array([ 4, 15, 21, 24, 35, 43, 51, 63])
    >>> Segments(3, rule="tsn").indices(64)
    array([10, 32, 53])
    """

    frames: int
    _: KW_ONLY
    mode: Literal["test", "train"] = "test"
    clips: int = 1
    rule: Literal["mmaction2", "tsn"] = "mmaction2"
    seed: int | None = None
    stream: Literal["harkit", "numpy"] | None = None
    short: Short | None = None


@dataclass(frozen=True)
class Dense(Sampler):
    """Clips of frames a fixed stride apart: what the Kinetics models are trained and tested on.

    Parameters
    ----------
    frames : int
        Frames in a clip, T.
    stride : int
        The distance between them.
    clips : int
        How many clips.
    mode : {"test", "train"}
        In tests the clips start evenly from the first frame to the last start possible, one clip is
        in the middle, and clips of one frame are the middles of equal parts; in training each clip
        starts at random in its part of the video.
    fps : float, optional
        Steps of a timeline of so many frames a second in place of the video's frames, above 0 and at
        most 1000: ``indices`` then takes the timestamps. Models see the speed that they were trained
        at, whatever the video's frame rate.
    seed : int
        Of the draws in training.
    stream : {"harkit", "numpy"}
        Where training draws from: each video from its own stream, or one legacy
        ``RandomState(seed)`` over all videos.
    short : {"error", "repeat_last", "loop", "stretch", "fewer"}
        Of a video of fewer than ``(T - 1) * stride + 1`` frames. "loop" by default: modulo
        n_frames, mmaction2's default, with which its published models were made.

    Notes
    -----
    The starts are those of mmaction2's ``SampleFrames(clip_len=T, frame_interval=stride,
    num_clips=clips)``, draw for draw with stream "numpy", with one exception: in training, with
    stride 1 and at least twice as many clips as starts, mmaction2 may start a clip one frame after
    the last possible start and wrap around; here that clip has the last start.

    With ``fps``, step k is at ``timestamps[0] + k / fps`` seconds, as long as that is not after the
    last timestamp, and shows the last frame whose timestamp is not later. A frame counts as shown
    from a millisecond before its timestamp, since some containers round timestamps to milliseconds.
    For a constant frame rate this is ``floor(k * video_fps / fps)``. (``target_fps`` of mmaction2 is
    another rule: it scales the clip's length by the video's mean frame rate.)

    References
    ----------
    mmaction2 1.2.0, ``mmaction/datasets/transforms/loading.py``.

    Examples
    --------
    >>> Dense(4, stride=4).indices(33)
    array([10, 14, 18, 22])
    >>> Dense(4, stride=4, clips=3).indices(33)
    array([[ 0,  4,  8, 12],
           [10, 14, 18, 22],
           [20, 24, 28, 32]])
    >>> Dense(4, stride=2, fps=15).indices(np.arange(33) / 30)
    array([10, 14, 18, 22])
    """

    frames: int
    _: KW_ONLY
    stride: int = 1
    clips: int = 1
    mode: Literal["test", "train"] = "test"
    fps: float | None = None
    seed: int = 0
    stream: Literal["harkit", "numpy"] = "harkit"
    short: Short = "loop"


@dataclass(frozen=True)
class Blocks(Sampler):
    """The whole video in consecutive blocks, each a clip.

    Parameters
    ----------
    frames : int
        Frames in a block, T.
    fps : float, optional
        Steps of a timeline of so many frames a second in place of the video's frames. See Notes of
        `Dense`.
    short : {"error", "repeat_last", "loop", "stretch", "fewer"}
        Of a video of fewer than T frames, which gets one clip. "error" by default: the report's
        code leaves such a video out without a word.

    Notes
    -----
    ``floor(n_frames / T)`` clips; an incomplete last block is dropped, as in hmdb-attention (1.2).

    Examples
    --------
    >>> Blocks(3).indices(8)
    array([[0, 1, 2],
           [3, 4, 5]])
    """

    frames: int
    _: KW_ONLY
    fps: float | None = None
    short: Short = "error"


def indices_many(
    sampler: Sampler, lengths: Iterable[Length], *, epoch: int = 0
) -> list[npt.NDArray[np.int64]]:
    """Frames of each of many videos, in their order.

    Parameters
    ----------
    sampler : Sampler
        The rule. One with stream "numpy" or "python" draws from one stream, video after video.
    lengths : iterable of int or of array_like of float
        The number of frames of each video, or its timestamps, as `Sampler.indices` takes them.
    epoch : int
        As for `Sampler.indices`.

    Returns
    -------
    list of numpy.ndarray of int64
        For each video what `Sampler.indices` gives.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        As `Sampler.indices`; the message names the position of the first video with a fault.

    Examples
    --------
    >>> indices_many(Random(5, stream="python"), [100, 100])
    [array([ 5, 33, 49, 53, 97]), array([38, 51, 61, 62, 65])]
    """
    known = [_length(length, f"lengths[{video}]") for video, length in enumerate(lengths)]
    return _core.sample_indices_many(sampler, known, _position(epoch, "epoch"))


def coverage(indices: npt.ArrayLike, n_frames: int) -> float:
    """How far into the video the frames reach: ``(largest index + 1) / n_frames``.

    Parameters
    ----------
    indices : array_like of int
        What a sampler gave; not empty.
    n_frames : int
        The number of frames of the video, more than the largest index.

    Returns
    -------
    float
        Above 0 and at most 1.

    Raises
    ------
    ArgumentError
        No indices, or indices outside the video.

    Examples
    --------
    >>> coverage(Linspace(32, rounding="step").indices(62), 62)
    0.5161290322580645
    """
    array = np.asarray(indices)
    if array.size == 0 or array.min() < 0 or array.max() >= n_frames:
        raise ArgumentError(f"`indices` must be frames of a video of {n_frames}, got {indices!r}")
    return (int(array.max()) + 1) / n_frames


def _length(value: Any, name: str) -> int | npt.NDArray[np.float64]:
    """Check a length: a count as an int, timestamps as a contiguous float64 array."""
    if not isinstance(value, (bool, np.ndarray)):
        try:
            count = operator.index(value)
        except TypeError:
            pass
        else:
            return _position(count, name)
    array = np.asarray(value)
    if array.ndim == 0 and array.dtype.kind in "iu":
        return _position(int(array), name)
    if array.ndim != 1 or array.dtype.kind != "f":
        raise ArgumentTypeError(
            f"`{name}` must be a number of frames, or their timestamps in seconds as a one-dimensional "
            f"array of floats, got {value!r}"
        )
    return np.ascontiguousarray(array, dtype=np.float64)


def _position(value: Any, name: str) -> int:
    """Check an int that is not negative and fits the core."""
    try:
        known = operator.index(value)
    except TypeError:
        raise ArgumentTypeError(f"`{name}` must be a whole number, got {value!r}") from None
    if not 0 <= known < 2**63:
        raise ArgumentError(f"`{name}` must be from 0 to 2**63 - 1, got {value!r}")
    return known
