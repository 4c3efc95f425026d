"""Running an experiment: features, then fold by fold and seed by seed.

Features are taken once, and once more for each seed whose recipe takes them otherwise (other random frames).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harkit._progress import Progress
from harkit.cache import FeatureCache, content_hash
from harkit.datasets import Split
from harkit.errors import ArgumentError
from harkit.experiments.experiment import Experiment, Fold
from harkit.experiments.recogniser import Features, Recogniser
from harkit.experiments.record import Prediction, Record, Run, command_line, machine, versions
from harkit.experiments.settings import extractor_settings
from harkit.stip import DescriptorSets

__all__ = ["Result", "run"]


class Result:
    """A finished run.

    Attributes
    ----------
    record : Record
        What happened.
    recogniser : Recogniser or None
        Learnt from the first fold of a hold-out, or from all items where every one was tested once; None
        where nothing could be learnt.
    """

    def __init__(self, record: Record, recogniser: Recogniser | None) -> None:
        self.record = record
        self.recogniser = recogniser

    def __repr__(self) -> str:
        return f"Result({self.record.experiment!r}, {self.record.summary().get('hits')})"


def run(
    experiment: Experiment,
    data: str | os.PathLike[str],
    *,
    mode: str | None = None,
    seeds: int = 1,
    cache: str | os.PathLike[str] | FeatureCache | None = None,
    progress: Progress = False,
    tell: Callable[[str], object] | None = None,
) -> Result:
    """Run an experiment.

    Parameters
    ----------
    experiment : Experiment
        Which one.
    data : path
        The data set's folder, or the one that holds it under its usual name.
    mode : str, optional
        One of the experiment's recipes; the first by default.
    seeds : int
        How many recognisers are learnt, from seeds 0, 1, ...
    cache : path or FeatureCache, optional
        Where features are kept; without it they are lost at the end.
    progress : bool or callable
        Over videos, for each view of them.
    tell : callable, optional
        Gets a line about each step.

    Returns
    -------
    Result
        Record and recogniser.

    Raises
    ------
    ArgumentError
        No such mode; a number of seeds below 1.
    MissingFileError
        No data set in the folder.
    """
    mode = experiment.mode(mode)
    if seeds < 1:
        raise ArgumentError(f"`seeds` must be at least 1, got {seeds}")
    begin, started = time.perf_counter(), datetime.now(timezone.utc).isoformat(timespec="seconds")
    say = tell if tell is not None else _quiet
    material = experiment.material(_folder_of(experiment, data))
    items = _items(material.folds)
    say(f"{len(items)} videos: features")
    recipe = experiment.recipes[mode]
    taken = _Taken(items, cache, progress)
    taken.of(recipe(0))
    folds = [fold for fold in material.folds if len(set(fold.train.labels)) > 1 and len(fold.test)]
    runs, recogniser = [], None
    for seed in range(seeds) if folds else ():
        say(f"seed {seed}: {len(folds)} fold{'s' if len(folds) > 1 else ''}")
        done, learnt = _one_seed(seed, recipe, folds, taken)
        runs.append(done)
        recogniser = recogniser or learnt
    if len(folds) > 1:
        recogniser = _learn(recipe(0), items, taken)
    first = taken.of(recipe(0))[0]
    return Result(
        Record(
            experiment=experiment.id,
            mode=mode,
            about=experiment.about,
            command=command_line(experiment.id, mode, seeds),
            started=started,
            classes=list(items.classes),
            settings=recipe(0).settings(),
            versions=versions(),
            machine=machine(),
            files=_hashes(items.paths),
            missing=list(material.missing),
            absent_classes=_absent(material.folds, items.classes),
            note=material.note,
            n_train=[len(fold.train) for fold in folds],
            n_points=_counts(first.n_points) if isinstance(first, DescriptorSets) else None,
            n_values=None if isinstance(first, DescriptorSets) else first.shape[1],
            seconds={"features": taken.seconds, "all": time.perf_counter() - begin},
            reported=None if experiment.reported is None else asdict(experiment.reported),
            runs=runs,
        ),
        recogniser,
    )


def _quiet(_: str) -> None:
    """Say nothing."""


def _folder_of(experiment: Experiment, data: str | os.PathLike[str]) -> Path:
    folder = Path(data)
    inner = folder / experiment.folder
    return inner if inner.is_dir() else folder


def _items(folds: tuple[Fold, ...]) -> Split:
    """All items of all folds, each once."""
    first = folds[0].train
    known: dict[str, tuple[str, int, str, Any]] = {}
    for split in (part for fold in folds for part in (fold.train, fold.test)):
        spans = [None] * len(split) if split.spans is None else split.spans.tolist()
        for row in zip(split.names, split.paths, split.labels, split.groups, spans, strict=True):
            known.setdefault(row[0], (row[1], int(row[2]), row[3], row[4]))
    columns = list(zip(*known.values(), strict=True)) or [(), (), (), ()]
    has_spans = first.spans is not None
    return Split(
        "items",
        first.classes,
        list(columns[0]),
        np.array(columns[1], dtype=np.int64),
        list(columns[2]),
        list(known),
        spans=np.array(columns[3], dtype=np.int64).reshape(-1, 2) if has_spans else None,
    )


def _absent(folds: tuple[Fold, ...], classes: tuple[str, ...]) -> list[str]:
    """Classes that training or test lack, over all folds."""
    learnt = {int(label) for fold in folds for label in fold.train.labels}
    tested = {int(label) for fold in folds for label in fold.test.labels}
    return [name for label, name in enumerate(classes) if label not in learnt or label not in tested]


def _hashes(paths: Sequence[str]) -> dict[str, str]:
    """SHA-256 of each file by its path below the folder that holds them all."""
    files = sorted(set(map(os.path.abspath, paths)))
    folder = os.path.commonpath([Path(path).parent for path in files]) if files else ""
    return {Path(path).relative_to(folder).as_posix(): content_hash(path) for path in files}


def _counts(n_points: NDArray[np.int64]) -> dict[str, int]:
    if not n_points.size:
        return {"all": 0, "fewest": 0, "most": 0}
    return {"all": int(n_points.sum()), "fewest": int(n_points.min()), "most": int(n_points.max())}


class _Taken:
    """The features of all items, by how they are taken."""

    def __init__(
        self, items: Split, cache: str | os.PathLike[str] | FeatureCache | None, progress: Progress
    ) -> None:
        self.items = items
        self.cache = cache
        self.progress = progress
        self.seconds = 0.0
        self._position = {name: i for i, name in enumerate(items.names)}
        self._known: dict[str, list[Features]] = {}

    def of(self, recogniser: Recogniser) -> list[Features]:
        """Features of all items, a view of them after the other."""
        settings = extractor_settings(recogniser.extractor)
        key = json.dumps([settings, recogniser.mirrored], sort_keys=True)
        if key not in self._known:
            begin = time.perf_counter()
            self._known[key] = recogniser.views(self.items, cache=self.cache, progress=self.progress)
            self.seconds += time.perf_counter() - begin
        return self._known[key]

    def part(self, recogniser: Recogniser, split: Split) -> list[Features]:
        """Features of the items of a split, in its order."""
        rows = [self._position[name] for name in split.names]
        return [view[rows] for view in self.of(recogniser)]


def _learn(recogniser: Recogniser, split: Split, taken: _Taken) -> Recogniser:
    recogniser.classes = split.classes
    return recogniser.fit(taken.part(recogniser, split), split.labels, split.groups)


def _one_seed(
    seed: int, recipe: Callable[[int], Recogniser], folds: list[Fold], taken: _Taken
) -> tuple[Run, Recogniser]:
    recogniser = recipe(seed)
    taken.of(recogniser)
    begin = time.perf_counter()
    predictions, chosen, train_hits = [], [], 0
    for fold in folds:
        recogniser = _learn(recipe(seed), fold.train, taken)
        chosen.append(recogniser.chosen)
        train_hits += recogniser.train_hits or 0
        answers, scores = recogniser.answer(taken.part(recogniser, fold.test)[0])
        for name, group, label, answer, row in zip(
            fold.test.names, fold.test.groups, fold.test.labels, answers, scores, strict=True
        ):
            finite = [float(score) if np.isfinite(score) else None for score in row]
            predictions.append(Prediction(name, group, int(label), int(answer), finite))
    return Run(seed, predictions, time.perf_counter() - begin, chosen, train_hits), recogniser
