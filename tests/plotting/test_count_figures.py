"""Bars of clips and frames a class: lengths, names, order."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from harkit import plotting
from harkit.errors import ArgumentError, ArgumentTypeError

CLASSES = ["Jump", "Run", "Sit", "Stand", "Turn", "Walk"]
# The dark set's test list: 96 clips.
TEST_LABELS = np.repeat(range(6), [17, 15, 15, 16, 17, 16])
GOLDEN = Path(__file__).parents[1] / "golden" / "plotting" / "hmdb-attention.json"
FRAMES = json.loads(GOLDEN.read_text())["frame_counts"]


def test_clips_a_class_are_horizontal_bars_by_ascending_id_from_the_top() -> None:
    ax = plotting.class_counts(TEST_LABELS, CLASSES)
    assert [bar.get_width() for bar in ax.patches] == [17, 15, 15, 16, 17, 16]
    assert [label.get_text() for label in ax.get_yticklabels()] == CLASSES
    heights = [ax.transData.transform((0, bar.get_y()))[1] for bar in ax.patches]
    assert heights == sorted(heights, reverse=True)
    assert ax.get_xlabel() == "Clips"
    assert [text.get_text() for text in ax.texts] == ["17", "15", "15", "16", "17", "16"]


def test_a_class_without_clips_has_its_row() -> None:
    ax = plotting.class_counts([2, 2], ["a", "b", "c", "d"])
    assert [bar.get_width() for bar in ax.patches] == [0, 0, 2, 0]


def test_polar_bars_go_round_in_equal_steps_from_noon() -> None:
    ax = plotting.class_counts(TEST_LABELS, CLASSES, polar=True)
    assert ax.name == "polar"
    assert [bar.get_height() for bar in ax.patches] == [17, 15, 15, 16, 17, 16]
    middles = [bar.get_x() + bar.get_width() / 2 for bar in ax.patches]
    np.testing.assert_allclose(middles, np.arange(6) * np.pi / 3, atol=1e-12)
    assert (ax.get_theta_offset(), ax.get_theta_direction()) == (np.pi / 2, -1)
    assert [text.get_text() for text in ax.texts][:2] == ["Jump 17", "Run 15"]


@pytest.mark.reported
def test_frames_a_class_are_the_reports_bars() -> None:
    ax = plotting.frame_counts(list(FRAMES.values()), range(25), list(FRAMES))
    assert [bar.get_height() for bar in ax.patches] == list(FRAMES.values())
    assert [label.get_text() for label in ax.get_xticklabels()] == list(FRAMES)
    assert [text.get_text() for text in ax.texts] == [str(count) for count in FRAMES.values()]


@pytest.mark.reported
def test_polar_bars_of_frames_ascend_with_name_and_count() -> None:
    ax = plotting.frame_counts(list(FRAMES.values()), range(25), list(FRAMES), polar=True)
    assert [bar.get_height() for bar in ax.patches] == sorted(FRAMES.values())
    texts = [text.get_text() for text in ax.texts]
    assert (texts[0], texts[-1]) == ("catch 1981", "brush_hair 13250")
    assert all(-90 <= (text.get_rotation() + 180) % 360 - 180 <= 90 for text in ax.texts)


def test_frames_of_the_clips_of_a_class_are_added() -> None:
    ax = plotting.frame_counts([60, 45, 30, 5], [0, 2, 0, 2], ["a", "b", "c"])
    assert [bar.get_height() for bar in ax.patches] == [90, 0, 50]


def test_the_callers_axes_are_drawn_into() -> None:
    _, ax = plt.subplots()
    assert plotting.class_counts([0], ["a"], ax=ax) is ax
    polar = plt.subplot(projection="polar")
    assert plotting.class_counts([0], ["a"], polar=True, ax=polar) is polar
    with pytest.raises(ArgumentError, match="`ax` must be polar"):
        plotting.class_counts([0], ["a"], polar=True, ax=ax)


@pytest.mark.parametrize(
    ("labels", "classes", "error", "message"),
    [
        ([0, 6], CLASSES, ArgumentError, "`labels` must be below the 6 classes, got 6"),
        ([0, -1], CLASSES, ArgumentError, "`labels` must be at least 0, got -1"),
        ([0.5], CLASSES, ArgumentTypeError, "`labels` must be a 1-D list of integers"),
        ([[0]], CLASSES, ArgumentTypeError, "`labels` must be a 1-D list of integers"),
        ([0], [], ArgumentError, "`classes` must have at least one name"),
        ([0], "Jump", ArgumentTypeError, "`classes` must be a list of names"),
    ],
)
def test_wrong_labels_are_refused(labels, classes, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        plotting.class_counts(labels, classes)
    with pytest.raises(error, match=message):
        plotting.frame_counts([1] * len(labels), labels, classes)
    assert not plt.get_fignums()


def test_each_clip_needs_its_count() -> None:
    with pytest.raises(ArgumentError, match="`n_frames` must have a count a label, got 1 for 2 labels"):
        plotting.frame_counts([3], [0, 1], CLASSES)
