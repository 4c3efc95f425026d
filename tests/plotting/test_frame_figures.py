"""Strips, grids and panels: which pixels stand where, under which titles."""

from __future__ import annotations

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest

import harkit
from harkit import plotting, sampling
from harkit.errors import ArgumentError, ArgumentTypeError

CLIP = np.random.default_rng(0).integers(0, 256, (13, 24, 32, 3), dtype=np.uint8)


def drawn(ax) -> np.ndarray:
    (image,) = ax.images
    return image.get_array()


def test_a_grid_has_five_columns_and_as_many_rows_as_it_needs() -> None:
    axes = plotting.frame_grid(CLIP)
    assert axes.shape == (3, 5)
    for ax, frame in zip(axes.flat, CLIP, strict=False):
        np.testing.assert_array_equal(drawn(ax), frame)
        assert not ax.axison


def test_unused_cells_are_hidden() -> None:
    axes = plotting.frame_grid(CLIP)
    assert [ax.get_visible() for ax in axes.flat] == [True] * 13 + [False] * 2
    assert not any(ax.images for ax in axes.flat[13:])


@pytest.mark.parametrize(
    ("count", "shape"), [(1, (1, 5)), (5, (1, 5)), (6, (2, 5)), (10, (2, 5)), (11, (3, 5))]
)
def test_rows_are_the_quotient_rounded_up(count: int, shape: tuple[int, int]) -> None:
    assert plotting.frame_grid(CLIP[:count]).shape == shape


def test_titles_stand_above_their_frames() -> None:
    axes = plotting.frame_grid(CLIP[:3], titles=[0, 10, 2], columns=2)
    assert [ax.get_title() for ax in axes.flat] == ["0", "10", "2", ""]


def test_the_reports_cells_are_five_by_five_inches() -> None:
    axes = plotting.frame_grid(CLIP[:, :24, :24], cell=5)
    assert axes[0, 0].figure.get_size_inches().tolist() == [25, 15]


def test_grey_frames_are_drawn_from_black_to_white_whatever_their_range() -> None:
    axes = plotting.frame_strip(CLIP[:2, ..., 0] // 8)
    assert axes[0].images[0].get_clim() == (0, 255)
    assert axes[0].images[0].get_cmap().name == "gray"


def test_frames_of_different_sizes_share_a_grid() -> None:
    axes = plotting.frame_grid([CLIP[0], CLIP[1, :10]])
    assert drawn(axes[0, 1]).shape == (10, 32, 3)


def test_a_strip_is_one_row_with_titles_at_the_left() -> None:
    axes = plotting.frame_strip(CLIP[[2, 7]], titles=[2, 7])
    assert axes.shape == (2,)
    assert [(ax.get_title(loc="left"), ax.get_title()) for ax in axes] == [("2", ""), ("7", "")]


def test_sampled_frames_are_the_two_panels_of_the_report() -> None:
    clip = np.arange(54, dtype=np.uint8)[:, None, None, None] * np.ones((1, 24, 32, 3), np.uint8)
    chosen = {
        "Interval (Uniform)": sampling.Linspace(5, rounding="open_step").indices(54),
        "Random": sampling.Random(5, seed=0).indices(54),
    }
    axes = plotting.sampled_frames(clip, chosen)
    whole = axes["Random"][0].figure.figure
    assert [panel.get_suptitle() for panel in whole.subfigs] == ["Interval (Uniform)", "Random"]
    assert [ax.get_title(loc="left") for ax in axes["Interval (Uniform)"]] == ["0", "12", "24", "36", "48"]
    for heading, indices in chosen.items():
        assert [int(drawn(ax)[0, 0, 0]) for ax in axes[heading]] == indices.tolist()
        assert not any(ax.axison for ax in axes[heading])
    whole.canvas.draw()
    upper, lower = (axes[heading][0].get_window_extent().y0 for heading in chosen)
    assert upper > lower


def test_sampled_frames_come_from_a_reader_too(tmp_path) -> None:
    harkit.write_clip(tmp_path / "clip.mkv", CLIP, codec="ffv1")
    with harkit.VideoReader(tmp_path / "clip.mkv") as video:
        axes = plotting.sampled_frames(video, {"Some": [12, 3]})
    np.testing.assert_array_equal(drawn(axes["Some"][0]), CLIP[12])


def test_the_callers_figure_is_drawn_into() -> None:
    figure = plt.figure(layout="constrained")
    left, right = figure.subfigures(1, 2)
    assert plotting.frame_grid(CLIP[:2], figure=left)[0, 0].figure is left
    assert plotting.frame_strip(CLIP[:2], figure=right)[0].figure is right
    assert plt.get_fignums() == [figure.number]


def test_the_picture_of_a_grid_holds_the_frames() -> None:
    frame = np.full((24, 32, 3), (200, 30, 60), np.uint8)
    axes = plotting.frame_grid(frame[None], columns=1)
    file = io.BytesIO()
    axes[0, 0].figure.savefig(file, format="rgba", dpi=50)
    pixels = np.frombuffer(file.getvalue(), np.uint8).reshape(-1, 4)
    assert (pixels == (200, 30, 60, 255)).all(axis=1).mean() > 0.8


def test_before_and_after_stand_side_by_side_without_axes() -> None:
    axes = plotting.before_after(CLIP[0], CLIP[1])
    assert [ax.get_title() for ax in axes] == ["Before", "After"]
    np.testing.assert_array_equal(drawn(axes[0]), CLIP[0])
    np.testing.assert_array_equal(drawn(axes[1]), CLIP[1])
    assert not any(ax.axison for ax in axes)


def test_the_input_is_not_changed() -> None:
    frozen = CLIP.copy()
    frozen.flags.writeable = False
    plotting.frame_grid(frozen)
    np.testing.assert_array_equal(frozen, CLIP)


@pytest.mark.parametrize(
    ("frames", "error", "message"),
    [
        (CLIP / 255, ArgumentTypeError, "`frames` must be uint8, got float64"),
        (CLIP[0, 0], ArgumentError, r"`frames` must have shape \(T, H, W, 3\) or \(T, H, W\), got \(32, 3\)"),
        (CLIP[:0], ArgumentError, "`frames` must have at least one frame, got none"),
        (CLIP[..., :2], ArgumentError, r"frames of shape \(H, W, 3\) or \(H, W\), got \(24, 32, 2\)"),
    ],
)
def test_what_is_no_clip_is_refused(frames: np.ndarray, error: type[Exception], message: str) -> None:
    for function in (plotting.frame_grid, plotting.frame_strip):
        with pytest.raises(error, match=message):
            function(frames)
    assert not plt.get_fignums()


def test_wrong_numbers_of_things_are_refused() -> None:
    with pytest.raises(ArgumentError, match="`titles` must have one entry a frame, got 2 for 3 frames"):
        plotting.frame_grid(CLIP[:3], titles=["a", "b"])
    with pytest.raises(ArgumentTypeError, match="`titles` must be a list of texts"):
        plotting.frame_grid(CLIP[:3], titles="abc")
    with pytest.raises(ArgumentError, match="`columns` must be at least 1, got 0"):
        plotting.frame_grid(CLIP, columns=0)
    with pytest.raises(ArgumentError, match="`chosen` must name at least one rule"):
        plotting.sampled_frames(CLIP, {})
