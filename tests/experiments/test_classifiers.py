"""The chi-square machine: scikit-learn's contract, and its kernel by a plain loop."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from harkit.experiments import ChiSquareSVC


@parametrize_with_checks([ChiSquareSVC()])
def test_it_is_an_estimator(estimator: Any, check: Any) -> None:
    check(estimator)


def distance(a: np.ndarray, b: np.ndarray) -> float:
    return 0.5 * sum((p - q) ** 2 / (p + q) for p, q in zip(a, b, strict=True) if p + q > 0)


def test_it_is_a_machine_on_the_kernel_of_the_definition() -> None:
    rng = np.random.default_rng(0)
    histograms = rng.dirichlet(np.full(6, 0.4), 30)
    histograms[histograms < 0.05] = 0
    train, test, labels = histograms[:20], histograms[20:], rng.integers(0, 3, 20)
    pairs = np.array([[distance(a, b) for b in train] for a in histograms])
    scale = pairs[:20][np.triu_indices(20, 1)].mean()
    kernel = np.exp(-pairs / scale)
    expected = SVC(C=3, kernel="precomputed").fit(kernel[:20], labels)
    machine = ChiSquareSVC(C=3).fit(train, labels)
    np.testing.assert_allclose(machine.scale_, scale, rtol=1e-12)
    np.testing.assert_allclose(
        machine.decision_function(test), expected.decision_function(kernel[20:]), rtol=1e-6, atol=1e-9
    )
    np.testing.assert_array_equal(machine.predict(test), expected.predict(kernel[20:]))
