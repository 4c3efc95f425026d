"""Lists of transforms: fused or one by one, on any number of threads, the pixels are the same."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import harkit
from harkit import transforms as tf


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


sides = st.integers(1, 40)
names = st.sampled_from(["bilinear", "area", "pil_bilinear"])
shares = st.floats(0, 1)


KINDS = ["resize", "crop", "part", "flip", "bgr", "norm", "zero", "turn", "zoom", "contrast", "pad"]


@st.composite
def steps(draw, height, width, channels):
    """A list of concrete transforms that fits frames of a size; resizes stand before floats."""
    listed, floats = [], False
    for _ in range(draw(st.integers(0, 6))):
        kind = draw(
            st.sampled_from(
                ["resize", "crop", "flip", "bgr", "norm", "part", "zero", "turn", "zoom", "contrast", "pad"]
            )
        )
        if kind in ("resize", "part") and floats:
            continue
        if kind == "resize":
            height, width = draw(sides), draw(sides)
            listed.append(tf.Resize((height, width), draw(names)))
        elif kind in ("crop", "part"):
            top, left = int(draw(shares) * (height - 1)), int(draw(shares) * (width - 1))
            h, w = draw(st.integers(1, height - top)), draw(st.integers(1, width - left))
            where = {"top": top, "left": left, "height": h, "width": w}
            height, width = h, w
            if kind == "part":
                height, width = draw(sides), draw(sides)
                listed.append(tf.ResizedCrop((height, width), interpolation=draw(names), **where))
            else:
                listed.append(tf.Crop(**where))
        elif kind == "flip":
            listed.append(tf.Flip(horizontal=draw(st.booleans()), vertical=draw(st.booleans())))
        elif kind == "bgr" and channels == 3:
            listed.append(tf.Bgr())
        elif kind == "zero":
            listed.append(tf.Rotate(draw(st.floats(-180, 180)), fill="zero"))
        elif kind in ("norm", "turn", "zoom", "contrast", "pad"):
            floats = True
            if kind == "pad":
                height, width = draw(sides), draw(sides)
            listed.append(
                {
                    "norm": tf.Normalize((0.1, 0.2, 0.3)[:channels], (0.5, 0.6, 0.7)[:channels], scale=255),
                    "turn": tf.Rotate(draw(st.floats(-180, 180))),
                    "zoom": tf.Zoom(draw(st.floats(0.5, 2))),
                    "contrast": tf.Contrast(draw(st.floats(0, 2))),
                    "pad": tf.ResizeWithPad((height, width)),
                }[kind]
            )
    return listed


@settings(max_examples=300, deadline=None)
@given(st.data(), sides, sides, st.sampled_from([1, 3]))
def test_a_list_gives_what_its_transforms_give_one_by_one(data, height, width, channels):
    listed = data.draw(steps(height, width, channels))
    clip = noise(2, height, width, channels)
    expected = clip
    for transform in listed:
        expected = tf.apply(expected, [transform])
    got = tf.apply(clip, listed)
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("flip", [tf.Flip(), tf.Flip(horizontal=True), tf.Flip(vertical=True)], ids=repr)
def test_three_views_may_be_changed_further(flip):
    clip = noise(2, 64, 85, 3)
    norm = tf.Normalize(0.5, 0.25, scale=255)
    after = [flip, tf.CenterCrop(40), tf.Bgr(), norm]
    got = tf.apply(clip, [tf.ThreeCrop(64), *after])
    expected = np.stack([tf.apply(clip[:, :, left : left + 64], after) for left in (0, 20, 10)])
    np.testing.assert_array_equal(got, expected)
    flipped_before = tf.apply(clip, [flip, tf.ThreeCrop(64)])
    np.testing.assert_array_equal(flipped_before, tf.three_crop(tf.apply(clip, [flip]), 64))


def test_three_views_lie_along_the_longer_rest():
    tall = noise(2, 85, 64, 3)
    for view, top in zip(tf.three_crop(tall, 64), (0, 20, 10), strict=True):
        np.testing.assert_array_equal(view, tall[:, top : top + 64])


@pytest.fixture
def threads():
    before = harkit.num_threads()
    yield harkit.set_num_threads
    harkit.set_num_threads(before)


def test_results_do_not_depend_on_the_number_of_threads(threads):
    clip = noise(23, 50, 70, 3)
    listed = [tf.RandomResizedCrop(32), tf.RandomFlip(), tf.RandomRotation(40), tf.RandomContrast(0.2)]
    results = []
    for n in (1, 2, 5):
        threads(n)
        results.append(tf.apply(clip, listed, seed=3))
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_all_frames_share_one_draw():
    clip = np.repeat(noise(1, 64, 85, 3), 9, axis=0)
    listed = [tf.RandomResizedCrop(32), tf.HorizontalFlip(), tf.RandomRotation(40)]
    result = tf.apply(clip, listed, seed=4)
    assert all(np.array_equal(frame, result[0]) for frame in result)


@pytest.mark.parametrize(
    "shape", [(4, 20, 30, 3), (4, 20, 30, 1), (4, 20, 30), (20, 30, 3), (20, 30, 1), (20, 30)]
)
def test_the_result_has_the_axes_of_the_clip(shape):
    clip = noise(*shape)
    small = tf.apply(clip, [tf.Resize((10, 12))])
    at = len(shape) - (3 if shape[-1] in (1, 3) else 2)
    assert small.shape == (*shape[:at], 10, 12, *shape[at + 2 :])
    assert tf.apply(clip, [tf.ThreeCrop((20, 8))]).shape == (3, *shape[:at], 20, 8, *shape[at + 2 :])
    np.testing.assert_array_equal(tf.apply(clip, []), clip)


def test_a_clip_of_three_or_one_grey_frame_keeps_its_axis():
    assert tf.resize(noise(3, 20, 30, 3), 10).shape == (3, 10, 10, 3)
    assert tf.resize(noise(1, 20, 30), 10).shape == (1, 10, 10)
    assert tf.resize(noise(3, 20, 30), 10).shape == (3, 10, 10)


def test_a_clip_without_frames_stays_one():
    assert tf.apply(noise(0, 20, 30, 3), [tf.Resize(10), tf.ToFloat()]).shape == (0, 10, 10, 3)


def test_inputs_are_left_alone_and_may_be_views_or_read_only():
    clip = noise(6, 40, 50, 3)
    kept = clip.copy()
    strange = clip[::-2, ::-1, 5:45:2]
    np.testing.assert_array_equal(
        tf.resize(strange, (9, 11)), tf.resize(np.ascontiguousarray(strange), (9, 11))
    )
    fixed = clip.copy()
    fixed.flags.writeable = False
    np.testing.assert_array_equal(tf.resize(fixed, 10), tf.resize(clip, 10))
    tf.apply(clip, [tf.Flip(horizontal=True), tf.Normalize(0, 1, scale=1), tf.Contrast(2)])
    np.testing.assert_array_equal(clip, kept)
    # The result is its own array even when nothing changes.
    assert not np.shares_memory(tf.apply(clip, []), clip)


FUNCTIONS = {
    "resize": ((10,), {"interpolation": "area"}, tf.Resize(10, "area")),
    "resize_short": ((12,), {"rule": "torchvision"}, tf.ResizeShort(12, "torchvision")),
    "resize_with_pad": ((16,), {}, tf.ResizeWithPad(16)),
    "crop": ((), {"top": 1, "left": 2, "height": 3, "width": 4}, tf.Crop(top=1, left=2, height=3, width=4)),
    "center_crop": ((7,), {"rule": "torchvision"}, tf.CenterCrop(7, "torchvision")),
    "random_crop": ((7,), {"seed": 1}, tf.RandomCrop(7)),
    "three_crop": (((20, 9),), {}, tf.ThreeCrop((20, 9))),
    "resized_crop": (
        (8,),
        {"top": 1, "left": 2, "height": 3, "width": 4},
        tf.ResizedCrop(8, top=1, left=2, height=3, width=4),
    ),
    "random_resized_crop": ((8,), {"area": (0.5, 1.0), "seed": 1}, tf.RandomResizedCrop(8, area=(0.5, 1.0))),
    "flip": ((), {"vertical": True}, tf.Flip(vertical=True)),
    "horizontal_flip": ((0.5,), {"seed": 1}, tf.HorizontalFlip()),
    "vertical_flip": ((0.5,), {"seed": 1}, tf.VerticalFlip()),
    "random_flip": ((), {"keras_compat": "3.5", "seed": 1}, tf.RandomFlip(keras_compat="3.5")),
    "rotate": ((20,), {"fill": "zero"}, tf.Rotate(20, fill="zero")),
    "random_rotation": ((20,), {"seed": 1}, tf.RandomRotation(20)),
    "zoom": ((1.2,), {}, tf.Zoom(1.2)),
    "random_zoom": ((0.2,), {"seed": 1}, tf.RandomZoom(0.2)),
    "contrast": ((1.2,), {}, tf.Contrast(1.2)),
    "random_contrast": (
        (0.2,),
        {"keras_compat": "3.5", "seed": 1},
        tf.RandomContrast(0.2, keras_compat="3.5"),
    ),
    "bgr": ((), {}, tf.Bgr()),
    "to_float": ((), {}, tf.ToFloat()),
    "normalize": ((0.5, 0.2), {"scale": 255}, tf.Normalize(0.5, 0.2, scale=255)),
    "temporal_upsample": ((9,), {}, tf.TemporalUpsample(9)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_transform_has_its_function(name):
    arguments, options, transform = FUNCTIONS[name]
    clip = noise(4, 20, 30, 3)
    got = getattr(tf, name)(clip, *arguments, **options)
    np.testing.assert_array_equal(got, tf.apply(clip, [transform], seed=1))


def test_no_function_and_no_transform_is_left_out():
    classes = {name for name in tf.__all__ if isinstance(getattr(tf, name), type) and name != "Transform"}
    assert classes == {type(transform).__name__ for _, _, transform in FUNCTIONS.values()}
    assert set(tf.__all__) == classes | set(FUNCTIONS) | {"Transform", "apply", "draw"}


def test_streams_of_a_report_are_moved_on():
    streams = (np.random.RandomState(1), random.Random(1))
    first = tf.RandomCrop(20).draw((64, 85), seed=streams)
    second = tf.RandomCrop(20).draw((64, 85), seed=streams)
    same = random.Random(1)
    assert (first.left, first.top) == (same.randint(0, 65), same.randint(0, 44))
    assert (second.left, second.top) == (same.randint(0, 65), same.randint(0, 44))
