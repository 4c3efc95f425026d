"""A network over vectors, as scikit-learn wants it."""

from __future__ import annotations

import numbers
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from harkit import _core
from harkit._progress import Progress, shown
from harkit.errors import ArgumentError, ArgumentTypeError
from harkit.training._loop import LrStep, Settings, orders, train
from harkit.training._options import SGD, Adam, AdamW, CrossEntropy, Ramp

__all__ = ["NetworkClassifier"]


class NetworkClassifier(ClassifierMixin, BaseEstimator):
    """A small network that tells classes of vectors apart.

    Parameters
    ----------
    network : {"mlp", "linear"}, default: "mlp"
        One hidden layer with ReLU and dropout; or none.
    hidden : int, default: 500
        Width of the hidden layer.
    dropout : float, default: 0.5
        The probability with which training zeroes a hidden value.
    optimizer : SGD, Adam or AdamW, optional
        What changes parameters; ``Adam(0.001)`` where not given.
    criterion : CrossEntropy, optional
        The loss; without smoothing and weights where not given.
    batch_size : int, default: 4
        Items of a step; the last batch of an epoch may be smaller.
    epochs : int, default: 20
        How often every item is seen.
    schedule : Ramp, optional
        Factors of the learning rate; it is constant where not given.
    lr_step : {"batch", "epoch"}, default: "batch"
        What the schedule counts: steps or epochs.
    random_state : int, RandomState or None, default: 0
        Of initial values, orders and dropout; a number gives the same classifier each time, on any number of
        threads.
    progress : bool or callable, default: False
        Over epochs.

    Attributes
    ----------
    classes_ : ndarray
        The labels.
    loss_curve_ : ndarray of shape (n_steps,)
        The loss of each step's batch, before the step.
    learning_rates_ : ndarray of shape (n_steps,)
        The learning rate of each step.
    architecture_ : str
        The network, as JSON.
    parameters_ : dict of str to ndarray
        What was learnt, by name.
    n_features_in_ : int
        The number of columns.

    Notes
    -----
    The defaults are the network of the report dark-csn, whose schedule, counted in steps, is
    ``Ramp(30, 10, drops=[(30, 0.8), (40, 0.5)])``. Columns are taken as they are, in float32; initial
    values are drawn as PyTorch draws them, uniform within 1 / sqrt(inputs).

    Examples
    --------
    >>> from harkit.training import NetworkClassifier
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((40, 8)), np.repeat(["run", "walk"], 20)
    >>> X[20:] += 2
    >>> NetworkClassifier(hidden=16).fit(X, y).predict(X[[0, 39]])
    array(['run', 'walk'], dtype='<U4')
    """

    classes_: NDArray[Any]
    loss_curve_: NDArray[np.float64]
    learning_rates_: NDArray[np.float64]
    architecture_: str
    parameters_: dict[str, NDArray[np.float32]]
    n_features_in_: int

    def __init__(
        self,
        network: Literal["mlp", "linear"] = "mlp",
        *,
        hidden: int = 500,
        dropout: float = 0.5,
        optimizer: SGD | Adam | AdamW | None = None,
        criterion: CrossEntropy | None = None,
        batch_size: int = 4,
        epochs: int = 20,
        schedule: Ramp | None = None,
        lr_step: LrStep = "batch",
        random_state: Any = 0,
        progress: Progress = False,
    ) -> None:
        self.network = network
        self.hidden = hidden
        self.dropout = dropout
        self.optimizer = optimizer
        self.criterion = criterion
        self.batch_size = batch_size
        self.epochs = epochs
        self.schedule = schedule
        self.lr_step = lr_step
        self.random_state = random_state
        self.progress = progress

    def fit(self, X: ArrayLike, y: ArrayLike) -> NetworkClassifier:
        """Train the network anew.

        Parameters
        ----------
        X : array_like of shape (n, n_features)
            Vectors.
        y : array_like of shape (n,)
            Labels.

        Returns
        -------
        NetworkClassifier
            Itself.

        Raises
        ------
        harkit.errors.ArgumentError, harkit.errors.ArgumentTypeError
            A parameter out of range, labels of one class, or a loss that is no longer finite.
        """
        settings, options = self._settings(), self._options()
        rows, y = validate_data(self, X, y, dtype=[np.float32, np.float64], order="C")
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ArgumentError(
                f"`y` must have labels of more than one class, got one class: {self.classes_}"
            )
        options |= {"inputs": rows.shape[1], "n_classes": len(self.classes_)}
        network = _core.Network.from_json(_core.build_architecture(self.network, options))
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        network.initialise(seed)
        with shown(self.progress, self.epochs, "epoch") as tell:
            self.loss_curve_, self.learning_rates_ = train(
                network,
                _to_float32(rows),
                labels.astype(np.int64),
                settings,
                orders=orders(len(rows), self.epochs, seed),
                seed=seed,
                tell=tell,
            )
        self.architecture_ = network.architecture
        self.parameters_ = {name: network.get(name) for name, *_ in network.parameters()}
        self._trained = network
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the logits of each vector.

        Parameters
        ----------
        X : array_like of shape (n, n_features)
            Vectors.

        Returns
        -------
        ndarray of shape (n, n_classes), or (n,) for two classes
            Logits; for two classes, by how much the second exceeds the first.
        """
        logits = self._logits(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the probability of each class for each vector.

        Parameters
        ----------
        X : array_like of shape (n, n_features)
            Vectors.

        Returns
        -------
        ndarray of shape (n, n_classes)
            The softmax of the logits.
        """
        logits = self._logits(X)
        shares = np.exp(logits - logits.max(1, keepdims=True))
        return np.asarray(shares / shares.sum(1, keepdims=True))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the class of each vector.

        Parameters
        ----------
        X : array_like of shape (n, n_features)
            Vectors.

        Returns
        -------
        ndarray of shape (n,)
            Labels; the first of equals.
        """
        logits = self._logits(X)
        return np.asarray(self.classes_[logits.argmax(1)])

    def _logits(self, X: ArrayLike) -> NDArray[np.float64]:
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=[np.float32, np.float64], order="C", reset=False)
        [logits] = self._network().forward(_to_float32(rows), executor="plan")
        return np.asarray(logits, dtype=np.float64)

    def _network(self) -> _core.Network:
        """Return the trained network, made again where the classifier comes from a file."""
        if "_trained" not in self.__dict__:
            network = _core.Network.from_json(self.architecture_)
            for name, values in self.parameters_.items():
                network.set(name, np.ascontiguousarray(values))
            self._trained = network
        return self._trained

    def _settings(self) -> Settings:
        for name, value, kinds in (
            ("optimizer", self.optimizer, (SGD, Adam, AdamW)),
            ("criterion", self.criterion, (CrossEntropy,)),
            ("schedule", self.schedule, (Ramp,)),
        ):
            if value is not None and not isinstance(value, kinds):
                names = ", ".join(kind.__name__ for kind in kinds)
                raise ArgumentTypeError(f"`{name}` must be {names} or None, got {value!r}")
        if self.lr_step not in ("batch", "epoch"):
            raise ArgumentError(f'`lr_step` must be "batch" or "epoch", got {self.lr_step!r}')
        for name, count in (("batch_size", self.batch_size), ("epochs", self.epochs)):
            if not isinstance(count, numbers.Integral) or isinstance(count, bool) or count < 1:
                raise ArgumentError(f"`{name}` must be an integer of at least 1, got {count!r}")
        return Settings(
            optimizer=Adam() if self.optimizer is None else self.optimizer,
            criterion=CrossEntropy() if self.criterion is None else self.criterion,
            schedule=self.schedule,
            lr_step=self.lr_step,
            batch_size=int(self.batch_size),
        )

    def _options(self) -> dict[str, Any]:
        if self.network not in ("mlp", "linear"):
            raise ArgumentError(f'`network` must be "mlp" or "linear", got {self.network!r}')
        return {"hidden": self.hidden, "dropout": self.dropout} if self.network == "mlp" else {}

    def __getstate__(self) -> dict[str, Any]:
        """Return what is kept: the network itself is made of `architecture_` and `parameters_`."""
        state: dict[str, Any] = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_trained"}


def _to_float32(rows: NDArray[Any]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        narrow = np.ascontiguousarray(rows, dtype=np.float32)
    if not np.isfinite(narrow).all():
        raise ArgumentError("`X` must hold values of float32; there are larger ones")
    return narrow
