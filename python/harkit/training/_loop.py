"""The loop of training: order, batches, learning rates, steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from harkit import _core
from harkit.training._options import SGD, Adam, AdamW, CrossEntropy, Ramp

__all__ = ["LrStep", "Settings", "orders", "train"]

LrStep = Literal["batch", "epoch"]


@dataclass(frozen=True)
class Settings:
    """How a network is trained.

    Attributes
    ----------
    optimizer, criterion, schedule
        What changes parameters, what is to become small, and how the learning rate changes.
    lr_step : {"batch", "epoch"}
        What the schedule counts.
    batch_size : int
        Items of a step; the last batch of an epoch may be smaller.
    """

    optimizer: SGD | Adam | AdamW
    criterion: CrossEntropy
    schedule: Ramp | None
    lr_step: LrStep
    batch_size: int

    def rate(self, step: int, epoch: int) -> float:
        """Return the learning rate of a step."""
        if self.schedule is None:
            return self.optimizer.lr
        return self.optimizer.lr * self.schedule.factor(step if self.lr_step == "batch" else epoch)


def orders(n_items: int, epochs: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Yield the order of items in each epoch."""
    for epoch in range(epochs):
        yield np.random.default_rng((seed, epoch)).permutation(n_items)


def train(
    network: _core.Network,
    X: NDArray[np.float32],
    labels: NDArray[np.int64],
    settings: Settings,
    *,
    orders: Iterable[NDArray[np.int64]],
    seed: int,
    tell: Callable[[int], object] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Change a network's parameters, epoch after epoch.

    Parameters
    ----------
    network : Network
        With initial values.
    X, labels : ndarray
        All items, and their classes.
    settings : Settings
        How.
    orders : iterable of ndarray
        The order of items in each epoch.
    seed : int
        Of the dropout; each step has masks of its own.
    tell : callable, optional
        Gets the number of finished epochs.

    Returns
    -------
    losses, rates : ndarray of shape (n_steps,)
        Of each step.
    """
    optimiser = _core.Optimiser(settings.optimizer)
    losses: list[float] = []
    rates: list[float] = []
    for epoch, order in enumerate(orders):
        for begin in range(0, len(order), settings.batch_size):
            rows = order[begin : begin + settings.batch_size]
            step = len(losses)
            rates.append(settings.rate(step, epoch))
            options: dict[str, Any] = {"lr": rates[-1], "seed": _mask_seed(seed, step), "step": step}
            loss, _ = optimiser.train_step(network, X[rows], labels[rows], settings.criterion, **options)
            losses.append(loss)
        if tell is not None:
            tell(epoch + 1)
    return np.array(losses), np.array(rates)


def _mask_seed(seed: int, step: int) -> int:
    return int(np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0])
