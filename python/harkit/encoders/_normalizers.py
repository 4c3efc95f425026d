"""Normalisation of encodings, row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from harkit.encoders._parameters import number

__all__ = ["L2Normalizer", "PowerNormalizer", "l2_normalized", "signed_power"]


def signed_power(values: NDArray[Any], power: float) -> NDArray[Any]:
    """Compute sign(v) |v|^power."""
    powers: NDArray[Any] = np.sign(values) * np.abs(values) ** power
    return powers


def l2_normalized(rows: NDArray[Any]) -> NDArray[Any]:
    """Divide by the Euclidean length along the last axis; zeros stay, and nothing overflows."""
    largest = np.abs(rows).max(axis=-1, keepdims=True, initial=0)
    scaled = rows / np.where(largest > 0, largest, 1)
    lengths = np.sqrt((scaled * scaled).sum(axis=-1, keepdims=True))
    normalized: NDArray[Any] = scaled / np.where(lengths > 0, lengths, 1)
    return normalized


class _RowNormalizer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """What both have in common: they learn nothing but the number of columns."""

    def fit(self, X: ArrayLike, y: object = None) -> Any:
        """Look at the number of columns.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)
            The rows.
        y : object
            Ignored.

        Returns
        -------
        object
            Itself.
        """
        self._rows(X, reset=True)
        return self

    def _rows(self, X: ArrayLike, *, reset: bool = False) -> NDArray[Any]:
        rows: NDArray[Any] = validate_data(self, X, dtype=[np.float64, np.float32], reset=reset)
        return rows

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class PowerNormalizer(_RowNormalizer):
    """Signed powers of all values: sign(v) |v|^power.

    Parameters
    ----------
    power : float
        The exponent, greater than 0 and at most 1; 0.5, the signed root, is that of Perronnin et al.

    Attributes
    ----------
    n_features_in_ : int
        The number of columns.

    References
    ----------
    Perronnin, Sánchez and Mensink 2010, section 3.2.

    Examples
    --------
    >>> from harkit.encoders import PowerNormalizer
    >>> PowerNormalizer().fit_transform([[4.0, -9.0, 0.0]])
    array([[ 2., -3.,  0.]])
    """

    def __init__(self, power: float = 0.5) -> None:
        self.power = power

    def fit(self, X: ArrayLike, y: object = None) -> PowerNormalizer:
        """Look at the number of columns.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)
            The rows.
        y : object
            Ignored.

        Returns
        -------
        PowerNormalizer
            Itself.

        Raises
        ------
        ArgumentError
            If `power` is not allowed.
        """
        number("power", self.power, above=0, most=1)
        super().fit(X)
        return self

    def transform(self, X: ArrayLike) -> NDArray[Any]:
        """Take the powers.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            A new array, float32 if `X` is.
        """
        check_is_fitted(self)
        return signed_power(self._rows(X), self.power)


class L2Normalizer(_RowNormalizer):
    """Rows of Euclidean length one; a row of zeros stays.

    Attributes
    ----------
    n_features_in_ : int
        The number of columns.

    Examples
    --------
    >>> from harkit.encoders import L2Normalizer
    >>> L2Normalizer().fit_transform([[3.0, -4.0], [0.0, 0.0]])
    array([[ 0.6, -0.8],
           [ 0. ,  0. ]])
    """

    def transform(self, X: ArrayLike) -> NDArray[Any]:
        """Divide each row by its length.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            A new array, float32 if `X` is.
        """
        check_is_fitted(self)
        return l2_normalized(self._rows(X))
