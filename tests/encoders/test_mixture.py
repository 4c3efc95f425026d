"""Gaussian mixtures and Fisher vectors against scikit-learn, scikit-image and the formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sklearn.mixture
from numpy.typing import NDArray
from skimage.feature import fisher_vector

from harkit.encoders import FisherVector, GaussianMixture


def rows_of(n: int, columns: int, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    means, scales = rng.normal(50, 3, (5, columns)), rng.uniform(0.2, 2, (5, columns))
    component = rng.integers(0, 5, n)
    return (means[component] + scales[component] * rng.normal(size=(n, columns))).astype(np.float32)


def theirs_of(ours: GaussianMixture) -> Any:
    """scikit-learn's mixture with our parameters."""
    theirs = sklearn.mixture.GaussianMixture(len(ours.weights_), covariance_type="diag")
    theirs.weights_, theirs.means_, theirs.covariances_ = ours.weights_, ours.means_, ours.variances_
    theirs.precisions_cholesky_ = 1 / np.sqrt(ours.variances_)
    return theirs


@pytest.mark.parametrize(("n", "k", "columns"), [(40, 1, 1), (700, 5, 6), (999, 17, 40)])
def test_posteriors_and_densities_are_scikit_learns(n: int, k: int, columns: int) -> None:
    rows = rows_of(n, columns)
    ours = GaussianMixture(k, max_iter=3).fit(rows)
    theirs = theirs_of(ours)
    exact = rows.astype(np.float64)  # scikit-learn computes in the type that it is given
    np.testing.assert_allclose(ours.predict_proba(rows), theirs.predict_proba(exact), atol=1e-9)
    np.testing.assert_allclose(ours.score_samples(rows), theirs.score_samples(exact), rtol=1e-9)
    assert ours.predict(rows).tolist() == theirs.predict(exact).tolist()
    assert ours.score(rows) == pytest.approx(theirs.score(exact), rel=1e-9)


def test_each_pass_is_scikit_learns() -> None:
    rows = rows_of(900, 7)
    start = GaussianMixture(6, max_iter=1).fit(rows)
    ours = GaussianMixture(6, max_iter=4, tol=0).fit(rows)
    theirs = sklearn.mixture.GaussianMixture(
        6,
        covariance_type="diag",
        reg_covar=0,
        tol=1e9,  # scikit-learn warns where it does not converge: one pass, three times
        max_iter=1,
        warm_start=True,
        weights_init=start.weights_,
        means_init=start.means_,
        precisions_init=1 / start.variances_,
    )
    with pytest.warns(sklearn.exceptions.ConvergenceWarning):
        for _ in range(3):
            theirs.fit(rows)
    np.testing.assert_allclose(ours.weights_, theirs.weights_, rtol=1e-5)
    np.testing.assert_allclose(ours.means_, theirs.means_, rtol=1e-6)
    np.testing.assert_allclose(ours.variances_, theirs.covariances_, rtol=1e-4)


def test_the_likelihood_never_falls_and_ends_where_scikit_learns_does() -> None:
    rows = rows_of(2000, 4)
    scores = [GaussianMixture(5, max_iter=n, tol=0).fit(rows).score(rows) for n in (1, 2, 4, 8, 16, 60)]
    assert (np.diff(scores) >= -1e-12).all()
    theirs = sklearn.mixture.GaussianMixture(5, covariance_type="diag", random_state=0).fit(rows)
    assert scores[-1] >= theirs.score(rows) - 0.01


def test_variances_keep_their_floor_and_columns_may_be_constant() -> None:
    rows = rows_of(50, 3)
    rows[:, 1] = 4
    mixture = GaussianMixture(25, variance_floor=0.01).fit(rows)
    floor = np.maximum(0.01 * rows.astype(np.float64).var(axis=0), 1e-12)
    assert (mixture.variances_ >= floor * (1 - 1e-12)).all()
    assert np.isfinite(mixture.score_samples(rows)).all()
    assert mixture.weights_.sum() == pytest.approx(1)


def test_fewer_distinct_rows_than_components_leave_components_at_the_mean() -> None:
    rows = np.array([[50, 3], [52, 3]], np.float32).repeat(10, axis=0)
    mixture = GaussianMixture(4).fit(rows)
    assert np.sort(mixture.weights_).round(6).tolist() == [0, 0, 0.5, 0.5]
    assert set(mixture.means_[:, 0].round(6)) <= {50, 51, 52}
    code = FisherVector(4, l2=False, power=None).fit_transform([rows])
    # By the deviations: -sqrt(w / 2), as the rows do not deviate at all.
    assert code.min() == pytest.approx(-0.5)
    assert code.max() < 1e-3


def test_fisher_vectors_are_scikit_images() -> None:
    sets = [rows_of(n, 6, seed=n) for n in (300, 41, 1)]
    encoder = FisherVector(4, power=None, l2=False).fit(sets)
    improved = FisherVector(4).fit(sets)
    theirs = theirs_of(encoder.mixture_)
    for rows, ours, better in zip(sets, encoder.transform(sets), improved.transform(sets), strict=True):
        expected = fisher_vector(rows.astype(np.float64), theirs)
        by_mean, by_deviation = np.split(expected[4:], 2)  # the first 4 are by the weights
        # scikit-image takes the gradient by the deviation with the other sign
        expected = np.r_[by_mean, -by_deviation]
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-6)
        powers = np.sign(expected) * np.sqrt(np.abs(expected))
        np.testing.assert_allclose(better, powers / np.linalg.norm(powers), rtol=1e-3, atol=1e-4)


def test_fisher_vectors_follow_the_density() -> None:
    """The gradient by finite differences of the mean log density."""
    rows = rows_of(60, 2)
    encoder = FisherVector(2, power=None, l2=False).fit([rows])
    mixture, step = encoder.mixture_, 1e-5
    vector = encoder.transform([rows])[0].astype(np.float64)
    for k in range(2):
        for column in range(2):
            for part, parameter in enumerate(("means_", "deviations")):
                scores = []
                for sign in (-1, 1):
                    moved = GaussianMixture(2)
                    moved.__dict__.update(mixture.__dict__)
                    deviations, means = np.sqrt(mixture.variances_), mixture.means_.copy()
                    (means if parameter == "means_" else deviations)[k, column] += sign * step
                    moved.means_, moved.variances_ = means, deviations**2
                    scores.append(moved.score(rows))
                gradient = (scores[1] - scores[0]) / (2 * step)
                deviation = np.sqrt(mixture.variances_[k, column])
                information = np.sqrt(mixture.weights_[k] * (1 + part))
                got = vector[4 * part + 2 * k + column]
                assert got == pytest.approx(gradient * deviation / information, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_components": 0}, "`n_components` must be an integer from 1"),
        ({"n_components": 7}, "`n_components` must be at most n_samples=6, got 7"),
        ({"max_iter": 0}, "`max_iter` must be"),
        ({"tol": np.nan}, "`tol` must be"),
        ({"variance_floor": 2}, "`variance_floor` must be a number from 0 to 1, got 2"),
    ],
)
def test_what_is_not_allowed_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GaussianMixture(**{"n_components": 2, **options}).fit(np.eye(6, 2))
