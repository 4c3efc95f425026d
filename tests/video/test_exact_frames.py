"""Frame i is the i-th in presentation order, pixel for pixel what the ffmpeg program gives."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

import harkit
from conftest import ffmpeg, ffmpeg_frames, numbered_frames, read_numbers

X264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p")
VARIANTS = {
    "default.mp4": (*X264, "-g", 20),
    "one_group.mp4": (*X264, "-g", 250),
    "open_groups.mp4": (*X264, "-g", 12, "-x264-params", "open-gop=1:bframes=3"),
    "open_groups.mkv": (*X264, "-g", 12, "-x264-params", "open-gop=1:bframes=3"),
    "stream.ts": (*X264, "-g", 12, "-x264-params", "open-gop=1:bframes=3"),
    "no_b.mp4": (*X264, "-bf", 0),
    "intra_refresh.mp4": (*X264, "-x264-params", "intra-refresh=1:keyint=20"),
    "fragmented.mp4": (*X264, "-g", 20, "-movflags", "frag_keyframe+empty_moov"),
    "hevc.mp4": ("-c:v", "libx265", "-x265-params", "log-level=none:keyint=20", "-pix_fmt", "yuv420p"),
    "hevc_layers.mp4": ("-c:v", "libx265", "-pix_fmt", "yuv420p",
                        "-x265-params", "log-level=none:keyint=20:temporal-layers=3"),
    "xvid.avi": ("-c:v", "mpeg4", "-bf", 2, "-g", 20, "-q:v", 3),
    "packed.avi": ("-c:v", "libxvid", "-bf", 2, "-g", 20, "-q:v", 3),
    "plain.avi": ("-c:v", "mpeg4", "-bf", 0, "-g", 20, "-q:v", 3),
    "h264.avi": (*X264, "-g", 20),
    "program.mpg": ("-c:v", "mpeg2video", "-bf", 2, "-g", 12, "-q:v", 3),
    "motion.avi": ("-c:v", "mjpeg", "-q:v", 3, "-pix_fmt", "yuvj420p"),
    "vp8.webm": ("-c:v", "libvpx", "-auto-alt-ref", 1, "-lag-in-frames", 16, "-b:v", "2M", "-g", 20),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-b:v", "2M", "-g", 20, "-deadline", "realtime"),
    "raw.h264": (*X264, "-g", 20),
}  # fmt: skip
N = 60


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request: pytest.FixtureRequest, encode: Callable[..., Path]) -> Path:
    return encode(numbered_frames(N), request.param, *VARIANTS[request.param])


def test_frames_carry_their_number_and_equal_the_ffmpeg_program(variant: Path) -> None:
    video = harkit.VideoReader(variant)
    frames = video[:]
    expected = ffmpeg_frames(variant, frames.shape[1:])
    assert read_numbers(frames) == read_numbers(expected)
    assert read_numbers(frames) == list(range(N))
    np.testing.assert_array_equal(frames, expected)


def test_any_request_gives_the_frames_of_a_whole_decode(variant: Path) -> None:
    video = harkit.VideoReader(variant)
    whole = video[:]
    draw = random.Random(variant.name)
    for _ in range(12):
        wanted = [draw.randrange(-N, N) for _ in range(draw.randrange(1, 9))]
        np.testing.assert_array_equal(video[wanted], whole[wanted])
    for i in [0, 1, 2, 7, 8, 40, 41, 39, 59, 0]:
        np.testing.assert_array_equal(video[i], whole[i])
    for i, frame in enumerate(video):
        np.testing.assert_array_equal(frame, whole[i])
    fresh = harkit.VideoReader(variant)
    np.testing.assert_array_equal(fresh[5::9], whole[5::9])


def test_packets_prove_the_count_where_they_can(encode: Callable[..., Path]) -> None:
    frames = numbered_frames(N)
    for name, counted in {
        "default.mp4": "packets",
        "plain.avi": "packets",
        "xvid.avi": "decoding",
        "raw.h264": "decoding",
    }.items():
        info = harkit.probe(encode(frames, name, *VARIANTS[name]))
        assert (info.n_frames, info.counted) == (N, counted), name


def test_frames_cut_away_by_an_edit_list_are_not_counted(numbered: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    ffmpeg("-ss", "0.5", "-i", numbered, "-c", "copy", cut)
    video = harkit.VideoReader(cut)
    expected = ffmpeg_frames(cut, (64, 96, 3))
    np.testing.assert_array_equal(video[:], expected)
    assert read_numbers(video[:3]) == read_numbers(expected[:3])


def test_timestamps_follow_a_variable_rate(encode: Callable[..., Path]) -> None:
    frames = numbered_frames(20)
    path = encode(
        frames, "variable.mp4", "-vf", "setpts='if(lt(N,10),N,10+(N-10)*3)/25/TB'", "-fps_mode", "vfr", *X264
    )
    video = harkit.VideoReader(path)
    expected = np.where(np.arange(20) < 10, np.arange(20), 10 + (np.arange(20) - 10) * 3) / 25
    np.testing.assert_allclose(video.timestamps, expected, atol=1e-4)
    assert read_numbers(video.at([0.0, 0.37, 0.4, 0.5, 0.52])) == [0, 9, 10, 10, 11]


def test_a_gray_reader_equals_opencv_also_where_chroma_is_not_neutral(encode: Callable[..., Path]) -> None:
    rng = np.random.default_rng(3)
    for height, width in [(64, 96), (66, 98), (45, 71), (120, 160)]:
        colorful = (
            rng.integers(0, 256, (5, height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
            .repeat(8, 1)
            .repeat(8, 2)
        )
        path = encode(colorful[:, :height, :width], "colorful.mkv", "-c:v", "ffv1", "-pix_fmt", "yuv420p")
        color = harkit.VideoReader(path)[:]
        gray = harkit.VideoReader(path, gray=True)[:]
        expected = np.stack([cv2.cvtColor(frame[..., ::-1].copy(), cv2.COLOR_BGR2GRAY) for frame in color])
        np.testing.assert_array_equal(gray, expected)


def test_luma_is_the_raw_plane(numbered: Path, encode: Callable[..., Path]) -> None:
    luma = harkit.VideoReader(numbered, gray="y")[:]
    raw = ffmpeg_frames(numbered, (64 * 96 * 3 // 2,), "yuv420p")
    np.testing.assert_array_equal(luma, raw[:, : 64 * 96].reshape(-1, 64, 96))
    deep = encode(numbered_frames(4), "deep.mkv", "-c:v", "ffv1", "-pix_fmt", "yuv420p10le")
    raw = ffmpeg_frames(deep, (64 * 96 * 3,), "yuv420p10le")[:, : 64 * 96 * 2].copy().view("<u2")
    np.testing.assert_array_equal(harkit.VideoReader(deep, gray="y")[:], (raw >> 2).reshape(-1, 64, 96))
    rgb = encode(numbered_frames(2), "rgb.mkv", "-c:v", "ffv1", "-pix_fmt", "bgr0")
    with pytest.raises(harkit.errors.UnsupportedError, match="luma plane"):
        harkit.VideoReader(rgb, gray="y")[0]


@pytest.mark.parametrize("space", ["bt709", "smpte170m"])
@pytest.mark.parametrize("full_range", ["tv", "pc"])
def test_matrix_and_range_are_honoured(encode: Callable[..., Path], space: str, full_range: str) -> None:
    scale = f"scale=out_color_matrix={space}:out_range={full_range}"
    tags = ("-colorspace", space, "-color_range", full_range)
    path = encode(numbered_frames(3), "tagged.mp4", *X264, "-vf", scale, *tags)
    video = harkit.VideoReader(path)
    assert video.info.color_space == space
    assert video.info.color_range == {"tv": "limited", "pc": "full"}[full_range]
    np.testing.assert_array_equal(video[:], ffmpeg_frames(path, (64, 96, 3)))


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_quarter_turns_are_applied_and_reported(numbered: Path, tmp_path: Path, turn: int) -> None:
    turned = tmp_path / "turned.mp4"
    ffmpeg("-i", numbered, "-c", "copy", "-metadata:s:v:0", f"rotate={turn}", turned)
    video = harkit.VideoReader(turned)
    shape = (96, 64, 3) if turn != 180 else (64, 96, 3)
    # The tag counts the camera's turn; what is reported is the turn that undoes it.
    assert video.info.rotation == 360 - turn
    assert (video.info.height, video.info.width) == shape[:2]
    np.testing.assert_array_equal(video[:], ffmpeg_frames(turned, shape))


@pytest.mark.parametrize(
    ("height", "width"), [(63, 95), (64, 95), (63, 96), (1, 1), (2, 2), (37, 1), (17, 33), (240, 426)]
)
def test_odd_sizes(encode: Callable[..., Path], height: int, width: int) -> None:
    rng = np.random.default_rng(height * width)
    path = encode(
        rng.integers(0, 256, (3, height, width, 3), dtype=np.uint8),
        "odd.mkv",
        "-c:v",
        "ffv1",
        "-pix_fmt",
        "yuv444p",
    )
    np.testing.assert_array_equal(harkit.VideoReader(path)[:], ffmpeg_frames(path, (height, width, 3)))


def test_interlaced_frames_equal_the_ffmpeg_program(encode: Callable[..., Path]) -> None:
    path = encode(numbered_frames(8), "interlaced.mp4", *X264, "-flags", "+ildct+ilme", "-top", 1)
    video = harkit.VideoReader(path)
    assert video.info.interlaced
    np.testing.assert_array_equal(video[:], ffmpeg_frames(path, (64, 96, 3)))
