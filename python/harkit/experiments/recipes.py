"""Recognisers by name: how videos become labels in the experiments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from harkit.encoders import BagOfWords, FisherVector
from harkit.experiments.classifiers import ChiSquareSVC
from harkit.experiments.recogniser import Recogniser
from harkit.stip import StipExtractor

__all__ = ["best", "corrected", "faithful", "quick"]

# Where each kind of histogram stands in the descriptor "hoghofmbh".
_COLUMNS = {"hog": (0, 72), "hof": (72, 162), "mbh": (162, 306)}


def faithful(seed: int) -> Recogniser:
    """Make what the code of the report kth-stip-bow does.

    Parameters
    ----------
    seed : int
        Of the vocabulary, and of the order in which the solver takes videos.

    Returns
    -------
    Recogniser
        Every voxel above 1 % of the strongest response, jets of 6 terms, 400 words, standardised
        counts, a linear machine.
    """
    words = BagOfWords(400, algorithm="minibatch", batch_size=4096, random_state=seed)
    machine = make_pipeline(StandardScaler(), LinearSVC(max_iter=5000, random_state=seed))
    return Recogniser(StipExtractor("faithful", descriptor="jet6"), words, machine)


def corrected(seed: int) -> Recogniser:
    """Make what the text of the report kth-stip-bow means.

    Parameters
    ----------
    seed : int
        Of the vocabulary.

    Returns
    -------
    Recogniser
        Maxima at four scales, jets of 34 terms, 400 words of the best of eight starts, a chi-square machine
        whose weight of errors cross-validation over persons chooses.
    """
    extractor = StipExtractor("corrected", descriptor="jet34", sigma2=(4, 8), tau2=(2, 4))
    words = BagOfWords(400, n_init=8, random_state=seed)
    return Recogniser(extractor, words, ChiSquareSVC(), grid={"C": [0.1, 1.0, 10.0, 100.0]})


def best(
    seed: int,
    *,
    kinds: Sequence[str] = ("hog", "hof", "mbh"),
    enhancement: Sequence[Any] = (),
    max_side: int | None = None,
    class_weight: str | None = None,
) -> Recogniser:
    """Make the recogniser that goes past the reports.

    Parameters
    ----------
    seed : int
        Of the mixtures, and of the order in which the solver takes videos.
    kinds : sequence of {"hog", "hof", "mbh"}
        The histograms that are used.
    enhancement : sequence of harkit.enhancement.Enhancement
        In front of everything.
    max_side : int, optional
        Larger frames are shrunk to this.
    class_weight : {"balanced"}, optional
        As for :class:`sklearn.svm.LinearSVC`.

    Returns
    -------
    Recogniser
        Points on a grid where something moves; histograms of gradients, flow and motion boundaries, a
        Fisher vector for each kind; a linear machine whose weight of errors cross-validation over
        groups chooses. Training videos are used mirrored as well.
    """
    extractor = StipExtractor(
        "dense",
        descriptor="hoghofmbh",
        sigma2=(2.0,),
        tau2=(2.0,),
        enhancement=tuple(enhancement),
        max_side=max_side,
    )
    learnt: dict[str, Any] = {"pca": 32, "max_descriptors": 30_000, "random_state": seed}
    vectors = FeatureUnion(
        [(kind, FisherVector(16, columns=_COLUMNS[kind], **learnt)) for kind in kinds],
    )
    machine = LinearSVC(class_weight=class_weight, max_iter=5000, random_state=seed)
    return Recogniser(extractor, vectors, machine, mirrored=True, grid={"C": [0.5, 10.0]})


def quick(seed: int) -> Recogniser:
    """Make a recogniser that learns in seconds.

    Parameters
    ----------
    seed : int
        Of the mixtures, and of the order in which the solver takes videos.

    Returns
    -------
    Recogniser
        Histograms of flow and of motion boundaries at Harris-3D points, a Fisher vector for each, a linear
        machine.
    """
    extractor = StipExtractor("corrected", descriptor="hoghofmbh", sigma2=(4, 8), tau2=(2, 4))
    vectors = FeatureUnion(
        [
            (kind, FisherVector(16, columns=_COLUMNS[kind], pca=32, random_state=seed))
            for kind in ("hof", "mbh")
        ]
    )
    return Recogniser(extractor, vectors, LinearSVC(C=10, random_state=seed))
