"""Samplers with `fps`: steps of a timeline, by timestamps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkit import sampling
from harkit.errors import ArgumentError, ArgumentTypeError


def shown(timestamps, fps):
    """Look for the frame on screen at each step, one by one."""
    frames = []
    tolerance = min(0.001001, 0.25 / fps)
    step = 0
    while timestamps[0] + step / fps <= timestamps[-1] + tolerance:
        time = timestamps[0] + step / fps
        frames.append(max(i for i, known in enumerate(timestamps) if known <= time + tolerance))
        step += 1
    return frames


@pytest.mark.parametrize("fps", [5, 10, 15, 24, 25, 30, 50, 60])
@pytest.mark.parametrize("source", [24000 / 1001, 25, 30000 / 1001, 30, 50, 60])
def test_a_constant_rate_gives_the_floor_of_the_ratio(source, fps):
    # torchvision's VideoClips rule: floor(k * source / fps).
    timestamps = np.arange(240) / source
    indices = sampling.Interval(1, fps=fps).indices(timestamps)
    steps = np.arange(len(indices))
    # Shown from a millisecond early: 29.97 against 30 is just that at the 30th frame.
    early = min(0.001001, 0.25 / fps) * source
    np.testing.assert_array_equal(indices, np.floor(steps * source / fps + early).astype(int))
    assert (steps[-1] + 1) / fps > timestamps[-1]


@pytest.mark.parametrize("source", [24, 25, 30000 / 1001, 30, 50, 60, 120])
def test_timestamps_rounded_to_milliseconds_do_not_repeat_or_lose_frames(source):
    exact = np.arange(600) / source
    rounded = np.round(exact + 0.0337, 3)
    assert sampling.Interval(1, fps=source).indices(rounded).tolist() == list(range(600))
    assert sampling.Interval(1, fps=source / 2).indices(rounded).tolist() == list(range(0, 600, 2))


@given(
    st.lists(st.floats(0.002, 0.4), min_size=1, max_size=40),
    st.floats(-5, 5),
    st.sampled_from([1, 4, 7.5, 15, 29.97, 60, 240]),
)
def test_a_variable_rate_shows_the_frame_on_screen_at_each_step(gaps, start, fps):
    timestamps = start + np.cumsum(gaps)
    assert sampling.Interval(1, fps=fps).indices(timestamps).tolist() == shown(timestamps, fps)


def test_dense_clips_step_along_the_timeline():
    timestamps = np.arange(120) / 30
    by_time = sampling.Dense(16, stride=2, fps=15).indices(timestamps)
    np.testing.assert_array_equal(by_time, sampling.Dense(16, stride=2).indices(60) * 2)
    clips = sampling.Dense(4, stride=1, clips=3, fps=10).indices(timestamps)
    np.testing.assert_array_equal(clips, sampling.Dense(4, clips=3).indices(40) * 3)


def test_blocks_and_intervals_step_along_the_timeline():
    timestamps = np.arange(120) / 30
    np.testing.assert_array_equal(
        sampling.Blocks(8, fps=15).indices(timestamps), sampling.Blocks(8).indices(60) * 2
    )
    assert sampling.Interval(2, fps=15).indices(timestamps).tolist() == list(range(0, 120, 4))


def test_a_higher_rate_repeats_frames():
    assert sampling.Interval(1, fps=50).indices(np.arange(4) / 25).tolist() == [0, 0, 1, 1, 2, 2, 3]


def test_a_gap_in_the_timestamps_holds_the_frame_before_it():
    assert sampling.Interval(1, fps=2).indices([0.0, 0.5, 3.0]).tolist() == [0, 1, 1, 1, 1, 1, 2]


def test_one_frame_has_one_step():
    assert sampling.Interval(1, fps=15).indices([7.25]).tolist() == [0]


def test_a_short_timeline_says_how_many_steps_it_has():
    sampler = sampling.Dense(16, stride=2, fps=15, short="error")
    with pytest.raises(ArgumentError, match=r"has 15 frames at 15 a second, but Dense .* needs at least 31"):
        sampler.indices(np.arange(30) / 30)
    looped = sampling.Dense(16, stride=2, fps=15).indices(np.arange(30) / 30)
    np.testing.assert_array_equal(looped, np.arange(16) * 2 % 15 * 2)


def test_a_sampler_of_steps_in_time_refuses_a_plain_count():
    with pytest.raises(ArgumentTypeError, match=r"`fps=15` .* needs the timestamps .*`video.timestamps`"):
        sampling.Dense(16, stride=2, fps=15).indices(120)
    with pytest.raises(ArgumentTypeError, match=r"video 1: `fps=15`"):
        sampling.indices_many(sampling.Interval(1, fps=15), [np.arange(9) / 30, 9])


def test_timestamps_count_as_frames_for_a_sampler_without_fps():
    assert (
        sampling.Uniform(4).indices(np.arange(40) / 25).tolist() == sampling.Uniform(4).indices(40).tolist()
    )


@pytest.mark.parametrize(
    ("timestamps", "message", "frame"),
    [
        ([0.0, np.nan, 1.0], "frame 1: `timestamps` are not finite", 1),
        ([0.0, np.inf], "frame 1: `timestamps` are not finite", 1),
        ([0.0, 0.5, 0.4], "frame 2: `timestamps` go backwards", 2),
        ([0.0, 1e300], "`timestamps` span 1e300 seconds: more than 100000000 steps", None),
        ([-1e308, 1e308], "`timestamps` span inf seconds", None),
    ],
)
def test_faulty_timestamps_are_named(timestamps, message, frame):
    with pytest.raises(ArgumentError) as caught:
        sampling.Interval(1, fps=30).indices(timestamps)
    assert message in str(caught.value)
    assert caught.value.frame == frame


def test_timestamps_of_any_float_type_and_memory_order_are_taken_and_left_alone():
    timestamps = np.arange(240) / 30
    known = sampling.Interval(1, fps=10).indices(timestamps[:120])
    for other in (timestamps[:120].astype(np.float32), list(timestamps[:120]), np.arange(240)[::2] / 60):
        np.testing.assert_array_equal(sampling.Interval(1, fps=10).indices(other), known)
    fixed = timestamps[:120].copy()
    fixed.flags.writeable = False
    np.testing.assert_array_equal(sampling.Interval(1, fps=10).indices(fixed), known)
    backwards = timestamps[:120][::-1]
    np.testing.assert_array_equal(sampling.Interval(1, fps=10).indices(backwards[::-1]), known)
