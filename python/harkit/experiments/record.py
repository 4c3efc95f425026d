"""The record of a run: everything that it takes to repeat it and to judge it, as JSON."""

from __future__ import annotations

import json
import os
import platform
import shlex
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harkit import _core
from harkit.errors import ArgumentError, MissingFileError
from harkit.experiments.statistics import confusion, group_interval, wilson_interval

__all__ = ["Prediction", "Record", "Run", "machine", "read_records", "versions"]

_FORMAT = 1
_NAME = "record.json"
_PACKAGES = ("harkit", "numpy", "scipy", "scikit-learn", "skops")


@dataclass(frozen=True)
class Prediction:
    """What one item was taken for.

    Attributes
    ----------
    name, group : str
        The item, and its person or recording.
    label, predicted : int
        True class and answer.
    scores : list of float or None
        Decision values by class; None for a class that training had nothing of.
    """

    name: str
    group: str
    label: int
    predicted: int
    scores: list[float | None]


@dataclass(frozen=True)
class Run:
    """One seed's answers.

    Attributes
    ----------
    seed : int
        Of what the recipe leaves to chance.
    predictions : list of Prediction
        For each test item.
    seconds : float
        For learning and recognising, features apart.
    chosen : list of dict
        What each fold's grid chose.
    train_hits : int
        Training items, over all folds, that were taken for what they are by what they taught.
    """

    seed: int
    predictions: list[Prediction]
    seconds: float
    chosen: list[dict[str, Any]]
    train_hits: int

    @property
    def hits(self) -> int:
        """Items taken for what they are."""
        return sum(p.label == p.predicted for p in self.predictions)


@dataclass(frozen=True)
class Record:
    """A run of an experiment.

    Attributes
    ----------
    experiment, mode, about, command, started : str
        What was run, how, and when (UTC).
    classes : list of str
        By label.
    settings : dict
        Of extractor, encoder and classifier.
    versions, machine : dict of str
        Of packages; of processor, system and threads.
    files : dict of str
        SHA-256 of each video, by its path below the folder of them all.
    missing : list of str
        Published items of the protocol that were not there: with any, no figure is the report's.
    absent_classes : list of str
        Classes without a training or without a test item.
    note : str
        On the protocol.
    n_train : list of int
        Training items of each fold.
    n_points : dict or None
        Interest points of all videos, and the most and fewest in one; None where features are not local.
    n_values : int or None
        Width of the vector that the extractor makes of a video, if it makes one.
    seconds : dict of float
        For features (with what the cache gave) and in all.
    reported : dict or None
        What :class:`harkit.experiments.Reported` says.
    runs : list of Run
        One a seed; none where no fold could be learnt.
    """

    experiment: str
    mode: str
    about: str
    command: str
    started: str
    classes: list[str]
    settings: dict[str, Any]
    versions: dict[str, str]
    machine: dict[str, str]
    files: dict[str, str]
    missing: list[str]
    absent_classes: list[str]
    note: str
    n_train: list[int]
    n_points: dict[str, int] | None
    n_values: int | None
    seconds: dict[str, float]
    reported: dict[str, Any] | None
    runs: list[Run]

    @property
    def complete(self) -> bool:
        """Whether all data of the protocol were there, so that figures may be compared."""
        return not self.missing and not self.absent_classes

    def confusion(self) -> NDArray[np.int64]:
        """Return the first run's confusion matrix, true classes in rows.

        Returns
        -------
        ndarray of int64, shape (n_classes, n_classes)
            Counts.
        """
        predictions = self.runs[0].predictions if self.runs else []
        return confusion(
            [p.label for p in predictions], [p.predicted for p in predictions], len(self.classes)
        )

    def summary(self) -> dict[str, Any]:
        """Return the figures of all runs.

        Returns
        -------
        dict
            ``n``; ``hits``, a number a seed; ``mean``, ``sd`` and ``range`` of accuracies; ``train_n`` and
            ``train_hits``, a number a seed; and for the first run the mean recall of classes
            (``mean_class``) and the intervals over clips (``wilson``) and over groups (``groups``). Empty
            without runs.
        """
        if not self.runs:
            return {}
        first = self.runs[0].predictions
        n = len(first)
        hits = [run.hits for run in self.runs]
        shares = np.array(hits) / n
        correct = [p.label == p.predicted for p in first]
        matrix = self.confusion()
        seen = matrix.sum(1) > 0
        return {
            "n": n,
            "hits": hits,
            "mean": float(shares.mean()),
            "sd": float(shares.std(ddof=1)) if len(shares) > 1 else None,
            "range": [float(shares.min()), float(shares.max())],
            "train_n": sum(self.n_train),
            "train_hits": [run.train_hits for run in self.runs],
            "mean_class": float((np.diag(matrix)[seen] / matrix.sum(1)[seen]).mean()),
            "wilson": list(wilson_interval(hits[0], n)),
            "groups": group_interval(correct, [p.group for p in first]),
            "n_groups": len({p.group for p in first}),
        }

    def write(self, folder: str | os.PathLike[str]) -> Path:
        """Write ``record.json``, in place of an older one, whole or not at all.

        Parameters
        ----------
        folder : path
            Made where it is not there.

        Returns
        -------
        pathlib.Path
            The file.
        """
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"format": _FORMAT, **asdict(self), "summary": self.summary()}, indent=1)
        unfinished = place / f".{_NAME}.{os.getpid()}"
        unfinished.write_text(text + "\n", encoding="utf-8")
        return unfinished.replace(place / _NAME)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Record:
        """Read a record.

        Parameters
        ----------
        path : path
            The file, or the folder that holds it.

        Returns
        -------
        Record
            As it was written.

        Raises
        ------
        MissingFileError
            There is no record.
        ArgumentError
            A file that is no record, or one of another format.
        """
        place = Path(path)
        place = place / _NAME if place.is_dir() else place
        try:
            known = json.loads(place.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise MissingFileError(f"{place}: there is no record", path=place) from None
        except ValueError as error:
            raise ArgumentError(f"{place}: is no record: {error}", path=place) from error
        if not isinstance(known, dict) or known.pop("format", None) != _FORMAT:
            raise ArgumentError(f"{place}: is no record of format {_FORMAT}", path=place)
        known.pop("summary", None)
        try:
            runs = [
                Run(**{**run, "predictions": [Prediction(**p) for p in run["predictions"]]})
                for run in known.pop("runs")
            ]
            record = cls(**known, runs=runs)
            _check(record)
        except (KeyError, TypeError, ValueError) as error:
            raise ArgumentError(f"{place}: is no whole record: {error}", path=place) from error
        return record


def _check(record: Record) -> None:
    """Refuse what figures cannot be made of."""
    for name, kind in (("classes", list), ("missing", list), ("settings", dict), ("files", dict)):
        if not isinstance(getattr(record, name), kind):
            raise ValueError(f"`{name}` must be a {kind.__name__}")
    n_classes = len(record.classes)
    for run in record.runs:
        if not run.predictions:
            raise ValueError("a run without predictions")
        for label in (label for p in run.predictions for label in (p.label, p.predicted)):
            if not 0 <= label < n_classes:
                raise ValueError(f"label {label} of {n_classes} classes")
        wilson_interval(run.train_hits, sum(record.n_train))
    if record.reported is not None:
        wilson_interval(record.reported["hits"], record.reported["n"])
        if record.reported["train"] is not None:
            wilson_interval(*record.reported["train"])


def read_records(folder: str | os.PathLike[str]) -> list[tuple[Path, Record]]:
    """Read all records below a folder.

    Parameters
    ----------
    folder : path
        Searched with all folders in it.

    Returns
    -------
    list of (pathlib.Path, Record)
        The folder of each record, sorted by experiment, mode and place.
    """
    found = [(path.parent, Record.read(path)) for path in Path(folder).rglob(_NAME)]
    return sorted(found, key=lambda pair: (pair[1].experiment, pair[1].mode, str(pair[0])))


def versions() -> dict[str, str]:
    """Return the versions of what computes.

    Returns
    -------
    dict of str
        By package, and Python's.
    """
    known = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            known[name] = version(name)
        except PackageNotFoundError:
            known[name] = "unknown"
    return known


def machine() -> dict[str, str]:
    """Return what it runs on.

    Returns
    -------
    dict of str
        Processor, system and threads.
    """
    return {
        "processor": _processor(),
        "system": platform.platform(),
        "threads": str(_core.num_threads()),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def command_line(experiment: str, mode: str, seeds: int) -> str:
    """Return the command that repeats a run.

    Parameters
    ----------
    experiment, mode : str
        What to run.
    seeds : int
        How many.

    Returns
    -------
    str
        To be typed in a shell, with the folder of the data set left open.
    """
    seeded = ["--seeds", str(seeds)] if seeds > 1 else []
    return shlex.join(["harkit", "run", experiment, "--mode", mode, *seeded, "--data", "DIR"])
