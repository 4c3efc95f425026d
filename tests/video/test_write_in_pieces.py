"""Writing piece by piece, and frames to a folder: the same bytes as at once, and nothing half done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

import harkit
from conftest import numbered_frames
from harkit.errors import ArgumentError, ArgumentTypeError, HarkitError

CLIP = numbered_frames(20)


def pieces(*lengths: int) -> Iterator[np.ndarray]:
    start = 0
    for length in lengths:
        yield CLIP[start : start + length]
        start += length


@pytest.mark.parametrize(("name", "codec"), [("a.mkv", "ffv1"), ("a.avi", "ffv1"), ("a.mp4", "vp9")])
def test_pieces_give_the_file_that_the_whole_gives(tmp_path: Path, name: str, codec: str) -> None:
    harkit.write_clip(tmp_path / f"whole_{name}", CLIP, codec=codec)
    harkit.write_clip(tmp_path / f"pieces_{name}", pieces(7, 1, 12), codec=codec)
    whole, in_pieces = ((tmp_path / f"{part}_{name}").read_bytes() for part in ("whole", "pieces"))
    if name.endswith("mkv"):  # Matroska files carry a random number
        assert len(whole) == len(in_pieces)
    else:
        assert whole == in_pieces
    frames = [harkit.VideoReader(tmp_path / f"{part}_{name}")[:] for part in ("whole", "pieces")]
    np.testing.assert_array_equal(*frames)


def test_only_one_piece_is_asked_for_at_a_time(tmp_path: Path) -> None:
    seen: list[int] = []

    def slow() -> Iterator[np.ndarray]:
        for i in range(4):
            seen.append(i)
            yield CLIP[5 * i : 5 * i + 5]

    counts: list[int] = []
    harkit.write_clip(tmp_path / "a.mkv", slow(), codec="ffv1", progress=counts.append)
    assert seen == [0, 1, 2, 3] and counts[-1] == 20 and counts == sorted(counts)
    assert len(harkit.VideoReader(tmp_path / "a.mkv")) == 20


def broken(error: Exception) -> Iterator[np.ndarray]:
    yield CLIP[:5]
    raise error


@pytest.mark.parametrize("error", [RuntimeError("no more"), KeyboardInterrupt()], ids=["error", "interrupt"])
def test_an_iterator_that_fails_leaves_nothing_behind(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)):
        harkit.write_clip(tmp_path / "a.mp4", broken(error))
    assert list(tmp_path.iterdir()) == []


def test_an_old_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    harkit.write_clip(tmp_path / "a.mkv", CLIP[:3], codec="ffv1")
    with pytest.raises(RuntimeError):
        harkit.write_clip(tmp_path / "a.mkv", broken(RuntimeError()), codec="ffv1")
    assert len(harkit.VideoReader(tmp_path / "a.mkv")) == 3


@pytest.mark.parametrize(
    ("clips", "message"),
    [
        ([CLIP[:2], CLIP[:2, :32]], "`clip` has frames of 32x96x3, those before them are 64x96x3"),
        ([CLIP[:2], CLIP[:2, ..., 0]], "`clip` has frames of 64x96x1, those before them are 64x96x3"),
        ([], "`clip` has no frames"),
        ([CLIP[:2], CLIP[0, 0]], r"`clip` must have shape \(T, H, W, 3\) or \(T, H, W\), got \(96, 3\)"),
    ],
)
def test_pieces_that_do_not_fit_are_refused(tmp_path: Path, clips: list[np.ndarray], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        harkit.write_clip(tmp_path / "a.mkv", iter(clips), codec="ffv1")
    assert list(tmp_path.iterdir()) == []


def test_what_can_be_known_before_is_said_before_the_first_piece(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match='`path` ends in "txt"'):
        harkit.write_clip(tmp_path / "a.txt", broken(AssertionError("asked for a piece")))


def test_frames_are_files_that_opencv_reads_with_the_same_bytes(tmp_path: Path) -> None:
    harkit.write_frames(tmp_path / "deep" / "frames", CLIP[::5], numbers=[0, 5, 10, 15])
    names = sorted(path.name for path in (tmp_path / "deep" / "frames").iterdir())
    assert names == ["000000.png", "000005.png", "000010.png", "000015.png"]
    for name, frame in zip(names, CLIP[::5], strict=True):
        again = cv2.imread(str(tmp_path / "deep" / "frames" / name), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(again[..., ::-1], frame)


def test_grey_frames_are_grey_files(tmp_path: Path) -> None:
    harkit.write_frames(tmp_path, CLIP[:2, ..., 0])
    again = cv2.imread(str(tmp_path / "000001.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(again, CLIP[1, ..., 0])


def test_a_folder_that_was_written_is_a_video_again(tmp_path: Path) -> None:
    harkit.write_frames(tmp_path, CLIP)
    np.testing.assert_array_equal(harkit.VideoReader(tmp_path)[:], CLIP)


def test_a_clip_that_is_not_contiguous_is_written_as_it_looks(tmp_path: Path) -> None:
    harkit.write_frames(tmp_path, CLIP[::-2, ::2, ::3])
    np.testing.assert_array_equal(harkit.VideoReader(tmp_path)[:], CLIP[::-2, ::2, ::3])


@pytest.mark.parametrize(
    ("numbers", "error", "message"),
    [
        ([0, 1], ArgumentError, "`numbers` must have one number a frame, got 2 for 3 frames"),
        ([0, 1, 1], ArgumentError, "`numbers` must be at least 0, and each a different one"),
        ([0, -1, 1], ArgumentError, "`numbers` must be at least 0, and each a different one"),
        ([0.0, 1.0, 2.0], ArgumentTypeError, "`numbers` must be a 1-D list of integers"),
    ],
)
def test_wrong_numbers_are_refused(tmp_path: Path, numbers, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        harkit.write_frames(tmp_path / "frames", CLIP[:3], numbers=numbers)
    assert not (tmp_path / "frames").exists()


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(HarkitError, match="taken"):
        harkit.write_frames(tmp_path / "taken", CLIP[:2])


def test_the_ffmpeg_inside_is_described() -> None:
    build = harkit.ffmpeg_build()
    assert build.version.count(".") >= 1 and build.license.startswith("LGPL")
    assert {"h264", "hevc", "libdav1d", "vp9"} <= set(build.decoders)
    assert set(build.encoders) == {"ffv1", "libvpx-vp9"}
    assert "--enable-gpl" not in build.configuration
