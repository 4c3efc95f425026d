"""Work done ahead of whoever takes its results, in the background."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["ahead"]

Part = TypeVar("Part")
Result = TypeVar("Result")


def ahead(load: Callable[[Part], Result], parts: Sequence[Part], prefetch: int) -> Iterator[Result]:
    """Results of `load` in order, at most `prefetch` of them worked on or waiting."""
    with ThreadPoolExecutor(prefetch, thread_name_prefix="harkit-stream") as pool:
        waiting: list[Future[Result]] = []
        try:
            for part in parts:
                waiting.append(pool.submit(load, part))
                if len(waiting) > prefetch:
                    yield waiting.pop(0).result()
            while waiting:
                yield waiting.pop(0).result()
        finally:
            # The loop was left early, or failed: what has not begun never will.
            for future in waiting:
                future.cancel()
