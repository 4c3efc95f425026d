"""What the option objects of all rooms have in common."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

__all__ = ["make_plain"]


def make_plain(options: Any) -> None:
    """Turn NumPy values and lists in a frozen dataclass into plain, hashable ones, as it is made."""
    for field in fields(options):
        object.__setattr__(options, field.name, _plain(getattr(options, field.name)))


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    return tuple(_plain(item) for item in value) if isinstance(value, list) else value
