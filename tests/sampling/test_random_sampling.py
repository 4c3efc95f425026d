"""Random frames: NumPy's and CPython's streams draw for draw, harkit's by its promises."""

import random
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import harkit
from harkit import sampling

SEEDS = [0, 1, 23, 255, 2**32 - 1]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("count", [1, 2, 5, 6, 21, 60])
def test_numpy_stream_is_choice_without_replacement(seed, count):
    lengths = [*range(count, 300, 7), 1000, 5000]
    state = np.random.RandomState(seed)
    expected = [state.choice(n, size=count, replace=False) for n in lengths]
    sampler = sampling.Random(count, seed=seed, stream="numpy", order="drawn")
    for drawn, known in zip(sampling.indices_many(sampler, lengths), expected, strict=True):
        np.testing.assert_array_equal(drawn, known)
    first = np.random.RandomState(seed).choice(lengths[0], size=count, replace=False)
    np.testing.assert_array_equal(sampler.indices(lengths[0]), first)


@pytest.mark.parametrize("seed", [*SEEDS, 12345678901, 2**64 - 1])
@pytest.mark.parametrize("count", [1, 2, 5, 6, 21, 60])
def test_python_stream_is_random_sample(seed, count):
    lengths = [*range(count, 300), 1000, 5000]
    generator = random.Random(seed)
    expected = [sorted(generator.sample(range(n), count)) for n in lengths]
    sampler = sampling.Random(count, seed=seed, stream="python")
    assert [drawn.tolist() for drawn in sampling.indices_many(sampler, lengths)] == expected


def test_time_order_is_drawn_order_sorted():
    for stream in ("harkit", "numpy", "python"):
        drawn = sampling.Random(9, stream=stream, order="drawn").indices(50)
        in_time = sampling.Random(9, stream=stream, order="time").indices(50)
        assert sorted(drawn) == in_time.tolist() != drawn.tolist()


@given(st.integers(1, 400), st.data(), st.integers(0, 2**64 - 1))
def test_frames_are_different_ascending_and_in_range(n_frames, data, seed):
    count = data.draw(st.integers(1, n_frames))
    indices = sampling.Random(count, seed=seed).indices(n_frames)
    assert len(indices) == count
    assert (np.diff(indices) > 0).all()
    assert indices[0] >= 0
    assert indices[-1] < n_frames


def test_every_set_of_frames_is_as_likely_as_any_other():
    n_draws = 12000
    drawn = sampling.indices_many(sampling.Random(3), [6] * n_draws)
    sets, observed = np.unique(np.array(drawn), axis=0, return_counts=True)
    assert [tuple(frames) for frames in sets] == list(combinations(range(6), 3))
    # Chi-squared with 19 degrees of freedom: 43.8 is passed once in a thousand seeds; this one is fixed.
    expected = n_draws / 20
    assert ((observed - expected) ** 2 / expected).sum() < 43.8


def test_a_keyed_draw_depends_on_seed_epoch_and_video_alone():
    sampler = sampling.Random(5, seed=3)
    many = sampling.indices_many(sampler, [100] * 20, epoch=2)
    for video in reversed(range(20)):
        assert sampler.indices(100, epoch=2, video=video).tolist() == many[video].tolist()
    assert len({tuple(indices) for indices in many}) == 20
    assert sampler.indices(100, epoch=2).tolist() != sampler.indices(100, epoch=3).tolist()
    assert sampler.indices(100).tolist() != sampling.Random(5, seed=4).indices(100).tolist()


def test_draws_do_not_depend_on_the_number_of_threads():
    samplers = [sampling.Random(5), sampling.Random(5, stream="numpy"), sampling.Dense(8, mode="train")]
    before = harkit.num_threads()
    results = []
    try:
        for threads in (1, 4):
            harkit.set_num_threads(threads)
            results.append([np.stack(sampling.indices_many(sampler, [90] * 50)) for sampler in samplers])
    finally:
        harkit.set_num_threads(before)
    for one, four in zip(*results, strict=True):
        np.testing.assert_array_equal(one, four)


def test_keyed_draws_stay_what_they_are():
    # A change here changes every seeded result that anybody has.
    assert sampling.Random(5).indices(100).tolist() == [16, 22, 42, 55, 95]
    assert sampling.Segments(4, mode="train").indices(100, epoch=1, video=2).tolist() == [7, 43, 57, 96]


@pytest.mark.parametrize("stream", ["numpy", "python"])
def test_a_later_epoch_of_a_report_stream_is_seeded_with_seed_plus_epoch(stream):
    later = sampling.indices_many(sampling.Random(5, seed=3, stream=stream), [80, 90], epoch=4)
    anew = sampling.indices_many(sampling.Random(5, seed=7, stream=stream), [80, 90])
    assert [indices.tolist() for indices in later] == [indices.tolist() for indices in anew]


def test_a_report_stream_cannot_jump_to_a_later_video():
    with pytest.raises(ValueError, match=r"`video` must be 0, got 3: .* use `indices_many`"):
        sampling.Random(5, stream="python").indices(100, video=3)


def test_a_short_video_draws_nothing_from_a_report_stream():
    sampler = sampling.Random(5, stream="numpy", short="fewer")
    with_short = sampling.indices_many(sampler, [3, 100])
    assert with_short[0].tolist() == [0, 1, 2]
    assert with_short[1].tolist() == sampler.indices(100).tolist()
