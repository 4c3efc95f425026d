"""harkit's own experiments with local features on other sets."""

from __future__ import annotations

import os
from pathlib import Path

from harkit import datasets
from harkit._progress import Progress
from harkit.experiments.experiment import Experiment, Fold, Material
from harkit.experiments.recipes import best, quick
from harkit.experiments.recogniser import Recogniser

__all__ = ["EXPERIMENTS", "N_DRAWN", "draw"]

_DRAWN_PER_CLASS = 10
N_DRAWN = 6 * _DRAWN_PER_CLASS
# HMDB51's frames are up to 720 wide; the scales are chosen for sets of this size.
_MAX_SIDE = 160
# A class of HMDB51 with fewer clips at hand, to learn from or to recognise, is left out.
_FEWEST = 2


def _weizmann(folder: Path) -> Material:
    weizmann = datasets.weizmann(folder, doubles="leave_out")
    everything = weizmann.all
    folds = tuple(Fold(fold.train, fold.test) for fold in everything.leave_one_group_out())
    note = f"Leave one person out: {len(folds)} folds; {len(everything)} clips (some papers use 93)."
    return Material(folds, weizmann.missing, note)


def _hmdb51(folder: Path) -> Material:
    hmdb51 = datasets.hmdb51(folder, split=1)
    counts = [split.class_counts() for split in (hmdb51.train, hmdb51.test)]
    at_hand = [name for name in hmdb51.classes if all(count[name] >= _FEWEST for count in counts)]
    kept = hmdb51.with_classes(at_hand)
    note = f"Official split 1, the {len(at_hand)} of 51 classes at hand; easier than the whole set."
    return Material((Fold(kept.train, kept.test),), note=note)


def _dark(folder: Path) -> Material:
    dark = datasets.ee6222(folder)
    return Material(
        (Fold(dark.train, dark.test),), tuple(dark.missing), note="150 clips to learn from, 96 to recognise."
    )


def draw(folder: str | os.PathLike[str], *, progress: Progress = False) -> datasets.Dataset:
    """Render the clips of the experiment ``synthetic``, or find them.

    Parameters
    ----------
    folder : path
        Where they lie.
    progress : bool or callable
        Over clips.

    Returns
    -------
    Dataset
        Sixty bright clips of six actions.
    """
    return datasets.synthetic(folder, videos_per_class=_DRAWN_PER_CLASS, dark=False, progress=progress)


def _synthetic(folder: Path) -> Material:
    drawn = draw(folder)
    note = "Drawn figures; other performers are recognised than were learnt from."
    return Material((Fold(drawn.train, drawn.test),), note=note)


def _dark_recipe(seed: int) -> Recogniser:
    # Chosen by cross-validation over recordings of the 150: frames of a quarter of the size, whose pixels are
    # means of sixteen, say more than brightened ones, and what moves says more than how it looks.
    return best(seed, kinds=("hof",), sigma2=(1.0,), max_side=80, class_weight="balanced")


def _hmdb51_recipe(seed: int) -> Recogniser:
    return best(seed, max_side=_MAX_SIDE)


EXPERIMENTS = (
    Experiment(
        id="weizmann/lopo",
        about="ten actions of nine persons, leave one person out",
        folder="weizmann",
        needs="Weizmann's clips from https://www.wisdom.weizmann.ac.il/~vision/SpaceTimeActions.html, "
        "as DIR/weizmann/ACTION/PERSON_ACTION.avi",
        material=_weizmann,
        recipes={"best": best, "quick": quick},
    ),
    Experiment(
        id="synthetic",
        about="six actions of drawn figures, other performers in the test",
        folder="synthetic",
        needs="nothing: clips are drawn into DIR/synthetic",
        material=_synthetic,
        recipes={"best": best, "quick": quick},
    ),
    Experiment(
        id="hmdb51-stip",
        about="the HMDB51 classes at hand (two clips or more in both parts), official split 1",
        folder="hmdb51",
        needs="HMDB51's clips and its lists from "
        "https://serre-lab.clps.brown.edu/resource/hmdb-a-large-human-motion-database/, in DIR/hmdb51",
        material=_hmdb51,
        recipes={"best": _hmdb51_recipe},
    ),
    Experiment(
        id="dark-stip",
        about="six actions in the dark",
        folder="dark",
        needs="the EE6222 clips (150 and 96) with their lists, in DIR/dark",
        material=_dark,
        recipes={"best": _dark_recipe},
    ),
)
