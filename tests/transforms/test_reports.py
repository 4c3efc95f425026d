"""The image pipelines of the report dark-csn, from the decoded frame to the normalised tensor."""

import hashlib
import json
import pickle
import random
from pathlib import Path

import numpy as np
import pytest

from harkit import transforms as tf

GOLDEN = Path(__file__).parents[1] / "golden" / "transforms"
DARK_CSN = json.loads((GOLDEN / "dark-csn.json").read_text())
IMAGES = DARK_CSN["images"]
MEAN, STD = (0.07, 0.07, 0.07), (0.1, 0.09, 0.08)

pytestmark = pytest.mark.reported


def frame():
    y, x = np.indices((240, 320))
    channels = [((x * x + 3 * y) // 97) % 64, ((x * y) // 211 + 2 * x) % 48, (5 * y + x // 3) % 40]
    return np.stack(channels, axis=-1).astype(np.uint8)


def brightened(gamma):
    """The report's table: 255 (i / 255) ** (1 / gamma), truncated."""
    table = np.array([int(255 * (i / 255) ** (1 / gamma)) for i in range(256)], np.uint8)
    return frame() if gamma == 1 else table[frame()]


def sums(pixels):
    return pixels.reshape(-1, 3).sum(axis=0, dtype=np.int64).tolist()


def sha256(pixels):
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()


def test_the_frame_is_the_reports():
    assert sums(frame()) == IMAGES["frame_sum"]


def test_part_one_resizes_crops_and_normalises_as_torchvision():
    golden = IMAGES["frames_transform"]
    steps = [
        tf.ResizeShort(256, rule="torchvision", interpolation="pil_bilinear"),
        tf.CenterCrop(224, rule="torchvision"),
    ]
    resized, crop = tf.draw(steps, (240, 320))
    assert [resized.size[1], resized.size[0]] == golden["resized_wh"]
    assert [[crop.left, crop.top]] == golden["crop_left_top"]
    bright = brightened(3)
    pixels = tf.apply(bright, steps)
    assert sums(pixels) == golden["uint8_sum"]
    assert sha256(pixels) == golden["uint8_sha256"]
    for place, value in golden["px"].items():
        x, y = map(int, place.split(","))
        assert pixels[y, x].tolist() == value
    norm = tf.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), scale=255)
    normalised = tf.apply(bright, [*steps, norm])
    assert normalised[0, 0].tolist() == golden["norm_at_0_0"]
    # The golden summed in float32; 50176 values of a few units.
    np.testing.assert_allclose(
        normalised.reshape(-1, 3).sum(axis=0, dtype=np.float64), golden["norm_sum"], rtol=1e-4
    )


@pytest.mark.parametrize("gamma", [1, 3, 5])
def test_part_two_resizes_and_crops_as_mmaction2(gamma):
    golden = IMAGES[f"csn_gamma{gamma}"]
    bright = brightened(gamma)
    resized = tf.resize_short(bright, 64)
    assert [resized.shape[1], resized.shape[0]] == golden["resized_wh"]
    assert sums(resized) == golden["resized_sum"]
    assert sha256(resized) == golden["resized_sha256"]

    crop = tf.CenterCrop(56).draw((64, 85))
    assert [crop.left, crop.top] == golden["centre_crop_left_top"]
    assert sums(tf.apply(bright, [tf.ResizeShort(64), tf.CenterCrop(56)])) == golden["centre_crop_sum"]
    views = tf.apply(bright, [tf.ResizeShort(64), tf.ThreeCrop(64)])
    assert [int(view.sum()) for view in views] == golden["three_crop_sum"]
    for view, left in zip(views, golden["three_crop_x"], strict=True):
        assert np.array_equal(view, resized[:, left : left + 64])

    normalised = tf.apply(
        bright, [tf.ResizeShort(64), tf.CenterCrop(56), tf.Normalize(MEAN, STD, scale=1)]
    ).reshape(-1, 3)
    assert normalised.min(axis=0).tolist() == golden["norm_min"]
    assert normalised.max(axis=0).tolist() == golden["norm_max"]
    # The golden's means were taken of float32 sums.
    np.testing.assert_allclose(normalised.mean(axis=0, dtype=np.float64), golden["norm_mean"], rtol=1e-6)

    left, top, right, bottom = golden["train_crop_xyxy"]
    part = tf.ResizedCrop(56, top=top, left=left, height=bottom - top, width=right - left)
    trained = tf.apply(bright, [tf.ResizeShort(64), part])
    assert sums(trained) == golden["train_56_sum"]
    assert sha256(trained) == golden["train_56_sha256"]


def test_the_scale_of_normalize_decides_between_the_readings_of_the_report():
    def span(**options):
        ends = tf.normalize(np.stack([np.zeros(3), np.full(3, 255)])[None].astype(np.uint8), **options)[0]
        return ends[0], ends[1]

    low, high = span(mean=MEAN, std=STD, scale=1)
    np.testing.assert_allclose(low, IMAGES["normalised_range"]["min"], rtol=1e-6)
    np.testing.assert_allclose(high, IMAGES["normalised_range"]["max"], rtol=1e-6)
    np.testing.assert_allclose(
        span(mean=MEAN, std=STD, scale=255)[1], IMAGES["normalised_range"]["scaled_0_1_max"], rtol=1e-6
    )


def sample_40(n, numpy_random):
    """The frames that mmaction2's `UniformSampleFrames(40)` draws in train mode, summed."""
    if n < 40:
        return int(((numpy_random.randint(0, n) + np.arange(40)) % n).sum())
    if n < 80:
        skipped = numpy_random.permutation(41)[: n - 40]
        return int(sum(k + (skipped <= k).sum() for k in range(40)))
    borders = np.array([i * n // 40 for i in range(41)])
    return int((borders[:-1] + [numpy_random.randint(0, size) for size in np.diff(borders)]).sum())


def test_training_draws_are_those_of_a_mmaction2_worker():
    streams = (np.random.RandomState(0), random.Random(0))
    crop = tf.RandomResizedCrop(56)
    for sample in DARK_CSN["train_stream"]["samples"]:
        assert sample_40(sample["n"], streams[0]) == sample["frame_sum"]
        drawn = crop.draw((64, 85), seed=streams)
        corners = [drawn.left, drawn.top, drawn.left + drawn.width, drawn.top + drawn.height]
        assert corners == sample["crop_xyxy"]
        # mmaction2's flip of ratio 0 draws a number and never flips.
        assert pickle.loads(pickle.dumps(streams[0])).random_sample() == sample["flip_draw"]
        assert tf.HorizontalFlip(0.0).draw((56, 56), seed=streams) == tf.Flip()


def test_vgg_preprocessing_is_bgr_minus_a_mean():
    golden = json.loads((GOLDEN / "hmdb-vgg-frames.json").read_text())["preprocess_input"]
    rgb = np.array(golden["rgb_in"], np.uint8)[None]
    caffe = [tf.Bgr(), tf.Normalize((103.939, 116.779, 123.68), 1.0, scale=1)]
    assert tf.apply(rgb, caffe)[0].tolist() == golden["out"]
