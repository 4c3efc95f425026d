"""Vectors of locally aggregated descriptors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from harkit import _core
from harkit.encoders._encoder import Columns, Encoder
from harkit.encoders._kmeans import KMeans
from harkit.encoders._normalizers import l2_normalized, signed_power
from harkit.encoders._parameters import count, number
from harkit.errors import ArgumentError

__all__ = ["Vlad"]


class Vlad(Encoder):
    """Sums of the differences between a video's descriptors and their nearest centres.

    Parameters
    ----------
    n_centers : int
        The number of centres.
    intra : bool
        Whether the sum of each centre gets the length 1, so that bursts of alike descriptors do not prevail.
    power : float or None
        The exponent of the signed powers; None for none. It comes after `intra`.
    l2 : bool
        Whether vectors then get the length 1.
    n_init : int
        Starts of `KMeans`, of which the best is kept.
    max_iter : int
        The largest number of passes of `KMeans`.
    columns : slice or (start, stop), optional
        The part of each descriptor that is looked at, so that parts may have centres of their own.
    pca : int, optional
        Reduce descriptors to so many whitened principal components first.
    max_descriptors : int
        The centres are found from so many descriptors at most, drawn uniformly, without replacement, from
        all.
    random_state : int, RandomState or None
        The seed of sample and centres.

    Attributes
    ----------
    centers_ : float32 ndarray of shape (n_centers, D)
        The centres.
    pca_ : PCA or None
        The reduction.
    n_columns_ : int
        The width of the descriptors.

    References
    ----------
    Jégou, Douze, Schmid and Pérez 2010; `intra`: Arandjelović and Zisserman 2013.

    Examples
    --------
    >>> from harkit.encoders import Vlad
    >>> sets = [np.random.default_rng(i).random((50, 6), np.float32) for i in range(4)]
    >>> Vlad(3).fit_transform(sets).shape
    (4, 18)
    """

    centers_: NDArray[np.float32]

    def __init__(
        self,
        n_centers: int = 64,
        *,
        intra: bool = True,
        power: float | None = None,
        l2: bool = True,
        n_init: int = 1,
        max_iter: int = 100,
        columns: Columns = None,
        pca: int | None = None,
        max_descriptors: int = 100_000,
        random_state: Any = 0,
    ) -> None:
        self.n_centers = n_centers
        self.intra = intra
        self.power = power
        self.l2 = l2
        self.n_init = n_init
        self.max_iter = max_iter
        self.columns = columns
        self.pca = pca
        self.max_descriptors = max_descriptors
        self.random_state = random_state

    def _check_parameters(self) -> None:
        count("n_centers", self.n_centers)
        if self.power is not None:
            number("power", self.power, above=0, most=1)

    def _fit_rows(self, rows: NDArray[np.float32], seed: int) -> int:
        if self.n_centers > len(rows):
            raise ArgumentError(
                f"`n_centers` must be at most the {len(rows)} descriptors at hand, got {self.n_centers}"
            )
        kmeans = KMeans(self.n_centers, n_init=self.n_init, max_iter=self.max_iter, random_state=seed)
        self.centers_ = kmeans.fit(rows).cluster_centers_
        return self.centers_.size

    def _encode(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        sums = _core.vlad_residuals(rows, self.centers_).reshape(self.centers_.shape)
        vector = (l2_normalized(sums) if self.intra else sums).ravel()
        if self.power is not None:
            vector = signed_power(vector, self.power)
        return l2_normalized(vector) if self.l2 else vector
