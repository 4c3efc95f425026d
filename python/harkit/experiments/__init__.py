"""Experiments that anyone can repeat: reports, experiment by experiment, and harkit's own beside them.

=====================  ==========================================================
`EXPERIMENTS`          all of them, by id
`find`                 one of them
`run`                  run it: a `Result` with a `Record`, and a `Recogniser`
`Record`               everything about a run, as JSON
`read_records`         the records below a folder
`page`, `markdown`     all of them on one page of HTML, or in a table
`Recogniser`           extractor, encoder and classifier, saved and loaded
`wilson_interval`      an interval over clips
`group_interval`       an interval over persons
=====================  ==========================================================
"""

from __future__ import annotations

from harkit.errors import ArgumentError
from harkit.experiments import dark_csn, kth_stip_bow, local_features
from harkit.experiments.classifiers import ChiSquareSVC
from harkit.experiments.experiment import Experiment, Fold, Material, Reported
from harkit.experiments.html import page
from harkit.experiments.markdown import markdown
from harkit.experiments.recogniser import Recogniser
from harkit.experiments.record import Prediction, Record, Run, read_records
from harkit.experiments.runner import Result, run
from harkit.experiments.statistics import confusion, group_interval, wilson_interval

__all__ = [
    "EXPERIMENTS",
    "ChiSquareSVC",
    "Experiment",
    "Fold",
    "Material",
    "Prediction",
    "Recogniser",
    "Record",
    "Reported",
    "Result",
    "Run",
    "confusion",
    "find",
    "group_interval",
    "markdown",
    "page",
    "read_records",
    "run",
    "wilson_interval",
]

EXPERIMENTS: dict[str, Experiment] = {
    experiment.id: experiment
    for experiment in (*kth_stip_bow.EXPERIMENTS, *dark_csn.EXPERIMENTS, *local_features.EXPERIMENTS)
}


def find(name: str) -> Experiment:
    """Return the experiment of an id.

    Parameters
    ----------
    name : str
        Such as ``"kth-stip-bow/test"``.

    Returns
    -------
    Experiment
        To be given to `run`.

    Raises
    ------
    ArgumentError
        There is none of this name; the message lists them.
    """
    if name not in EXPERIMENTS:
        raise ArgumentError(f"there is no experiment {name!r}; there are {', '.join(EXPERIMENTS)}")
    return EXPERIMENTS[name]
