"""What a video gets that has fewer frames than a rule asks for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkit import sampling
from harkit.errors import ArgumentError

POLICIES = {
    "repeat_last": [0, 1, 2, 2, 2, 2, 2],
    "loop": [0, 1, 2, 0, 1, 2, 0],
    "fewer": [0, 1, 2],
}
RULES = {
    "random": lambda short: sampling.Random(7, short=short),
    "linspace": lambda short: sampling.Linspace(7, short=short),
    "linspace-nearest": lambda short: sampling.Linspace(7, rounding="nearest", short=short),
    "linspace-step": lambda short: sampling.Linspace(7, rounding="step", short=short),
    "linspace-open_step": lambda short: sampling.Linspace(7, rounding="open_step", short=short),
    "uniform": lambda short: sampling.Uniform(7, short=short),
    "segments-test": lambda short: sampling.Segments(7, short=short),
    "segments-tsn": lambda short: sampling.Segments(7, rule="tsn", mode="train", short=short),
    "dense": lambda short: sampling.Dense(7, short=short),
    "blocks": lambda short: sampling.Blocks(7, short=short),
}


@pytest.mark.parametrize("short", POLICIES)
@pytest.mark.parametrize("rule", RULES)
def test_a_policy_means_the_same_for_every_rule(rule, short):
    indices = RULES[rule](short).indices(3)
    assert np.ravel(indices).tolist() == POLICIES[short]


@pytest.mark.parametrize("rule", RULES)
def test_an_error_names_the_frames_there_are_and_those_needed(rule):
    needed = 6 if rule == "linspace-open_step" else 7
    with pytest.raises(
        ArgumentError, match=rf"the video has 3 frames, but .* needs at least {needed}; `short`"
    ):
        RULES[rule]("error").indices(3)


@pytest.mark.parametrize("rule", RULES)
@given(n_frames=st.integers(1, 6))
def test_stretching_repeats_every_frame_evenly_and_in_order(rule, n_frames):
    if rule == "linspace-open_step" and n_frames == 6:
        return  # Six frames are enough for it.
    indices = np.ravel(RULES[rule]("stretch").indices(n_frames))
    assert len(indices) == 7
    assert (np.diff(indices) >= 0).all()
    if rule not in ("linspace",):
        assert set(indices) == set(range(n_frames))


def test_stretching_is_the_rules_own_formula_where_it_has_one_and_the_nearest_points_elsewhere():
    assert sampling.Uniform(7, short="stretch").indices(3).tolist() == [0, 0, 1, 1, 1, 2, 2]
    assert sampling.Linspace(7, short="stretch").indices(3).tolist() == [0, 0, 0, 1, 1, 1, 2]
    nearest = sampling.Linspace(7, rounding="nearest").indices(3).tolist()
    assert nearest == [0, 0, 1, 1, 1, 2, 2]
    for rule in ("random", "linspace-step", "segments-test", "dense", "blocks"):
        assert np.ravel(RULES[rule]("stretch").indices(3)).tolist() == nearest


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("short", ["error", "repeat_last", "loop", "stretch", "fewer"])
def test_a_policy_changes_nothing_of_a_video_that_is_long_enough(rule, short):
    for n_frames in (7, 8, 30):
        known = RULES[rule]("error").indices(n_frames)
        np.testing.assert_array_equal(RULES[rule](short).indices(n_frames), known)


def test_strided_clips_repeat_the_last_frame_that_they_reach():
    options = {"stride": 4, "clips": 2}
    assert sampling.Dense(5, **options, short="repeat_last").indices(11).tolist() == [[0, 4, 8, 8, 8]] * 2
    assert sampling.Dense(5, **options, short="loop").indices(11).tolist() == [[0, 4, 8, 1, 5]] * 2
    assert sampling.Dense(5, **options, short="fewer").indices(11).tolist() == [[0, 4, 8]] * 2
    assert sampling.Dense(5, **options, short="stretch").indices(11).tolist() == [[0, 3, 5, 8, 10]] * 2


@pytest.mark.parametrize(
    ("sampler", "expected"),
    [
        (sampling.Uniform(5), [0, 0, 1, 1, 1]),
        (sampling.Linspace(5), [0, 0, 0, 0, 1]),
        (sampling.Segments(5), [0, 1, 0, 1, 0]),
        (sampling.Segments(5, rule="tsn"), [0, 0, 1, 1, 1]),
        (sampling.Dense(5), [0, 1, 0, 1, 0]),
        (sampling.Random(5), None),
        (sampling.Linspace(5, rounding="step"), None),
        (sampling.Blocks(5), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_defaults_are_what_each_rules_source_does(sampler, expected):
    if expected is None:
        with pytest.raises(ArgumentError, match="the video has 2 frames"):
            sampler.indices(2)
    else:
        assert sampler.indices(2).tolist() == expected


def test_a_short_block_is_one_clip():
    assert sampling.Blocks(5, short="loop").indices(2).shape == (1, 5)
