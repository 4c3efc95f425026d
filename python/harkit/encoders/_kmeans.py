"""k-means: vocabularies."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from harkit import _core
from harkit.encoders._parameters import checked_rows, choice, count, number, seed_of, to_rows
from harkit.errors import ArgumentError

__all__ = ["KMeans"]


class KMeans(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator):
    """k-means clustering of float32 rows.

    Parameters
    ----------
    n_clusters : int
        The number of centres.
    init : {"k-means++", "random"} or array of shape (n_clusters, n_features)
        Where they start: greedy k-means++, distinct rows, or what is given.
    algorithm : {"lloyd", "minibatch"}
        Whole passes until nothing moves, or batches.
    n_init : int
        The number of starts; the one with the least inertia is kept (with mini-batches: least on a sample,
        before the search).
    max_iter : int
        The largest number of passes over the rows.
    tol : float
        Lloyd ends when the centres move (sum of squares) by less than this part of a column's mean variance.
    batch_size : int
        Rows of a batch.
    init_size : int, optional
        Rows, drawn at random, that k-means++ looks at: by default the larger of 10,000 and 20 a cluster with
        Lloyd, three batches with mini-batches; never fewer than `n_clusters`.
    random_state : int, RandomState or None
        The seed; the default gives the same centres each time, on any number of threads.

    Attributes
    ----------
    cluster_centers_ : float32 ndarray of shape (n_clusters, n_features)
        The centres.
    labels_ : int32 ndarray of shape (n_samples,)
        The nearest centre of each row; the lowest index among equals.
    inertia_ : float
        The sum of squared distances to the nearest centres.
    n_iter_ : int
        Passes over the rows.
    n_features_in_ : int
        The number of columns.

    Notes
    -----
    A cluster that becomes empty takes the row farthest from its centre. Mini-batches follow scikit-learn's
    `MiniBatchKMeans`: drawn with replacement, running means with lifetime counts, centres of less than 1 % of
    the largest count put onto random rows, an end after ten batches without a new least smoothed inertia.

    References
    ----------
    Lloyd 1982; Arthur and Vassilvitskii 2007; Sculley 2010.

    Examples
    --------
    >>> from harkit.encoders import KMeans
    >>> rows = np.array([[0, 0], [0, 1], [9, 9], [9, 8]], np.float32)
    >>> found = KMeans(2).fit(rows)
    >>> sorted(found.cluster_centers_.tolist())
    [[0.0, 0.5], [9.0, 8.5]]
    >>> found.inertia_
    1.0
    """

    cluster_centers_: NDArray[np.float32]
    labels_: NDArray[np.int32]
    inertia_: float
    n_iter_: int

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: Literal["k-means++", "random"] | ArrayLike = "k-means++",
        algorithm: Literal["lloyd", "minibatch"] = "lloyd",
        n_init: int = 1,
        max_iter: int = 100,
        tol: float = 1e-4,
        batch_size: int = 4096,
        init_size: int | None = None,
        random_state: int | np.random.RandomState | None = 0,
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.algorithm = algorithm
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.batch_size = batch_size
        self.init_size = init_size
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: object = None) -> KMeans:
        """Find centres.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)
            The rows; computed in float32.
        y : object
            Ignored.

        Returns
        -------
        KMeans
            Itself.

        Raises
        ------
        ArgumentError
            If a parameter is not allowed, or there are fewer rows than clusters.
        """
        rows = checked_rows(self, X, reset=True)
        n_clusters = count("n_clusters", self.n_clusters)
        if n_clusters > len(rows):
            raise ArgumentError(f"`n_clusters` must be at most n_samples={len(rows)}, got {n_clusters}")
        choice("algorithm", self.algorithm, ("lloyd", "minibatch"))
        is_batched, batch_size = self.algorithm == "minibatch", count("batch_size", self.batch_size)
        init = self.init
        if isinstance(init, str):
            choice("init", init, ("k-means++", "random"))
        init_size = 3 * batch_size if is_batched else max(10_000, 20 * n_clusters)
        if self.init_size is not None:
            init_size = count("init_size", self.init_size)
        found = _core.kmeans_fit(
            rows,
            n_clusters,
            init=None if isinstance(init, str) else to_rows(init, "init"),
            plus_plus=isinstance(init, str) and init == "k-means++",
            init_size=init_size,
            batch_size=batch_size if is_batched else None,
            n_init=count("n_init", self.n_init),
            max_iter=count("max_iter", self.max_iter),
            tol=number("tol", self.tol),
            seed=seed_of(self.random_state),
        )
        self.cluster_centers_ = found["centers"].reshape(n_clusters, -1)
        self.labels_ = found["labels"].astype(np.int32)
        self.inertia_ = found["inertia"]
        self.n_iter_ = found["n_iter"]
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.int32]:
        """Name the nearest centre of each row.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        int32 ndarray of shape (n_samples,)
            Indices of centres, the lowest among equals.
        """
        check_is_fitted(self)
        labels, _ = _core.nearest_centers(checked_rows(self, X, reset=False), self.cluster_centers_)
        return labels.astype(np.int32)

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Measure the distance of each row to each centre.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        float32 ndarray of shape (n_samples, n_clusters)
            Euclidean distances.
        """
        check_is_fitted(self)
        squares = _core.center_distances(checked_rows(self, X, reset=False), self.cluster_centers_)
        distances: NDArray[np.float32] = np.sqrt(squares).reshape(-1, len(self.cluster_centers_))
        return distances

    def score(self, X: ArrayLike, y: object = None) -> float:
        """Tell how well the centres fit.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)
            The rows.
        y : object
            Ignored.

        Returns
        -------
        float
            Minus the sum of squared distances to the nearest centres.
        """
        check_is_fitted(self)
        _, distances = _core.nearest_centers(checked_rows(self, X, reset=False), self.cluster_centers_)
        return -float(distances.sum(dtype=np.float64))

    @property
    def _n_features_out(self) -> int:
        return len(self.cluster_centers_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
