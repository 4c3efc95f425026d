"""What does not fit is refused, with the argument, the value and what is allowed."""

import math

import numpy as np
import pytest

from harkit import transforms as tf
from harkit.errors import ArgumentError, ArgumentTypeError

FRAME = np.zeros((20, 30, 3), np.uint8)

OPTIONS = [
    (lambda: tf.Resize(0), ArgumentError, "`size` must be in 1..32767, got 0"),
    (lambda: tf.Resize((10, -3)), ArgumentError, "`size` must be in 1..32767, got -3"),
    (lambda: tf.Resize((10, 40000)), ArgumentError, "`size` must be in 1..32767, got 40000"),
    (lambda: tf.Resize((1, 2, 3)), ArgumentError, r"`size` must be \(height, width\), got \(1, 2, 3\)"),
    (lambda: tf.Resize(2.5), ArgumentTypeError, "`size` must be an integer, got 2.5"),
    (lambda: tf.Resize(True), ArgumentTypeError, "`size` must be an integer, got True"),
    (lambda: tf.Resize("10"), ArgumentTypeError, "`size` must be an integer, got '10'"),
    (
        lambda: tf.Resize(8, "cubic"),
        ArgumentError,
        "`interpolation` must be one of 'bilinear', 'area', 'pil_bilinear', got 'cubic'",
    ),
    (lambda: tf.Resize(8, []), ArgumentError, r"`interpolation` must be one of .*, got \[\]"),
    (lambda: tf.ResizeShort(0), ArgumentError, "`short` must be in 1..32767, got 0"),
    (lambda: tf.ResizeShort(8, "pil"), ArgumentError, "`rule` must be one of 'mmaction2', 'torchvision'"),
    (lambda: tf.ResizeWithPad(-1), ArgumentError, "`size` must be"),
    (lambda: tf.Crop(top=-1, left=0, height=1, width=1), ArgumentError, "`top` must be at least 0, got -1"),
    (lambda: tf.Crop(top=0, left=0, height=0, width=1), ArgumentError, "`height` must be in 1..32767, got 0"),
    (lambda: tf.CenterCrop(0), ArgumentError, "`size` must be"),
    (lambda: tf.RandomCrop((0, 3)), ArgumentError, "`size` must be"),
    (lambda: tf.ThreeCrop(0), ArgumentError, "`size` must be"),
    (lambda: tf.RandomResizedCrop(8, (0, 1)), ArgumentError, r"`area` must lie in \(0, 1\]"),
    (lambda: tf.RandomResizedCrop(8, (0.5, 2)), ArgumentError, r"`area` must lie in \(0, 1\]"),
    (
        lambda: tf.RandomResizedCrop(8, (0.5, 0.2)),
        ArgumentError,
        "`area` must be .low, high. with low <= high",
    ),
    (lambda: tf.RandomResizedCrop(8, 0.5), ArgumentTypeError, "`area` must be a pair"),
    (lambda: tf.RandomResizedCrop(8, aspect=(-1, 1)), ArgumentError, "`aspect` must be positive"),
    (
        lambda: tf.RandomResizedCrop(8, aspect=(1, math.nan)),
        ArgumentError,
        "`aspect` must be finite, got nan",
    ),
    (lambda: tf.HorizontalFlip(1.5), ArgumentError, "`probability` must lie in 0..1, got 1.5"),
    (lambda: tf.VerticalFlip(math.nan), ArgumentError, "`probability` must be finite"),
    (lambda: tf.Flip(horizontal=1), ArgumentTypeError, "`horizontal` must be True or False, got 1"),
    (lambda: tf.RandomFlip("both"), ArgumentError, "`mode` must be one of"),
    (
        lambda: tf.RandomFlip(keras_compat="3.7"),
        ArgumentError,
        "`keras_compat` must be one of '3.5', '3.6[+]'",
    ),
    (lambda: tf.Rotate(math.inf), ArgumentError, "`angle` must be finite, got inf"),
    (lambda: tf.Rotate("30"), ArgumentTypeError, "`angle` must be a number, got '30'"),
    (
        lambda: tf.Rotate(30, fill="black"),
        ArgumentError,
        "`fill` must be one of 'reflect', 'zero', got 'black'",
    ),
    (lambda: tf.RandomRotation((3, -3)), ArgumentError, "`angle` must be .low, high. with low <= high"),
    (lambda: tf.Zoom(0), ArgumentError, r"`factor` must lie in \(0, 32767\], got 0"),
    (lambda: tf.Zoom(1e30), ArgumentError, "`factor` must lie"),
    (lambda: tf.RandomZoom(1.5), ArgumentError, r"`factor` must lie in \(-1, 1\]"),
    (lambda: tf.RandomZoom((-1, 0)), ArgumentError, r"`factor` must lie in \(-1, 1\]"),
    (lambda: tf.Contrast(-1), ArgumentError, "`factor` must be at least 0"),
    (lambda: tf.RandomContrast(1.5), ArgumentError, "`factor` must lie in 0..1"),
    (lambda: tf.RandomContrast((0.1, 0.2, 0.3)), ArgumentError, "`factor` must be a number or"),
    (lambda: tf.ToFloat(0), ArgumentError, "`scale` must be positive, got 0"),
    (lambda: tf.ToFloat(1e-60), ArgumentError, "`scale` must be positive"),
    (lambda: tf.Normalize(0, (1, 0, 1), scale=1), ArgumentError, "`std` must be positive, got 0"),
    (lambda: tf.Normalize((1, 2), 1, scale=1), ArgumentError, "`mean` must be one number or three, got 2"),
    (lambda: tf.Normalize("mean", 1, scale=1), ArgumentTypeError, "`mean` must be a number, got 'mean'"),
    (lambda: tf.Normalize(math.nan, 1, scale=1), ArgumentError, "`mean` must be finite"),
    (lambda: tf.TemporalUpsample(0), ArgumentError, "`n_frames` must be at least 1, got 0"),
    (lambda: tf.RandomCrop(5).draw((20, 30), seed=-1), ArgumentError, "`seed` must be at least 0, got -1"),
    (lambda: tf.RandomCrop(5).draw((20, 30), seed=1 << 64), ArgumentError, r"`seed` must be below 2\*\*64"),
    (
        lambda: tf.RandomCrop(5).draw((20, 30), seed=(1, 2)),
        ArgumentTypeError,
        "`seed` must be an integer, None",
    ),
    (lambda: tf.RandomCrop(5).draw((0, 30)), ArgumentError, "`size` must be"),
]


@pytest.mark.parametrize(("make", "kind", "message"), OPTIONS, ids=[message for _, _, message in OPTIONS])
def test_options_check_themselves(make, kind, message):
    with pytest.raises(kind, match=message) as caught:
        make()
    assert isinstance(caught.value, TypeError if kind is ArgumentTypeError else ValueError)


def test_normalize_wants_its_scale():
    with pytest.raises(TypeError, match="scale"):
        tf.Normalize(0, 1)


CLIPS = [
    (np.zeros((20, 30, 3)), ArgumentTypeError, "`clip` must be uint8 or float32, got float64"),
    (np.zeros((20, 30, 3), np.int64), ArgumentTypeError, "`clip` must be uint8 or float32, got int64"),
    (np.zeros((20, 30, 3), ">f4"), ArgumentTypeError, "`clip` must be uint8 or float32"),
    (np.zeros((20, 30, 3), object), ArgumentTypeError, "`clip` must be uint8 or float32"),
    ("clip", ArgumentTypeError, "`clip` must be uint8 or float32"),
    (np.zeros(20, np.uint8), ArgumentError, r"`clip` must be \(T, H, W, C\)"),
    (np.zeros((1, 2, 20, 30, 3), np.uint8), ArgumentError, r"`clip` must be \(T, H, W, C\)"),
    (np.zeros((2, 20, 30, 4), np.uint8), ArgumentError, r"`clip` must be \(T, H, W, C\)"),
    (np.zeros((2, 0, 30, 3), np.uint8), ArgumentError, "`clip` must have sides in 1..32767, got 0 x 30"),
    (np.zeros((1, 40000), np.uint8), ArgumentError, "`clip` must have sides in 1..32767, got 1 x 40000"),
]


@pytest.mark.parametrize(("clip", "kind", "message"), CLIPS, ids=[message for _, _, message in CLIPS])
def test_clips_are_checked(clip, kind, message):
    with pytest.raises(kind, match=message):
        tf.apply(clip, [tf.Flip(horizontal=True)])


LISTS = [
    ([tf.Crop(top=10, left=0, height=11, width=5)], "`size` of the crop must lie inside the frame of"),
    ([tf.CenterCrop(21)], "`size` of the crop must lie inside the frame of .20, 30."),
    ([tf.RandomCrop(21)], "`size` of the crop must lie inside"),
    ([tf.Resize(8), tf.CenterCrop(9)], "inside the frame of .8, 8."),
    ([tf.ResizedCrop(8, top=0, left=29, height=5, width=2)], "`size` of the crop must lie inside"),
    ([tf.ThreeCrop(10)], "`size` of three crops must have the height or the width of the frame"),
    ([tf.ThreeCrop(20), tf.ThreeCrop(20)], "`transforms` must have at most one `ThreeCrop`"),
    ([tf.ThreeCrop(20), tf.Resize(8)], "`transforms` must not have `Resize` behind `ThreeCrop`"),
    ([tf.ThreeCrop(20), tf.Zoom(1.5)], "`transforms` must not have `Zoom` behind `ThreeCrop`"),
]


@pytest.mark.parametrize(("listed", "message"), LISTS, ids=[message for _, message in LISTS])
def test_lists_that_do_not_fit_the_frame_are_refused(listed, message):
    with pytest.raises(ArgumentError, match=message):
        tf.apply(FRAME, listed)


def test_a_short_side_that_makes_a_side_too_long_is_refused():
    with pytest.raises(ArgumentError, match=r"`size` must have sides in 1..=32767, got \(20, 60000\)"):
        tf.apply(np.zeros((1, 3000), np.uint8), [tf.ResizeShort(20)])


@pytest.mark.parametrize(
    ("listed", "name"),
    [
        ([tf.ToFloat(), tf.Resize(8)], "Resize"),
        ([tf.Rotate(3), tf.ResizedCrop(8, top=0, left=0, height=5, width=5)], "ResizedCrop"),
    ],
)
def test_floats_are_not_resized(listed, name):
    with pytest.raises(ArgumentTypeError, match=f"`{name}` takes uint8 frames, got float32; put it before"):
        tf.apply(FRAME, listed)


def test_grey_frames_have_no_channel_order_and_one_mean():
    grey = np.zeros((20, 30), np.uint8)
    with pytest.raises(ArgumentError, match="`clip` must have 3 channels for `Bgr`, got 1"):
        tf.bgr(grey)
    with pytest.raises(
        ArgumentError, match="`mean` must be one number or one for each of the 1 channels, got 3"
    ):
        tf.normalize(grey, (1, 2, 3), 1, scale=1)


def test_the_list_is_checked():
    with pytest.raises(ArgumentTypeError, match="`transforms` must be a list, got one Resize"):
        tf.apply(FRAME, tf.Resize(8))
    with pytest.raises(ArgumentTypeError, match=r"`transforms` must hold transforms of .*, got a str"):
        tf.apply(FRAME, ["resize"])


class Own(tf.Transform):
    pass


def test_transforms_of_ones_own_are_refused():
    with pytest.raises(ArgumentTypeError, match="got a Own"):
        tf.apply(FRAME, [Own()])


def test_streams_that_fail_pass_their_error_on():
    import random

    class Broken(random.Random):
        def randrange(self, *_):
            raise RuntimeError("no more numbers")

    with pytest.raises(RuntimeError, match="no more numbers"):
        tf.RandomCrop(5).draw((20, 30), seed=(np.random.RandomState(0), Broken()))


def test_nan_stays_nan_and_nothing_panics():
    clip = np.full((2, 5, 6, 3), np.nan, np.float32)
    listed = [tf.Flip(horizontal=True), tf.Rotate(30), tf.Contrast(2), tf.ResizeWithPad((5, 6))]
    assert np.isnan(tf.apply(clip, listed)).all()
