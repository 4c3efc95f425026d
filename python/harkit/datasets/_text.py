"""Words of messages: a few names and how many more, numbers with their nouns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

# A message names so many and counts the rest.
SHOWN = 5


def doubles_of(names: Iterable[str]) -> list[str]:
    """Return the names that stand twice, sorted."""
    seen: set[str] = set()
    doubles: set[str] = set()
    for name in names:
        (doubles if name in seen else seen).add(name)
    return sorted(doubles)


def some(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + rest


def count(n: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun."""
    return f"{n} {one if n == 1 else many or one + 's'}"
