"""The estimators over matrices obey scikit-learn to the letter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from harkit.encoders import GaussianMixture, KMeans, L2Normalizer, PowerNormalizer


@parametrize_with_checks(
    [
        KMeans(),
        KMeans(algorithm="minibatch", batch_size=64),
        GaussianMixture(2),
        PowerNormalizer(),
        L2Normalizer(),
    ]
)
def test_scikit_learns_own_checks(estimator: Any, check: Any) -> None:
    check(estimator)


def test_powers_keep_signs_and_types() -> None:
    rows = np.array([[-8, 0, 27]], np.float32)
    powers = PowerNormalizer(1 / 3).fit_transform(rows)
    assert powers.dtype == np.float32
    np.testing.assert_allclose(powers, [[-2, 0, 3]], rtol=1e-6)


def test_lengths_are_one_whatever_the_size() -> None:
    rows = np.array([[3e-30, 4e-30], [3e30, -4e30], [0, 0]], np.float32)
    np.testing.assert_allclose(
        L2Normalizer().fit_transform(rows), [[0.6, 0.8], [0.6, -0.8], [0, 0]], rtol=1e-6
    )


@pytest.mark.parametrize("power", [0, -1, 1.5, np.nan, "a"])
def test_a_power_outside_its_range_is_named(power: Any) -> None:
    with pytest.raises(ValueError, match="`power` must be"):
        PowerNormalizer(power).fit([[1.0]])
