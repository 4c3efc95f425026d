"""Histograms: the numbers that a report's vector figure holds, and NumPy's and OpenCV's counts."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgba

from harkit import plotting
from harkit.errors import ArgumentError, ArgumentTypeError

GOLDEN = Path(__file__).parents[1] / "golden" / "plotting" / "dark-convnext-lstm.json"
PUBLISHED = json.loads(GOLDEN.read_text())["published_histogram"]
NOISE = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)


def published(stage: str) -> tuple[np.ndarray, list[list[int]]]:
    """A picture of the report's 240x320 pixels with the published counts, and the counts of each channel."""
    channels = [{int(value): n for value, n in PUBLISHED[name][stage].items()} for name in "RGB"]
    values = [np.repeat(list(counts), list(counts.values())) for counts in channels]
    picture = np.stack(values, axis=-1).reshape(240, 320, 3).astype(np.uint8)
    return picture, [[counts.get(value, 0) for value in range(256)] for counts in channels]


@pytest.mark.reported
@pytest.mark.parametrize("stage", ["before", "after"])
def test_the_bars_are_the_counts_that_the_report_published(stage: str) -> None:
    picture, counts = published(stage)
    axes = plotting.histograms(picture)
    bars = [patch.get_data() for patch in axes[0, 0].patches]
    assert [bar.values.tolist() for bar in bars] == counts
    for bar in bars:
        np.testing.assert_array_equal(bar.edges, np.arange(257) - 0.5)
        assert bar.values.sum() == 76_800


@pytest.mark.reported
@pytest.mark.parametrize("stage", ["before", "after"])
def test_bins_over_a_channels_own_range_are_a_comb_of_the_same_counts(stage: str) -> None:
    picture, counts = published(stage)
    axes = plotting.histograms(picture, bins="range")
    for channel, (patch, expected) in enumerate(zip(axes[0, 0].patches, counts, strict=True)):
        values, edges, _ = patch.get_data()
        own = picture[..., channel]
        assert (edges[0], edges[-1], len(edges)) == (own.min(), own.max(), 257)
        assert values[values > 0].tolist() == [count for count in expected if count]
    ends = [patch.get_data().edges[-1] for patch in axes[0, 0].patches]
    if stage == "before":
        assert ends == [186, 160, 160]


def test_the_counts_are_opencvs() -> None:
    axes = plotting.histograms(NOISE)
    for channel, patch in enumerate(axes[0, 0].patches):
        expected = cv2.calcHist([NOISE], [channel], None, [256], [0, 256]).ravel()
        np.testing.assert_array_equal(patch.get_data().values, expected)


def test_the_lower_row_is_the_running_sum_as_a_line() -> None:
    axes = plotting.histograms(NOISE)
    for count, total in zip(axes[0, 0].patches, axes[1, 0].patches, strict=True):
        np.testing.assert_array_equal(total.get_data().values, np.cumsum(count.get_data().values))
        assert count.get_fill() and not total.get_fill()


def test_each_picture_has_a_column_whose_rows_share_x() -> None:
    axes = plotting.histograms({"Before": NOISE, "After": NOISE // 2})
    assert axes.shape == (2, 2)
    assert [ax.get_title() for ax in axes[0]] == ["Before", "After"]
    for upper, lower in axes.T:
        assert upper.get_shared_x_axes().joined(upper, lower)
        assert (upper.get_ylabel(), lower.get_xlabel()) == ("Count", "Intensity")


def test_channels_are_red_green_and_blue_seen_through_each_other() -> None:
    for ax in plotting.histograms(NOISE).flat:
        assert [patch.get_alpha() for patch in ax.patches] == [1 / 3] * 3
        edge_or_face = [
            patch.get_facecolor() if patch.get_fill() else patch.get_edgecolor() for patch in ax.patches
        ]
        assert edge_or_face == [to_rgba(color, 1 / 3) for color in ("red", "green", "blue")]


def test_the_y_axis_is_in_scientific_notation() -> None:
    axes = plotting.histograms(published("before")[0])
    axes[0, 0].figure.canvas.draw()
    assert [ax.yaxis.get_offset_text().get_text() for ax in axes[:, 0]] == ["1e3", "1e4"]


def test_a_clip_counts_as_one_picture_and_grey_has_one_channel() -> None:
    clip = np.stack([NOISE, NOISE])
    assert plotting.histograms(clip)[0, 0].patches[0].get_data().values.sum() == 2 * 24 * 32
    assert len(plotting.histograms(NOISE[..., 0])[0, 0].patches) == 1


@pytest.mark.parametrize(
    ("image", "error"),
    [
        (NOISE / 255, ArgumentTypeError),
        (NOISE[0, :, 0], ArgumentError),
        (NOISE[:0], ArgumentError),
        ({}, ArgumentError),
    ],
)
def test_what_is_no_picture_is_refused(image, error: type[Exception]) -> None:
    with pytest.raises(error, match="`images` must"):
        plotting.histograms(image)
    assert not plt.get_fignums()


def test_bins_are_a_closed_choice() -> None:
    with pytest.raises(ArgumentError, match='`bins` must be "levels" or "range", got \'auto\''):
        plotting.histograms(NOISE, bins="auto")
