"""Batches of a fixed size through a network, running on from video to video, and back to the videos."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from harkit.errors import HarkitError

__all__ = ["Rows"]

Outcome: TypeAlias = "tuple[int, NDArray[np.float32] | HarkitError]"


class Rows:
    """Gathers items (frames or clips) of videos into batches, and what the network gives into features.

    Parameters
    ----------
    forward : callable
        From a batch (N, ...) to (N, d).
    batch_size : int
        N; fewer where the shape of items changes, and at the end.
    n_columns : int
        d.
    mean : bool
        Whether a video's features are the mean of its rows, else the rows.
    """

    def __init__(
        self,
        forward: Callable[[NDArray[np.float32]], NDArray[np.float32]],
        batch_size: int,
        n_columns: int,
        *,
        mean: bool,
    ) -> None:
        self._forward, self._batch_size, self._n_columns, self._mean = forward, batch_size, n_columns, mean
        self._waiting: list[tuple[int, NDArray[np.float32]]] = []
        # Of each video: what came out so far, how many rows, how many were pushed.
        self._sums: dict[int, list[NDArray[np.float64]]] = {}
        self._done: dict[int, int] = {}
        self._pushed: dict[int, int] = {}
        self._whole: set[int] = set()

    def push(self, video: int, items: NDArray[np.float32], *, last: bool) -> Iterator[Outcome]:
        """Take items of a video, the last ones or not; give the videos that are finished."""
        self._pushed[video] = self._pushed.get(video, 0) + len(items)
        if last:
            self._whole.add(video)
        for item in items:
            if self._waiting and self._waiting[0][1].shape != item.shape:
                yield from self._run()
            self._waiting.append((video, item))
            if len(self._waiting) == self._batch_size:
                yield from self._run()
            if video not in self._pushed:
                return  # it failed

    def finish(self) -> Iterator[Outcome]:
        """Compute what still waits."""
        if self._waiting:
            yield from self._run()

    def drop(self, video: int) -> None:
        """Forget a video."""
        self._waiting = [(of, item) for of, item in self._waiting if of != video]
        for known in (self._sums, self._done, self._pushed):
            known.pop(video, None)
        self._whole.discard(video)

    def _run(self) -> Iterator[Outcome]:
        waiting, self._waiting = self._waiting, []
        videos = list(dict.fromkeys(video for video, _ in waiting))
        try:
            found = self._forward(np.stack([item for _, item in waiting]))
        except HarkitError as error:
            for video in videos:
                self.drop(video)
                yield video, error
            return
        for (video, _), row in zip(waiting, found, strict=True):
            self._add(video, row)
        for video in videos:
            if video in self._whole and self._done[video] == self._pushed[video]:
                rows, n_rows = self._sums[video], self._done[video]
                self.drop(video)
                yield video, (rows[0] / n_rows if self._mean else np.stack(rows)).astype(np.float32)

    def _add(self, video: int, row: NDArray[np.float32]) -> None:
        """One row after the other, in float64: the sum does not depend on the batches."""
        rows = self._sums.setdefault(video, [])
        if self._mean and rows:
            rows[0] += row
        else:
            rows.append(row.astype(np.float64))
        self._done[video] = self._done.get(video, 0) + 1
