"""Dense clips and blocks against NumPy forms of mmaction2's `SampleFrames`."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkit import sampling


def even_starts(n, frames, stride, clips):
    if frames == 1:
        return (np.arange(clips) * (n / clips) + n / clips / 2).astype(int)
    last = max(n - ((frames - 1) * stride + 1), 0)
    if clips == 1:
        return np.array([last // 2])
    return np.round(np.arange(clips) * (last / float(clips - 1))).astype(int)


def drawn_starts(state, n, frames, stride, clips):
    room = frames * stride
    part = (n - room + 1) // clips
    if part > 0:
        return np.arange(clips) * part + state.randint(part, size=clips)
    if n > max(clips, room):
        return np.sort(state.randint(n - room + 1, size=clips))
    if part == 0:
        return np.around(np.arange(clips) * ((n - room + 1.0) / clips)).astype(int)
    return np.zeros(clips, dtype=int)


CASES = [(1, 1, 1), (1, 1, 25), (8, 8, 1), (16, 4, 10), (16, 1, 10), (32, 2, 3), (5, 3, 40)]


@pytest.mark.parametrize(("frames", "stride", "clips"), CASES)
@pytest.mark.parametrize("short", ["loop", "repeat_last"])
def test_test_clips_are_mmaction2s(frames, stride, clips, short):
    for n in range(1, 320):
        wanted = even_starts(n, frames, stride, clips)[:, None] + np.arange(frames) * stride
        if short == "loop":
            expected = wanted % n
        else:
            inside = wanted < n
            expected = np.where(inside, wanted, (inside * wanted).max(axis=1, keepdims=True))
        indices = sampling.Dense(frames, stride=stride, clips=clips, short=short).indices(n)
        np.testing.assert_array_equal(indices, expected[0] if clips == 1 else expected)


@pytest.mark.parametrize(("frames", "stride", "clips"), CASES)
def test_training_clips_are_mmaction2s_but_for_a_start_past_the_last(frames, stride, clips):
    lengths = range(1, 320)
    sampler = sampling.Dense(frames, stride=stride, clips=clips, mode="train", seed=9, stream="numpy")
    state = np.random.RandomState(9)
    span = (frames - 1) * stride + 1
    for n, indices in zip(lengths, sampling.indices_many(sampler, lengths), strict=True):
        starts = drawn_starts(state, n, frames, stride, clips)
        if n >= span:
            assert stride == 1 or starts.max() <= n - span
            starts = np.minimum(starts, n - span)
        expected = (starts[:, None] + np.arange(frames) * stride) % n
        np.testing.assert_array_equal(indices, expected[0] if clips == 1 else expected)


@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 12), st.integers(1, 600), st.integers(0, 3))
def test_clips_of_a_video_that_is_long_enough_are_whole_and_in_order(frames, stride, clips, n, video):
    span = (frames - 1) * stride + 1
    if n < span:
        n += span
    for mode in ("test", "train"):
        sampler = sampling.Dense(frames, stride=stride, clips=clips, mode=mode, short="error")
        indices = np.atleast_2d(sampler.indices(n, video=video))
        assert indices.shape == (clips, frames)
        assert (np.diff(indices, axis=1) == stride).all()
        assert (np.diff(indices[:, 0]) >= 0).all()
        assert indices.min() >= 0
        assert indices.max() < n


def test_ten_clips_reach_from_the_first_frame_to_the_last():
    indices = sampling.Dense(16, stride=4, clips=10).indices(300)
    assert indices.shape == (10, 16)
    assert (indices[0, 0], indices[-1, -1]) == (0, 299)


@given(st.integers(1, 50), st.integers(0, 500))
def test_blocks_follow_one_another(frames, more):
    n = frames + more
    indices = sampling.Blocks(frames).indices(n)
    assert indices.shape == (n // frames, frames)
    assert indices.ravel().tolist() == list(range(n // frames * frames))
