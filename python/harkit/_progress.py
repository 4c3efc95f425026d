"""Progress of long work: ``progress=True`` draws a bar with tqdm, a callable gets the count."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

__all__ = ["Progress", "shown"]

Progress: TypeAlias = bool | Callable[[int], object]


@contextmanager
def shown(progress: Progress, total: int | None, unit: str) -> Iterator[Callable[[int], object] | None]:
    """Give what the core calls with the number of finished items, or None; a total of None is unknown."""
    if progress is False:
        yield None
    elif callable(progress):
        yield progress
    else:
        from tqdm.auto import tqdm

        with tqdm(total=total, unit=unit) as bar:
            yield lambda done: bar.update(done - bar.n)
