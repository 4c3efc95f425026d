"""Fisher vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from harkit import _core
from harkit.encoders._encoder import Columns, Encoder
from harkit.encoders._mixture import GaussianMixture
from harkit.encoders._normalizers import l2_normalized, signed_power
from harkit.encoders._parameters import count, number
from harkit.errors import ArgumentError

__all__ = ["FisherVector"]


class FisherVector(Encoder):
    """Gradients of the log density of a video's descriptors by the parameters of a Gaussian mixture.

    Parameters
    ----------
    n_components : int
        The number of Gaussians.
    power : float or None
        The exponent of the signed powers; None for none.
    l2 : bool
        Whether vectors then get the length 1.
    max_iter : int
        The largest number of passes of `GaussianMixture`.
    variance_floor : float
        As that of `GaussianMixture`.
    columns : slice or (start, stop), optional
        The part of each descriptor that is looked at, so that parts may have mixtures of their own.
    pca : int, optional
        Reduce descriptors to so many whitened principal components first: diagonal covariances then fit.
    max_descriptors : int
        The mixture is fitted to so many descriptors at most, drawn uniformly, without replacement, from
        all.
    random_state : int, RandomState or None
        The seed of sample and mixture.

    Attributes
    ----------
    mixture_ : GaussianMixture
        The mixture.
    pca_ : PCA or None
        The reduction.
    n_columns_ : int
        The width of the descriptors.

    Notes
    -----
    With N descriptors x, posteriors q and a component's weight w, mean mu and deviation sigma, the vector
    has sum q (x - mu) / (sigma N sqrt(w)) for all components, then sum q ((x - mu)^2 / sigma^2 - 1) over
    N sqrt(2 w). That makes 2 K D features. The gradients by the weights are left out, as in the paper.

    References
    ----------
    Perronnin, Sánchez and Mensink 2010; Sánchez et al. 2013.

    Examples
    --------
    >>> from harkit.encoders import FisherVector
    >>> sets = [np.random.default_rng(i).random((50, 6), np.float32) for i in range(4)]
    >>> FisherVector(3, pca=4).fit_transform(sets).shape
    (4, 24)
    """

    mixture_: GaussianMixture

    def __init__(
        self,
        n_components: int = 64,
        *,
        power: float | None = 0.5,
        l2: bool = True,
        max_iter: int = 100,
        variance_floor: float = 1e-4,
        columns: Columns = None,
        pca: int | None = None,
        max_descriptors: int = 100_000,
        random_state: Any = 0,
    ) -> None:
        self.n_components = n_components
        self.power = power
        self.l2 = l2
        self.max_iter = max_iter
        self.variance_floor = variance_floor
        self.columns = columns
        self.pca = pca
        self.max_descriptors = max_descriptors
        self.random_state = random_state

    def _check_parameters(self) -> None:
        count("n_components", self.n_components)
        if self.power is not None:
            number("power", self.power, above=0, most=1)

    def _fit_rows(self, rows: NDArray[np.float32], seed: int) -> int:
        if self.n_components > len(rows):
            raise ArgumentError(
                f"`n_components` must be at most the {len(rows)} descriptors at hand, got {self.n_components}"
            )
        mixture = GaussianMixture(
            self.n_components, max_iter=self.max_iter, variance_floor=self.variance_floor, random_state=seed
        )
        self.mixture_ = mixture.fit(rows)
        return 2 * mixture.means_.size

    def _encode(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        mixture = self.mixture_
        vector = _core.fisher_vector(rows, mixture.weights_, mixture.means_, mixture.variances_)
        if self.power is not None:
            vector = signed_power(vector, self.power)
        return l2_normalized(vector) if self.l2 else vector
