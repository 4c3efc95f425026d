"""Crops and flips against array slices."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harkit import transforms as tf

CLIP = np.random.default_rng(0).integers(0, 256, (2, 37, 51, 3), dtype=np.uint8)


def test_a_crop_is_a_slice():
    got = tf.crop(CLIP, top=3, left=5, height=20, width=30)
    np.testing.assert_array_equal(got, CLIP[:, 3:23, 5:35])
    floats = CLIP.astype(np.float32)
    np.testing.assert_array_equal(tf.crop(floats, top=0, left=0, height=37, width=51), floats)


@given(st.integers(1, 400), st.integers(0, 60))
def test_centre_crops_lie_where_their_library_puts_them(size, rest):
    frame = (size + rest, size)
    assert tf.CenterCrop(size).draw(frame).top == rest // 2
    assert tf.CenterCrop(size, "torchvision").draw(frame).top == round(rest / 2.0)


def test_the_rules_of_the_reports_agree_where_the_reports_used_them():
    for rule in ("mmaction2", "torchvision"):
        assert tf.CenterCrop(224, rule).draw((256, 341)) == tf.Crop(top=16, left=58, height=224, width=224)
        assert tf.CenterCrop(56, rule).draw((64, 85)) == tf.Crop(top=4, left=14, height=56, width=56)
    assert tf.CenterCrop(5, "torchvision").draw((8, 8)).top == 2
    assert tf.CenterCrop(5, "mmaction2").draw((8, 8)).top == 1


def test_flips_are_reversed_slices():
    np.testing.assert_array_equal(tf.flip(CLIP, horizontal=True), CLIP[:, :, ::-1])
    np.testing.assert_array_equal(tf.flip(CLIP, vertical=True), CLIP[:, ::-1])
    np.testing.assert_array_equal(tf.flip(CLIP, horizontal=True, vertical=True), CLIP[:, ::-1, ::-1])


def test_a_crop_after_a_flip_is_of_the_mirror_image():
    listed = [tf.Flip(horizontal=True, vertical=True), tf.Crop(top=1, left=2, height=10, width=11)]
    np.testing.assert_array_equal(tf.apply(CLIP, listed), CLIP[:, ::-1, ::-1][:, 1:11, 2:13])
