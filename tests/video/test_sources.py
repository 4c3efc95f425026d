"""Paths, bytes, file objects and folders of images give the same frames."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import harkit
from conftest import numbered_frames, read_numbers
from harkit import errors

CONTAINERS = {
    "a.mp4": ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", 20),
    "a.mkv": ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", 20),
    "a.ts": ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", 20),
    "a.avi": ("-c:v", "mpeg4", "-g", 12, "-q:v", 3),
}


class Minimal:
    """Has nothing but what harkit asks for."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def read(self, size: int) -> bytes:
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)


class OneByOne(Minimal):
    """Gives less than it is asked for, as sockets and decompressors do."""

    def read(self, size: int) -> bytes:
        return super().read(min(size, 1009))


class WithoutEnd(Minimal):
    """Cannot tell its size."""

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence == os.SEEK_END:
            raise io.UnsupportedOperation("the end is not known")
        return super().seek(offset, whence)


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_kind_of_source_gives_the_same_frames(name: str, encode: Callable[..., Path]) -> None:
    path = encode(numbered_frames(60), name, *CONTAINERS[name])
    expected = harkit.VideoReader(path)[:]
    assert read_numbers(expected) == list(range(60))
    data = path.read_bytes()
    with path.open("rb") as buffered, path.open("rb", buffering=0) as raw:
        # A file object is read from its beginning, wherever it stands.
        buffered.seek(1000)
        objects = [buffered, raw, io.BytesIO(data), Minimal(data), OneByOne(data), WithoutEnd(data)]
        for source in [str(path), path, data, *objects]:
            video = harkit.VideoReader(source)
            np.testing.assert_array_equal(video[:], expected)
            np.testing.assert_array_equal(video[[41, 3]], expected[[41, 3]])
            np.testing.assert_array_equal(video[20], expected[20])
            assert harkit.probe(source) == harkit.probe(path)


def test_a_path_like_object_is_a_path(numbered: Path) -> None:
    class Somewhere:
        def __fspath__(self) -> str:
            return str(numbered)

    video = harkit.VideoReader(Somewhere())
    assert len(video) == 60
    assert repr(video) == f"VideoReader({str(numbered)!r}, n_frames=60)"
    assert repr(harkit.VideoReader(numbered.read_bytes())) == "VideoReader(n_frames=60)"


def test_two_readers_of_one_file_object_do_not_disturb_each_other(numbered: Path) -> None:
    """Not at once: each request seeks before it reads, unless it goes on where FFmpeg's buffer ends."""
    expected = harkit.VideoReader(numbered)[:]
    data = numbered.read_bytes()
    readers = [harkit.VideoReader(io.BytesIO(data)) for _ in range(2)]
    for i in (5, 30, 6, 59, 0):
        for video in readers:
            np.testing.assert_array_equal(video[i], expected[i])


def test_a_file_object_that_uses_harkit_itself_does_not_wait_for_ever(numbered: Path) -> None:
    class Nested(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if threading.current_thread() is not threading.main_thread():
                harkit.probe(numbered)
            return super().read(size)

    harkit.set_num_threads(1)
    try:
        assert len(harkit.VideoReader(Nested(numbered.read_bytes()))) == 60
    finally:
        harkit.set_num_threads(0)


def test_bytes_of_a_file_may_go_once_it_is_open(numbered: Path, tmp_path: Path) -> None:
    expected = harkit.VideoReader(numbered)[:]
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(numbered.read_bytes())
    video = harkit.VideoReader(copy)
    copy.unlink()
    np.testing.assert_array_equal(video[[50, 10]], expected[[50, 10]])


# Folders of frame images


def images(folder: Path, ending: str, frames: np.ndarray, **options: object) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = [folder / f"frame_{i}.{ending}" for i in range(len(frames))]
    for path, frame in zip(paths, frames, strict=True):
        Image.fromarray(frame).save(path, **options)
    return paths


@pytest.mark.parametrize("ending", ["png", "bmp", "webp", "PNG"])
@pytest.mark.parametrize(("height", "width"), [(64, 96), (33, 47), (1, 1)])
def test_lossless_images_equal_pillow(ending: str, height: int, width: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(height)
    frames = rng.integers(0, 256, (12, height, width, 3), dtype=np.uint8)
    images(tmp_path, ending, frames, **({"lossless": True} if ending == "webp" else {}))
    video = harkit.VideoReader(tmp_path)
    np.testing.assert_array_equal(video[:], frames)
    np.testing.assert_array_equal(video[[11, 2, 11]], frames[[11, 2, 11]])
    np.testing.assert_array_equal(np.stack(list(video)), frames)
    np.testing.assert_array_equal(video.at([0.0, 0.41]), frames[[0, 10]])


def test_jpeg_images_are_near_to_pillow(tmp_path: Path) -> None:
    """JPEG leaves the inverse transform's rounding and the interpolation of chroma to the decoder.

    Without subsampling libjpeg-turbo (Pillow) and zune-jpeg differ by the rounding alone: 3 levels even on
    noise. With 4:2:0 they interpolate chroma differently: 4 levels where it is smooth, up to 42 on noise.
    """
    yy, xx = np.mgrid[:72, :104]
    smooth = np.stack([yy * 3, xx * 2, 255 - yy - xx], -1).astype(np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, (72, 104, 3), dtype=np.uint8)
    for picture, subsampling, bound in ((noise, 0, 3), (smooth, 0, 2), (smooth, 2, 4)):
        [path] = images(tmp_path, "jpg", picture[None], quality=92, subsampling=subsampling)
        frame = harkit.VideoReader(tmp_path)[0].astype(int)
        assert np.abs(frame - np.asarray(Image.open(path))).max() <= bound


def test_other_kinds_of_png_equal_pillow(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    gray = Image.fromarray(rng.integers(0, 256, (20, 30), dtype=np.uint8))
    kinds = {
        "gray": gray,
        "palette": Image.fromarray(rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)).quantize(16),
        "alpha": Image.fromarray(rng.integers(0, 256, (20, 30, 4), dtype=np.uint8)),
        "bit": gray.convert("1"),
    }
    for name, image in kinds.items():
        folder = tmp_path / name
        folder.mkdir()
        image.save(folder / "0.png")
        # Pillow's convert drops the alpha channel, as harkit does.
        np.testing.assert_array_equal(harkit.VideoReader(folder)[0], np.asarray(image.convert("RGB")))


def test_images_are_ordered_by_their_numbers_and_other_files_passed_over(tmp_path: Path) -> None:
    frames = numbered_frames(13)
    names = [f"shot2_{i}.png" for i in range(9, 13)]
    names = [f"shot1_{i:03}.png" for i in range(9)] + names
    for name, frame in list(zip(names, frames, strict=True))[::-1]:
        Image.fromarray(frame).save(tmp_path / name)
    (tmp_path / "list.txt").write_text("not a frame")
    (tmp_path / "thumbs").mkdir()
    (tmp_path / "folder.png").mkdir()
    video = harkit.VideoReader(tmp_path)
    assert read_numbers(video[:]) == list(range(13))
    info = video.info
    assert (info.n_frames, info.counted, info.fps, info.container, info.codec) == (
        13,
        "images",
        25.0,
        "folder",
        "png",
    )
    assert info.duration == pytest.approx(13 / 25)
    np.testing.assert_allclose(video.timestamps, np.arange(13) / 25)


def test_gray_images_equal_opencv(tmp_path: Path) -> None:
    frames = np.random.default_rng(2).integers(0, 256, (3, 33, 47, 3), dtype=np.uint8)
    images(tmp_path, "png", frames)
    expected = np.stack([cv2.cvtColor(frame[..., ::-1].copy(), cv2.COLOR_BGR2GRAY) for frame in frames])
    np.testing.assert_array_equal(harkit.VideoReader(tmp_path, gray=True)[:], expected)
    with pytest.raises(errors.UnsupportedError, match="images have none"):
        harkit.VideoReader(tmp_path, gray="y")[0]


def test_images_of_several_sizes_are_an_error_that_names_the_file(tmp_path: Path) -> None:
    images(tmp_path, "png", np.zeros((4, 20, 30, 3), np.uint8))
    Image.fromarray(np.zeros((20, 31, 3), np.uint8)).save(tmp_path / "frame_2.png")
    video = harkit.VideoReader(tmp_path)
    with pytest.raises(errors.DecodeError, match=r"frame_2\.png: frame 2: is 31x20, but .* 30x20") as caught:
        video[:]
    assert caught.value.frame == 2


def test_a_broken_image_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    for ending in ("png", "jpg"):
        paths = images(tmp_path / ending, ending, numbered_frames(3))
        data = paths[1].read_bytes()
        for broken in (data[:200], b"", b"GIF89a no", b"text"):
            paths[1].write_bytes(broken)
            video = harkit.VideoReader(tmp_path / ending)
            assert video[0].shape == (64, 96, 3)
            with pytest.raises(errors.DecodeError, match=rf"frame_1\.{ending}") as caught:
                video[:]
            assert caught.value.frame == 1


def test_an_image_that_is_gone_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    paths = images(tmp_path, "png", numbered_frames(3))
    video = harkit.VideoReader(tmp_path)
    paths[1].unlink()
    with pytest.raises(errors.MissingFileError, match=r"frame_1\.png"):
        video[1]
