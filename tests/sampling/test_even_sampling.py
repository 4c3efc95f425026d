"""Interval, Linspace, Uniform and fractions against NumPy and exact arithmetic."""

from fractions import Fraction as Exact
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkit import sampling

lengths = st.integers(1, 5000)
counts = st.integers(1, 200)


@given(lengths, st.integers(1, 6000))
def test_interval_is_pythons_range(n_frames, interval):
    assert sampling.Interval(interval).indices(n_frames).tolist() == list(range(0, n_frames, interval))


@given(lengths, counts)
def test_uniform_takes_the_middle_of_each_part_exactly(n_frames, n):
    expected = [floor((i + Exact(1, 2)) * n_frames / n) for i in range(n)]
    assert sampling.Uniform(n).indices(n_frames).tolist() == expected


def test_linspace_floor_is_numpys_linspace_for_every_small_pair():
    for n in range(1, 65):
        for n_frames in range(1, 400):
            expected = np.linspace(0, n_frames - 1, n).astype(int)
            np.testing.assert_array_equal(sampling.Linspace(n).indices(n_frames), expected)


@given(lengths, counts)
def test_linspace_floor_is_at_most_one_below_the_exact_quotient(n_frames, n):
    indices = sampling.Linspace(n).indices(n_frames)
    exact = np.array([i * (n_frames - 1) // max(n - 1, 1) for i in range(n)])
    assert set(np.unique(exact - indices)) <= {0, 1}


@given(lengths, counts)
def test_linspace_nearest_rounds_halves_up_exactly(n_frames, n):
    expected = [floor(Exact(i * (n_frames - 1), max(n - 1, 1)) + Exact(1, 2)) for i in range(n)]
    assert sampling.Linspace(n, rounding="nearest").indices(n_frames).tolist() == expected


@given(st.integers(2, 100), st.integers(0, 2000))
def test_steps_are_the_widest_that_reach_no_further_than_the_last_frame(n, more):
    n_frames = n + more
    indices = sampling.Linspace(n, rounding="step").indices(n_frames)
    assert indices[0] == 0
    assert len(set(np.diff(indices))) == 1
    assert indices[-1] <= n_frames - 1 < indices[-1] + n - 1


@given(st.integers(2, 100), st.integers(0, 2000))
def test_open_steps_are_a_truncated_linspace_on_an_aligned_base(n, more):
    n_frames = n - 1 + more
    base = n - 1
    stop = n_frames - base
    stop -= stop % base
    expected = np.linspace(0, stop, n).astype(np.int32)
    indices = sampling.Linspace(n, rounding="open_step").indices(n_frames)
    np.testing.assert_array_equal(indices, expected)


@given(lengths, st.floats(0.001, 1.0))
def test_a_float_is_the_nearest_number_of_frames_and_at_least_one(n_frames, q):
    expected = max(1, floor(q * n_frames + 0.5))
    assert len(sampling.Uniform(q).indices(n_frames)) == expected
    np.testing.assert_array_equal(
        sampling.Linspace(q).indices(n_frames), sampling.Linspace(expected).indices(n_frames)
    )


@given(lengths, st.floats(0.01, 1.0))
def test_a_faithful_fraction_is_counted_in_float32(n_frames, q):
    expected = int(np.float32(q) * np.float32(n_frames + 1))
    fraction = sampling.Fraction(q, mode="faithful")
    if expected == 0:
        with pytest.raises(ValueError, match="is 0 frames"):
            sampling.Uniform(fraction).indices(n_frames)
    else:
        assert len(sampling.Uniform(fraction).indices(n_frames)) == expected


@pytest.mark.parametrize("sampler", [sampling.Uniform(1), sampling.Linspace(1), sampling.Interval(9)])
def test_a_video_of_one_frame_gives_that_frame(sampler):
    assert sampler.indices(1).tolist() == [0]


def test_coverage_says_how_far_the_frames_reach():
    assert sampling.coverage(sampling.Linspace(32, rounding="step").indices(62), 62) == 32 / 62
    assert sampling.coverage(sampling.Linspace(32, rounding="nearest").indices(62), 62) == 1.0
    for wrong in ([], [62], [-1]):
        with pytest.raises(ValueError, match="`indices` must be frames of a video of 62"):
            sampling.coverage(wrong, 62)
