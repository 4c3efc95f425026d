"""Classifiers that reports name and scikit-learn has only the parts of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics.pairwise import additive_chi2_kernel
from sklearn.svm import SVC
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, check_non_negative, validate_data

__all__ = ["ChiSquareSVC"]


class ChiSquareSVC(ClassifierMixin, BaseEstimator):
    """A support vector machine with the exponential chi-square kernel, for histograms.

    Parameters
    ----------
    C : float, default: 1
        The weight of errors, as for :class:`sklearn.svm.SVC`.

    Attributes
    ----------
    scale_ : float
        The mean distance of pairs of training histograms.
    classes_ : ndarray
        The labels.

    Notes
    -----
    K = exp(-D / A) with D = 1/2 sum (a - b)^2 / (a + b), 0 where both are 0, and A = `scale_`.

    References
    ----------
    Zhang et al., "Local features and kernels for classification of texture and object categories", IJCV 2007,
    equation 2; Laptev et al., "Learning realistic human actions from movies", CVPR 2008.
    """

    def __init__(self, C: float = 1.0) -> None:
        self.C = C

    def fit(self, X: ArrayLike, y: ArrayLike) -> ChiSquareSVC:
        """Learn from histograms.

        Parameters
        ----------
        X : array_like of shape (n, n_features)
            Not negative.
        y : array_like of shape (n,)
            Labels.

        Returns
        -------
        ChiSquareSVC
            Itself.
        """
        histograms, labels = validate_data(self, X, y)
        check_non_negative(histograms, "ChiSquareSVC")
        check_classification_targets(labels)
        self.histograms_ = histograms
        distances = _distances(histograms, histograms)
        above = distances[np.triu_indices(len(histograms), 1)]
        self.scale_ = float(above.mean()) if above.size and above.mean() > 0 else 1.0
        self.machine_ = SVC(C=self.C, kernel="precomputed", decision_function_shape="ovr")
        self.machine_.fit(np.exp(-distances / self.scale_), labels)
        self.classes_ = self.machine_.classes_
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return how far each histogram is on each class's side.

        Parameters
        ----------
        X : array_like of shape (n, n_features)
            Histograms.

        Returns
        -------
        ndarray of shape (n, n_classes), or (n,) for two classes
            As :meth:`sklearn.svm.SVC.decision_function`.
        """
        kernel = self._kernel(X)
        values: NDArray[np.float64] = self.machine_.decision_function(kernel)
        return values

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the class of each histogram.

        Parameters
        ----------
        X : array_like of shape (n, n_features)
            Histograms.

        Returns
        -------
        ndarray of shape (n,)
            Labels.
        """
        kernel = self._kernel(X)
        labels: NDArray[Any] = self.machine_.predict(kernel)
        return labels

    def _kernel(self, X: ArrayLike) -> NDArray[np.float64]:
        check_is_fitted(self)
        histograms = validate_data(self, X, reset=False)
        check_non_negative(histograms, "ChiSquareSVC")
        return np.exp(-_distances(histograms, self.histograms_) / self.scale_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags


def _distances(a: Any, b: Any) -> NDArray[np.float64]:
    # scikit-learn's kernel is minus the sum, without the half; it takes no read-only arrays.
    a, b = np.require(a, requirements="W"), np.require(b, requirements="W")
    return np.asarray(-0.5 * additive_chi2_kernel(a, b), dtype=np.float64)
