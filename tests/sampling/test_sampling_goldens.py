"""The indices that the reports' own code gave, copied from their specifications."""

import json
from pathlib import Path

import numpy as np
import pytest

from harkit import sampling
from harkit.errors import ArgumentError

GOLDEN = Path(__file__).parents[1] / "golden" / "sampling"
CSN = json.loads((GOLDEN / "dark-csn.json").read_text())
LSTM = json.loads((GOLDEN / "dark-convnext-lstm.json").read_text())["sampling"]
VGG = json.loads((GOLDEN / "hmdb-vgg-frames.json").read_text())


def parsed(key):
    """Read "T=54,n=5" as (54, "5")."""
    n_frames, other = key.split(",")
    return int(n_frames.removeprefix("T=")), other.split("=")[1]


@pytest.mark.parametrize(("n_frames", "expected"), CSN["random_sample"]["fresh"].items())
def test_random_frames_are_those_of_cpython_seeded_anew(n_frames, expected):
    indices = sampling.Random(5, seed=0, stream="python").indices(int(n_frames))
    assert indices.tolist() == expected


def test_random_frames_of_many_videos_come_from_one_cpython_stream():
    drawn = sampling.indices_many(sampling.Random(5, seed=0, stream="python"), [100, 100, 54, 40])
    assert [indices.tolist() for indices in drawn] == CSN["random_sample"]["consecutive"]


@pytest.mark.parametrize(("n_frames", "count"), CSN["uniform_interval_2"]["count"].items())
def test_interval_2_takes_every_second_frame(n_frames, count):
    indices = sampling.Interval(2).indices(int(n_frames))
    assert indices.tolist() == list(range(0, int(n_frames), 2))
    assert len(indices) == count


@pytest.mark.parametrize(("n_frames", "expected"), CSN["uniform_sample_frames"]["test"].items())
def test_segments_in_tests_are_mmaction2s(n_frames, expected):
    indices = sampling.Segments(40, mode="test").indices(int(n_frames))
    assert indices.tolist() == expected["inds"]
    assert indices.sum() == expected["sum"]


@pytest.mark.parametrize(("n_frames", "expected"), CSN["uniform_sample_frames"]["train"].items())
def test_segments_in_training_are_mmaction2s(n_frames, expected):
    indices = sampling.Segments(40, mode="train", seed=0, stream="numpy").indices(int(n_frames))
    assert indices.tolist() == expected["inds"]


def test_three_clips_of_segments_are_mmaction2s():
    golden = CSN["uniform_sample_frames"]["three_clips_test"]
    indices = sampling.Segments(40, mode="test", clips=golden["num_clips"]).indices(golden["n"])
    assert indices.shape == (3, 40)
    assert indices.ravel().tolist() == golden["inds"]


def test_segments_give_the_value_of_mmaction2s_own_test():
    golden = CSN["uniform_sample_frames"]["mmaction_unit_test"]
    sampler = sampling.Segments(golden["clip_len"], mode="train", seed=golden["seed"], stream="numpy")
    assert sampler.indices(golden["n"]).tolist() == golden["inds"]


def test_the_first_video_of_the_training_stream_has_the_frames_of_the_report():
    # The later videos come after the draws for crops and flips: src/sampling/segments.rs.
    first = CSN["train_stream"]["samples"][0]
    sampler = sampling.Segments(40, mode="train", seed=0, stream="numpy")
    assert sampling.indices_many(sampler, [first["n"]])[0].sum() == first["frame_sum"]


@pytest.mark.parametrize(("key", "expected"), LSTM["batch_interval"].items())
def test_linspace_by_steps_is_batch_interval_sampling(key, expected):
    n_frames, n = parsed(key)
    sampler = sampling.Linspace(int(n), rounding="step")
    if expected is None:
        with pytest.raises(ArgumentError, match=rf"has {n_frames} frames, but .* needs at least {n}"):
            sampler.indices(n_frames)
    else:
        assert sampler.indices(n_frames).tolist() == expected


@pytest.mark.parametrize("run", LSTM["batch_interval_n32_runs"], ids=lambda run: f"step-{run['step']}")
def test_linspace_by_steps_keeps_the_reports_table_of_32_frames(run):
    sampler = sampling.Linspace(32, rounding="step")
    for n_frames in range(run["T_from"], run["T_to"] + 1):
        if run["step"] == 0:
            with pytest.raises(ArgumentError):
                sampler.indices(n_frames)
        else:
            assert sampler.indices(n_frames).tolist() == [i * run["step"] for i in range(32)]


@pytest.mark.parametrize(("key", "expected"), LSTM["interval_sampling"].items())
def test_linspace_by_open_steps_is_the_demonstrations_interval_sampling(key, expected):
    n_frames, n = parsed(key)
    sampler = sampling.Linspace(int(n), rounding="open_step")
    if min(expected) < 0:
        with pytest.raises(
            ArgumentError, match=rf"has {n_frames} frames, but .* needs at least {int(n) - 1}"
        ):
            sampler.indices(n_frames)
    else:
        assert sampler.indices(n_frames).tolist() == expected


def test_open_steps_of_32_are_the_first_frame_up_to_61_frames_and_an_error_below_31():
    sampler = sampling.Linspace(32, rounding="open_step")
    assert all(not sampler.indices(n_frames).any() for n_frames in range(31, 62))
    assert sampler.indices(62).tolist() == list(range(32))
    with pytest.raises(ArgumentError, match="30 frames"):
        sampler.indices(30)


@pytest.mark.parametrize(("key", "expected"), LSTM["aligned_corrected"].items())
def test_linspace_to_the_nearest_is_the_corrected_rule(key, expected):
    n_frames, n = parsed(key)
    assert sampling.Linspace(int(n), rounding="nearest").indices(n_frames).tolist() == expected


@pytest.mark.parametrize(("key", "expected"), LSTM["fraction_count"]["values"].items())
def test_faithful_fractions_count_as_the_reports_code(key, expected):
    n_frames, q = parsed(key)
    fraction = sampling.Fraction(float(q), mode="faithful")
    assert len(sampling.Linspace(fraction).indices(n_frames)) == expected


def test_the_faithful_whole_of_20_frames_is_21_zeros_by_open_steps_and_no_draw():
    whole = sampling.Fraction(1.0, mode="faithful")
    assert sampling.Linspace(whole, rounding="open_step").indices(20).tolist() == [0] * 21
    with pytest.raises(ArgumentError, match="20 frames, but Random of 21"):
        sampling.Random(whole).indices(20)


def test_two_frames_of_each_video_are_numpys_choice_in_drawn_order():
    golden = VGG["np_choice_seed23"]
    sampler = sampling.Random(2, seed=23, stream="numpy", order="drawn")
    drawn = sampling.indices_many(sampler, golden["n"])
    assert [indices.tolist() for indices in drawn] == golden["draws"]


def test_twenty_of_51_classes_are_cpythons_sample_in_drawn_order():
    sampler = sampling.Random(20, seed=23, stream="python", order="drawn")
    assert sampler.indices(51).tolist() == VGG["random_sample_seed23_51_20"]


def test_blocks_are_consecutive_and_drop_an_incomplete_last_one():
    # hmdb-attention 1.2: frames sorted, non-overlapping groups of `block`, the incomplete last one deleted.
    for n_frames in range(8, 60):
        names = [f"{i:05d}.jpg" for i in range(n_frames)]
        groups = [names[i : i + 8] for i in range(0, n_frames, 8)]
        expected = [[int(name[:5]) for name in group] for group in groups if len(group) == 8]
        np.testing.assert_array_equal(sampling.Blocks(8).indices(n_frames), expected)
