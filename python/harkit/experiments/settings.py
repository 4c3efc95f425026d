"""What is set in an extractor, as plain JSON values, and the extractor of such values.

An option object, such as ``Gamma(3)``, is written as its class's name and its fields; only option classes
of harkit's rooms are made of what a file says.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from harkit import enhancement, loading, sampling, transforms
from harkit.errors import ArgumentError
from harkit.models import BackboneExtractor
from harkit.stip import StipExtractor

__all__ = ["extractor_from", "extractor_settings"]

_EXTRACTORS = {kind.__name__: kind for kind in (StipExtractor, BackboneExtractor)}
# Where the extractor works is no part of what it computes.
_ELSEWHERE = ("cache", "progress", "mirrored")
_ROOMS = (enhancement, sampling, transforms, loading)


def extractor_settings(extractor: Any) -> dict[str, Any]:
    """Return what an extractor computes.

    Parameters
    ----------
    extractor : estimator
        From videos to features.

    Returns
    -------
    dict
        Its class's name under ``"kind"``, and its parameters, of plain JSON values.

    Raises
    ------
    ArgumentError
        A parameter that is none and has none, such as a model.
    """
    given = extractor.get_params(deep=False)
    known = {name: _plain(value) for name, value in given.items() if name not in _ELSEWHERE}
    try:
        json.dumps(known)
    except TypeError:
        raise ArgumentError(
            f"{extractor!r} cannot be kept: its options must be plain, such as a name or a path"
        ) from None
    return {"kind": type(extractor).__name__, **known}


def extractor_from(settings: Mapping[str, Any]) -> Any:
    """Make the extractor that `extractor_settings` described.

    Parameters
    ----------
    settings : mapping
        From a file of anyone.

    Returns
    -------
    estimator
        One of harkit's extractors.

    Raises
    ------
    ValueError, TypeError
        Settings of none.
    """
    given = dict(settings)
    kind = given.pop("kind", None)
    if kind not in _EXTRACTORS:
        raise ValueError(f"`kind` must be one of {', '.join(_EXTRACTORS)}, got {kind!r}")
    return _EXTRACTORS[kind](**{name: _rich(value) for name, value in given.items()})


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        named = {field.name: _plain(getattr(value, field.name)) for field in fields(value) if field.init}
        return {"option": type(value).__name__, **named}
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _rich(value: Any) -> Any:
    """Undo `_plain`; lists come back as tuples."""
    if isinstance(value, list):
        if any(isinstance(item, dict) and "option" not in item for item in value):
            raise ValueError(f"an `option` without its name in {value}")
        return tuple(map(_rich, value))
    if not isinstance(value, dict):
        return value
    given = {name: _rich(item) for name, item in value.items()}
    return _option(given) if "option" in given else given


def _option(given: dict[str, Any]) -> Any:
    name = given.pop("option")
    kinds = [getattr(room, name) for room in _ROOMS if name in room.__all__]
    if not kinds or not (isinstance(kinds[0], type) and is_dataclass(kinds[0])):
        raise ValueError(f"harkit has no option {name!r}")
    return kinds[0](**given)
