"""From videos to labels: an extractor, an encoder and a classifier that are kept, moved and used together.

On disk a recogniser is a folder: ``recogniser.json`` (classes and how features are taken from a video) and
``model.skops`` (encoder and classifier). Loading runs no code from the files: skops restores types that
are on its list or on ours, and anything else is refused by name.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, GroupKFold

from harkit import encoders, enhancement
from harkit._progress import Progress
from harkit.cache import FeatureCache
from harkit.errors import ArgumentError, MissingFileError
from harkit.experiments.classifiers import ChiSquareSVC
from harkit.stip import DescriptorSets, StipExtractor

__all__ = ["Recogniser"]

_SETTINGS, _MODEL = "recogniser.json", "model.skops"
# Where the extractor works is no part of what it computes.
_ELSEWHERE = ("cache", "progress", "mirrored")
_MOST_FOLDS = 5


class Recogniser:
    """Local features, an encoder over them, and a classifier.

    Parameters
    ----------
    extractor : StipExtractor
        Takes descriptors from videos.
    encoder : estimator
        From descriptor sets to a matrix, such as :class:`harkit.encoders.BagOfWords`.
    classifier : estimator
        scikit-learn's, with `decision_function`.
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
    """

    def __init__(
        self,
        extractor: StipExtractor,
        encoder: Any,
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

    def views(
        self, videos: Any, *, cache: str | os.PathLike[str] | FeatureCache | None, progress: Progress = False
    ) -> list[DescriptorSets]:
        """Take descriptors from videos: as they are, and mirrored where training wants that.

        Parameters
        ----------
        videos : sequence or Split
            As for :meth:`harkit.stip.StipExtractor.transform`.
        cache : path, FeatureCache or None
            Where features are kept.
        progress : bool or callable
            As for the extractor, over each view.

        Returns
        -------
        list of DescriptorSets
            One or two.
        """
        sets = []
        for mirrored in (False, True) if self.mirrored else (False,):
            extractor = clone(self.extractor).set_params(mirrored=mirrored, cache=cache, progress=progress)
            sets.append(extractor.fit(videos).transform(videos))
        return sets

    def fit(
        self, views: Sequence[DescriptorSets], labels: NDArray[np.int64], groups: Sequence[str]
    ) -> Recogniser:
        """Learn vocabulary and classifier.

        Parameters
        ----------
        views : sequence of DescriptorSets
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
        self.encoder.fit(views[0])
        X = np.concatenate([self.encoder.transform(view) for view in views])
        y, owners = np.tile(labels, len(views)), np.tile(np.asarray(groups), len(views))
        n_groups = len(set(groups))
        if self.grid is None or n_groups < 2:
            self.classifier.fit(X, y)
            return self
        folds = GroupKFold(min(n_groups, _MOST_FOLDS))
        search = GridSearchCV(self.classifier, dict(self.grid), cv=folds).fit(X, y, groups=owners)
        self.classifier, self.chosen = search.best_estimator_, dict(search.best_params_)
        return self

    def scores(self, sets: DescriptorSets) -> NDArray[np.float64]:
        """Return how well each class fits each video.

        Parameters
        ----------
        sets : DescriptorSets
            Of the videos as they are.

        Returns
        -------
        ndarray of shape (n, n_classes)
            Decision values; minus infinity for classes that training had no video of.
        """
        values = np.asarray(self.classifier.decision_function(self.encoder.transform(sets)))
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
            "extractor": _extractor_settings(self.extractor),
            "encoder": repr(self.encoder),
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
            "extractor": _extractor_settings(self.extractor),
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
            classes, extractor = tuple(map(str, known["classes"])), _extractor_from(known["extractor"])
        except (ValueError, KeyError, TypeError) as error:
            raise ArgumentError(f"{place / _SETTINGS}: cannot be read: {error}", path=place) from error
        parts = _load_model(place / _MODEL)
        for label in parts["classifier"].classes_:
            if not 0 <= label < len(classes):
                raise ArgumentError(
                    f"{place / _MODEL}: knows class {label}, but {len(classes)} classes are named", path=place
                )
        recogniser = cls(extractor, parts["encoder"], parts["classifier"])
        recogniser.classes = classes
        return recogniser


def _load_model(path: Path) -> dict[str, Any]:
    from skops import io

    ours = {getattr(encoders, name) for name in encoders.__all__} | {ChiSquareSVC}
    trusted = {f"{kind.__module__}.{kind.__qualname__}" for kind in ours if isinstance(kind, type)}
    try:
        strangers = sorted(set(io.get_untrusted_types(file=path)) - trusted)
        if strangers:
            raise ArgumentError(
                f"{path}: holds {', '.join(strangers)}, which harkit does not load", path=path
            )
        parts = io.load(path, trusted=sorted(trusted))
    except ArgumentError:
        raise
    except Exception as error:
        # skops lets errors of zip, JSON and NumPy through as they are.
        raise ArgumentError(f"{path}: cannot be read: {error}", path=path) from error
    if not _is_whole(parts):
        raise ArgumentError(f"{path}: holds no fitted encoder and classifier", path=path)
    return dict(parts)


def _is_whole(parts: Any) -> bool:
    if not isinstance(parts, dict) or set(parts) != {"encoder", "classifier"}:
        return False
    classifier = parts["classifier"]
    has_methods = hasattr(parts["encoder"], "transform") and hasattr(classifier, "decision_function")
    return has_methods and np.asarray(getattr(classifier, "classes_", None)).dtype.kind in "iu"


def _extractor_settings(extractor: StipExtractor) -> dict[str, Any]:
    given = extractor.get_params()
    return {name: _plain(value) for name, value in given.items() if name not in _ELSEWHERE}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {"option": type(value).__name__, **{name: _plain(v) for name, v in asdict(value).items()}}
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _extractor_from(settings: Mapping[str, Any]) -> StipExtractor:
    given = dict(settings)
    given["enhancement"] = tuple(_step(step) for step in given.get("enhancement", ()))
    return StipExtractor(**given)


def _step(settings: Mapping[str, Any]) -> Any:
    fields = dict(settings)
    name = fields.pop("option")
    kind = getattr(enhancement, name, None) if name in enhancement.__all__ else None
    if not (isinstance(kind, type) and is_dataclass(kind)):
        raise ValueError(f"harkit.enhancement has no option {name!r}")
    return kind(**{key: tuple(v) if isinstance(v, list) else v for key, v in fields.items()})
