"""What training is told: losses, optimisers and schedules as options that check themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harkit import _core
from harkit._options import make_plain
from harkit.errors import ArgumentError

__all__ = ["SGD", "Adam", "AdamW", "CrossEntropy", "Ramp"]

Convention = Literal["pytorch", "keras"]


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent.

    Parameters
    ----------
    lr : float
        The learning rate.
    momentum : float, default: 0
        How much of the last change is kept.
    weight_decay : float, default: 0
        How much of a parameter is added to its gradient.
    nesterov : bool, default: False
        Whether the gradient is looked at where momentum leads.

    Raises
    ------
    harkit.errors.ArgumentError
        A value out of range.

    Notes
    -----
    As ``torch.optim.SGD`` (2.9) without dampening: velocity u becomes momentum * u + g, and the parameter
    loses lr * u.

    References
    ----------
    Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML 2013.

    Examples
    --------
    >>> from harkit import training
    >>> training.SGD(0.01, momentum=0.9)
    SGD(lr=0.01, momentum=0.9, weight_decay=0.0, nesterov=False)
    """

    lr: float
    momentum: float = 0.0
    weight_decay: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        _check_optimiser(self)


@dataclass(frozen=True)
class Adam:
    """Gradient descent by running means of gradients and of their squares.

    Parameters
    ----------
    lr : float, default: 0.001
        The learning rate.
    betas : tuple of float, default: (0.9, 0.999)
        How much of each running mean is kept.
    eps : float, optional
        What keeps the divisor from zero; 1e-8 in PyTorch's convention and 1e-7 in Keras's, as there.
    weight_decay : float, default: 0
        How much of a parameter is added to its gradient; in Keras's convention, as for `AdamW`.
    convention : {"pytorch", "keras"}, default: "pytorch"
        Where `eps` is added: PyTorch (2.9) divides out the bias of the running means first, Keras (3.15)
        after, which matters where gradients are about as small as `eps`.

    Raises
    ------
    harkit.errors.ArgumentError
        A value out of range.

    References
    ----------
    Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015.

    Examples
    --------
    >>> from harkit import training
    >>> training.Adam(convention="keras").eps
    1e-07
    """

    lr: float = 0.001
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float | None = None
    weight_decay: float = 0.0
    convention: Convention = "pytorch"

    def __post_init__(self) -> None:
        _complete(self)


@dataclass(frozen=True)
class AdamW:
    """Adam, where weight decay shrinks parameters and leaves gradients alone.

    Parameters
    ----------
    lr : float, default: 0.001
        The learning rate.
    betas : tuple of float, default: (0.9, 0.999)
        How much of each running mean is kept.
    eps : float, optional
        As for :class:`Adam`.
    weight_decay : float, default: 0.01
        Each step takes lr * weight_decay of a parameter away.
    convention : {"pytorch", "keras"}, default: "pytorch"
        As for :class:`Adam`.

    Raises
    ------
    harkit.errors.ArgumentError
        A value out of range.

    References
    ----------
    Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019.

    Examples
    --------
    >>> from harkit import training
    >>> training.AdamW(3e-4).weight_decay
    0.01
    """

    lr: float = 0.001
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float | None = None
    weight_decay: float = 0.01
    convention: Convention = "pytorch"

    def __post_init__(self) -> None:
        _complete(self)


def _complete(options: Adam | AdamW) -> None:
    """Fill in the convention's epsilon, and check everything."""
    if options.convention not in ("pytorch", "keras"):
        raise ArgumentError(f'`convention` must be "pytorch" or "keras", got {options.convention!r}')
    if options.eps is None:
        object.__setattr__(options, "eps", 1e-8 if options.convention == "pytorch" else 1e-7)
    _check_optimiser(options)


def _check_optimiser(options: Any) -> None:
    make_plain(options)
    _core.Optimiser(options)


@dataclass(frozen=True)
class CrossEntropy:
    """The cross-entropy of logits and labels.

    Parameters
    ----------
    label_smoothing : float, default: 0
        How much of the target is spread over all classes, 0 to 1.
    class_weights : sequence of float, optional
        What an item of each class counts.

    Raises
    ------
    harkit.errors.ArgumentError
        A value out of range.

    Notes
    -----
    As ``torch.nn.functional.cross_entropy`` (2.9): the mean over the items of a batch, weighted by their
    classes.

    References
    ----------
    Szegedy et al., "Rethinking the Inception architecture for computer vision", CVPR 2016, equation 3.

    Examples
    --------
    >>> from harkit import training
    >>> loss, gradient = training.CrossEntropy()([[0.0, 0.0]], [1])
    >>> round(loss, 4), gradient.tolist()
    (0.6931, [[0.5, -0.5]])
    """

    label_smoothing: float = 0.0
    class_weights: Sequence[float] | None = None

    def __post_init__(self) -> None:
        make_plain(self)
        _core.check_cross_entropy(self)

    def __call__(self, logits: ArrayLike, labels: ArrayLike) -> tuple[float, NDArray[np.float32]]:
        """Return the loss and its gradient.

        Parameters
        ----------
        logits : array_like of shape (n, n_classes)
            What a network says of each item.
        labels : array_like of shape (n,)
            The class of each, an integer.

        Returns
        -------
        loss : float
            The mean over the items.
        gradient : ndarray of float32, shape (n, n_classes)
            What each logit changes it by.

        Raises
        ------
        harkit.errors.ArgumentError
            A label without a logit, or another number of labels than rows.
        """
        rows = np.ascontiguousarray(logits, dtype=np.float32)
        return _core.cross_entropy(self, rows, np.ascontiguousarray(labels, dtype=np.int64))


@dataclass(frozen=True)
class Ramp:
    """A learning rate that grows in a line, and then drops in steps.

    Parameters
    ----------
    length : int
        Positions (steps or epochs) of the ramp.
    peak : float
        The factor that the ramp grows to, from 1; it ends one position short of it.
    drops : sequence of (int, float), default: ()
        From which position on, after the ramp, which factor; ascending.

    Raises
    ------
    harkit.errors.ArgumentError
        Positions that do not ascend, or factors that are not positive.

    Examples
    --------
    >>> from harkit import training
    >>> report = training.Ramp(30, 10, drops=[(30, 0.8), (40, 0.5)])
    >>> [round(report.factor(position), 4) for position in (0, 1, 29, 30, 39, 40, 759)]
    [1.0, 1.3, 9.7, 0.8, 0.8, 0.5, 0.5]
    """

    length: int
    peak: float
    drops: Sequence[tuple[int, float]] = ()

    def __post_init__(self) -> None:
        make_plain(self)
        object.__setattr__(self, "drops", tuple((int(at), float(factor)) for at, factor in self.drops))
        places = [self.length, *(at for at, _ in self.drops)]
        if self.length < 1 or any(after < before for before, after in pairwise(places)):
            raise ArgumentError(f"`length` and `drops` must ascend from 1 on, got {places}")
        for factor in (self.peak, *(factor for _, factor in self.drops)):
            if not (np.isfinite(factor) and factor > 0):
                raise ArgumentError(f"`peak` and the factors of `drops` must be positive, got {factor}")

    def factor(self, position: int) -> float:
        """Return what the learning rate is multiplied by.

        Parameters
        ----------
        position : int
            The step or the epoch, from 0.

        Returns
        -------
        float
            The factor; after the ramp, where nothing drops yet, its peak.
        """
        if position < self.length:
            return 1 + (self.peak - 1) * position / self.length
        return next((factor for at, factor in reversed(self.drops) if at <= position), self.peak)
