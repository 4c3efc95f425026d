"""Gaussian mixtures with diagonal covariances."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils.validation import check_is_fitted

from harkit import _core
from harkit.encoders._kmeans import KMeans
from harkit.encoders._parameters import checked_rows, count, number, seed_of
from harkit.errors import ArgumentError

__all__ = ["GaussianMixture"]


class GaussianMixture(DensityMixin, BaseEstimator):
    """A mixture of Gaussians with diagonal covariances, by expectation and maximisation.

    Parameters
    ----------
    n_components : int
        The number of Gaussians.
    max_iter : int
        The largest number of passes over the rows.
    tol : float
        It ends when the mean log-likelihood of a row changes by less.
    variance_floor : float
        The least variance of a component along a column, as a part of the variance of the whole column.
    random_state : int, RandomState or None
        The seed of the k-means that it begins with.

    Attributes
    ----------
    weights_ : float64 ndarray of shape (n_components,)
        The share of each component; they sum to 1.
    means_, variances_ : float64 ndarray of shape (n_components, n_features)
        Means and diagonals of the covariances.
    lower_bound_ : float
        The mean log-likelihood of a row in the last pass.
    converged_ : bool
        Whether it ended by `tol`.
    n_iter_ : int
        Passes over the rows.
    n_features_in_ : int
        The number of columns.

    Notes
    -----
    Rows are float32, everything else float64. A component that has lost its rows keeps mean and variances.

    References
    ----------
    Dempster, Laird and Rubin 1977; Bishop 2006, section 9.2.

    Examples
    --------
    >>> from harkit.encoders import GaussianMixture
    >>> rows = np.r_[np.full((30, 2), 1.0), np.full((10, 2), 5.0)] + np.eye(2)[np.arange(40) % 2]
    >>> mixture = GaussianMixture(2).fit(rows)
    >>> sorted(mixture.weights_.round(3).tolist())
    [0.25, 0.75]
    """

    weights_: NDArray[np.float64]
    means_: NDArray[np.float64]
    variances_: NDArray[np.float64]
    lower_bound_: float
    converged_: bool
    n_iter_: int

    def __init__(
        self,
        n_components: int = 8,
        *,
        max_iter: int = 100,
        tol: float = 1e-3,
        variance_floor: float = 1e-4,
        random_state: int | np.random.RandomState | None = 0,
    ) -> None:
        self.n_components = n_components
        self.max_iter = max_iter
        self.tol = tol
        self.variance_floor = variance_floor
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: object = None) -> GaussianMixture:
        """Fit the mixture.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)
            The rows; rounded to float32.
        y : object
            Ignored.

        Returns
        -------
        GaussianMixture
            Itself.

        Raises
        ------
        ArgumentError
            If a parameter is not allowed, or there are fewer rows than components.
        """
        rows = checked_rows(self, X, reset=True)
        n_components = count("n_components", self.n_components)
        if n_components > len(rows):
            raise ArgumentError(f"`n_components` must be at most n_samples={len(rows)}, got {n_components}")
        max_iter, tol = count("max_iter", self.max_iter), number("tol", self.tol)
        variance_floor = number("variance_floor", self.variance_floor, most=1)
        start = KMeans(n_components, max_iter=30, random_state=seed_of(self.random_state)).fit(rows)
        found = _core.mixture_fit(
            rows,
            start.labels_.astype(np.uint32),
            n_components,
            max_iter=max_iter,
            tol=tol,
            variance_floor=variance_floor,
        )
        self.weights_ = found["weights"]
        self.means_ = found["means"].reshape(n_components, -1)
        self.variances_ = found["variances"].reshape(n_components, -1)
        self.lower_bound_, self.converged_ = found["log_likelihood"], found["converged"]
        self.n_iter_ = found["n_iter"]
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Tell how likely each component made each row.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        float64 ndarray of shape (n_samples, n_components)
            Posteriors; each row sums to 1.
        """
        posteriors, _ = self._posteriors(X)
        return posteriors.reshape(-1, len(self.weights_))

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """Name the likeliest component of each row.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        int64 ndarray of shape (n_samples,)
            Indices of components.
        """
        likeliest: NDArray[np.int64] = self.predict_proba(X).argmax(axis=1)
        return likeliest

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """Compute the log density at each row.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        float64 ndarray of shape (n_samples,)
            Natural logarithms.
        """
        return self._posteriors(X)[1]

    def score(self, X: ArrayLike, y: object = None) -> float:
        """Compute the mean log density.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)
            The rows.
        y : object
            Ignored.

        Returns
        -------
        float
            The mean of `score_samples`.
        """
        return float(self.score_samples(X).mean())

    def _posteriors(self, X: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        check_is_fitted(self)
        rows = checked_rows(self, X, reset=False)
        return _core.mixture_posteriors(rows, self.weights_, self.means_, self.variances_)
