"""What all encoders of descriptor sets have in common: they sample, fit, and encode a set at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.utils.validation import check_is_fitted

from harkit.encoders._parameters import count, seed_of, to_rows
from harkit.errors import ArgumentError, ArgumentTypeError

__all__ = ["Columns", "Encoder", "Sets"]

Sets: TypeAlias = Sequence[NDArray[Any]]
"""One array (N_i, D) a video; N_i may be 0."""

Columns: TypeAlias = slice | tuple[int, int] | None
"""A part of each descriptor: all columns, a slice, or (start, stop)."""


class Encoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator, ABC):
    """The base of the encoders; a class of its own fits `_fit_rows` and gives `_encode`."""

    columns: Columns
    pca: int | None
    max_descriptors: int
    random_state: Any
    n_columns_: int
    pca_: PCA | None
    _n_features_out: int

    def fit(self, X: Sets, y: object = None) -> Any:
        """Learn from a sample of all descriptors.

        Parameters
        ----------
        X : sequence of n_videos arrays of shape (N_i, D)
            The descriptors of each video; one array is looked at at a time.
        y : object
            Ignored.

        Returns
        -------
        object
            Itself.

        Raises
        ------
        ArgumentError
            If a parameter is not allowed, arrays differ in width or hold NaN, or descriptors are too few.
        """
        self._check_parameters()
        most = count("max_descriptors", self.max_descriptors)
        if self.pca is not None:
            count("pca", self.pca)
        seed = seed_of(self.random_state)
        self.n_columns_ = _width(X)
        rows = self._selected(_sample(X, self.n_columns_, most, np.random.default_rng(seed)))
        self.pca_ = None
        if self.pca is not None:
            if self.pca > min(rows.shape):
                size = min(rows.shape)
                raise ArgumentError(
                    f"`pca` must be at most {size} for descriptors of shape {rows.shape}, got {self.pca}"
                )
            self.pca_ = PCA(self.pca, whiten=True, random_state=seed).fit(rows)
            rows = to_rows(self.pca_.transform(rows))
        self._n_features_out = self._fit_rows(rows, seed)
        return self

    def transform(self, X: Sets) -> NDArray[np.float32]:
        """Encode each set.

        Parameters
        ----------
        X : sequence of n_videos arrays of shape (N_i, D)
            The descriptors of each video; one array is looked at at a time.

        Returns
        -------
        float32 ndarray of shape (n_videos, n_features)
            One row a video; zeros for a video without descriptors.

        Raises
        ------
        ArgumentError
            If an array has another width than those of `fit`, or holds NaN.
        """
        check_is_fitted(self)
        out = np.zeros((len(_checked_sequence(X)), self._n_features_out), dtype=np.float32)
        for i in range(len(X)):
            rows = self._selected(to_rows(_set(X, i, self.n_columns_), f"X[{i}]"))
            if len(rows):
                if self.pca_ is not None:
                    rows = to_rows(self.pca_.transform(rows))
                out[i] = self._encode(rows)
        return out

    @abstractmethod
    def _check_parameters(self) -> None:
        """Raise where a parameter of the encoder's own is not allowed."""

    @abstractmethod
    def _fit_rows(self, rows: NDArray[np.float32], seed: int) -> int:
        """Learn from rows; give the number of features."""

    @abstractmethod
    def _encode(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Encode one or more rows."""

    def _selected(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.columns is None:
            return rows
        chosen = self.columns
        if isinstance(chosen, (tuple, list)) and len(chosen) == 2:
            chosen = slice(*chosen)
        if not isinstance(chosen, slice):
            raise ArgumentTypeError(f"`columns` must be a slice, (start, stop) or None, got {self.columns!r}")
        part = rows[:, chosen]
        if not part.shape[1] or (chosen.stop or 0) > rows.shape[1]:
            raise ArgumentError(
                f"`columns` must lie within the {rows.shape[1]} of a descriptor, got {self.columns!r}"
            )
        return np.ascontiguousarray(part)


def _checked_sequence(X: Sets) -> Sets:
    if isinstance(X, (str, bytes)) or not hasattr(X, "__len__") or not hasattr(X, "__getitem__"):
        raise ArgumentTypeError(
            f"`X` must be a sequence of arrays (N_i, D), one a video, got {type(X).__name__}"
        )
    return X


def _set(X: Sets, i: int, width: int | None = None) -> NDArray[Any]:
    array = np.asarray(X[i])
    if array.ndim != 2 or array.dtype.kind not in "fiub":
        raise ArgumentError(
            f"`X` must be a sequence of arrays of numbers (N, D), one a video; "
            f"`X[{i}]` is {array.dtype} of shape {array.shape}"
        )
    if width is not None and array.shape[1] != width:
        raise ArgumentError(f"`X[{i}]` must have {width} columns, got shape {array.shape}")
    return array


def _width(X: Sets) -> int:
    if not len(_checked_sequence(X)):
        raise ArgumentError("`X` must hold the descriptors of one video or more, got none")
    width = int(_set(X, 0).shape[1])
    if not width:
        raise ArgumentError("`X[0]` must have one column or more, got none")
    return width


def _sample(X: Sets, width: int, most: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """Draw at most `most` rows, uniformly without replacement from all rows of all sets, in their order."""
    ends = np.cumsum([len(_set(X, i, width)) for i in range(len(X))])
    total = int(ends[-1])
    if not total:
        raise ArgumentError("`X` must hold one descriptor or more, all its arrays are empty")
    chosen = np.arange(total)
    if total > most:
        chosen = np.sort(generator.choice(total, most, replace=False, shuffle=False))
    rows = np.empty((len(chosen), width), dtype=np.float32)
    bounds = [0, *(int(np.searchsorted(chosen, end)) for end in ends)]
    for i, (start, stop) in enumerate(pairwise(bounds)):
        if stop > start:
            before = int(ends[i - 1]) if i else 0
            rows[start:stop] = to_rows(_set(X, i)[chosen[start:stop] - before], f"X[{i}]")
    return rows
