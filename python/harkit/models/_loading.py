"""A checkpoint's tensors into a network: names matched, shapes compared, everything that is wrong said at once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from harkit import _core
from harkit.errors import ArgumentError

__all__ = ["load_tensors"]

# Tensors of each kind that an error spells out.
_N_LISTED = 3
# What wraps a network in other programs: `torch.nn.DataParallel`, mmaction2's recognisers, Lightning.
_PREFIXES = ("module.", "model.", "backbone.")
# Counts of PyTorch's batch norms that change nothing.
_IGNORED = ".num_batches_tracked"

_log = logging.getLogger("harkit.models")


class Wanted(NamedTuple):
    """What a network asks for: the shape of each tensor, and the layer that gives logits."""

    name: str
    shapes: Mapping[str, tuple[int, ...]]
    classifier: str | None


def load_tensors(
    network: _core.Network,
    tensors: Mapping[str, Any],
    *,
    path: str,
    classifier: str | None,
    n_classes: int | None,
    allowed: Collection[str] = (),
    name: str,
) -> bool:
    """Set a network's values to those of a file, or change nothing and raise.

    Parameters
    ----------
    network : _core.Network
        Its initial values stay where the file's classifier has another number of classes than `n_classes`.
    tensors : mapping of str to ndarray
        What the file holds.
    path : str
        For messages.
    classifier : str or None
        The layer that gives logits.
    n_classes : int or None
        As whoever calls gave it: then a classifier of another size, or none, in the file is no error.
    allowed : collection of str
        Tensors that the file may have beyond those of the network.
    name : str
        The architecture, for messages.

    Returns
    -------
    bool
        Whether the classifier came from the file too.
    """
    wanted = Wanted(name, {entry[0]: tuple(entry[1]) for entry in network.parameters()}, classifier)
    known = {key: key for key in tensors if not key.endswith(_IGNORED)}
    found = _renamed(known, wanted.shapes)
    replaced = _replaced(found, tensors, wanted, n_classes, path)
    missing = [key for key in wanted.shapes if key not in found and key not in replaced]
    extra = [key for key in found if key not in wanted.shapes and key not in allowed]
    misshapen = [
        f"{key} {_shape(tensors[found[key]])} where {_written(shape)} is wanted"
        for key, shape in wanted.shapes.items()
        if key in found and key not in replaced and tuple(tensors[found[key]].shape) != shape
    ]
    if missing or extra or misshapen:
        faults = [("missing", missing), ("not known", extra), ("of another shape", misshapen)]
        said = "; ".join(f"{what}: {_some(which)}" for what, which in faults if which)
        raise ArgumentError(f"{path}: does not fit {name}: {said}", path=path)
    for key in wanted.shapes:
        if key not in replaced:
            network.set(key, tensors[found[key]])
    if replaced:
        _log.warning("%s: its classifier is not taken: %s has %d classes, initialised", path, name, n_classes)
    return not replaced


def _renamed(names: Mapping[str, str], wanted: Collection[str]) -> dict[str, str]:
    """Give the file's names by the network's: the way of adding or taking away a prefix that fits most."""

    def without(prefix: str) -> Callable[[str], str]:
        return lambda key: key.removeprefix(prefix)

    ways: list[dict[str, str]] = [dict(names)]
    for prefix in _PREFIXES:
        ways += [_by(without(prefix), way) for way in tuple(ways)]
        ways.append({prefix + key: key for key in names})
    # The first of equals: the file's own names, if they fit.
    return max(ways, key=lambda way: sum(key in wanted for key in way))


def _by(rename: Callable[[str], str], names: Mapping[str, str]) -> dict[str, str]:
    return {rename(key): own for key, own in names.items()}


def _replaced(
    found: Mapping[str, str],
    tensors: Mapping[str, Any],
    wanted: Wanted,
    n_classes: int | None,
    path: str,
) -> Collection[str]:
    """Return the classifier's tensors where they are not to come from the file."""
    if wanted.classifier is None:
        return ()
    own = [key for key in wanted.shapes if key.rpartition(".")[0] == wanted.classifier]
    weight = f"{wanted.classifier}.weight"
    there = [key for key in own if key in found]
    if not there:
        if n_classes is not None:
            return own
        raise ArgumentError(
            f"{path}: has no classifier ({', '.join(own)}) for {wanted.name}: with `n_classes` one is initialised",
            path=path,
        )
    if weight not in there:
        return ()
    theirs, ours = tuple(tensors[found[weight]].shape), wanted.shapes[weight]
    if theirs == ours or theirs[1:] != ours[1:]:
        return ()
    if n_classes is not None:
        return own
    raise ArgumentError(
        f"{path}: has a classifier of {theirs[0]} classes, {wanted.name} has {ours[0]}: `n_classes={theirs[0]}` takes "
        "it as it is, another number of classes initialises one",
        path=path,
    )


def _some(listed: Sequence[str]) -> str:
    more = f", and {len(listed) - _N_LISTED} more" if len(listed) > _N_LISTED else ""
    return ", ".join(listed[:_N_LISTED]) + more


def _shape(array: Any) -> str:
    return _written(array.shape)


def _written(shape: Iterable[int]) -> str:
    return f"({', '.join(map(str, shape))})"
