"""A small experiment: squares that hop sideways, hop up and down, or grow, drawn for four persons."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.svm import LinearSVC

import harkit
from harkit.datasets import Split
from harkit.encoders import BagOfWords
from harkit.experiments import Experiment, Fold, Material, Recogniser, Reported
from harkit.stip import StipExtractor

CLASSES = ("grow", "hop", "jump")
PERSONS = ("ann", "bob", "cleo", "dan")


def film(label: int, person: int) -> np.ndarray:
    rng = np.random.default_rng([label, person])
    frames = rng.integers(60, 66, (24, 40, 48, 3), dtype=np.uint8)
    for t, frame in enumerate(frames):
        step = (t // 3 + person) % 4 * 5
        top, left, side = ((12, 16, 6 + step), (14, 6 + step, 10), (4 + step, 18, 10))[label]
        frame[top : top + side, left : left + side] = 200 + 10 * person
    return frames


def draw(folder: Path) -> Path:
    for label, name in enumerate(CLASSES):
        for number, person in enumerate(PERSONS):
            (folder / "toy" / name).mkdir(parents=True, exist_ok=True)
            harkit.write_clip(
                folder / "toy" / name / f"{person}.mkv", film(label, number), fps=25, codec="ffv1"
            )
    return folder


def everything(folder: Path) -> Split:
    paths = sorted(folder.glob("*/*.mkv"))
    labels = np.array([CLASSES.index(path.parent.name) for path in paths])
    names = [f"{path.stem}_{path.parent.name}" for path in paths]
    return Split("all", CLASSES, [str(path) for path in paths], labels, [path.stem for path in paths], names)


def leave_one_out(folder: Path) -> Material:
    folds = everything(folder).leave_one_group_out()
    return Material(tuple(Fold(fold.train, fold.test) for fold in folds), note="Drawn.")


def hold_out(folder: Path) -> Material:
    """Learn from Ann, Bob and Cleo, recognise Dan; films of Cleo may be missing."""
    split = everything(folder)
    rows = [[i for i, g in enumerate(split.groups) if (g == "dan") is wanted] for wanted in (False, True)]
    present = set(split.names)
    names = [f"{person}_{name}" for person in PERSONS for name in CLASSES]
    missing = tuple(name for name in names if name not in present)
    train, test = (split.select(part, name=name) for part, name in zip(rows, ("train", "test"), strict=True))
    return Material((Fold(train, test),), missing)


def recipe(seed: int) -> Recogniser:
    extractor = StipExtractor(descriptor="jet34", sigma2=(4,), tau2=(2,))
    return Recogniser(extractor, BagOfWords(12, random_state=seed), LinearSVC(random_state=seed))


def chosen(seed: int) -> Recogniser:
    made = recipe(seed)
    made.grid, made.mirrored = {"C": [0.01, 1.0]}, True
    return made


LOPO = Experiment(
    "toy/lopo",
    "leave one person out",
    "toy",
    "drawn films in DIR/toy",
    leave_one_out,
    {"plain": recipe, "chosen": chosen},
)
HOLD_OUT = Experiment(
    "toy/test",
    "learn from three",
    "toy",
    "drawn films in DIR/toy",
    hold_out,
    {"plain": recipe},
    Reported(2, 3, "toy, table 1", ((1, 0, 0), (0, 1, 0), (1, 0, 0))),
)
