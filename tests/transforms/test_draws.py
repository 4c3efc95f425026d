"""Random parameters: ranges, frequencies, seeds, and the forks of Keras's versions."""

import pickle

import numpy as np
import pytest

from harkit import transforms as tf

SIZE = (64, 85)
RANDOM = [
    tf.RandomCrop(56),
    tf.RandomResizedCrop(56),
    tf.HorizontalFlip(),
    tf.VerticalFlip(0.3),
    tf.RandomFlip(),
    tf.RandomFlip(keras_compat="3.5"),
    tf.RandomRotation(30),
    tf.RandomRotation((5, 20), fill="zero"),
    tf.RandomZoom(0.2),
    tf.RandomContrast(0.2),
]


@pytest.mark.parametrize("transform", RANDOM, ids=repr)
def test_a_seed_gives_one_draw_and_applying_it_the_same_pixels(transform):
    clip = np.random.default_rng(0).integers(0, 256, (3, *SIZE, 3), dtype=np.uint8)
    drawn = transform.draw(SIZE, seed=5)
    assert drawn == transform.draw(SIZE, seed=5)
    assert drawn.draw(SIZE, seed=6) == drawn
    np.testing.assert_array_equal(tf.apply(clip, [transform], seed=5), tf.apply(clip, [drawn]))


@pytest.mark.parametrize("transform", RANDOM, ids=repr)
def test_seeds_differ_and_none_draws_anew(transform):
    assert len({transform.draw(SIZE, seed=seed) for seed in range(40)}) > 1
    assert len({transform.draw(SIZE) for _ in range(40)}) > 1


def test_the_whole_list_draws_from_one_stream():
    listed = [tf.RandomResizedCrop(48), tf.HorizontalFlip(), tf.RandomCrop(32), tf.RandomContrast(0.2)]
    clip = np.random.default_rng(0).integers(0, 256, (2, *SIZE, 3), dtype=np.uint8)
    drawn = tf.draw(listed, SIZE, seed=11)
    np.testing.assert_array_equal(tf.apply(clip, listed, seed=11), tf.apply(clip, drawn))
    assert [type(one).__name__ for one in drawn] == ["ResizedCrop", "Flip", "Crop", "Contrast"]


def test_random_crops_reach_every_place_evenly():
    drawn = [tf.RandomCrop((62, 83)).draw(SIZE, seed=seed) for seed in range(1800)]
    counts = np.zeros((3, 3), int)
    for crop in drawn:
        counts[crop.top, crop.left] += 1
    # 200 expected each; five standard deviations of a binomial are 67.
    assert counts.min() > 133
    assert counts.max() < 267


def test_random_resized_crops_keep_to_area_and_aspect():
    transform = tf.RandomResizedCrop(56, area=(0.2, 0.5), aspect=(0.8, 1.25))
    for seed in range(300):
        crop = transform.draw((240, 320), seed=seed)
        assert 0.19 < crop.height * crop.width / (240 * 320) < 0.51  # sides are rounded
        assert 0.78 < crop.width / crop.height < 1.28
        assert crop.top + crop.height <= 240
        assert crop.left + crop.width <= 320


def test_a_random_area_that_never_fits_takes_the_middle_square():
    crop = tf.RandomResizedCrop(8, area=(1, 1), aspect=(4, 5)).draw((40, 50), seed=0)
    assert (crop.top, crop.left, crop.height, crop.width) == (0, 5, 40, 40)
    tiny = tf.RandomResizedCrop(8, area=(0.08, 0.08)).draw((1, 1), seed=0)
    assert (tiny.top, tiny.left, tiny.height, tiny.width) == (0, 0, 1, 1)


def share(transform, n=2000):
    drawn = [transform.draw(SIZE, seed=seed) for seed in range(n)]
    return {
        (h, v): sum(flip == tf.Flip(horizontal=h, vertical=v) for flip in drawn) / n
        for h in (False, True)
        for v in (False, True)
    }


def test_flips_happen_with_their_probability():
    close = {"abs": 0.06}  # five standard deviations of 2000 draws
    assert share(tf.HorizontalFlip(0.25))[True, False] == pytest.approx(0.25, **close)
    assert share(tf.VerticalFlip(0.25))[False, True] == pytest.approx(0.25, **close)
    assert share(tf.HorizontalFlip(0))[False, False] == 1
    assert share(tf.HorizontalFlip(1))[True, False] == 1


def test_keras_shares_one_flip_draw_from_3_6_on():
    close = {"abs": 0.06}
    shared = share(tf.RandomFlip())
    assert shared[True, False] == shared[False, True] == 0
    assert shared[True, True] == pytest.approx(0.5, **close)
    independent = share(tf.RandomFlip(keras_compat="3.5"))
    assert all(part == pytest.approx(0.25, **close) for part in independent.values())
    assert share(tf.RandomFlip("horizontal"))[True, False] == pytest.approx(0.5, **close)
    assert share(tf.RandomFlip("vertical"))[False, True] == pytest.approx(0.5, **close)


def factors(transform):
    return [transform.draw(SIZE, seed=seed).factor for seed in range(500)]


def test_keras_only_raises_contrast_from_3_6_on():
    raised = factors(tf.RandomContrast(0.2))
    assert 1 <= min(raised) < 1.01
    assert 1.19 < max(raised) <= 1.2
    both = factors(tf.RandomContrast(0.2, keras_compat="3.5"))
    assert 0.8 <= min(both) < 0.81
    assert 1.19 < max(both) <= 1.2
    lowered = factors(tf.RandomContrast((0.5, 0.0)))
    assert 0.5 <= min(lowered) <= max(lowered) <= 1


def test_zooms_and_angles_keep_to_their_range():
    zooms = factors(tf.RandomZoom(0.2))
    assert 0.8 <= min(zooms) < 0.81
    assert 1.19 < max(zooms) <= 1.2
    assert all(0.5 <= zoom <= 0.7 for zoom in factors(tf.RandomZoom((-0.5, -0.3))))
    angles = [tf.RandomRotation(144).draw(SIZE, seed=seed).angle for seed in range(500)]
    assert -144 <= min(angles) < -140
    assert 140 < max(angles) <= 144


ALL = [
    *RANDOM,
    tf.Resize(56, "area"),
    tf.ResizeShort(64, "torchvision"),
    tf.ResizeWithPad((192, 256)),
    tf.Crop(top=0, left=1, height=2, width=3),
    tf.CenterCrop(56, "torchvision"),
    tf.ThreeCrop(64),
    tf.ResizedCrop(56, top=0, left=1, height=2, width=3),
    tf.Flip(horizontal=True),
    tf.Rotate(30),
    tf.Zoom(1.5),
    tf.Contrast(0.5),
    tf.Bgr(),
    tf.ToFloat(),
    tf.Normalize((0.1, 0.2, 0.3), 0.5, scale=1),
    tf.TemporalUpsample(10),
]


@pytest.mark.parametrize("transform", ALL, ids=repr)
def test_transforms_compare_hash_print_and_pickle_by_their_options(transform):
    again = pickle.loads(pickle.dumps(transform))
    assert again == transform
    assert hash(again) == hash(transform)
    assert eval(repr(transform), vars(tf)) == transform
    assert type(transform).__module__ == "harkit.transforms"
    with pytest.raises(AttributeError):
        transform.size = 3
