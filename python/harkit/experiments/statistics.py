"""How sure a number of hits is: intervals over clips and over persons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harkit.errors import ArgumentError

__all__ = ["confusion", "group_interval", "wilson_interval"]

# The 97.5 % point of the normal distribution.
_Z = 1.959963984540054
_N_RESAMPLES = 10_000


def wilson_interval(hits: int, n: int) -> tuple[float, float]:
    """Return Wilson's score interval of a proportion, 95 %.

    Parameters
    ----------
    hits, n : int
        Successes of independent trials.

    Returns
    -------
    tuple of float
        Lower and upper limit, 0 to 1. Clips of one person are not independent, so it is too narrow
        for them: see `group_interval`.

    References
    ----------
    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927.

    Examples
    --------
    >>> from harkit.experiments import wilson_interval
    >>> [round(limit, 4) for limit in wilson_interval(69, 96)]
    [0.6217, 0.7989]
    """
    if not 0 <= hits <= n or n == 0:
        raise ArgumentError(f"`hits` must lie in 0..n with n above 0, got {hits} of {n}")
    share = hits / n
    centre = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    return float(max(centre - half, 0.0)), float(min(centre + half, 1.0))


def group_interval(correct: ArrayLike, groups: Sequence[str], *, seed: int = 0) -> tuple[float, float] | None:
    """Return the bootstrap interval of an accuracy over groups, 95 %, by percentiles.

    Parameters
    ----------
    correct : array_like of bool, shape (n,)
        Whether each item was a hit.
    groups : sequence of str
        The person, recording or source of each.
    seed : int
        Of the 10,000 resamples: groups are drawn with replacement, each with all its items.

    Returns
    -------
    tuple of float, or None
        Lower and upper limit, 0 to 1; None where there is but one group.

    References
    ----------
    Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
    """
    hits = np.asarray(correct, dtype=bool)
    names, members = np.unique(np.asarray(groups), return_inverse=True)
    if len(names) < 2:
        return None
    hits_of = np.bincount(members, weights=hits, minlength=len(names))
    sizes = np.bincount(members, minlength=len(names))
    drawn = np.random.default_rng(seed).integers(0, len(names), (_N_RESAMPLES, len(names)))
    shares = hits_of[drawn].sum(1) / sizes[drawn].sum(1)
    low, high = np.quantile(shares, [0.025, 0.975])
    return float(low), float(high)


def confusion(true: ArrayLike, predicted: ArrayLike, n_classes: int) -> NDArray[np.int64]:
    """Return how often each true class (row) was taken for each class (column).

    Parameters
    ----------
    true, predicted : array_like of int, shape (n,)
        Labels from 0.
    n_classes : int
        Rows and columns.

    Returns
    -------
    ndarray of int64, shape (n_classes, n_classes)
        Counts.
    """
    pairs = np.asarray(true, dtype=np.int64) * n_classes + np.asarray(predicted, dtype=np.int64)
    return np.bincount(pairs, minlength=n_classes**2).reshape(n_classes, n_classes)
