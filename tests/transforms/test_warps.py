"""Rotation, zoom and contrast against Keras; rotation with black corners against Pillow; padding
against TensorFlow."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harkit import transforms as tf

TESTS = Path(__file__).parents[1]
AUGMENTATION = json.loads((TESTS / "golden" / "transforms" / "hmdb-vgg-frames.json").read_text())[
    "augmentation"
]
REFERENCES = np.load(TESTS / "golden" / "transforms" / "references.npz")


def generator():
    spec = importlib.util.spec_from_file_location("generate_transforms", TESTS / "generate" / "transforms.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MADE = generator()
# Keras multiplies its float32 sine and cosine; another libm may move a coordinate by an ulp (2e-6 of 28
# pixels), which steps of up to 255 between neighbours turn into 5e-4.
ULP_OF_A_COORDINATE = 1e-3


def picture():
    """The report's 6 x 8 x 3 image in sixteenths, exact in bytes and in floats."""
    return (np.array(AUGMENTATION["image"]["values"]) * 16).astype(np.uint8)


def sixteenths(*steps):
    return tf.apply(picture(), [tf.ToFloat(16), *steps])


@pytest.mark.reported
def test_the_augmentation_of_hmdb_vgg_frames_is_keras():
    # The report's tolerance; its values have six decimals.
    close = {"rtol": 0, "atol": 1e-5}
    np.testing.assert_array_equal(sixteenths(), np.array(AUGMENTATION["image"]["values"]))
    np.testing.assert_allclose(
        sixteenths(tf.Flip(horizontal=True, vertical=True)), AUGMENTATION["flip_both"], **close
    )
    for angle, golden in AUGMENTATION["rotation"].items():
        np.testing.assert_allclose(sixteenths(tf.Rotate(float(angle))), golden["output"], **close)
    for factor, golden in AUGMENTATION["zoom"].items():
        np.testing.assert_allclose(sixteenths(tf.Zoom(float(factor))), golden["output"], **close)
    for factor in ("0.8", "0.9", "1.0", "1.1", "1.2"):
        np.testing.assert_allclose(
            sixteenths(tf.Contrast(float(factor))), AUGMENTATION["contrast"][factor], **close
        )
    chain = [tf.Flip(horizontal=True, vertical=True), tf.Rotate(30), tf.Zoom(1.15), tf.Contrast(1.1)]
    np.testing.assert_allclose(
        sixteenths(*chain), AUGMENTATION["chain_flip_rot30_zoom1.15_contrast1.1"], **close
    )


def test_rotation_and_zoom_are_keras_on_tensorflow():
    for angle, golden in zip(MADE.ANGLES, REFERENCES["rotated"], strict=True):
        np.testing.assert_allclose(tf.rotate(MADE.frame(), angle), golden, rtol=0, atol=ULP_OF_A_COORDINATE)
    for factor, golden in zip(MADE.ZOOMS, REFERENCES["zoomed"], strict=True):
        np.testing.assert_allclose(tf.zoom(MADE.frame(), factor), golden, rtol=0, atol=ULP_OF_A_COORDINATE)


def test_contrast_is_keras():
    for factor, golden in zip(MADE.FACTORS, REFERENCES["contrasted"], strict=True):
        # The mean of 560 values is summed in another order: a few ulp of 255.
        np.testing.assert_allclose(tf.contrast(MADE.frame(), factor), golden, rtol=0, atol=1e-4)


@pytest.mark.parametrize("size", MADE.PADDED)
def test_padding_is_tensorflows_bit_for_bit(size):
    expected = REFERENCES["padded_{}_{}".format(*size)]
    np.testing.assert_array_equal(tf.resize_with_pad(MADE.frame(), size), expected)


def test_movenets_input_has_its_bars():
    padded = tf.resize_with_pad(np.full((2, 240, 320, 3), 7, np.uint8), 192)
    assert padded.shape == (2, 192, 192, 3)
    assert np.all(padded[:, 24:168] == 7)
    assert not padded[:, :24].any()
    assert not padded[:, 168:].any()


def loop(frame, matrix):
    """The report's sentence about reading mirrored pixels, as a loop."""
    height, width, _ = frame.shape
    (a0, a1, a2), (b0, b1, b2) = matrix

    def mirrored(at, side):
        at = at % (2 * side)
        # The pixel's left edge, not its centre, is the axis: d c b a | a b c d.
        at = at if at <= side - 0.5 else 2 * side - 1 - at
        return min(max(at, 0.0), side - 1.0)

    out = np.empty(frame.shape)
    for y in range(height):
        for x in range(width):
            column = mirrored(a0 * x + a1 * y + a2, width)
            row = mirrored(b0 * x + b1 * y + b2, height)
            i, j = int(row), int(column)
            k, m = min(i + 1, height - 1), min(j + 1, width - 1)
            upper = (1 - (column - j)) * frame[i, j] + (column - j) * frame[i, m]
            lower = (1 - (column - j)) * frame[k, j] + (column - j) * frame[k, m]
            out[y, x] = (1 - (row - i)) * upper + (row - i) * lower
    return out


def test_rotation_reads_mirrored_pixels_as_the_report_says():
    frame = np.random.default_rng(0).integers(0, 256, (9, 14, 3)).astype(np.float64)
    for angle in (12.0, 77.0, -133.0):
        cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        cx, cy = (14 - 1) / 2, (9 - 1) / 2
        matrix = [(cos, -sin, cx - cx * cos + cy * sin), (sin, cos, cy - cx * sin - cy * cos)]
        got = tf.rotate(frame.astype(np.uint8), angle)
        np.testing.assert_allclose(got, loop(frame, matrix), rtol=0, atol=ULP_OF_A_COORDINATE)


ANGLES = [*range(-380, 381, 19), 0, 90, 180, 270, 360, 0.1, 45.3, 179.9999, 1e-14, -1e-14]


@pytest.mark.parametrize("shape", [(224, 224, 3), (50, 31, 3), (50, 31), (1, 1, 3), (3, 200), (200, 3, 3)])
def test_rotation_with_black_corners_equals_pillow_byte_for_byte(shape):
    frame = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    image = Image.fromarray(frame)
    for angle in ANGLES:
        assert np.array_equal(tf.rotate(frame, angle, fill="zero"), np.asarray(image.rotate(angle))), angle


def test_rotation_with_black_corners_keeps_floats():
    floats = np.random.default_rng(1).random((20, 30, 3), np.float32)
    numbers = np.arange(1, 601, dtype=np.uint8).reshape(20, 30)
    turned = tf.rotate(floats, 33, fill="zero")
    assert turned.dtype == np.float32
    assert set(np.unique(turned)) <= {np.float32(0), *np.unique(floats)}
    assert np.array_equal(turned[..., 0] == 0, tf.rotate(np.ones_like(numbers), 33, fill="zero") == 0)


def test_angles_count_counter_clockwise_for_both_fills():
    frame = np.zeros((9, 9), np.uint8)
    frame[4, 8] = 255  # to the right
    for fill in ("reflect", "zero"):
        assert tf.rotate(frame, 90, fill=fill)[0, 4] > 250  # now at the top
