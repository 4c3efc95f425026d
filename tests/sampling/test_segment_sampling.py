"""Segments against NumPy forms of mmaction2's and TSN's rules, written from their descriptions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkit import sampling

LENGTHS = [*range(1, 260), 300, 500, 1000]


def uniform_sample_frames(state, n, length, starts):
    """Draw clips as mmaction2 1.2 `UniformSampleFrames`; short videos begin at `starts` (None: drawn)."""
    clips = []
    for start in starts:
        if n < length:
            first = state.randint(0, n) if start is None else start
            clip = (first + np.arange(length)) % n
        elif n < 2 * length:
            skipped = np.zeros(length + 1, dtype=int)
            skipped[state.choice(length + 1, n - length, replace=False)] = 1
            clip = np.arange(length) + skipped.cumsum()[:-1]
        else:
            borders = np.arange(length + 1) * n // length
            clip = borders[:-1] + state.randint(np.diff(borders))
        clips.append(clip)
    return np.stack(clips)


@pytest.mark.parametrize("clips", [1, 3])
@pytest.mark.parametrize("frames", [1, 8, 40])
def test_test_mode_draws_as_mmaction2_from_255_for_each_video(frames, clips):
    drawn = sampling.indices_many(sampling.Segments(frames, clips=clips), LENGTHS)
    for n, indices in zip(LENGTHS, drawn, strict=True):
        starts = list(range(clips)) if n < clips else [i * n // clips for i in range(clips)]
        expected = uniform_sample_frames(np.random.RandomState(255), n, frames, starts)
        np.testing.assert_array_equal(indices, expected[0] if clips == 1 else expected)


@pytest.mark.parametrize("clips", [1, 3])
@pytest.mark.parametrize("frames", [1, 8, 40])
def test_training_draws_as_mmaction2_from_one_stream(frames, clips):
    sampler = sampling.Segments(frames, mode="train", clips=clips, seed=7, stream="numpy")
    state = np.random.RandomState(7)
    for n, indices in zip(LENGTHS, sampling.indices_many(sampler, LENGTHS), strict=True):
        expected = uniform_sample_frames(state, n, frames, [None] * clips)
        np.testing.assert_array_equal(indices, expected[0] if clips == 1 else expected)


def test_another_test_seed_is_another_stream():
    expected = uniform_sample_frames(np.random.RandomState(4), 200, 16, [0])[0]
    np.testing.assert_array_equal(sampling.Segments(16, seed=4).indices(200), expected)


@given(st.integers(1, 60), st.integers(1, 500), st.integers(0, 9))
def test_a_training_frame_lies_in_its_segment(frames, n_frames, video):
    indices = sampling.Segments(frames, mode="train").indices(n_frames, video=video)
    assert len(indices) == frames
    assert indices.min() >= 0
    assert indices.max() < n_frames
    if n_frames >= frames:
        assert (np.diff(indices) > 0).all()
    if n_frames >= 2 * frames:
        borders = np.arange(frames + 1) * n_frames // frames
        assert (borders[:-1] <= indices).all()
        assert (indices < borders[1:]).all()
    if n_frames < frames:
        assert set(np.diff(indices)) <= {1, 1 - n_frames}


def test_tsn_tests_take_the_middles_in_float64():
    for frames in (1, 3, 7, 8, 25):
        for n in range(1, 300):
            tick = n / float(frames)
            expected = [int(tick / 2.0 + tick * x) for x in range(frames)]
            assert sampling.Segments(frames, rule="tsn").indices(n).tolist() == expected


def test_tsn_training_draws_one_frame_of_each_equal_part():
    state = np.random.RandomState(5)
    lengths = range(8, 300)
    sampler = sampling.Segments(8, mode="train", rule="tsn", seed=5, stream="numpy")
    for n, indices in zip(lengths, sampling.indices_many(sampler, lengths), strict=True):
        expected = np.arange(8) * (n // 8) + state.randint(n // 8, size=8)
        np.testing.assert_array_equal(indices, expected)


@given(st.integers(1, 60), st.integers(1, 500), st.integers(0, 9))
def test_keyed_tsn_frames_lie_in_their_parts(frames, n_frames, video):
    indices = sampling.Segments(frames, mode="train", rule="tsn").indices(n_frames, video=video)
    part = n_frames // frames
    if part:
        assert (indices // part == np.arange(frames)).all()
    else:
        assert indices.tolist() == sampling.Segments(frames, rule="tsn").indices(n_frames).tolist()


def test_several_training_clips_differ():
    indices = sampling.Segments(8, mode="train", clips=4).indices(200)
    assert indices.shape == (4, 8)
    assert len({tuple(clip) for clip in indices}) == 4
