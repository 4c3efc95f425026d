"""Temporal upsampling against PyTorch."""

from pathlib import Path

import numpy as np
import pytest

from harkit import transforms as tf
from harkit.errors import ArgumentError

REFERENCES = np.load(Path(__file__).parents[1] / "golden" / "transforms" / "references.npz")
PAIRS = [tuple(map(int, name.split("_")[1:])) for name in REFERENCES if name.startswith("nearest_")]


def shown(n, frames, *others):
    clip = np.arange(n, dtype=np.uint8).reshape(n, 1, 1, 1)
    return tf.apply(clip, [*others, tf.TemporalUpsample(frames)]).ravel()


@pytest.mark.parametrize(("n", "frames"), PAIRS)
def test_the_frames_are_pytorchs_nearest(n, frames):
    np.testing.assert_array_equal(shown(n, frames), REFERENCES[f"nearest_{n}_{frames}"])


def test_the_goldens_hold_cases_where_float32_decides():
    exact = {pair: [i * pair[0] // pair[1] for i in range(pair[1])] for pair in PAIRS}
    assert any(exact[n, m] != REFERENCES[f"nearest_{n}_{m}"].tolist() for n, m in PAIRS)


def test_it_may_stand_anywhere_and_twice():
    clip = np.random.default_rng(0).integers(0, 256, (4, 8, 9, 3), dtype=np.uint8)
    listed = [tf.TemporalUpsample(6), tf.Resize(5), tf.ToFloat(), tf.TemporalUpsample(12)]
    expected = tf.to_float(tf.resize(clip, 5))[[0, 0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 3]]
    np.testing.assert_array_equal(tf.apply(clip, listed), expected)
    assert tf.apply(clip, [tf.TemporalUpsample(6), tf.ThreeCrop((8, 3))]).shape == (3, 6, 8, 3, 3)


def test_nothing_can_be_made_of_no_frames():
    with pytest.raises(ArgumentError, match="`clip` has no frames"):
        tf.temporal_upsample(np.zeros((0, 4, 4, 3), np.uint8), 3)
    with pytest.raises(ArgumentError, match="`clip` must have frames"):
        tf.temporal_upsample(np.zeros((4, 4, 3), np.uint8), 3)
