"""What an experiment is: data, a protocol, a recipe, and what a report printed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harkit.datasets import Split
from harkit.errors import ArgumentError
from harkit.experiments.recogniser import Recogniser

__all__ = ["Experiment", "Fold", "Material", "Reported"]


@dataclass(frozen=True)
class Reported:
    """What a report printed.

    Attributes
    ----------
    hits, n : int
        Items recognised, of how many.
    confusion : tuple of tuple of int, or None
        True classes in rows, where the report shows it.
    source : str
        Where the number stands.
    train : tuple of int or None
        Training items recognised, of how many, where the report says it.
    differs : str
        What the report's experiment has that this one has not, such as another network; empty where it is
        meant to be the same.
    """

    hits: int
    n: int
    source: str
    confusion: tuple[tuple[int, ...], ...] | None = None
    train: tuple[int, int] | None = None
    differs: str = ""


@dataclass(frozen=True)
class Fold:
    """Items to learn from and items to recognise.

    Attributes
    ----------
    train, test : Split
        Both kinds.
    """

    train: Split
    test: Split


@dataclass(frozen=True)
class Material:
    """The folds that data at hand give, and what they lack.

    Attributes
    ----------
    folds : tuple of Fold
        One for a hold-out; one a group for leave-one-group-out.
    missing : tuple of str
        Names of published items that the protocol uses and that are not there.
    note : str
        What a reader must know of the protocol on these data.
    """

    folds: tuple[Fold, ...]
    missing: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Experiment:
    """One experiment.

    Attributes
    ----------
    id : str
        ``"report/experiment"``.
    about : str
        One line.
    folder : str
        The name of the data set's folder in ``HARKIT_DATA``.
    needs : str
        What to fetch, and where to put it.
    material : callable
        From the data set's folder to its `Material`.
    recipes : mapping of str to callable
        For each mode, the first being the default, a function of the seed that makes a `Recogniser`.
    reported : Reported, optional
        The number to compare with.
    """

    id: str
    about: str
    folder: str
    needs: str
    material: Callable[[Path], Material]
    recipes: Mapping[str, Callable[[int], Recogniser]]
    reported: Reported | None = None

    def mode(self, name: str | None) -> str:
        """Return a mode that there is, the default for None.

        Parameters
        ----------
        name : str or None
            The mode.

        Returns
        -------
        str
            Its name.

        Raises
        ------
        ArgumentError
            There is no such mode.
        """
        if name is None:
            return next(iter(self.recipes))
        if name not in self.recipes:
            names = ", ".join(map(repr, self.recipes))
            raise ArgumentError(f"`mode` of {self.id} must be one of {names}, got {name!r}")
        return name
