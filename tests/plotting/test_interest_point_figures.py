"""Interest points and words: what the artists hold."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import LogNorm

from harkit import plotting, stip
from harkit.errors import ArgumentError, ArgumentTypeError

CLIP = np.random.default_rng(0).integers(0, 256, (20, 30, 40), dtype=np.uint8)
POINTS = np.array(
    [(2, 10, 20, 4, 2, 1e-8), (2, 12, 8, 8, 2, 1e-6), (3, 5, 30, 4, 4, 1e-7), (15, 20, 10, 16, 2, 1e-7)],
    stip.POINT_DTYPE,
)
NONE = POINTS[:0]


def offsets(ax: plt.Axes) -> list[list[float]]:
    return ax.collections[0].get_offsets().tolist()


def test_points_are_circles_of_two_sigma_in_their_frames() -> None:
    axes = plotting.points_on_frames(CLIP, POINTS, frames=[2, 15, 9])
    assert offsets(axes[0]) == [[20, 10], [8, 12]]
    circles = axes[0].collections[0]
    np.testing.assert_allclose(circles.get_widths(), [8, 4 * np.sqrt(8)])
    np.testing.assert_array_equal(circles.get_widths(), circles.get_heights())
    assert circles.get_array().tolist() == POINTS["response"][:2].tolist()
    assert offsets(axes[1]) == [[10, 20]] and offsets(axes[2]) == []
    for ax, index in zip(axes, (2, 15, 9), strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), CLIP[index])
        assert ax.get_title(loc="left") == str(index)


def test_colours_of_all_frames_are_on_one_scale() -> None:
    axes = plotting.points_on_frames(CLIP, POINTS, frames=[2, 15])
    for ax in axes:
        norm = ax.collections[0].norm
        assert isinstance(norm, LogNorm)
        np.testing.assert_allclose((norm.vmin, norm.vmax), (1e-8, 1e-6), rtol=1e-6)
    assert [ax.get_ylabel() for ax in axes[0].figure.axes] == ["", "", "Response"]


def test_the_fullest_frame_of_each_part_is_drawn() -> None:
    axes = plotting.points_on_frames(CLIP, POINTS, n_frames=4)
    assert [ax.get_title(loc="left") for ax in axes] == ["2", "5", "10", "15"]


def test_reach_draws_neighbouring_frames_points_too() -> None:
    assert len(offsets(plotting.points_on_frames(CLIP, POINTS, frames=[4], reach=2)[0])) == 3


@pytest.mark.parametrize("frames", [[], [20], [-1]])
def test_frames_that_the_clip_does_not_have_are_refused(frames: list[int]) -> None:
    with pytest.raises(ArgumentError, match="`frames` must be from 0 to 19"):
        plotting.points_on_frames(CLIP, POINTS, frames=frames)


def test_more_parts_than_frames_are_refused() -> None:
    with pytest.raises(ArgumentError, match="`n_frames` must be from 1 to 20"):
        plotting.points_on_frames(CLIP, POINTS, n_frames=21)


def test_space_time_has_columns_and_rows_over_time_and_all_three() -> None:
    over_x, over_y, all_three = plotting.points_in_space_time(POINTS, shape=CLIP.shape)
    assert offsets(over_x) == [[2, 20], [2, 8], [3, 30], [15, 10]]
    assert offsets(over_y) == [[2, 10], [2, 12], [3, 5], [15, 20]]
    assert [values.tolist() for values in all_three.collections[0]._offsets3d] == [
        POINTS[name].tolist() for name in "txy"
    ]
    assert (over_x.get_xlim(), over_x.get_ylim(), over_y.get_ylim()) == ((0, 20), (0, 40), (30, 0))
    assert all_three.get_zlim() == (30, 0)
    all_three.figure.canvas.draw()


def test_without_points_the_figures_are_empty() -> None:
    assert offsets(plotting.points_on_frames(CLIP, NONE)[0]) == []
    assert offsets(plotting.points_in_space_time(NONE)[0]) == []
    assert plotting.points_per_frame(NONE, 20).lines[0].get_ydata().tolist() == [0] * 20


def test_points_per_frame_counts_each_detectors() -> None:
    ax = plotting.points_per_frame({"faithful": POINTS, "corrected": POINTS[2:3]}, 20)
    counts = [line.get_ydata().tolist() for line in ax.lines]
    assert counts[0] == [0, 0, 2, 1, *[0] * 11, 1, *[0] * 4]
    assert counts[1] == [0, 0, 0, 1, *[0] * 16]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["faithful", "corrected"]


def test_points_after_the_last_frame_are_refused() -> None:
    with pytest.raises(ArgumentError, match="`points` must lie in frames 0 to 14, got 15"):
        plotting.points_per_frame(POINTS, 15)


@pytest.mark.parametrize("points", [np.zeros((3, 3)), [1, 2], POINTS[["t", "y", "x"]]])
def test_what_are_no_points_is_refused(points: object) -> None:
    with pytest.raises(ArgumentTypeError, match=r"`points` must be what harkit\.stip\.detect gives"):
        plotting.points_in_space_time(points)  # type: ignore[arg-type]


def test_the_response_histogram_counts_each_positive_response() -> None:
    values = np.geomspace(1e-12, 1e-6, 1000)
    ax = plotting.response_histogram(np.append(values, [0, -1]), threshold=1e-8, brightness=0.5)
    heights, edges, _ = ax.patches[0].get_data()
    assert heights.sum() == 1000 and len(heights) == 100
    np.testing.assert_allclose(edges, np.geomspace(1e-12, 1e-6, 101), rtol=1e-9)
    assert ax.get_title() == "1,000 of 1,002 responses are positive"
    threshold, floor = (line.get_xdata()[0] for line in ax.lines)
    assert threshold == 1e-8 and floor == pytest.approx(1.5785e-8 / 64)


def test_the_corner_floor_is_that_of_an_empty_bright_clip() -> None:
    points = stip.detect(np.full((60, 120, 160), 153, np.uint8), mode="faithful", margin=0)
    ax = plotting.response_histogram(points["response"], brightness=153 / 255)
    assert ax.lines[0].get_xdata()[0] == pytest.approx(0.01 * points["response"].max(), rel=1e-3)


@pytest.mark.parametrize("response", [[], [0, -1], [1, np.nan], [np.inf]])
def test_responses_that_cannot_be_drawn_are_refused(response: list[float]) -> None:
    with pytest.raises(ArgumentError, match="`response` must be finite and have at least one positive value"):
        plotting.response_histogram(response)
    assert not plt.get_fignums()


def scene() -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """Two clips; one of word 0's three points, and the only one of word 2, are too near a face."""
    places = [[(5, 9, 9), (8, 12, 20), (1, 9, 9)], [(6, 10, 10), (19, 3, 3)]]
    points = [np.array([(*p, 4, 2, 1e-8) for p in rows], stip.POINT_DTYPE) for rows in places]
    return [CLIP, CLIP[::-1]], points, [np.array([0, 0, 0]), np.array([1, 2])]


def test_a_word_is_the_mean_of_its_patches_side_by_side() -> None:
    clips, points, labels = scene()
    axes = plotting.words(clips, points, labels, patch=(5, 7, 7))
    assert [ax.get_title(loc="left") for ax in axes] == [
        "0: 3 points, 2 averaged", "1: 1 points, 1 averaged",
    ]  # fmt: skip
    first, second = (ax.images[0].get_array() for ax in axes)
    assert first.shape == (7, 5 * 8 - 1)
    mean = (CLIP[3:8, 6:13, 6:13].astype(float) + CLIP[6:11, 9:16, 17:24]) / 2
    other = CLIP[::-1][4:9, 7:14, 7:14]
    for i in range(5):
        np.testing.assert_allclose(first[:, 8 * i : 8 * i + 7], mean[i])
        np.testing.assert_array_equal(second[:, 8 * i : 8 * i + 7], other[i])
        assert i == 4 or np.ma.getmaskarray(first)[:, 8 * i + 7].all()


def test_the_nearest_points_are_averaged() -> None:
    clips, points, labels = scene()
    distances = [np.array([0.9, 0.1, 0.0]), np.array([0.5, 0.5])]
    axes = plotting.words(
        clips, points, labels, distances=distances, chosen=[0], n_patches=1, patch=(5, 7, 7)
    )
    np.testing.assert_array_equal(axes[0].images[0].get_array()[:, :7], CLIP[6, 9:16, 17:24])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"chosen": [2]}, "`chosen` must be words of points with a whole patch, 2 has none"),
        ({"chosen": [7]}, "7 has none"),
        ({"patch": (4, 7, 7)}, "`patch` must be three odd numbers"),
        ({"n_patches": 0}, "`n_patches` must be at least 1"),
        ({"distances": [np.zeros(3)]}, "must be of one length"),
        ({"distances": [np.zeros(3), np.zeros(1)]}, "an entry for each point"),
    ],
)
def test_words_that_cannot_be_drawn_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        plotting.words(*scene(), **{"patch": (5, 7, 7), **changes})  # type: ignore[arg-type]


def test_words_without_points_are_refused() -> None:
    with pytest.raises(ArgumentError, match="`points` must have at least one point"):
        plotting.words([CLIP], [NONE], [np.zeros(0, int)])


BAGS = [[4, 0, 2, 0], [2, 0, 0, 0], [0, 1, 2, 0], [1, 3, 2, 0]]


def test_word_use_is_each_classes_share_of_the_means() -> None:
    ax = plotting.word_use(BAGS, [0, 0, 1, 1], ["Run", "Sit"], chosen=[0, 1, 2, 3])
    share = ax.images[0].get_array()
    np.testing.assert_allclose(share, [[3 / 3.5, 0, 1 / 3, 0], [0.5 / 3.5, 1, 2 / 3, 0]])
    assert [text.get_text() for text in ax.get_yticklabels()] == ["Run", "Sit"]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["0", "1", "2", "3"]


def test_words_stand_by_the_class_that_uses_them_most() -> None:
    ax = plotting.word_use(BAGS, [0, 0, 1, 1], ["Run", "Sit"])
    assert [text.get_text() for text in ax.get_xticklabels()] == ["0", "3", "1", "2"]


@pytest.mark.parametrize(
    ("labels", "chosen", "message"),
    [
        ([0, 0, 1], None, "`encodings` must be"),
        ([0, 0, 1, 2], None, "`labels` must be integers from 0 to 1"),
        ([0, 0, 1, 1], [4], "`chosen` must be words from 0 to 3"),
        ([0, 0, 1, 1], [], "`chosen` must be words from 0 to 3"),
    ],
)
def test_word_use_refuses_other_shapes(labels: list[int], chosen: list[int] | None, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        plotting.word_use(BAGS, labels, ["Run", "Sit"], chosen=chosen)
