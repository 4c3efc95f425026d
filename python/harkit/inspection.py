"""What is wrong with video files: broken ones are told from those that are merely odd.

A broken file gives fewer or other pixels than were filmed: it does not open, ends too early, or holds
damaged frames. An odd one is read as it should be, but other programs may not agree with harkit about it:
a header with the wrong number of frames, a variable rate, a rotation.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harkit import _core
from harkit._progress import Progress, shown
from harkit.errors import ArgumentTypeError, HarkitError
from harkit.video import VideoInfo

__all__ = ["Inspection", "inspect_videos"]

# Steps between frames differ by so many seconds without a variable rate: Matroska and FLV round times to
# milliseconds, so that 30 frames a second are steps of 33 and 34 ms.
_ROUNDING = 0.0025


@dataclass(frozen=True)
class Inspection:
    """What :func:`inspect_videos` found out about one video.

    Attributes
    ----------
    path : str
        The video.
    info : VideoInfo or None
        Its facts; None if it cannot be opened.
    error : HarkitError or None
        Why it cannot be opened.
    timestamps : ndarray of float64
        Seconds of each frame from the first one, shape (n_frames,).
    has_times : bool
        Whether the file has a time for every frame, and they ascend. If not, `timestamps` are even steps.
    damaged : ndarray of int64
        Frames whose data is damaged and was concealed, ascending. Empty if not everything was decoded.
    """

    path: str
    info: VideoInfo | None
    error: HarkitError | None = None
    timestamps: NDArray[np.float64] = field(default_factory=lambda: np.empty(0), repr=False, compare=False)
    has_times: bool = True
    damaged: NDArray[np.int64] = field(
        default_factory=lambda: np.empty(0, np.int64), repr=False, compare=False
    )

    @property
    def is_broken(self) -> bool:
        """Whether there is any of `faults`."""
        return bool(self.faults)

    @property
    def damaged_spans(self) -> list[tuple[int, int]]:
        """Runs of damaged frames, each as its first and its last frame."""
        if not self.damaged.size:
            return []
        runs = np.split(self.damaged, np.flatnonzero(np.diff(self.damaged) > 1) + 1)
        return [(int(run[0]), int(run[-1])) for run in runs]

    @property
    def steps(self) -> tuple[float, float] | None:
        """Shortest and longest time from a frame to the next, in seconds; None with less than two frames."""
        gaps = np.diff(self.timestamps)
        return (float(gaps.min()), float(gaps.max())) if gaps.size else None

    @property
    def faults(self) -> list[str]:
        """Why the video is broken, each in a few words; empty if it is not."""
        if self.info is None:
            return [_without_path(self.error, self.path)]
        found = []
        if self.damaged.size:
            spans = ", ".join(f"{a}-{b}" if a < b else f"{a}" for a, b in self.damaged_spans)
            found.append(f"damaged frames: {spans}")
        if self.info.damage:
            found.append(self.info.damage)
        return found

    @property
    def oddities(self) -> list[str]:
        """What other programs may read otherwise, each in a few words."""
        if self.info is None:
            return []
        return [*self._odd_times(self.info), *_odd_pictures(self.info)]

    def _odd_times(self, info: VideoInfo) -> list[str]:
        found = []
        if info.header_frames is not None and info.header_frames != info.n_frames:
            found.append(f"the header says {info.header_frames} frames")
        if not self.has_times:
            found.append("frames without times in order")
        if self.steps is not None and self.steps[1] - self.steps[0] > _ROUNDING:
            shortest, longest = (round(1000 * step) for step in self.steps)
            found.append(f"variable rate: steps of {shortest} to {longest} ms")
        if self.has_times and abs(info.start) > 1 / info.fps:
            found.append(f"begins at {info.start:.3g} s")
        return found


def _odd_pictures(info: VideoInfo) -> list[str]:
    found = []
    if info.rotation:
        found.append(f"turned by {info.rotation} degrees")
    if abs(info.pixel_aspect - 1) > 0.001:
        found.append(f"pixels {info.pixel_aspect:.3g} times as wide as high")
    if info.interlaced:
        found.append("interlaced")
    return found


def _without_path(error: HarkitError | None, path: str) -> str:
    """Give the message of an error where the path has been named already."""
    return str(error).removeprefix(f"{path}: ")


def inspect_videos(
    paths: Iterable[str | os.PathLike[str]], *, decode: bool = True, progress: Progress = False
) -> list[Inspection]:
    """Look at videos for what is broken or odd, in parallel.

    Parameters
    ----------
    paths : iterable of str or os.PathLike
        Videos, and folders of frame images.
    decode : bool, default: True
        Decode every frame, which is the only way to find damaged ones. False reads no more than
        :func:`harkit.probe` does.
    progress : bool or callable, default: False
        ``True`` draws a bar; a callable gets the number of videos finished so far.

    Returns
    -------
    list of Inspection
        One for each path, in their order; a file that cannot be opened is no exception, but has its `error`.

    Raises
    ------
    harkit.errors.ArgumentTypeError
        One path in place of a list of them.

    Notes
    -----
    Damage is what FFmpeg's decoder notices: data that does not parse. Data that was changed and still parses
    cannot be told from a picture.

    Examples
    --------
    >>> [found.is_broken for found in harkit.inspect_videos([path, "missing.mp4"])]
    [False, True]
    """
    if isinstance(paths, (str, bytes, os.PathLike)):
        raise ArgumentTypeError(f"`paths` must be a list of paths, got the single path {paths!r}")
    names = [os.fspath(path) for path in paths]
    with shown(progress, len(names), "video") as tell:
        found = _core.inspect_videos(names, decode, tell)
    return [_inspection(name, facts) for name, facts in zip(names, found, strict=True)]


def _inspection(path: str, facts: dict[str, Any] | HarkitError) -> Inspection:
    if isinstance(facts, HarkitError):
        return Inspection(path, None, facts)
    info, damaged = VideoInfo(**facts.pop("info")), np.array(facts.pop("damaged"), dtype=np.int64)
    return Inspection(path, info, damaged=damaged, **facts)
