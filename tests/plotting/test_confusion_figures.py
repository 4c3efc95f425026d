"""The confusion matrix: shades by row, counts in cells, hits in the title."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix

from harkit import plotting
from harkit.errors import ArgumentError

# The matrix that the report kth-stip-bow prints.
CLASSES = ["boxing", "handclapping", "handwaving", "jogging", "running", "walking"]
COUNTS = np.array(
    [
        [7, 6, 3, 0, 0, 0],
        [1, 14, 0, 1, 0, 0],
        [2, 0, 12, 0, 1, 1],
        [0, 0, 1, 13, 2, 0],
        [0, 0, 0, 6, 9, 1],
        [0, 1, 0, 1, 0, 14],
    ]
)


def test_shades_are_those_of_scikit_learn_and_counts_stand_in_the_cells() -> None:
    axes = plotting.confusion_matrix(COUNTS, CLASSES)
    labels, answers = (np.repeat(index.ravel(), COUNTS.ravel()) for index in np.indices(COUNTS.shape))
    shares = confusion_matrix(labels, answers, normalize="true")
    judge = ConfusionMatrixDisplay(shares, display_labels=CLASSES).plot(colorbar=False)
    np.testing.assert_allclose(axes.images[0].get_array(), judge.im_.get_array(), rtol=1e-12)
    assert axes.images[0].get_clim() == (0, 1)
    written = {text.get_position(): text.get_text() for text in axes.texts}
    assert written == {(x, y): str(count) for (y, x), count in np.ndenumerate(COUNTS) if count}


def test_title_axes_and_names_say_what_is_seen() -> None:
    axes = plotting.confusion_matrix(COUNTS, CLASSES)
    assert axes.get_title() == "69 of 96"
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("true class", "recognised as")
    for ticks in (axes.get_yticklabels(), axes.get_xticklabels()):
        assert [tick.get_text() for tick in ticks] == CLASSES


def test_counts_are_white_on_dark_cells_alone() -> None:
    axes = plotting.confusion_matrix([[9, 1], [5, 5]], ["a", "b"])
    assert [text.get_color() for text in axes.texts] == ["white", "black", "black", "black"]


def test_a_class_that_was_not_tested_is_an_empty_row() -> None:
    axes = plotting.confusion_matrix([[2, 1], [0, 0]], ["a", "b"])
    np.testing.assert_allclose(axes.images[0].get_array(), [[2 / 3, 1 / 3], [0, 0]])
    assert len(axes.texts) == 2


def test_it_is_drawn_where_it_is_asked_for() -> None:
    _, ax = plt.subplots()
    assert plotting.confusion_matrix([[1]], ["a"], ax=ax) is ax


@pytest.mark.parametrize(
    "counts", [[[1, 2]], [[1, 0], [0, -1]], [[1.0, 0.0], [0.0, 1.0]], np.eye(3, dtype=int), [1, 2]]
)
def test_what_is_no_matrix_of_counts_is_refused(counts: object) -> None:
    with pytest.raises(ArgumentError, match=r"`counts` must be whole numbers of shape \(2, 2\), got"):
        plotting.confusion_matrix(counts, ["a", "b"])
