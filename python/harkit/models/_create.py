"""Architectures by name, with weights or initialised."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

from harkit import _core, weights
from harkit.errors import ArgumentError, ArgumentTypeError, MissingFileError
from harkit.models._loading import loaded_network
from harkit.models._model import Description, Model, checked_count, checked_seed
from harkit.models._saving import read_description
from harkit.models._summary import by

__all__ = ["ModelInfo", "ModelTable", "create_model", "list_models"]

_log = logging.getLogger("harkit.models")


@dataclass(frozen=True)
class ModelInfo:
    """An architecture that :func:`create_model` knows.

    Attributes
    ----------
    name : str
        What it is called.
    family : str
        What one item of its input is: "image" (C, H, W), "clip" (C, T, H, W), "vector" (D,) or
        "sequence" (L, D).
    n_parameters : int
        Values that can be learnt, with the reference's number of classes.
    input_shape : tuple of int
        Of one item, as the reference takes it.
    """

    name: str
    family: str
    n_parameters: int
    input_shape: tuple[int, ...]


class ModelTable(Sequence[ModelInfo]):
    """Architectures, printed as a table.

    Parameters
    ----------
    infos : sequence of ModelInfo
        In the order in which they are shown.
    """

    def __init__(self, infos: Sequence[ModelInfo]) -> None:
        self._infos = tuple(infos)

    @overload
    def __getitem__(self, index: int) -> ModelInfo: ...
    @overload
    def __getitem__(self, index: slice) -> ModelTable: ...
    def __getitem__(self, index: int | slice) -> ModelInfo | ModelTable:
        return ModelTable(self._infos[index]) if isinstance(index, slice) else self._infos[index]

    def __len__(self) -> int:
        return len(self._infos)

    def __iter__(self) -> Iterator[ModelInfo]:
        return iter(self._infos)

    def __repr__(self) -> str:
        rows = [("name", "family", "parameters", "input")]
        rows += [(info.name, info.family, f"{info.n_parameters:,}", by(info.input_shape)) for info in self]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        lines = (
            "  ".join(f"{text:{side}{width}}" for text, side, width in zip(row, "<<><", widths, strict=True))
            for row in rows
        )
        return "\n".join(line.rstrip() for line in lines)


def list_models() -> ModelTable:
    """List the architectures that :func:`create_model` knows.

    Returns
    -------
    ModelTable
        Prints as a table.

    Examples
    --------
    >>> harkit.list_models()[:3]
    name       family  parameters  input
    resnet18   image   11,689,512  3 x 224 x 224
    resnet50   image   25,557,032  3 x 224 x 224
    resnet152  image   60,192,808  3 x 224 x 224
    """
    return ModelTable([_info(*known) for known in _core.list_architectures()])


def _info(name: str, family: str, input_shape: Sequence[int]) -> ModelInfo:
    counted = _core.architecture_parameters(_core.build_architecture(name, {}))
    n_parameters = sum(_product(shape) for _, shape, learnt, _ in counted if learnt)
    return ModelInfo(name, family, n_parameters, tuple(input_shape))


def _product(shape: Sequence[int]) -> int:
    product = 1
    for side in shape:
        product *= side
    return product


def create_model(
    name: str,
    *,
    weights: str | os.PathLike[str] | None = None,
    n_classes: int | None = None,
    seed: int = 0,
    device: str = "cpu",
    **options: Any,
) -> Model:
    """Make a model: a known architecture, with published weights, those of a file, or initialised.

    Parameters
    ----------
    name : str
        As :func:`list_models` shows it.
    weights : str or os.PathLike, optional
        A name that :func:`harkit.list_weights` shows for this architecture; or a file or folder that
        :func:`harkit.weights.read` takes. Where not given, values are initialised as the reference does it.
    n_classes : int, optional
        The number of logits; where not given, the reference's. With weights whose classifier has another
        number of classes, or that have none, the classifier is initialised, and a message to the logger
        ``"harkit.models"`` says so.
    seed : int, default: 0
        Of initial values.
    device : str, default: "cpu"
        "cpu", "cuda" or "cuda:1".
    **options : int, float, str or bool
        What else the architecture lets choose: ``dropout``; ``top=False`` of ``vgg16``; ``inputs``,
        ``hidden``, ``units`` and ``convention`` of heads.

    Returns
    -------
    Model
        In evaluation, everything trainable.

    Raises
    ------
    harkit.errors.ArgumentError, harkit.errors.ArgumentTypeError
        A name, an option or a device that is not known; weights that do not fit: the error names
        file and tensors.
    harkit.errors.MissingFileError
        Weights that are not at hand; the message says what to fetch.
    harkit.errors.DecodeError, harkit.errors.UnsupportedError
        A file that is damaged, or no checkpoint; a device that this build does not have.

    Notes ----- In a file, names may have the prefixes ``module.``, ``model.`` or ``backbone.`` that
    other programs put there; ``num_batches_tracked`` is not read.

    Examples
    --------
    >>> harkit.create_model("resnet50", seed=0)
    Model(resnet50, 1000 classes, 25,557,032 parameters, initialised with seed 0, cpu)
    >>> harkit.create_model("mlp", inputs=2048, hidden=64, n_classes=6, dropout=0.5).n_parameters
    131526
    """
    _core.check_device(device)
    checked_seed(seed)
    if n_classes is not None:
        options["n_classes"] = checked_count("n_classes", n_classes)
    architecture = _core.build_architecture(name, options)
    [(family, shape)] = [
        (family, shape) for known, family, shape in _core.list_architectures() if known == name
    ]
    if weights is None:
        network = _core.Network.from_json(architecture)
        if seed:
            network.initialise(seed)
        _log.info("%s: no weights named, initialised with seed %d", name, seed)
        origin = f"initialised with seed {seed}"
        return Model(network, Description(name, family, tuple(shape), origin), device=device)
    source = _source(name, weights)
    # A network without its top takes the files of the whole one.
    whole = _core.architecture_parameters(_core.build_architecture(name, {}))
    network, classified = loaded_network(
        architecture,
        source.checkpoint,
        path=source.path,
        n_classes=n_classes,
        seed=seed,
        allowed=[parameter[0] for parameter in whole],
    )
    origin = source.origin if classified else f"{source.origin}, classifier initialised with seed {seed}"
    classes = source.classes if classified and source.classes is not None else None
    description = Description(name, family, tuple(shape), origin, classes, source.preprocessing)
    return Model(network, description, device=device)


@dataclass(frozen=True)
class _Source:
    """Weights, opened, and what is known of them."""

    checkpoint: weights.Checkpoint
    path: str
    origin: str
    classes: tuple[str, ...] | None = None
    preprocessing: Any = None


def _source(name: str, given: Any) -> _Source:
    if not isinstance(given, (str, os.PathLike)):
        raise ArgumentTypeError(f"`weights` must be a name or a path, got {given!r}")
    known = [record for record in weights.list_weights(name) if record.name == given]
    if known:
        return _published(known[0])
    path = Path(given)
    if isinstance(given, str) and not path.suffix and not path.exists() and path.name == given:
        names = ", ".join(repr(record.name) for record in weights.list_weights(name)) or "none"
        raise ArgumentError(f"`weights` of {name} by name are {names}, or give a path; got {given!r}")
    if not path.exists():
        raise MissingFileError(f"{path}: no such file or folder", path=path)
    checkpoint, origin = weights.read(path), f"weights of {path.name}"
    beside = path.with_suffix(".json")
    if path.suffix == ".safetensors" and beside.is_file():
        _, said = read_description(beside)
        return _Source(checkpoint, str(path), origin, said["classes"], said["preprocessing"])
    return _Source(checkpoint, str(path), origin)


def _published(record: weights.WeightsRecord) -> _Source:
    path = record.path()
    classes = weights.class_names(record.classes) if record.classes == "imagenet" else None
    transforms = record.preprocessing.transforms()
    return _Source(record.read(), str(path), f"weights {record.name!r}", classes, transforms)
