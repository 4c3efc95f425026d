"""Intervals against SciPy and by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix

from harkit.errors import ArgumentError
from harkit.experiments import confusion, group_interval, wilson_interval
from harkit.experiments.kth_stip_bow import EXPERIMENTS


@pytest.mark.parametrize(("hits", "n"), [(0, 1), (1, 1), (0, 96), (69, 96), (76, 96), (96, 96), (500, 863)])
def test_wilsons_interval_is_scipys(hits: int, n: int) -> None:
    expected = binomtest(hits, n).proportion_ci(0.95, method="wilson")
    np.testing.assert_allclose(wilson_interval(hits, n), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("hits", "low", "high"), [(69, 62.17, 79.89), (76, 70.00, 86.09)])
def test_wilsons_interval_of_the_reports_numbers_is_the_published_one(
    hits: int, low: float, high: float
) -> None:
    assert [round(100 * limit, 2) for limit in wilson_interval(hits, 96)] == [low, high]


@pytest.mark.parametrize(("hits", "n"), [(1, 0), (0, 0), (-1, 4), (5, 4)])
def test_wilsons_interval_wants_hits_of_trials(hits: int, n: int) -> None:
    with pytest.raises(ArgumentError, match=f"got {hits} of {n}"):
        wilson_interval(hits, n)


def test_the_interval_over_groups_is_the_one_over_all_ways_to_draw_them() -> None:
    groups = ["a"] * 3 + ["b"] * 5 + ["c"] * 2 + ["d"] * 4
    correct = [1, 1, 0, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0]
    hits, sizes = np.array([2, 2, 2, 3]), np.array([3, 5, 2, 4])
    ways = np.array(list(itertools.product(range(4), repeat=4)))
    shares = hits[ways].sum(1) / sizes[ways].sum(1)
    # 10,000 draws of 256 ways: quantiles lie between exact ones a standard error of 0.16 % apart.
    low, high = group_interval(correct, groups)
    for limit, level in ((low, 0.025), (high, 0.975)):
        assert np.quantile(shares, level - 0.01) <= limit <= np.quantile(shares, level + 0.01)
    assert group_interval(correct, groups) == (low, high)


def test_groups_that_agree_within_make_the_interval_wide() -> None:
    correct = np.repeat([1, 1, 1, 0], 24)
    low, high = group_interval(correct, np.repeat(list("abcd"), 24).tolist())
    wilson = wilson_interval(72, 96)
    assert low < wilson[0] < wilson[1] < high


def test_one_group_has_no_interval_and_no_error_has_no_width() -> None:
    assert group_interval([True, False], ["a", "a"]) is None
    assert group_interval([], []) is None
    assert group_interval([True, True], ["a", "b"]) == (1.0, 1.0)


def test_confusions_are_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    true, predicted = rng.integers(0, 5, (2, 80))
    expected = confusion_matrix(true, predicted, labels=range(6))
    np.testing.assert_array_equal(confusion(true, predicted, 6), expected)
    assert confusion([], [], 2).tolist() == [[0, 0], [0, 0]]


def test_the_reports_confusions_are_whole() -> None:
    matrix = np.array(EXPERIMENTS[0].reported.confusion)
    assert np.trace(matrix) == EXPERIMENTS[0].reported.hits == 69
    assert matrix.sum(1).tolist() == [16] * 6 and matrix.sum(0).tolist() == [10, 21, 16, 21, 12, 16]
