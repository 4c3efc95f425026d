"""Checks that the estimators of the room share: of parameters when `fit` begins, of rows before the core."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data

from harkit.errors import ArgumentError

__all__ = ["checked_rows", "choice", "count", "number", "seed_of", "to_rows"]

# Squares of larger values, summed over a thousand columns, leave float32.
_LARGEST = 1e17


_MOST = 2**31 - 1


def count(name: str, value: object) -> int:
    """Give `value` if it is a positive integer of 31 bits."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or not 1 <= value <= _MOST:
        raise ArgumentError(f"`{name}` must be an integer from 1 to {_MOST}, got {value!r}")
    return int(value)


def number(name: str, value: object, *, above: float | None = None, most: float = np.inf) -> float:
    """Give `value` if it is a finite number in [0, most], or in (above, most]."""
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool) and np.isfinite(float(value))
    if not (isinstance(value, numbers.Real) and is_number) or not 0 <= float(value) <= most:
        allowed = "a number from 0 on" if most == np.inf else f"a number from 0 to {most:g}"
        raise ArgumentError(f"`{name}` must be {allowed}, got {value!r}")
    if above is not None and float(value) <= above:
        raise ArgumentError(f"`{name}` must be greater than {above:g}, got {value!r}")
    return float(value)


def choice(name: str, value: object, choices: tuple[object, ...]) -> None:
    """Raise unless `value` is one of the choices."""
    if not any(value is known or (isinstance(value, str) and value == known) for known in choices):
        raise ArgumentError(f"`{name}` must be one of {', '.join(map(repr, choices))}, got {value!r}")


def seed_of(random_state: Any) -> int:
    """Draw a seed from what scikit-learn calls a random state."""
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def to_rows(array: ArrayLike, name: str = "X") -> NDArray[np.float32]:
    """Give contiguous float32 rows whose squares do not overflow."""
    with np.errstate(over="ignore"):
        rows = np.ascontiguousarray(array, dtype=np.float32)
    # Also false where there is a NaN.
    if rows.size and not max(rows.max(), -rows.min()) <= _LARGEST:
        raise ArgumentError(
            f"`{name}` must hold finite values of at most {_LARGEST:g}; there are NaN, inf or larger ones"
        )
    return rows


def checked_rows(estimator: Any, X: ArrayLike, *, reset: bool) -> NDArray[np.float32]:
    """Give what scikit-learn accepts as a matrix for `estimator`, as float32 rows."""
    return to_rows(validate_data(estimator, X, dtype=[np.float32, np.float64], order="C", reset=reset))
