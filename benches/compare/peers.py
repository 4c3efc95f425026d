"""The peers, one class each: who decodes a video, and how its own documentation says to do it fast.

Every peer does the same two jobs, each in the quickest way it offers that gives these very frames:

* ``sample(path)``: eight uniform frames, (8, 224, 224, 3) RGB, resized by OpenCV's bilinear;
* ``volume(path)``: every frame, grey, (T, H, W), as OpenCV's ``BGR2GRAY``.

A peer finds out the number of frames by itself; that is part of the job. Where it can scale while it
decodes, or has a grey of its own, that is a contestant of its own (other pixels, and marked so). `threads` is
what the peer is told; packages are imported where they are used, so that one that is missing or broken does
not keep the others from running.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from timing import Contestant

Frames = NDArray[np.uint8]

N_SAMPLED = 8
SIDE = 224


def uniform(n_frames: int) -> list[int]:
    """The middles of eight equal parts."""
    return [int((i + 0.5) * n_frames / N_SAMPLED) for i in range(N_SAMPLED)]


@dataclass(frozen=True)
class Peer(ABC):
    """A library that decodes; `variant` names its way of working where it has several."""

    threads: int = 1
    variant: str = ""
    package: ClassVar[str]
    """The distribution on PyPI."""

    @property
    def label(self) -> str:
        return f"{self.package.removesuffix('-python-headless')} {self.variant}".strip()

    @property
    def version(self) -> str:
        return version(self.package)

    @property
    def gives_other_pixels(self) -> bool:
        """Whether it resizes, or makes grey, by a rule of its own."""
        return self.variant == "its own scaling" or self.variant == "its own grey"

    def prepare(self) -> None:
        """Set up this process: imports, and threads where the library has one setting for all."""
        import cv2

        cv2.setNumThreads(self.threads)

    @abstractmethod
    def sample(self, path: str) -> Frames: ...

    @abstractmethod
    def volume(self, path: str) -> Frames: ...


def resized(frames: Frames) -> Frames:
    """OpenCV's bilinear, frame by frame into one array."""
    import cv2

    out = np.empty((len(frames), SIDE, SIDE, 3), np.uint8)
    for frame, target in zip(frames, out, strict=True):
        cv2.resize(frame, (SIDE, SIDE), dst=target, interpolation=cv2.INTER_LINEAR)
    return out


def grayed(frames: Frames) -> Frames:
    """OpenCV's grey of RGB frames, frame by frame into one array."""
    import cv2

    out = np.empty(frames.shape[:3], np.uint8)
    for frame, target in zip(frames, out, strict=True):
        cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY, dst=target)
    return out


class Harkit(Peer):
    package = "harkit"

    @property
    def version(self) -> str:
        import harkit

        return harkit.__version__

    def prepare(self) -> None:
        import harkit

        super().prepare()
        harkit.set_num_threads(self.threads)

    def sample(self, path: str) -> Frames:
        import harkit

        return harkit.read_clip(path, sampling=harkit.sampling.Uniform(N_SAMPLED), size=(SIDE, SIDE))

    def sample_many(self, paths: list[str]) -> Frames:
        """`sample` for each of many, by one call."""
        import harkit

        recipe = harkit.ClipRecipe(
            sampling=harkit.sampling.Uniform(N_SAMPLED), transforms=[harkit.transforms.Resize((SIDE, SIDE))]
        )
        batch = harkit.load_clips(paths, recipe)
        if batch.failures:
            raise RuntimeError(str(batch.failures[0]))
        return batch.clips

    def volume(self, path: str) -> Frames:
        import harkit

        with harkit.VideoReader(path, gray=True) as video:
            return video[:]


class OpenCV(Peer):
    """`grab` runs on without converting, `retrieve` converts; seeking is slower, and may be wrong."""

    package = "opencv-python-headless"

    def _open(self, path: str) -> Any:
        import cv2

        return cv2.VideoCapture(path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, self.threads])

    def sample(self, path: str) -> Frames:
        import cv2

        capture = self._open(path)
        wanted = uniform(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        out = np.empty((N_SAMPLED, SIDE, SIDE, 3), np.uint8)
        position = -1
        for i, target in zip(wanted, out, strict=True):
            while position < i:
                if not capture.grab():
                    raise RuntimeError(f"ends at frame {position}")
                position += 1
            _, frame = capture.retrieve()
            small = cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
            cv2.cvtColor(small, cv2.COLOR_BGR2RGB, dst=target)
        capture.release()
        return out

    def volume(self, path: str) -> Frames:
        import cv2

        capture = self._open(path)
        frames = []
        is_read, frame = capture.read()
        while is_read:
            frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY))
            is_read, frame = capture.read(frame)
        capture.release()
        return np.stack(frames)


class Decord(Peer):
    package = "decord"

    def _open(self, path: str, **size: int) -> Any:
        import decord

        return decord.VideoReader(path, num_threads=self.threads, **size)

    def sample(self, path: str) -> Frames:
        if self.gives_other_pixels:
            video = self._open(path, width=SIDE, height=SIDE)
            return video.get_batch(uniform(len(video))).asnumpy()
        video = self._open(path)
        return resized(video.get_batch(uniform(len(video))).asnumpy())

    def volume(self, path: str) -> Frames:
        video = self._open(path)
        return grayed(video.get_batch(range(len(video))).asnumpy())


class PyAV(Peer):
    package = "av"

    def _open(self, path: str) -> Any:
        import av

        container = av.open(path)
        stream = container.streams.video[0]
        stream.codec_context.thread_count = self.threads
        # Frame threads too, not only slices, where it may use several.
        stream.thread_type = "AUTO" if self.threads != 1 else "NONE"
        return container, stream

    def sample(self, path: str) -> Frames:
        container, stream = self._open(path)
        wanted = uniform(stream.frames)
        frames = []
        with container:
            for position, frame in enumerate(container.decode(stream)):
                # A frame may be wanted more than once in a clip of fewer than eight.
                for _ in range(wanted.count(position)):
                    if self.gives_other_pixels:
                        frame = frame.reformat(SIDE, SIDE, "rgb24", interpolation="BILINEAR")
                    frames.append(frame.to_ndarray(format="rgb24"))
                if position == wanted[-1]:
                    break
        return np.stack(frames) if self.gives_other_pixels else resized(np.stack(frames))

    def volume(self, path: str) -> Frames:
        container, stream = self._open(path)
        with container:
            if self.gives_other_pixels:
                return np.stack([frame.to_ndarray(format="gray") for frame in container.decode(stream)])
            return grayed(np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]))


class Torchcodec(Peer):
    """`variant` is the seek mode: "exact" reads all packets first, "approximate" believes the header."""

    package = "torchcodec"

    def prepare(self) -> None:
        import torch
        import torchcodec  # noqa: F401 (whether it loads is what is found out)

        super().prepare()
        torch.set_num_threads(self.threads)

    def _open(self, path: str) -> Any:
        from torchcodec.decoders import VideoDecoder

        return VideoDecoder(
            path, dimension_order="NHWC", num_ffmpeg_threads=self.threads, seek_mode=self.variant or "exact"
        )

    def sample(self, path: str) -> Frames:
        video = self._open(path)
        return resized(video.get_frames_at(uniform(len(video))).data.numpy())

    def volume(self, path: str) -> Frames:
        return grayed(self._open(path)[:].numpy())


class VideoReaderRs(Peer):
    package = "video_reader-rs"

    def _open(self, path: str, **options: object) -> Any:
        import video_reader

        return video_reader.PyVideoReader(path, threads=self.threads, **options)

    def sample(self, path: str) -> Frames:
        if self.gives_other_pixels:
            video = self._open(path, filter=f"scale={SIDE}:{SIDE}:flags=bilinear")
            return video.get_batch(uniform(video.get_shape()[0]))
        video = self._open(path)
        return resized(video.get_batch(uniform(video.get_shape()[0])))

    def volume(self, path: str) -> Frames:
        if self.gives_other_pixels:
            return self._open(path).decode_gray()
        return grayed(self._open(path).decode())


# All with one thread; harkit first, the judge of the others' results.
SAME_WORK: list[Peer] = [
    Harkit(),
    OpenCV(),
    Decord(),
    PyAV(),
    Torchcodec(variant="approximate"),
    Torchcodec(variant="exact"),
    VideoReaderRs(),
]
SCALING: list[Peer] = [peer(variant="its own scaling") for peer in (Decord, PyAV, VideoReaderRs)]
GRAYING: list[Peer] = [peer(variant="its own grey") for peer in (PyAV, VideoReaderRs)]


def enter(peers: list[Peer], job: str) -> list[Contestant]:
    """The peers as contestants of "sample" or "volume"; one that does not import is out, with the reason."""
    contestants = []
    for peer in peers:
        contestant = Contestant(peer.label, "", getattr(peer, job), not peer.gives_other_pixels)
        try:
            contestant.version = peer.version
            peer.prepare()
        except Exception as error:
            contestant.failure = f"does not import: {error}".splitlines()[0][:300]
        contestants.append(contestant)
    return contestants
