"""A model on disk: values as safetensors, and JSON beside them with everything else.

`dark.safetensors` holds the tensors under the network's names, for any program that reads safetensors.
`dark.json` holds the graph (with what is frozen), class names, preprocessing and origin.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harkit import _core, weights
from harkit.errors import (
    ArgumentError,
    ArgumentTypeError,
    DecodeError,
    FileAccessError,
    FilePermissionError,
    MissingFileError,
)
from harkit.models._loading import loaded_network
from harkit.models._preprocessing import from_json, to_json

if TYPE_CHECKING:
    from harkit.models._model import Description

__all__ = ["beside", "read_description", "read_model", "write_model"]

_FORMAT = "harkit model 1"


def beside(path: str | os.PathLike[str]) -> Path:
    """Return the JSON file of a file of values."""
    if not isinstance(path, (str, os.PathLike)):
        raise ArgumentTypeError(f"`path` must be a path, got {type(path).__name__}")
    place = Path(path)
    if place.suffix != ".safetensors":
        raise ArgumentError(f'`path` must end in ".safetensors", got {str(place)!r}')
    return place.with_suffix(".json")


def write_model(
    path: str | os.PathLike[str],
    values: Mapping[str, NDArray[np.float32]],
    architecture: str,
    description: Description,
) -> None:
    """Write both files."""
    place = beside(path)
    known = description
    said = {
        "format": _FORMAT,
        "model": known.architecture,
        "family": known.family,
        "input_shape": known.input_shape,
        "origin": known.origin,
        "classes": known.classes,
        "preprocessing": None if known.preprocessing is None else to_json(known.preprocessing),
        "architecture": json.loads(architecture),
    }
    weights.write(path, values)
    try:
        place.write_text(json.dumps(said) + "\n", encoding="utf-8")
    except PermissionError as error:
        raise FilePermissionError(f"{place}: {error.strerror}", path=place) from error
    except OSError as error:
        raise FileAccessError(f"{place}: {error}", path=place) from error


def read_model(path: str | os.PathLike[str]) -> tuple[_core.Network, dict[str, Any]]:
    """Return the network, with its values, and the fields of its description."""
    architecture, description = read_description(beside(path))
    try:
        network, _ = loaded_network(architecture, weights.read(path), path=os.fspath(path))
    except ArgumentError as error:
        raise DecodeError(f"{error} (as {beside(path)} says it)", path=error.path) from error
    return network, description


def read_description(place: Path) -> tuple[str, dict[str, Any]]:
    """Return the graph as JSON, and the fields of the description."""
    try:
        said = json.loads(place.read_text(encoding="utf-8"))
        if said["format"] != _FORMAT:
            raise ValueError(f"its format is {said['format']!r}, not {_FORMAT!r}")
        classes, preprocessing = said["classes"], said["preprocessing"]
        return json.dumps(said["architecture"]), {
            "architecture": str(said["model"]),
            "family": str(said["family"]),
            "input_shape": tuple(int(side) for side in said["input_shape"]),
            "origin": str(said["origin"]),
            "classes": None if classes is None else tuple(map(str, classes)),
            "preprocessing": None if preprocessing is None else from_json(preprocessing),
        }
    except FileNotFoundError:
        raise MissingFileError(f"{place}: no such file; `Model.save` writes it", path=place) from None
    except PermissionError as error:
        raise FilePermissionError(f"{place}: {error.strerror}", path=place) from error
    except OSError as error:
        raise FileAccessError(f"{place}: {error}", path=place) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DecodeError(f"{place}: is not what `Model.save` wrote: {error}", path=place) from error
