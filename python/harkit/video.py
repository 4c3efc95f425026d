"""Video files and folders of frame images: facts, exact frames, and writing.

Frame *i* is the *i*-th in presentation order, always. Pixels are swscale's RGB, byte for byte, on x86-64
(the same as PyAV, torchcodec and OpenCV give for 8-bit 4:2:0), with the file's matrix and range honoured
and quarter turns applied.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, BinaryIO, Literal, TypeAlias, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harkit import _core
from harkit._progress import Progress, shown
from harkit.errors import ArgumentError, ArgumentTypeError, FrameIndexError

__all__ = [
    "FFmpegBuild",
    "Gray",
    "Source",
    "VideoInfo",
    "VideoReader",
    "ffmpeg_build",
    "probe",
    "write_clip",
    "write_frames",
]

Source: TypeAlias = "str | os.PathLike[str] | bytes | BinaryIO"
Gray: TypeAlias = Literal[False, True, "y"]

# Frames decoded at once by iteration: enough to forget the cost of a call, few enough to stay small.
_CHUNK = 8


@dataclass(frozen=True)
class VideoInfo:
    """Facts of a video, as :func:`probe` finds them.

    Attributes
    ----------
    width, height : int
        Pixels of a frame as it is given, upright.
    n_frames : int
        What decoding the whole file gives.
    counted : {"packets", "decoding", "images"}
        How `n_frames` is known: proved by the packets, by decoding everything, or one file an image.
    fps : float
        Frames a second, on average.
    duration : float
        Seconds from the first frame to the end of the last.
    start : float
        The container's own time of the first frame, in seconds; harkit's timestamps begin at 0.
    codec, container, pixel_format : str
        FFmpeg's names, such as ``"h264"``, ``"mov"`` (also for MP4) and ``"yuv420p"``.
    rotation : int
        Degrees, clockwise, by which stored frames are turned: 0, 90, 180 or 270.
    color_range : {"limited", "full", "unspecified"}
        Range of luma: 16..235 or 0..255; unspecified is taken as limited.
    color_space : str
        FFmpeg's name of the matrix, such as ``"bt709"``; unspecified is taken as BT.601.
    pixel_aspect : float
        Width of a pixel over its height. Frames are not stretched.
    interlaced : bool
        Whether the first frame is stored as two fields.
    header_frames : int or None
        The number of frames in the container's header, which may be wrong.
    damage : str or None
        Why reading ended before the end of the file, or that pictures were found damaged when they were
        decoded; None where nothing is known to be wrong.
    """

    width: int
    height: int
    n_frames: int
    counted: Literal["packets", "decoding", "images"]
    fps: float
    duration: float
    start: float
    codec: str
    container: str
    pixel_format: str
    rotation: int
    color_range: Literal["limited", "full", "unspecified"]
    color_space: str
    pixel_aspect: float
    interlaced: bool
    header_frames: int | None
    damage: str | None


def probe(source: Source) -> VideoInfo:
    """Find out the facts of a video.

    The packets are read once, and the first frame is decoded. The whole file is decoded only where the
    packets do not prove the number of frames (``counted="decoding"``).

    Parameters
    ----------
    source : str, os.PathLike, bytes or binary file object
        A video, or the path of a folder of frame images.

    Returns
    -------
    VideoInfo

    Raises
    ------
    harkit.errors.MissingFileError
        There is no such file.
    harkit.errors.DecodeError
        It is not a video, or no frame of it can be decoded.

    Examples
    --------
    >>> info = harkit.probe(path)
    >>> info.width, info.height, info.codec
    (160, 120, 'h264')
    """
    with VideoReader(source) as video:
        return video.info


class VideoReader:
    """A video as a sequence of frames.

    Parameters
    ----------
    source : str, os.PathLike, bytes or binary file object
        A video, or the path of a folder of frame images (PNG, JPEG, BMP, WebP; ordered by the numbers in
        their names, 25 a second).
    gray : {False, True, "y"}, default: False
        ``True`` gives grey frames, equal to OpenCV's ``BGR2GRAY`` of the colour frames; ``"y"`` gives the raw
        luma plane (samples of more than 8 bits lose their low bits).

    Raises
    ------
    harkit.errors.MissingFileError
        There is no such file.
    harkit.errors.DecodeError
        It is not a video, or no frame of it can be decoded.
    harkit.errors.UnsupportedError
        Its codec has no decoder in this build.

    Notes
    -----
    Reading on frame by frame decodes each picture once; a jump decodes from the nearest key before the frame.
    Damaged pictures are concealed as FFmpeg does it, with a message to the logger ``"harkit.ffmpeg"``. As
    soon as one is met, the file is decoded from its beginning and its frames are counted anew, so that
    ``len`` changes (also with a message) where it holds fewer frames than its packets promise.

    Examples
    --------
    >>> video = harkit.VideoReader(path)
    >>> video[0].shape, video[2:8:3].shape, video[[3, 1, 3]].shape
    ((120, 160, 3), (2, 120, 160, 3), (3, 120, 160, 3))
    >>> video.at([0.0, 0.1]).shape
    (2, 120, 160, 3)
    """

    def __init__(self, source: Source, *, gray: Gray = False) -> None:
        self._name = os.fspath(source) if isinstance(source, (str, os.PathLike)) else None
        self._gray = gray
        self._reader = _core.Reader(source, gray)
        self._n_frames = self._reader.n_frames()

    @property
    def info(self) -> VideoInfo:
        """Facts of the video."""
        info = VideoInfo(**self._reader.info())
        self._n_frames = info.n_frames
        return info

    @property
    def timestamps(self) -> NDArray[np.float64]:
        """Seconds of each frame from the first one, float64 of shape (n_frames,)."""
        return self._reader.timestamps()

    def __len__(self) -> int:
        return self._n_frames

    @overload
    def __getitem__(self, index: int) -> NDArray[np.uint8]: ...
    @overload
    def __getitem__(self, index: slice | Sequence[int] | NDArray[Any]) -> NDArray[np.uint8]: ...
    def __getitem__(self, index: Any) -> NDArray[np.uint8]:
        if isinstance(index, slice):
            return self._read(_within(index))
        if isinstance(index, (bool, np.bool_)):
            raise ArgumentTypeError(f"a frame index must be an integer, got {index!r}")
        try:
            single = operator.index(index)
        except TypeError:
            single = None
        if single is None:
            indices = _as_indices(index)
            return self._read(lambda _: indices)
        frame: NDArray[np.uint8] = self._read(lambda _: [single], go_on=True)[0]
        return frame

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        start = 0
        while start < self._n_frames:
            chunk = slice(start, start + _CHUNK)
            yield from self._read(_within(chunk), go_on=True)
            start = chunk.stop

    def at(self, seconds: ArrayLike) -> NDArray[np.uint8]:
        """Give the frame shown at a time.

        Parameters
        ----------
        seconds : float or array_like of float
            Seconds from the first frame. A frame is shown until the next one, the last until the video's end.

        Returns
        -------
        ndarray of uint8
            (H, W, 3) for one time, (T, H, W, 3) for several; without the last axis for grey readers.

        Raises
        ------
        harkit.errors.ArgumentError
            A time before the first frame, after the end, or not a number.
        """
        try:
            times = np.asarray(seconds, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ArgumentTypeError(
                f"`seconds` must be a number or a list of them, got {seconds!r}"
            ) from error
        if times.ndim > 1:
            raise ArgumentTypeError(f"`seconds` must be a number or 1-D, got shape {times.shape}")

        def shown(_: int) -> list[int]:
            # Each time anew: the times change with the frames where a file turns out to be damaged.
            duration = self._reader.duration()
            wrong = times[~((times >= 0) & (times < duration))]
            if wrong.size:
                message = f"`seconds` must be at least 0 and below {duration:.3f}, got {wrong.flat[0]}"
                raise ArgumentError(self._named(message), path=self._name)
            # A millionth of a second covers the rounding of times such as 7 / 30.
            indices = np.searchsorted(self.timestamps, np.atleast_1d(times) + 1e-6, side="right") - 1
            return [int(index) for index in indices]

        frames = self._read(shown, go_on=times.ndim == 0)
        return frames if times.ndim else frames[0]

    def close(self) -> None:
        """Close the file; reading afterwards is an error. Closing twice is not."""
        self._reader.close()

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        name = f"{self._name!r}, " if self._name is not None else ""
        return f"VideoReader({name}n_frames={self._n_frames})"

    def _read(self, choose: Callable[[int], Sequence[int]], *, go_on: bool = False) -> NDArray[np.uint8]:
        """Give the frames that `choose` names, told the number of frames."""
        while True:
            wanted = [self._checked(index) for index in choose(self._n_frames)]
            if not wanted:
                info = self.info
                shape = (0, info.height, info.width)
                return np.empty(shape if self._gray else (*shape, 3), dtype=np.uint8)
            frames = self._reader.read(wanted, go_on)
            if frames is not None:
                return frames[..., 0] if self._gray else frames
            # The file is damaged and was counted anew: the same request, of the frames that there are.
            self._n_frames = self._reader.n_frames()

    def _checked(self, index: int) -> int:
        if not -self._n_frames <= index < self._n_frames:
            message = f"there is no frame {index}: the video has {self._n_frames} frames"
            raise FrameIndexError(self._named(message), path=self._name, frame=index)
        return index % self._n_frames

    def _named(self, message: str) -> str:
        return message if self._name is None else f"{self._name}: {message}"


def _within(span: slice) -> Callable[[int], Sequence[int]]:
    """Give what a slice chooses of a number of frames."""
    return lambda n_frames: range(*span.indices(n_frames))


def _as_indices(index: Any, wanted: str = "frames are chosen by an integer, a slice or") -> list[int]:
    try:
        array = np.asarray(index)
    except ValueError as error:
        raise ArgumentTypeError(f"{wanted} a 1-D list of integers, got a {type(index).__name__}") from error
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise ArgumentTypeError(
            f"{wanted} a 1-D list of integers, got {type(index).__name__} of shape {array.shape} and dtype "
            f"{array.dtype}"
        )
    return [int(value) for value in array]


def write_clip(
    path: str | os.PathLike[str],
    clip: NDArray[np.uint8] | Iterator[NDArray[np.uint8]],
    *,
    fps: float = 25.0,
    codec: Literal["vp9", "ffv1"] = "vp9",
    quality: int = 24,
    progress: Progress = False,
) -> None:
    """Write frames to a video file, which appears under its name only when it is whole.

    Parameters
    ----------
    path : str or os.PathLike
        ``.mp4``, ``.webm`` or ``.mkv`` for VP9, ``.mkv`` or ``.avi`` for FFV1. An existing file is replaced.
    clip : ndarray of uint8, or iterator of them
        (T, H, W, 3) RGB, or (T, H, W) grey. An iterator (a generator, say) gives a long video piece by piece:
        clips of any length, all of one frame size.
    fps : float, default: 25.0
        Frames a second.
    codec : {"vp9", "ffv1"}, default: "vp9"
        ``"vp9"`` plays in browsers and in Jupyter; ``"ffv1"`` keeps every byte.
    quality : int, default: 24
        Constant quality of VP9, 0 (best) to 63.
    progress : bool or callable, default: False
        ``True`` draws a bar; a callable gets the number of frames written so far.

    Raises
    ------
    harkit.errors.ArgumentError
        A clip of another shape, a file ending that does not hold the codec, a rate or quality out of range.
    harkit.errors.ArgumentTypeError
        A clip that is not uint8.

    Examples
    --------
    >>> harkit.write_clip("copy.mkv", clip, fps=25, codec="ffv1")
    >>> bool((harkit.VideoReader("copy.mkv")[:] == clip).all())
    True

    A long video, in the memory of one frame:

    >>> video = harkit.VideoReader(path)
    >>> harkit.write_clip("long.mp4", (frame[None] for frame in video), fps=25)
    """
    rate = _checked_options(path, fps, codec, quality)
    total = None
    if isinstance(clip, Iterator):
        pieces = (_as_frames(piece) for piece in clip)
    else:
        whole = _as_frames(clip)
        total, pieces = len(whole), (piece for piece in [whole])
    writer = _core.Writer(path, rate, codec, int(quality))
    try:
        with shown(progress, total, "frame") as tell:
            written = 0
            for frames in pieces:
                writer.write(frames, _counting_from(written, tell))
                written += len(frames)
        writer.finish()
    except BaseException:
        writer.give_up()
        raise


def _checked_options(path: Any, fps: Any, codec: Any, quality: Any) -> float:
    """Check how :func:`write_clip` is to write; give the rate as a number."""
    if not isinstance(path, (str, os.PathLike)):
        raise ArgumentTypeError(f"`path` must be a str or os.PathLike, got {type(path).__name__}")
    if codec not in ("vp9", "ffv1"):
        raise ArgumentError(f'`codec` must be "vp9" or "ffv1", got {codec!r}')
    if not isinstance(quality, (int, np.integer)):
        raise ArgumentTypeError(f"`quality` must be an integer, got {quality!r}")
    if not 0 <= quality <= 63:
        raise ArgumentError(f"`quality` must be 0 (best) to 63, got {quality}")
    try:
        return float(fps)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(f"`fps` must be a number, got {fps!r}") from error


def write_frames(
    folder: str | os.PathLike[str],
    clip: NDArray[np.uint8],
    *,
    numbers: ArrayLike | None = None,
    progress: Progress = False,
) -> None:
    """Write frames to a folder of PNG files, which :class:`VideoReader` reads like a video.

    Parameters
    ----------
    folder : str or os.PathLike
        It is made if there is none. A frame of the same number is replaced, other files stay.
    clip : ndarray of uint8
        (T, H, W, 3) RGB, or (T, H, W) grey.
    numbers : array_like of int, optional
        Number of each frame, shape (T,); by default 0 to T - 1. Frame 12 is ``000012.png``.
    progress : bool or callable, default: False
        ``True`` draws a bar; a callable gets the number of frames written so far.

    Raises
    ------
    harkit.errors.ArgumentError
        A clip of another shape; numbers that are negative, double, or not as many as frames.
    harkit.errors.ArgumentTypeError
        A clip that is not uint8, numbers that are not integers.

    Notes
    -----
    PNG keeps every byte. Each file appears under its name only when it is whole.

    Examples
    --------
    >>> harkit.write_frames("frames", clip[::4], numbers=[0, 4, 8, 12])
    >>> harkit.VideoReader("frames")
    VideoReader('frames', n_frames=4)
    """
    frames = _as_frames(clip)
    chosen = list(range(len(frames))) if numbers is None else _as_indices(numbers, "`numbers` must be")
    if len(chosen) != len(frames):
        raise ArgumentError(
            f"`numbers` must have one number a frame, got {len(chosen)} for {len(frames)} frames"
        )
    if len(set(chosen)) != len(chosen) or min(chosen, default=0) < 0:
        raise ArgumentError("`numbers` must be at least 0, and each a different one")
    with shown(progress, len(frames), "frame") as tell:
        _core.write_frames(folder, frames, chosen, tell)


def _as_frames(clip: Any) -> NDArray[np.uint8]:
    """Give (T, H, W, C), contiguous."""
    frames = np.asarray(clip)
    if frames.dtype != np.uint8:
        raise ArgumentTypeError(f"`clip` must be uint8, got {frames.dtype}")
    if frames.ndim == 3 and frames.shape[2] == 3:
        raise ArgumentError(f"`clip` of shape {frames.shape} looks like one RGB frame; write `frame[None]`")
    if frames.ndim == 3:
        frames = frames[..., np.newaxis]
    if frames.ndim != 4 or frames.shape[3] not in (1, 3):
        raise ArgumentError(f"`clip` must have shape (T, H, W, 3) or (T, H, W), got {np.shape(clip)}")
    return np.ascontiguousarray(frames)


def _counting_from(start: int, tell: Callable[[int], object] | None) -> Callable[[int], object] | None:
    return None if tell is None else lambda done: tell(start + done)


@dataclass(frozen=True)
class FFmpegBuild:
    """The FFmpeg inside harkit, as :func:`ffmpeg_build` describes it.

    Attributes
    ----------
    version : str
        FFmpeg's version, such as ``"5.1.9"``.
    configuration : str
        The options that it was configured with, in one line.
    license : str
        The licence that they lead to.
    decoders, encoders : tuple of str
        FFmpeg's names of what reads and writes video.
    """

    version: str
    configuration: str
    license: str
    decoders: tuple[str, ...]
    encoders: tuple[str, ...]


def ffmpeg_build() -> FFmpegBuild:
    """Describe the FFmpeg inside harkit; one that is installed on the machine plays no part.

    Returns
    -------
    FFmpegBuild

    Examples
    --------
    >>> "h264" in ffmpeg_build().decoders
    True
    """
    facts = _core.ffmpeg_build()
    facts["decoders"], facts["encoders"] = tuple(facts["decoders"]), tuple(facts["encoders"])
    return FFmpegBuild(**facts)
