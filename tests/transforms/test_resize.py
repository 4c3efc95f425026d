"""Resizes against OpenCV and Pillow, byte for byte, and against the reports' goldens."""

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import PIL
import pytest
from PIL import Image

from harkit import transforms as tf

GOLDEN = Path(__file__).parents[1] / "golden" / "transforms"
HMDB_VGG = json.loads((GOLDEN / "hmdb-vgg-frames.json").read_text())
HMDB_ATTENTION = json.loads((GOLDEN / "hmdb-attention.json").read_text())

SIDES = [1, 2, 3, 5, 7, 8, 13, 16, 31, 48, 64, 85, 97, 130]
SIZES = [
    (240, 320, 224, 224),
    (240, 320, 64, 85),
    (240, 320, 256, 341),
    (240, 320, 56, 56),
    (121, 163, 120, 160),
]
# Scales that are whole, nearly whole in floating point (1 / (1 / 49)), and halves.
WHOLE = [
    (49, 49, 1, 1),
    (98, 147, 2, 3),
    (240, 320, 120, 160),
    (120, 120, 60, 40),
    (90, 60, 30, 20),
    (64, 64, 32, 64),
]


def random_sizes(n, seed):
    rng = np.random.default_rng(seed)
    return [tuple(map(int, rng.choice(SIDES, 4))) for _ in range(n)] + SIZES + WHOLE


def noise(height, width, channels, seed=0):
    frame = np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)
    return frame[..., 0] if channels == 1 else frame


def formula(height=10, width=12, channels=3):
    """The frame of the reports' resize goldens."""
    i, j, c = np.indices((height, width, channels))
    return ((37 * i + 59 * j + 83 * c + i * j) % 256).astype(np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("name", "flag"), [("bilinear", cv2.INTER_LINEAR), ("area", cv2.INTER_AREA)])
def test_resizes_equal_opencv_byte_for_byte(name, flag, channels):
    for h, w, height, width in random_sizes(600, seed=channels):
        frame = noise(h, w, channels)
        expected = cv2.resize(frame, (width, height), interpolation=flag)
        got = tf.resize(frame, (height, width), interpolation=name)
        assert np.array_equal(got, expected), (h, w, height, width)


@pytest.mark.parametrize("flag", [cv2.INTER_LINEAR, cv2.INTER_AREA])
def test_opencv_gives_the_same_bytes_without_ipp(flag):
    frame = noise(240, 320, 3)
    used = cv2.ipp.useIPP()
    with_ipp = cv2.resize(frame, (224, 224), interpolation=flag)
    try:
        cv2.ipp.setUseIPP(False)
        assert np.array_equal(cv2.resize(frame, (224, 224), interpolation=flag), with_ipp)
    finally:
        cv2.ipp.setUseIPP(used)


def passes_swapped(h, w, height, width):
    """Whether Pillow 13 begins with the pass down, where earlier ones begin across."""
    return w != width and h > height and h - height > 2 * (w - width)


@pytest.mark.parametrize("channels", [1, 3])
def test_pil_bilinear_equals_pillow_byte_for_byte(channels):
    old = int(PIL.__version__.split(".")[0]) < 13
    compared = 0
    for h, w, height, width in random_sizes(600, seed=10 + channels):
        if old and passes_swapped(h, w, height, width):
            continue
        frame = noise(h, w, channels)
        expected = np.asarray(Image.fromarray(frame).resize((width, height), Image.Resampling.BILINEAR))
        got = tf.resize(frame, (height, width), interpolation="pil_bilinear")
        assert np.array_equal(got, expected), (h, w, height, width)
        compared += 1
    assert compared > 400


def test_only_the_window_of_a_resize_is_computed_and_it_is_the_same():
    rng = np.random.default_rng(3)
    for name in ("bilinear", "area", "pil_bilinear"):
        for h, w, height, width in random_sizes(60, seed=4):
            frame = noise(h, w, 3)
            top, left = int(rng.integers(height)), int(rng.integers(width))
            part = tf.Crop(
                top=top,
                left=left,
                height=int(rng.integers(1, height - top + 1)),
                width=int(rng.integers(1, width - left + 1)),
            )
            whole = tf.resize(frame, (height, width), interpolation=name)
            got = tf.apply(frame, [tf.Resize((height, width), name), part])
            expected = whole[top : top + part.height, left : left + part.width]
            assert np.array_equal(got, expected), (name, h, w, height, width, part)


def test_a_crop_is_resized_as_if_it_were_the_frame():
    clip = np.stack([noise(90, 110, 3, seed) for seed in range(3)])
    part = tf.Crop(top=17, left=29, height=41, width=53)
    for name in ("bilinear", "area", "pil_bilinear"):
        for size in ((20, 31), (41, 30), (60, 80), (13, 53)):
            alone = tf.resize(np.ascontiguousarray(clip[:, 17:58, 29:82]), size, interpolation=name)
            assert np.array_equal(tf.apply(clip, [part, tf.Resize(size, name)]), alone)


@pytest.mark.reported
def test_bilinear_gives_the_frames_of_hmdb_vgg_frames():
    golden = HMDB_VGG["cv2_resize"]
    assert tf.resize(formula(), 8).tolist() == golden["out"]
    assert tf.resize(formula(), 16)[..., 0].tolist() == golden["out_16x16_channel0"]


@pytest.mark.reported
def test_pil_bilinear_gives_the_frames_of_hmdb_attention():
    golden = HMDB_ATTENTION["pil_resize"]
    down = tf.resize(formula(), 8, interpolation="pil_bilinear")
    assert down.tolist() == golden["down_8x8_uint8"]
    assert (
        tf.resize(formula(), 16, interpolation="pil_bilinear")[..., 0].tolist() == golden["up_16x16_channel0"]
    )
    # Printed with six decimals.
    np.testing.assert_allclose(tf.to_float(down)[0, :, 0], golden["totensor_first_row_red"], atol=5e-7)


def test_a_frame_of_the_size_already_stays():
    frame = noise(24, 31, 3)
    for name in ("bilinear", "area", "pil_bilinear"):
        assert np.array_equal(tf.resize(frame, (24, 31), interpolation=name), frame)


def test_the_short_side_follows_the_rule_of_its_library():
    def sides(height, width, short, rule):
        return tf.ResizeShort(short, rule).draw((height, width)).size

    assert sides(240, 320, 64, "mmaction2") == (64, 85)
    assert sides(320, 240, 64, "mmaction2") == (85, 64)
    assert sides(240, 320, 256, "torchvision") == (256, 341)
    assert sides(320, 240, 256, "torchvision") == (341, 256)
    for height, width, short in ((100, 101, 50), (99, 200, 33), (7, 7, 3), (480, 853, 256)):
        scale = short / min(height, width)
        assert sides(height, width, short, "mmaction2") == (
            int(height * scale + 0.5),
            int(width * scale + 0.5),
        )
        long = int(short * max(height, width) / min(height, width))
        assert sides(height, width, short, "torchvision") == (short, long)


def test_the_longest_frames_resize():
    frame = noise(1, 32767, 1)
    assert np.array_equal(tf.resize(frame, (3, 5)), cv2.resize(frame, (5, 3)))
    assert hashlib.sha256(tf.resize(frame[:, :3], (1, 32767)).tobytes()).digest()
