"""Bad input is an error that names file or argument, or is concealed as the ffmpeg program does it."""

from __future__ import annotations

import io
import logging
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

import harkit
from conftest import ffmpeg, ffmpeg_frames, numbered_frames, read_numbers
from harkit import errors

X264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", 20)
SHAPE = (64, 96, 3)
KINDS = {
    "front.mp4": (*X264, "-movflags", "+faststart"),
    "fragmented.mp4": (*X264, "-movflags", "frag_keyframe+empty_moov"),
    "h264.mkv": X264,
    "stream.ts": X264,
    "plain.avi": ("-c:v", "mpeg4", "-g", 12, "-q:v", 3),
    "b_frames.avi": ("-c:v", "mpeg4", "-bf", 2, "-g", 20, "-q:v", 3),
    "mpeg4.mp4": ("-c:v", "mpeg4", "-bf", 2, "-g", 20, "-q:v", 3, "-movflags", "+faststart"),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-b:v", "2M", "-g", 20, "-deadline", "realtime"),
    "program.mpg": ("-c:v", "mpeg2video", "-bf", 2, "-g", 12, "-q:v", 3),
}  # fmt: skip


def judge(path: Path) -> np.ndarray:
    """What the ffmpeg program gives, decoding with one thread: more threads conceal differently."""
    return ffmpeg_frames(path, SHAPE, options=("-threads", 1))


@pytest.fixture(scope="module", params=KINDS)
def whole(request: pytest.FixtureRequest, encode: Callable[..., Path]) -> Path:
    return encode(numbered_frames(60), request.param, *KINDS[request.param])


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter (pytest's own only its owner)."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def as_nobody(code: str, *arguments: object) -> str:
    """Run Python code as a user without rights; what it prints."""
    start = "import os, pathlib, sys, harkit.video, numpy as np; os.setgid(65534); os.setuid(65534)\n"
    command = [sys.executable, "-c", start + code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# Files that are no videos


@pytest.mark.parametrize("call", [harkit.probe, harkit.VideoReader])
def test_a_missing_file(call: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"gone\.mp4") as caught:
        call(tmp_path / "gone.mp4")
    assert isinstance(caught.value, errors.MissingFileError)
    assert caught.value.path == tmp_path / "gone.mp4"


def test_a_folder_without_images(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(errors.DecodeError, match="folder without frame images"):
        harkit.VideoReader(tmp_path)


@pytest.mark.parametrize("ending", ["mp4", "avi", "mkv", "ts", "h264", "mpg", ""])
@pytest.mark.parametrize("content", ["empty", "text", "zeros", "noise"])
def test_a_file_that_is_no_video(content: str, ending: str, tmp_path: Path) -> None:
    data = {
        "empty": b"",
        "text": b"It was a dark and stormy night. " * 300,
        "zeros": bytes(9000),
        "noise": np.random.default_rng(0).bytes(9000),
    }[content]
    path = tmp_path / f"story.{ending}"
    path.write_bytes(data)
    with pytest.raises(errors.DecodeError, match="story") as caught:
        harkit.VideoReader(path)
    assert isinstance(caught.value, ValueError)
    with pytest.raises(errors.DecodeError, match="source"):
        harkit.VideoReader(data)


@pytest.mark.parametrize("name", ["sound.m4a", "sound.mkv", "sound.avi", "sound.wav", "sound.mp3"])
def test_sound_without_pictures(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    ffmpeg("-f", "lavfi", "-i", "sine=duration=0.5", path)
    with pytest.raises(errors.DecodeError, match=name):
        harkit.VideoReader(path)


def test_a_codec_without_a_decoder_is_named(encode: Callable[..., Path]) -> None:
    path = encode(numbered_frames(2), "snow.avi", "-c:v", "snow", "-strict", "-2")
    with pytest.raises(errors.UnsupportedError, match=r"snow\.avi.*snow.* no decoder"):
        harkit.VideoReader(path)


def test_av1_is_decoded(encode: Callable[..., Path]) -> None:
    path = encode(numbered_frames(12), "av1.mp4", "-c:v", "libaom-av1", "-cpu-used", 8, "-g", 6, "-b:v", "1M")
    video = harkit.VideoReader(path)
    assert video.info.codec == "av1"
    np.testing.assert_array_equal(video[:], judge(path))
    np.testing.assert_array_equal(harkit.VideoReader(path)[[7, 2]], judge(path)[[7, 2]])


def test_no_frames_at_all(encode: Callable[..., Path], tmp_path: Path) -> None:
    mp4 = tmp_path / "none.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc=size=96x64", *X264, "-frames:v", 0, mp4)
    avi = tmp_path / "none.avi"
    whole = encode(numbered_frames(3), "three.avi", *KINDS["plain.avi"]).read_bytes()
    avi.write_bytes(whole[: whole.index(b"movi") + 4])
    for path in (mp4, avi):
        with pytest.raises(errors.DecodeError, match="none"):
            harkit.VideoReader(path)


def test_one_frame(encode: Callable[..., Path]) -> None:
    for name in ("front.mp4", "h264.mkv", "stream.ts", "b_frames.avi", "program.mpg"):
        path = encode(numbered_frames(1), name, *KINDS[name])
        video = harkit.VideoReader(path)
        assert len(video) == 1
        np.testing.assert_array_equal(video[:], judge(path))
        np.testing.assert_array_equal(video[-1], video[0])
        assert video.timestamps.tolist() == [0.0]
        np.testing.assert_array_equal(video.at(video.info.duration - 1e-3), video[0])


# Files cut off


@pytest.mark.parametrize("part", [0.93, 0.5, 0.21])
def test_a_file_cut_in_mid_frame_keeps_the_frames_before(
    whole: Path, part: float, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = whole.read_bytes()
    path = tmp_path / f"cut_{whole.name}"
    path.write_bytes(data[: int(len(data) * part)])
    expected = judge(path)
    assert 5 < len(expected) < 60
    with caplog.at_level(logging.WARNING, "harkit.ffmpeg"):
        video = harkit.VideoReader(path)
        frames = video[:]
    assert len(video) == video.info.n_frames == len(expected)
    np.testing.assert_array_equal(frames, expected)
    assert read_numbers(frames[:-1]) == list(range(len(expected) - 1))
    fresh = harkit.VideoReader(path)
    np.testing.assert_array_equal(fresh[[len(fresh) - 1, 0]], expected[[len(expected) - 1, 0]])
    if whole.suffix in (".mp4", ".mkv", ".webm", ".avi"):
        assert "packet" in (video.info.damage or "")
        assert any(f"cut_{whole.name}" in record.getMessage() for record in caplog.records)


def test_an_undamaged_file_reports_no_damage(whole: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "harkit.ffmpeg"):
        video = harkit.VideoReader(whole)
        list(video)
        assert video.info.damage is None
    assert caplog.records == []


def test_an_mp4_without_its_index_is_an_error(numbered: Path, tmp_path: Path) -> None:
    path = tmp_path / "no_moov.mp4"
    data = numbered.read_bytes()
    path.write_bytes(data[: len(data) * 9 // 10])
    with pytest.raises(errors.DecodeError, match=r"no_moov\.mp4.*cut off"):
        harkit.probe(path)


def test_times_begin_with_the_first_frame_where_the_file_begins_later(numbered: Path, tmp_path: Path) -> None:
    for name in ("late.mp4", "late.mkv", "late.ts"):
        path = tmp_path / name
        ffmpeg("-itsoffset", 0.5, "-i", numbered, "-c", "copy", path)
        video = harkit.VideoReader(path)
        np.testing.assert_allclose(video.timestamps, np.arange(60) / 25, atol=1e-3)
        # MPEG-TS adds a start of its own.
        assert video.info.start == pytest.approx(0.5 if name != "late.ts" else 1.9, abs=0.1)
        np.testing.assert_array_equal(video.at(0.0), video[0])


# Files with damaged pictures


def damaged(path: Path, target: Path, n_bytes: int, seed: int) -> None:
    """Flip bytes inside the packets (but not in the first), leaving the container whole."""
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    draw = random.Random(seed)
    for _ in range(n_bytes):
        position, size = draw.choice(packets[1:])
        data[position + draw.randrange(size // 3, size)] ^= draw.randrange(1, 256)
    target.write_bytes(data)


def requests_give_the_frames_of(path: Path, expected: np.ndarray, seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(5):
        video = harkit.VideoReader(path)
        for _ in range(3):
            wanted = sorted(draw.sample(range(len(expected)), 5))
            np.testing.assert_array_equal(video[wanted], expected[wanted])
            np.testing.assert_array_equal(video[wanted[2]], expected[wanted[2]])


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", ["plain.avi", "b_frames.avi", "mpeg4.mp4", "front.mp4", "h264.mkv"])
def test_damaged_pictures_are_concealed_as_by_the_ffmpeg_program(
    name: str, seed: int, encode: Callable[..., Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where a request alone would begin at a key: what is painted depends on what was decoded before."""
    whole = encode(numbered_frames(60), name, *KINDS[name])
    path = tmp_path / f"damaged_{name}"
    damaged(whole, path, (2, 12)[seed], seed)
    expected = judge(path)
    with caplog.at_level(logging.WARNING, "harkit.ffmpeg"):
        np.testing.assert_array_equal(harkit.VideoReader(path)[:], expected)
        np.testing.assert_array_equal(np.stack(list(harkit.VideoReader(path))), expected)
    # Two flipped bytes may go unnoticed, as other pixels.
    assert seed == 0 or any(f"damaged_{name}" in record.getMessage() for record in caplog.records)
    requests_give_the_frames_of(path, expected, seed)


def test_damaged_pictures_of_a_kth_clip(data: Path, tmp_path: Path) -> None:
    for seed, name in enumerate(["person01_boxing_d1_uncomp.avi", "person04_walking_d4_uncomp.avi"]):
        path = tmp_path / name
        damaged(data / "kth" / name, path, 25, seed)
        expected = ffmpeg_frames(path, (120, 160, 3), options=("-threads", 1))
        np.testing.assert_array_equal(harkit.VideoReader(path)[:], expected)
        requests_give_the_frames_of(path, expected, seed)


def test_frames_are_counted_anew_where_a_picture_is_lost(encode: Callable[..., Path], tmp_path: Path) -> None:
    path = tmp_path / "lost.avi"
    data = bytearray(encode(numbered_frames(30), "whole.avi", *KINDS["plain.avi"]).read_bytes())
    with av.open(io.BytesIO(bytes(data))) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    # The start code of a picture: its decoder finds nothing in the packet, though it looks like one frame.
    lost = packets[13]
    data[lost.pos + 4 : lost.pos + 20] = bytes([0xFF] * 16)
    path.write_bytes(data)
    expected = judge(path)
    video = harkit.VideoReader(path)
    np.testing.assert_array_equal(video[:], expected)
    assert len(video) == video.info.n_frames == len(expected)
    np.testing.assert_array_equal(np.stack(list(harkit.VideoReader(path))), expected)


def test_frames_get_the_size_of_the_first_where_it_changes(
    encode: Callable[..., Path], tmp_path: Path
) -> None:
    parts = [
        encode(numbered_frames(12, *size), "part.h264", *X264, "-bf", 0) for size in ((64, 96), (128, 160))
    ]
    joined = tmp_path / "joined.h264"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    path = tmp_path / "changes.mkv"
    ffmpeg("-r", 25, "-fflags", "+genpts", "-i", joined, "-c", "copy", path)
    expected = judge(path)
    assert len(expected) == 24
    np.testing.assert_array_equal(harkit.VideoReader(path)[:], expected)
    # Beginning in the second part.
    np.testing.assert_array_equal(harkit.VideoReader(path)[[20, 22]], expected[[20, 22]])
    np.testing.assert_array_equal(harkit.VideoReader(path)[15], expected[15])
    gray = harkit.VideoReader(path, gray="y")
    assert gray[3].shape == (64, 96)
    with pytest.raises(errors.UnsupportedError, match="size changes"):
        gray[20]


# Names and rights


@pytest.mark.parametrize(
    "name", ["видео 視頻 🎬.mp4", "with space.mp4", "%d.mp4", "-i.mp4", "a:b.mp4", "x" * 251 + ".mp4"]
)
def test_any_name(name: str, numbered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / name).write_bytes(numbered.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert len(harkit.VideoReader(name)) == 60
    harkit.write_clip("copy " + name[-200:], numbered_frames(2), fps=25)
    assert len(harkit.VideoReader("copy " + name[-200:])) == 2


def test_names_that_are_not_utf8(numbered: Path, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.mp4"))
    path.write_bytes(numbered.read_bytes())
    assert len(harkit.VideoReader(path)) == 60
    broken = path.with_name(path.name.replace("mp4", "broken.mp4"))
    broken.write_bytes(b"nothing")
    with pytest.raises(errors.DecodeError, match=r"broken\.mp4"):
        harkit.VideoReader(broken)
    target = path.with_name(path.name + ".mkv")
    harkit.write_clip(target, numbered_frames(2), codec="ffv1")
    np.testing.assert_array_equal(harkit.VideoReader(target)[:], numbered_frames(2))


def test_names_that_cannot_exist(tmp_path: Path) -> None:
    for name in ["nul\0inside.mp4", "x" * 300 + ".mp4", "y/" * 3000 + "z.mp4"]:
        with pytest.raises(OSError, match=r"\.mp4") as caught:
            harkit.VideoReader(str(tmp_path / name))
        assert isinstance(caught.value, errors.HarkitError)
        with pytest.raises(OSError, match=r"\.mp4") as caught:
            harkit.write_clip(str(tmp_path / name), numbered_frames(1))
        assert isinstance(caught.value, errors.HarkitError)
    with pytest.raises(errors.MissingFileError):
        harkit.VideoReader("")


def test_files_that_may_not_be_read(numbered: Path, open_folder: Path) -> None:
    secret, images = open_folder / "secret.mp4", open_folder / "images"
    secret.write_bytes(numbered.read_bytes())
    images.mkdir()
    ffmpeg("-i", numbered, "-frames:v", 1, images / "1.png")
    (open_folder / "closed").mkdir(mode=0)
    secret.chmod(0)
    images.chmod(0)
    code = """
for path in sys.argv[1:]:
    try:
        harkit.VideoReader(path)
    except harkit.errors.FilePermissionError as error:
        assert isinstance(error, PermissionError) and path in str(error), error
        print("refused")
"""
    assert as_nobody(code, secret, images, open_folder / "closed" / "x.mp4").split() == ["refused"] * 3


def test_folders_that_may_not_be_written(open_folder: Path) -> None:
    code = """
try:
    harkit.write_clip(sys.argv[1], np.zeros((2, 16, 16, 3), np.uint8))
except harkit.errors.FilePermissionError as error:
    print(error)
"""
    path = open_folder / "out.mp4"
    assert as_nobody(code, path).startswith(f"{path}: ")
    assert list(open_folder.iterdir()) == []


def test_pipes_and_devices_are_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.mp4"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero"), Path("/dev/null")):
        with pytest.raises(errors.DecodeError, match=f"{path.name}.*not a regular file"):
            harkit.VideoReader(path)


# Sources that are no sources


@pytest.mark.parametrize("source", [3, None, 2.5, ["a.mp4"], bytearray(b"abc"), object()])
def test_a_source_of_a_wrong_type(source: object) -> None:
    with pytest.raises(errors.ArgumentTypeError, match="`source` must be a path, bytes"):
        harkit.VideoReader(source)


def test_a_file_object_in_text_mode(numbered: Path) -> None:
    with (
        numbered.open(encoding="latin-1") as file,
        pytest.raises(errors.ArgumentTypeError, match="binary mode"),
    ):
        harkit.VideoReader(file)


class Failing(io.BytesIO):
    """Fails after a number of reads."""

    left = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.left -= 1
        if self.left < 0:
            raise OSError("the cable was pulled")
        return super().read(size)


@pytest.mark.parametrize("reads", [0, 1, 2])
def test_a_file_object_that_fails_is_an_error_with_its_reason(whole: Path, reads: int) -> None:
    file = Failing(whole.read_bytes())
    file.left = reads
    if len(file.getvalue()) > 64 * 1024 or reads < 2:
        with pytest.raises(
            errors.FileAccessError, match=r"`source` could not be read: OSError: the cable was pulled"
        ):
            harkit.VideoReader(file)


def test_a_reader_whose_file_object_fails_later_works_again_with_it(encode: Callable[..., Path]) -> None:
    path = encode(numbered_frames(60, 128, 192), "large.mp4", *X264)
    expected = ffmpeg_frames(path, (128, 192, 3))
    file = Failing(path.read_bytes())
    file.left = 1000
    video = harkit.VideoReader(file)
    for left in (0, 1, 2):
        file.left = left
        with pytest.raises(errors.FileAccessError, match="the cable was pulled"):
            video[:]
        file.left = 1000
        np.testing.assert_array_equal(video[:], expected)


def test_a_closed_file_object(numbered: Path) -> None:
    file = io.BytesIO(numbered.read_bytes())
    video = harkit.VideoReader(file)
    file.close()
    with pytest.raises(errors.FileAccessError, match="closed file"):
        video[30]
    with pytest.raises(errors.FileAccessError, match="closed file"):
        harkit.VideoReader(file)


def test_an_object_that_gives_too_much_or_no_bytes(numbered: Path) -> None:
    class Strange(io.BytesIO):
        def __init__(self, data: bytes, give: Callable[[bytes], object]) -> None:
            super().__init__(data)
            self.give = give

        def read(self, size: int | None = -1, /) -> Any:
            data = super().read(size)
            return self.give(data) if size else b""

    for give, reason in ((lambda data: data + b"more", "more than was asked"), (lambda _: None, "no bytes")):
        with pytest.raises(errors.FileAccessError, match=reason):
            harkit.VideoReader(Strange(numbered.read_bytes(), give))


# Frames that are no frames


@pytest.mark.parametrize("index", [60, -61, 10**30, [0, 60], [-61], np.array([5, 99], np.uint64)])
def test_a_frame_outside_the_video(numbered: Path, index: Any) -> None:
    video = harkit.VideoReader(numbered)
    with pytest.raises(
        errors.FrameIndexError, match=r"numbered\.mp4: there is no frame .* 60 frames"
    ) as caught:
        video[index]
    assert isinstance(caught.value, IndexError)
    assert caught.value.frame is not None
    assert caught.value.path == str(numbered)


@pytest.mark.parametrize(
    "index",
    [
        True,
        np.True_,
        1.0,
        np.float64(1),
        "1",
        None,
        [0.5],
        [True, False],
        [[1, 2], [3, 4]],
        [[1], [2, 3]],
        {1},
        [None],
    ],
)
def test_an_index_of_a_wrong_type(numbered: Path, index: Any) -> None:
    with pytest.raises(errors.ArgumentTypeError) as caught:
        harkit.VideoReader(numbered)[index]
    assert isinstance(caught.value, TypeError)


def test_empty_choices_are_empty_arrays(numbered: Path) -> None:
    video = harkit.VideoReader(numbered)
    assert video[[]].shape == video[60:].shape == video[5:5].shape == video.at([]).shape == (0, 64, 96, 3)
    assert harkit.VideoReader(numbered, gray=True)[[]].shape == (0, 64, 96)


@pytest.mark.parametrize("seconds", [-0.001, 2.4, 1e9, float("nan"), float("inf"), [0.0, -1.0]])
def test_a_time_outside_the_video(numbered: Path, seconds: Any) -> None:
    with pytest.raises(errors.ArgumentError, match=r"`seconds` must be at least 0 and below 2\.400"):
        harkit.VideoReader(numbered).at(seconds)


@pytest.mark.parametrize("seconds", ["noon", None, [[0.1]], [[0.1], [0.2, 0.3]], 1j])
def test_a_time_of_a_wrong_type(numbered: Path, seconds: Any) -> None:
    with pytest.raises((errors.ArgumentTypeError, errors.ArgumentError), match="`seconds`"):
        harkit.VideoReader(numbered).at(seconds)


def test_a_closed_reader(numbered: Path) -> None:
    with harkit.VideoReader(numbered) as video:
        assert len(video) == 60
    video.close()
    for use in (lambda: video[0], lambda: video.info, lambda: video.timestamps, lambda: video.at(0.0)):
        with pytest.raises(ValueError, match=r"numbered\.mp4: has been closed"):
            use()
    assert repr(video) == f"VideoReader({str(numbered)!r}, n_frames=60)"


@pytest.mark.parametrize("gray", ["x", "Y", "", 2, None, 0.5])
def test_a_wrong_gray(numbered: Path, gray: Any) -> None:
    with pytest.raises(errors.ArgumentError, match="`gray` must be False, True or"):
        harkit.VideoReader(numbered, gray=gray)


def test_more_frames_than_memory_is_an_error(numbered: Path) -> None:
    code = """
import resource, sys, numpy as np, harkit
video = harkit.VideoReader(sys.argv[1])
video[0]
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
try:
    video[np.zeros(400_000, np.int64)]
except harkit.errors.ArgumentError as error:
    print(error)
print(video[5].shape)
"""
    command = [sys.executable, "-c", code, str(numbered)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "400000 frames need 7372800000 bytes" in done.stdout
    assert done.stdout.endswith("(64, 96, 3)\n")


# Writing


@pytest.mark.parametrize("dtype", [np.float32, np.int16, bool, np.int64])
def test_a_clip_of_a_wrong_type(dtype: Any, tmp_path: Path) -> None:
    with pytest.raises(errors.ArgumentTypeError, match="`clip` must be uint8"):
        harkit.write_clip(tmp_path / "x.mp4", np.zeros((2, 16, 16, 3), dtype))


@pytest.mark.parametrize(
    "shape", [(16, 16), (2, 16, 16, 4), (2, 16, 16, 2), (1, 2, 16, 16, 3), (), (16, 16, 3)]
)
def test_a_clip_of_a_wrong_shape(shape: tuple[int, ...], tmp_path: Path) -> None:
    with pytest.raises(errors.ArgumentError, match="`clip`"):
        harkit.write_clip(tmp_path / "x.mp4", np.zeros(shape, np.uint8))


@pytest.mark.parametrize("shape", [(0, 16, 16, 3), (2, 0, 16, 3), (2, 16, 0, 3), (0, 16, 16)])
def test_a_clip_without_frames_or_pixels(shape: tuple[int, ...], tmp_path: Path) -> None:
    with pytest.raises(errors.ArgumentError, match="`clip` has no frames or no pixels"):
        harkit.write_clip(tmp_path / "x.mp4", np.zeros(shape, np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_any_strides_and_read_only_clips_are_written_alike(tmp_path: Path) -> None:
    clip = numbered_frames(4)
    read_only = clip.copy()
    read_only.flags.writeable = False
    views = [clip[:, ::-1][:, ::-1], np.asfortranarray(clip), read_only, clip.tolist()]
    views.append(np.ascontiguousarray(clip.transpose(3, 0, 1, 2)).transpose(1, 2, 3, 0))
    for view in views[:3] + views[4:]:
        harkit.write_clip(tmp_path / "x.mkv", view, codec="ffv1")
        np.testing.assert_array_equal(harkit.VideoReader(tmp_path / "x.mkv")[:], clip)
    with pytest.raises(errors.ArgumentTypeError, match="int64"):
        harkit.write_clip(tmp_path / "x.mkv", views[3], codec="ffv1")


@pytest.mark.parametrize("fps", [float("nan"), 0, -25, float("inf"), 1001])
def test_a_rate_that_is_none(fps: float, tmp_path: Path) -> None:
    with pytest.raises(errors.ArgumentError, match="`fps` must be above 0"):
        harkit.write_clip(tmp_path / "x.mp4", numbered_frames(2), fps=fps)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"fps": "fast"}, errors.ArgumentTypeError, "`fps` must be a number"),
        ({"fps": None}, errors.ArgumentTypeError, "`fps` must be a number"),
        ({"quality": 64}, errors.ArgumentError, "`quality` must be 0"),
        ({"quality": -1}, errors.ArgumentError, "`quality` must be 0"),
        ({"quality": 2.5}, errors.ArgumentTypeError, "`quality` must be an integer"),
        ({"codec": "h264"}, errors.ArgumentError, '`codec` must be "vp9" or "ffv1"'),
        ({"codec": None}, errors.ArgumentError, '`codec` must be "vp9" or "ffv1"'),
    ],
)
def test_a_wrong_option(
    arguments: dict[str, Any], error: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        harkit.write_clip(tmp_path / "x.mp4", numbered_frames(2), **arguments)


@pytest.mark.parametrize(
    ("name", "codec"),
    [("x.avi", "vp9"), ("x.mp4", "ffv1"), ("x.webm", "ffv1"), ("x.gif", "vp9"), ("x", "vp9"), ("mp4", "vp9")],
)
def test_a_file_ending_that_does_not_hold_the_codec(name: str, codec: Any, tmp_path: Path) -> None:
    with pytest.raises(errors.ArgumentError, match=r"`path` ends in .* goes into \.m"):
        harkit.write_clip(tmp_path / name, numbered_frames(2), codec=codec)


def test_a_target_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(errors.MissingFileError, match=r"nowhere/x\.mp4"):
        harkit.write_clip(tmp_path / "nowhere" / "x.mp4", numbered_frames(2))
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(errors.FileAccessError, match=r"folder\.mp4"):
        harkit.write_clip(tmp_path / "folder.mp4", numbered_frames(2))
    with pytest.raises(errors.ArgumentTypeError, match="`path`"):
        harkit.write_clip(3, numbered_frames(2))
    assert [path.name for path in tmp_path.iterdir()] == ["folder.mp4"]
