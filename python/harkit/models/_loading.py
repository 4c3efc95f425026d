"""A checkpoint's tensors into a network: names matched, shapes compared, all that is wrong said at once."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from harkit import _core
from harkit.errors import ArgumentError
from harkit.models._graph import Graph
from harkit.weights import Checkpoint

__all__ = ["loaded_network"]

# Tensors of each kind that an error spells out.
_N_LISTED = 3
# What wraps a network in other programs: `torch.nn.DataParallel`, mmaction2's recognisers, Lightning.
_PREFIXES = ("module.", "model.", "backbone.")
# Counts of PyTorch's batch norms that change nothing.
_IGNORED = ".num_batches_tracked"

_log = logging.getLogger("harkit.models")


class _Wanted(NamedTuple):
    """What a network asks for: the shape of each tensor, and the layer that gives logits."""

    name: str
    shapes: Mapping[str, tuple[int, ...]]
    classifier: str | None


def loaded_network(
    architecture: str,
    checkpoint: Checkpoint,
    *,
    path: str,
    n_classes: int | None = None,
    seed: int = 0,
    allowed: Collection[str] = (),
) -> tuple[_core.Network, bool]:
    """Make a network of an architecture, with the values of a file.

    Parameters
    ----------
    architecture : str
        As JSON.
    checkpoint : Checkpoint
        What the file holds.
    path : str
        For messages.
    n_classes : int, optional
        As whoever calls gave it: then a file with a classifier of another size, or with none, is no
        error; the classifier is initialised.
    seed : int, default: 0
        Of its initial values.
    allowed : collection of str
        Tensors that the file may have beyond those of the network.

    Returns
    -------
    tuple of (_core.Network, bool)
        The network, and whether its classifier came from the file too.

    Raises
    ------
    ArgumentError
        Tensors that are missing, not known, or of another shape; a classifier of another size.
    """
    graph = Graph.of(architecture)
    shapes = {name: tuple(shape) for name, shape, *_ in _core.architecture_parameters(architecture)}
    wanted = _Wanted(graph.name, shapes, graph.classifier)
    found = _renamed([name for name in checkpoint if not name.endswith(_IGNORED)], shapes)
    replaced = _replaced(found, checkpoint, wanted, n_classes, path)
    missing = [name for name in shapes if name not in found and name not in replaced]
    extra = [name for name in found if name not in shapes and name not in allowed]
    misshapen = [
        f"{name} {_written(checkpoint.shapes[found[name]])} where {_written(shape)} is wanted"
        for name, shape in shapes.items()
        if name in found and name not in replaced and checkpoint.shapes[found[name]] != shape
    ]
    if missing or extra or misshapen:
        faults = [("missing", missing), ("not known", extra), ("of another shape", misshapen)]
        said = "; ".join(f"{what}: {_some(which)}" for what, which in faults if which)
        raise ArgumentError(f"{path}: does not fit {graph.name}: {said}", path=path)
    values = {
        name: np.zeros(shape, np.float32)
        if name in replaced
        else np.asarray(checkpoint[found[name]], np.float32)
        for name, shape in shapes.items()
    }
    network = _core.Network.from_state(architecture, values)
    if replaced and n_classes is not None:
        network.replace_classifier(n_classes, seed)
        _log.warning(
            "%s: its classifier is not taken; that of %d classes is initialised with seed %d",
            path,
            n_classes,
            seed,
        )
    return network, not replaced


def _renamed(names: Sequence[str], wanted: Collection[str]) -> dict[str, str]:
    """Give the file's names by the network's: the way of adding or taking away a prefix that fits most."""
    ways = [{name: name for name in names}]
    for prefix in _PREFIXES:
        ways += [{name.removeprefix(prefix): own for name, own in way.items()} for way in tuple(ways)]
    ways += [{prefix + name: name for name in names} for prefix in _PREFIXES]
    # The first of equals: the file's own names, if they fit.
    return max(ways, key=lambda way: sum(name in wanted for name in way))


def _replaced(
    found: Mapping[str, str], checkpoint: Checkpoint, wanted: _Wanted, n_classes: int | None, path: str
) -> Collection[str]:
    """Return the classifier's tensors where they are not to come from the file."""
    if wanted.classifier is None:
        return ()
    own = [name for name in wanted.shapes if name.rpartition(".")[0] == wanted.classifier]
    there = [name for name in own if name in found]
    # A file that has nothing of the network is another kind of mistake.
    if not there and len(own) < len(wanted.shapes) and any(name in wanted.shapes for name in found):
        if n_classes is not None:
            return own
        raise ArgumentError(
            f"{path}: has no classifier for {wanted.name} ({', '.join(own)}): "
            "give `n_classes`, and one is initialised",
            path=path,
        )
    weight = f"{wanted.classifier}.weight"
    if weight not in there:
        return ()
    theirs, ours = checkpoint.shapes[found[weight]], wanted.shapes[weight]
    if theirs == ours or theirs[1:] != ours[1:]:
        return ()
    if n_classes is not None:
        return own
    raise ArgumentError(
        f"{path}: has a classifier of {theirs[0]} classes, {wanted.name} one of {ours[0]}: "
        f"`n_classes={theirs[0]}` takes it as it is, another number initialises one",
        path=path,
    )


def _some(listed: Sequence[str]) -> str:
    more = f", and {len(listed) - _N_LISTED} more" if len(listed) > _N_LISTED else ""
    return ", ".join(listed[:_N_LISTED]) + more


def _written(shape: Iterable[int]) -> str:
    return f"({', '.join(map(str, shape))})"
