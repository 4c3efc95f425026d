"""From videos to labels: an extractor, an encoder and a classifier that are kept, moved and used together.

An extractor gives either many descriptors a video, of which an encoder makes one vector, or that vector
itself. On disk a recogniser is a folder: ``recogniser.json`` (classes and how features are taken from a
video) and ``model.skops`` (encoder and classifier). Loading runs no code from the files: skops restores types
that are on its list or on ours, and anything else is refused by name.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, GroupKFold

from harkit._progress import Progress
from harkit.cache import FeatureCache
from harkit.errors import ArgumentError, MissingFileError
from harkit.experiments.kept import load_model
from harkit.experiments.settings import extractor_from, extractor_settings
from harkit.stip import DescriptorSets

__all__ = ["Features", "Recogniser"]

Features: TypeAlias = DescriptorSets | NDArray[np.float32]

_SETTINGS, _MODEL = "recogniser.json", "model.skops"
_MOST_FOLDS = 5


class Recogniser:
    """Features of videos, an encoder over them where there are many a video, and a classifier.

    Parameters
    ----------
    extractor : estimator
        Takes features from videos: descriptor sets, as :class:`harkit.stip.StipExtractor`, or a row each.
    encoder : estimator or None
        From descriptor sets to a matrix, such as :class:`harkit.encoders.BagOfWords`; None where the
        extractor gives the matrix.
    classifier : estimator
        scikit-learn's, with `decision_function` or `predict_proba`.
    mirrored : bool
        Whether training videos are used once more with left and right exchanged.
    grid : mapping, optional
        Values of the classifier's parameters, the best of which cross-validation over groups of the
        training videos chooses.

    Attributes
    ----------
    classes : tuple of str
        Class names; set by whoever fits.
    chosen : dict
        What the grid gave.
    train_hits : int or None
        Training videos, as they are, that the fitted classifier takes for what they are.

    Raises
    ------
    ArgumentError
        Mirrored videos asked of an extractor that has none.
    """

    def __init__(
        self,
        extractor: Any,
        encoder: Any | None,
        classifier: Any,
        *,
        mirrored: bool = False,
        grid: Mapping[str, Sequence[Any]] | None = None,
    ) -> None:
        self.extractor = extractor
        self.encoder = encoder
        self.classifier = classifier
        self.mirrored = mirrored
        self.grid = grid
        self.classes: tuple[str, ...] = ()
        self.chosen: dict[str, Any] = {}
        self.train_hits: int | None = None
        if mirrored and "mirrored" not in extractor.get_params(deep=False):
            raise ArgumentError(f"`mirrored` must be False: {type(extractor).__name__} mirrors no videos")

    def views(
        self, videos: Any, *, cache: str | os.PathLike[str] | FeatureCache | None, progress: Progress = False
    ) -> list[Features]:
        """Take features from videos: as they are, and mirrored where training wants that.

        Parameters
        ----------
        videos : sequence or Split
            As for the extractor's `transform`.
        cache : path, FeatureCache or None
            Where features are kept.
        progress : bool or callable
            As for the extractor, over each view.

        Returns
        -------
        list of DescriptorSets, or of ndarray of shape (n, D)
            One or two.
        """
        views = []
        for mirrored in (False, True) if self.mirrored else (False,):
            extractor = clone(self.extractor).set_params(cache=cache, progress=progress)
            if self.mirrored:
                extractor.set_params(mirrored=mirrored)
            views.append(extractor.fit(videos).transform(videos))
        return views

    def fit(self, views: Sequence[Features], labels: NDArray[np.int64], groups: Sequence[str]) -> Recogniser:
        """Learn vocabulary and classifier.

        Parameters
        ----------
        views : sequence of DescriptorSets or ndarray
            What `views` gave for the training videos; the vocabulary is learnt from the first.
        labels : ndarray of shape (n,)
            The class of each video.
        groups : sequence of str
            What cross-validation must not tear apart.

        Returns
        -------
        Recogniser
            Itself.
        """
        if self.encoder is not None:
            self.encoder.fit(views[0])
        X = np.concatenate([self._encoded(view) for view in views])
        y, owners = np.tile(labels, len(views)), np.tile(np.asarray(groups), len(views))
        n_groups = len(set(groups))
        if self.grid is None or n_groups < 2:
            self.classifier.fit(X, y)
        else:
            folds = GroupKFold(min(n_groups, _MOST_FOLDS))
            search = GridSearchCV(self.classifier, dict(self.grid), cv=folds).fit(X, y, groups=owners)
            self.classifier, self.chosen = search.best_estimator_, dict(search.best_params_)
        self.train_hits = int((self.classifier.predict(X[: len(labels)]) == labels).sum())
        return self

    def _encoded(self, features: Features) -> Any:
        return features if self.encoder is None else self.encoder.transform(features)

    def answer(self, features: Features) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the class of each video, and how well each class fits it.

        Parameters
        ----------
        features : DescriptorSets or ndarray
            Of the videos as they are.

        Returns
        -------
        labels : ndarray of shape (n,)
            What the classifier's `predict` says. It may break ties otherwise than the scores do.
        scores : ndarray of shape (n, n_classes)
            As `scores` gives them.
        """
        X = self._encoded(features)
        return np.asarray(self.classifier.predict(X), dtype=np.int64), self._scores(X)

    def scores(self, features: Features) -> NDArray[np.float64]:
        """Return how well each class fits each video.

        Parameters
        ----------
        features : DescriptorSets or ndarray
            Of the videos as they are.

        Returns
        -------
        ndarray of shape (n, n_classes)
            Decision values, or probabilities of a classifier that has those alone; minus infinity for
            classes that training had no video of.
        """
        return self._scores(self._encoded(features))

    def _scores(self, X: Any) -> NDArray[np.float64]:
        has_decisions = hasattr(self.classifier, "decision_function")
        values = np.asarray(
            (self.classifier.decision_function if has_decisions else self.classifier.predict_proba)(X)
        )
        if values.ndim == 1:
            values = np.stack([-values, values], axis=1)
        scores = np.full((len(values), len(self.classes)), -np.inf)
        scores[:, self.classifier.classes_] = values
        return scores

    def settings(self) -> dict[str, Any]:
        """Return everything that is set, as plain JSON values.

        Returns
        -------
        dict
            Of extractor, encoder, classifier, and how they are trained.
        """
        return {
            "extractor": extractor_settings(self.extractor),
            "encoder": None if self.encoder is None else repr(self.encoder),
            "classifier": repr(self.classifier),
            "mirrored": self.mirrored,
            "grid": None if self.grid is None else {name: list(values) for name, values in self.grid.items()},
        }

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write a fitted recogniser.

        Parameters
        ----------
        folder : path
            Made where it is not there.
        """
        from skops import io

        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        io.dump({"encoder": self.encoder, "classifier": self.classifier}, place / _MODEL)
        known = {
            "format": 1,
            "classes": list(self.classes),
            "extractor": extractor_settings(self.extractor),
        }
        (place / _SETTINGS).write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Recogniser:
        """Read a recogniser that `save` wrote.

        Parameters
        ----------
        folder : path
            Where it lies. It may come from anyone: nothing in it is run.

        Returns
        -------
        Recogniser
            Ready for `views` and `scores`.

        Raises
        ------
        MissingFileError
            There is no recogniser.
        ArgumentError
            A damaged file, or one that holds types other than harkit's encoders and what skops trusts.
        """
        place = Path(folder)
        for name in (_SETTINGS, _MODEL):
            if not (place / name).is_file():
                raise MissingFileError(f"{place / name}: there is no such file", path=place / name)
        try:
            known = json.loads((place / _SETTINGS).read_text(encoding="utf-8"))
            classes, extractor = tuple(map(str, known["classes"])), extractor_from(known["extractor"])
        except (ValueError, KeyError, TypeError) as error:
            raise ArgumentError(f"{place / _SETTINGS}: cannot be read: {error}", path=place) from error
        parts = load_model(place / _MODEL)
        for label in parts["classifier"].classes_:
            if not 0 <= label < len(classes):
                raise ArgumentError(
                    f"{place / _MODEL}: knows class {label}, but {len(classes)} classes are named", path=place
                )
        recogniser = cls(extractor, parts["encoder"], parts["classifier"])
        recogniser.classes = classes
        return recogniser
