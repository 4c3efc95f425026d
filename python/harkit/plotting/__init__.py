"""Figures of frames, of their brightness, and of data sets; they are returned, never shown.

`frames` has strips and grids; `comparison` one picture before and after; `histograms` and `brightness` what
enhancement does to values; `counts` and `examples` what a data set holds; `confusion` what a
classifier takes for what; `interest_points` and `words` what
`harkit.stip` finds and a vocabulary makes of it. One figure gives its axes, several
give an array of them; ``axes.figure`` is the whole, to be saved or changed. All of them take matplotlib's
pyplot (``pip install "harkit[plot]"``), which is imported when the first figure is drawn.
"""

from __future__ import annotations

from harkit.plotting.brightness import brightness
from harkit.plotting.comparison import before_after
from harkit.plotting.confusion import confusion_matrix
from harkit.plotting.counts import class_counts, frame_counts
from harkit.plotting.examples import class_examples
from harkit.plotting.frames import frame_grid, frame_panels, frame_strip, sampled_frames
from harkit.plotting.histograms import histograms
from harkit.plotting.interest_points import (
    points_in_space_time,
    points_on_frames,
    points_per_frame,
    response_histogram,
)
from harkit.plotting.words import word_use, words

__all__ = [
    "before_after",
    "brightness",
    "class_counts",
    "class_examples",
    "confusion_matrix",
    "frame_counts",
    "frame_grid",
    "frame_panels",
    "frame_strip",
    "histograms",
    "points_in_space_time",
    "points_on_frames",
    "points_per_frame",
    "response_histogram",
    "sampled_frames",
    "word_use",
    "words",
]
