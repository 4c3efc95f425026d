"""Normalisation, scale and channel order against the NumPy formula in float32, on every byte."""

import numpy as np
import pytest

from harkit import transforms as tf

BYTES = np.arange(256, dtype=np.uint8).reshape(16, 16)


@pytest.mark.parametrize("scale", [1, 255, 16.5])
def test_normalize_is_three_float32_operations(scale):
    mean, std = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
    frame = np.stack([BYTES, BYTES[::-1], BYTES.T], axis=-1)
    expected = (frame.astype(np.float32) / np.float32(scale) - mean) / std
    options = {"mean": mean.tolist(), "std": std.tolist(), "scale": scale}
    for pixels in (frame, frame.astype(np.float32)):
        got = tf.normalize(pixels, **options)
        assert got.dtype == np.float32
        np.testing.assert_array_equal(got, expected)


def test_to_float_is_a_division():
    np.testing.assert_array_equal(tf.to_float(BYTES), BYTES.astype(np.float32) / np.float32(255))
    np.testing.assert_array_equal(tf.to_float(BYTES, 16), BYTES.astype(np.float32) / 16)


def test_one_number_stands_for_all_channels():
    frame = np.stack([BYTES] * 3, axis=-1)
    one = tf.normalize(frame, 0.5, 0.25, scale=255)
    np.testing.assert_array_equal(one, tf.normalize(frame, (0.5,) * 3, (0.25,) * 3, scale=255))
    assert tf.Normalize(0.5, 0.25, scale=255) == tf.Normalize([0.5], (0.25,), scale=255.0)


def test_bgr_reverses_channels_and_keeps_their_statistics_with_them():
    frame = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    np.testing.assert_array_equal(tf.bgr(frame), frame[..., ::-1])
    norm = tf.Normalize((0.1, 0.2, 0.3), (0.4, 0.5, 0.6), scale=255)
    before = tf.apply(frame, [norm, tf.Bgr()])
    np.testing.assert_array_equal(before, tf.apply(frame, [norm])[..., ::-1])
    np.testing.assert_array_equal(
        tf.apply(frame, [tf.Bgr(), norm]), tf.normalize(frame[..., ::-1], *stats(norm)[:2], scale=255)
    )


def stats(norm):
    return norm.mean, norm.std, norm.scale


def test_contrast_keeps_to_bytes_range_and_leaves_a_flat_frame():
    frame = np.zeros((4, 4), np.uint8)
    frame[:, :2] = 255
    np.testing.assert_array_equal(tf.contrast(frame, 2.0), frame)
    np.testing.assert_array_equal(tf.contrast(np.full((4, 4), 77, np.uint8), 1.7), np.full((4, 4), 77.0))


def test_contrast_takes_the_mean_of_each_frame():
    clip = np.stack([np.full((4, 4), 10, np.uint8), BYTES[:4, :4]])
    alone = np.stack([tf.contrast(frame, 0.5) for frame in clip])
    np.testing.assert_array_equal(tf.contrast(clip, 0.5), alone)
