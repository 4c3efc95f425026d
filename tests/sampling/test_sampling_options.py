"""Option objects: what they refuse, and how they compare, print and travel."""

import copy
import json
import pickle
from dataclasses import FrozenInstanceError, asdict

import numpy as np
import pytest

from harkit import sampling
from harkit.errors import ArgumentError, ArgumentTypeError, HarkitError

SAMPLERS = [
    sampling.Interval(2),
    sampling.Random(5, seed=3),
    sampling.Random(sampling.Fraction(0.5, mode="faithful")),
    sampling.Linspace(32, rounding="step"),
    sampling.Uniform(0.25),
    sampling.Segments(40, mode="train"),
    sampling.Dense(16, stride=2, fps=15),
    sampling.Blocks(8),
]

WRONG_VALUES = {
    "`interval` must be from 1 to 100000000, got 0": lambda: sampling.Interval(0),
    "`interval` must be a count of at least 1, got -2": lambda: sampling.Interval(-2),
    "`frames` must be from 1 to 100000000, got 0": lambda: sampling.Uniform(0),
    "`frames` must be a count of at least 1, got -1": lambda: sampling.Random(-1),
    "`frames` must be from 1 to 100000000, got 200000000": lambda: sampling.Blocks(200_000_000),
    "`frames` must be a count of at least 1, got 1000000": lambda: sampling.Linspace(10**30),
    "`frames` as a float is a fraction of the video, above 0 and at most 1, got 8.0": lambda: (
        sampling.Uniform(8.0)
    ),
    "`frames` as a float is a fraction of the video, above 0 and at most 1, got NaN": lambda: sampling.Random(
        float("nan")
    ),
    "above 0 and at most 1, got 0.0": lambda: sampling.Fraction(0.0),
    '`mode` must be one of "corrected", "faithful", got "test"': lambda: sampling.Fraction(0.5, mode="test"),
    "`frames` must be at least 2 where the distance": lambda: sampling.Linspace(1, rounding="step"),
    '`rounding` must be one of "floor", "nearest", "step", "open_step", got "up"': lambda: sampling.Linspace(
        5, rounding="up"
    ),
    '`short` must be one of "error", "repeat_last", "loop", "stretch", "fewer", got "wrap"': lambda: (
        sampling.Uniform(5, short="wrap")
    ),
    '`stream` must be one of "harkit", "numpy", "python", got "torch"': lambda: sampling.Random(
        5, stream="torch"
    ),
    '`order` must be one of "time", "drawn", got "sorted"': lambda: sampling.Random(5, order="sorted"),
    "`seed` must be from 0 to 2**64 - 1, got -1": lambda: sampling.Random(5, seed=-1),
    "`seed` of NumPy's stream must be below 2**32, got 4294967296": lambda: sampling.Random(
        5, seed=2**32, stream="numpy"
    ),
    '`mode` must be one of "train", "test", got "val"': lambda: sampling.Segments(5, mode="val"),
    '`rule` must be one of "mmaction2", "tsn", got "tsm"': lambda: sampling.Segments(5, rule="tsm"),
    '`stream` must be "harkit" or "numpy" for Segments': lambda: sampling.Segments(
        5, mode="train", stream="python"
    ),
    '`stream` must be "numpy" in test mode': lambda: sampling.Segments(5, stream="harkit"),
    '`stream` must be "harkit" or "numpy" for Dense': lambda: sampling.Dense(5, stream="python"),
    '`clips` must be 1 where rule="tsn"': lambda: sampling.Segments(5, rule="tsn", clips=2),
    "`clips` must be from 1": lambda: sampling.Dense(5, clips=0),
    "`stride` must be from 1": lambda: sampling.Dense(5, stride=0),
    "`frames` must be from 1 to 100000000, got 10000000000": lambda: sampling.Dense(100_000, clips=100_000),
    "`fps` must be above 0 and at most 1000 frames a second, got 0": lambda: sampling.Interval(1, fps=0),
    "`fps` must be above 0 and at most 1000 frames a second, got NaN": lambda: sampling.Dense(
        5, fps=float("nan")
    ),
    "`fps` must be above 0 and at most 1000 frames a second, got inf": lambda: sampling.Blocks(
        5, fps=float("inf")
    ),
}
WRONG_TYPES = {
    "`frames` must be a whole number, got '8'": lambda: sampling.Uniform("8"),
    "`frames` must be a whole number, got True": lambda: sampling.Uniform(True),
    "`frames` must be a whole number, got 8.0": lambda: sampling.Segments(8.0),
    "`interval` must be a whole number, got None": lambda: sampling.Interval(None),
    "`seed` must be a whole number, got None": lambda: sampling.Random(5, seed=None),
    "`seed` must be a whole number, got 1.5": lambda: sampling.Random(5, seed=1.5),
    "`short` must be a string, got 3": lambda: sampling.Uniform(5, short=3),
    "`short` must be a string, got None": lambda: sampling.Uniform(5, short=None),
    "`fps` must be a number of frames a second or None, got '15'": lambda: sampling.Interval(1, fps="15"),
    "`value` must be a fraction of the video": lambda: sampling.Fraction("half"),
}


@pytest.mark.parametrize("message", WRONG_VALUES)
def test_a_wrong_value_is_an_error_when_the_option_object_is_made(message):
    with pytest.raises(ArgumentError) as caught:
        WRONG_VALUES[message]()
    assert message in str(caught.value)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("message", WRONG_TYPES)
def test_a_wrong_type_is_an_error_when_the_option_object_is_made(message):
    with pytest.raises(ArgumentTypeError) as caught:
        WRONG_TYPES[message]()
    assert message in str(caught.value)
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_a_video_without_frames_is_an_error(sampler):
    with pytest.raises(ArgumentError, match="no frames"):
        sampler.indices(0)
    with pytest.raises(ArgumentError, match="no frames"):
        sampler.indices(np.zeros(0))


@pytest.mark.parametrize("wrong", ["120", None, True, 8.0, [1, 2, 3], np.zeros((2, 2)), ["a"], np.array(8.0)])
def test_a_length_is_a_count_or_float_timestamps(wrong):
    with pytest.raises(ArgumentTypeError, match="`length` must be a number of frames, or their timestamps"):
        sampling.Uniform(4).indices(wrong)


def test_lengths_out_of_range_are_refused():
    with pytest.raises(ArgumentError, match="`length` must be from 0"):
        sampling.Uniform(4).indices(-1)
    with pytest.raises(ArgumentError, match="`n_frames` must be at most 100000000, got 1000000000000"):
        sampling.Interval(1).indices(10**12)
    with pytest.raises(ArgumentError, match="`length` must be from 0"):
        sampling.Interval(1).indices(10**30)
    with pytest.raises(ArgumentError, match="`epoch` must be from 0"):
        sampling.Uniform(4).indices(8, epoch=-1)
    with pytest.raises(ArgumentTypeError, match="`video` must be a whole number"):
        sampling.Uniform(4).indices(8, video=1.5)


def test_many_lengths_name_the_faulty_one():
    with pytest.raises(ArgumentError, match="video 1: the video has 3 frames, but Random of 5"):
        sampling.indices_many(sampling.Random(5), [9, 3])
    with pytest.raises(ArgumentTypeError, match=r"`lengths\[1\]` must be"):
        sampling.indices_many(sampling.Random(5), [9, "x"])
    with pytest.raises(ArgumentTypeError, match=r"`sampling` must be a sampler of harkit.sampling .* got 5"):
        sampling.indices_many(5, [9])
    assert sampling.indices_many(sampling.Random(5), []) == []


@pytest.mark.parametrize("count", [8, np.int64(8), np.uint8(8), np.array(8)])
def test_counts_may_be_numpys(count):
    assert sampling.Uniform(8).indices(count).tolist() == list(range(8))


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_option_objects_compare_hash_print_and_travel(sampler):
    for other in (
        copy.copy(sampler),
        pickle.loads(pickle.dumps(sampler)),
        eval(repr(sampler), vars(sampling)),
    ):
        assert other == sampler
        assert hash(other) == hash(sampler)
    assert json.dumps(asdict(sampler))
    with pytest.raises(FrozenInstanceError):
        sampler.short = "loop"


def test_numpy_options_become_plain_ones():
    sampler = sampling.Dense(np.int64(16), stride=np.int32(2), fps=np.float32(15))
    assert sampler == sampling.Dense(16, stride=2, fps=15)
    assert json.dumps(asdict(sampler)) == json.dumps(asdict(sampling.Dense(16, stride=2, fps=15.0)))


def test_options_after_the_first_are_keywords():
    for make in (
        lambda: sampling.Random(5, 0),
        lambda: sampling.Dense(16, 4),
        lambda: sampling.Interval(2, 15),
    ):
        with pytest.raises(TypeError, match="positional"):
            make()


def test_an_option_object_changed_by_force_is_still_checked():
    sampler = sampling.Uniform(8)
    object.__setattr__(sampler, "frames", -3)
    with pytest.raises(HarkitError, match="`frames`"):
        sampler.indices(100)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_indices_are_int64(sampler):
    indices = sampler.indices(np.arange(200) / 30)
    assert indices.dtype == np.int64
    several = isinstance(sampler, sampling.Blocks)
    assert indices.ndim == (2 if several else 1)
