"""Fitted encoders and classifiers, read from files of anyone.

skops restores types that are on its list or on ours, and anything else is refused by name. Trees of a forest
are not on its list, since one with wrong node numbers would read memory that is not its own: they are looked
through here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from harkit import encoders, training
from harkit.errors import ArgumentError
from harkit.experiments.classifiers import ChiSquareSVC

__all__ = ["load_model"]

_TREE = "sklearn.tree._tree.Tree"


def load_model(path: Path) -> dict[str, Any]:
    """Read an encoder and a classifier.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    dict
        Under ``"encoder"``, which may be None, and ``"classifier"``.

    Raises
    ------
    ArgumentError
        A damaged file, or one that holds other types, or trees that are none.
    """
    from skops import io

    ours = {getattr(room, name) for room in (encoders, training) for name in room.__all__} | {ChiSquareSVC}
    trusted = {f"{kind.__module__}.{kind.__qualname__}" for kind in ours if isinstance(kind, type)} | {_TREE}
    try:
        found = set(io.get_untrusted_types(file=path))
        if strangers := sorted(found - trusted):
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
    if _TREE in found and not (parts["encoder"] is None and _is_sound(parts["classifier"])):
        raise ArgumentError(f"{path}: holds trees that are no sound forest", path=path)
    return dict(parts)


def _is_whole(parts: Any) -> bool:
    if not isinstance(parts, dict) or set(parts) != {"encoder", "classifier"}:
        return False
    classifier = parts["classifier"]
    encodes = parts["encoder"] is None or hasattr(parts["encoder"], "transform")
    answers = hasattr(classifier, "predict") and (
        hasattr(classifier, "decision_function") or hasattr(classifier, "predict_proba")
    )
    return encodes and answers and np.asarray(getattr(classifier, "classes_", None)).dtype.kind in "iu"


def _is_sound(forest: Any) -> bool:
    """Tell whether every node of a forest leads to a later one of its tree, by a column that there is."""
    if type(forest) is not RandomForestClassifier:
        return False
    for member in forest.estimators_:
        tree = member.tree_
        nodes = np.arange(tree.node_count)
        inner = tree.children_left != -1
        children = np.stack([tree.children_left, tree.children_right])[:, inner]
        columns = tree.feature[inner]
        n_columns = min(forest.n_features_in_, member.n_features_in_, tree.n_features)
        leads_on = (children > nodes[inner]).all() and (children < len(nodes)).all()
        if not (len(nodes) and leads_on and (columns >= 0).all() and (columns < n_columns).all()):
            return False
    return True
