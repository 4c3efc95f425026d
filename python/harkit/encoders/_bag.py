"""Bags of visual words."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from harkit import _core
from harkit.encoders._encoder import Columns, Encoder
from harkit.encoders._kmeans import KMeans
from harkit.encoders._parameters import choice, count, number
from harkit.errors import ArgumentError

__all__ = ["BagOfWords"]


class BagOfWords(Encoder):
    """How often each word of a vocabulary occurs among the descriptors of a video.

    Parameters
    ----------
    n_words : int
        The size of the vocabulary.
    assignment : {"hard", "soft"}
        A descriptor counts for its nearest word, or is shared among several by exp(-d^2 / (2 sigma^2)).
    n_nearest : int
        Soft: the number of words that share a descriptor.
    sigma : float, optional
        Soft: the width; by default the root mean square distance of the sampled descriptors to their words.
    normalization : {"l1", None}
        Whether a histogram is divided by its sum.
    algorithm : {"lloyd", "minibatch"}
        How `KMeans` finds the vocabulary.
    n_init : int
        Starts of `KMeans`, of which the best is kept.
    max_iter : int
        The largest number of passes of `KMeans`.
    batch_size : int
        Rows of a mini-batch.
    columns : slice or (start, stop), optional
        The part of each descriptor that is looked at, so that parts may have vocabularies of their own.
    pca : int, optional
        Reduce descriptors to so many whitened principal components first.
    max_descriptors : int
        The vocabulary is found from so many descriptors at most, drawn uniformly, without replacement, from
        all.
    random_state : int, RandomState or None
        The seed of sample and vocabulary.

    Attributes
    ----------
    vocabulary_ : float32 ndarray of shape (n_words, D)
        The words.
    inertia_ : float
        The sum of squared distances of the sampled descriptors to their nearest words.
    sigma_ : float
        The width of soft assignment.
    pca_ : PCA or None
        The reduction.
    n_columns_ : int
        The width of the descriptors.

    Notes
    -----
    The histogram is h / (sum(h) + 1e-8), in float32; zeros for a video without descriptors.

    References
    ----------
    Schuldt, Laptev and Caputo 2004; soft assignment: van Gemert et al. 2010, Liu, Wang and Liu 2011.

    Examples
    --------
    >>> from harkit.encoders import BagOfWords
    >>> sets = [np.zeros((3, 2), np.float32), np.ones((1, 2), np.float32), np.empty((0, 2), np.float32)]
    >>> bag = BagOfWords(2).fit(sets)
    >>> bag.transform(sets)[:, bag.vocabulary_[:, 0].argsort()]
    array([[1., 0.],
           [0., 1.],
           [0., 0.]], dtype=float32)
    """

    vocabulary_: NDArray[np.float32]
    inertia_: float
    sigma_: float

    def __init__(
        self,
        n_words: int = 400,
        *,
        assignment: Literal["hard", "soft"] = "hard",
        n_nearest: int = 5,
        sigma: float | None = None,
        normalization: Literal["l1"] | None = "l1",
        algorithm: Literal["lloyd", "minibatch"] = "lloyd",
        n_init: int = 1,
        max_iter: int = 100,
        batch_size: int = 4096,
        columns: Columns = None,
        pca: int | None = None,
        max_descriptors: int = 100_000,
        random_state: Any = 0,
    ) -> None:
        self.n_words = n_words
        self.assignment = assignment
        self.n_nearest = n_nearest
        self.sigma = sigma
        self.normalization = normalization
        self.algorithm = algorithm
        self.n_init = n_init
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.columns = columns
        self.pca = pca
        self.max_descriptors = max_descriptors
        self.random_state = random_state

    def _check_parameters(self) -> None:
        count("n_words", self.n_words)
        count("n_nearest", self.n_nearest)
        choice("assignment", self.assignment, ("hard", "soft"))
        choice("normalization", self.normalization, ("l1", None))
        if self.sigma is not None:
            number("sigma", self.sigma, above=0)

    def _fit_rows(self, rows: NDArray[np.float32], seed: int) -> int:
        if self.n_words > len(rows):
            raise ArgumentError(
                f"`n_words` must be at most the {len(rows)} descriptors at hand, got {self.n_words}"
            )
        found = KMeans(
            self.n_words,
            algorithm=self.algorithm,
            n_init=self.n_init,
            max_iter=self.max_iter,
            batch_size=self.batch_size,
            random_state=seed,
        ).fit(rows)
        self.vocabulary_, self.inertia_ = found.cluster_centers_, found.inertia_
        self.sigma_ = float(np.sqrt(found.inertia_ / len(rows))) if self.sigma is None else float(self.sigma)
        return int(self.n_words)

    def _encode(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        # Where all descriptors are words there is no width, and what is left of soft assignment is hard.
        sigma2 = self.sigma_**2 if self.assignment == "soft" and self.sigma_**2 > 0 else None
        counts = _core.bag_of_words(rows, self.vocabulary_, sigma2, self.n_nearest)
        return counts if self.normalization is None else counts / (counts.sum() + np.float32(1e-8))
