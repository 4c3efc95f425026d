"""Eight uniform frames of each dark clip to 224x224 RGB, all cores: batches of clips, each peer at its best.

A peer may use its own threads inside a clip, a pool of threads, or a pool of processes that write into
shared memory (with one thread each). Which is fastest is tried on a few clips first, and the record keeps
what was tried. Pools stand ready before the clock starts.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import material
import numpy as np
import peers
import timing
from peers import Frames, Peer

# Clips of a batch at most: enough that the last one, for which all but one core wait, weighs little.
BATCH = 25
N_BATCHES = 3  # at least
SHAPE = (peers.N_SAMPLED, peers.SIDE, peers.SIDE, 3)
FRAME_BYTES = int(np.prod(SHAPE))


class OwnThreads:
    """One clip after another, the library's own threads inside each."""

    name = "its own threads"

    def __init__(self, peer: Peer) -> None:
        self.peer = replace(peer, threads=timing.cores())

    def __call__(self, paths: list[str]) -> Frames:
        self.peer.prepare()
        return np.stack([self.peer.sample(path) for path in paths])

    def close(self) -> None:
        pass


class ThreadPool:
    """As many threads as cores, a clip each."""

    name = "pool of threads"

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.pool = ThreadPoolExecutor(timing.cores())

    def __call__(self, paths: list[str]) -> Frames:
        self.peer.prepare()
        out = np.empty((len(paths), *SHAPE), np.uint8)

        def one(i: int) -> None:
            out[i] = self.peer.sample(paths[i])

        list(self.pool.map(one, range(len(paths))))
        return out

    def close(self) -> None:
        self.pool.shutdown()


class ProcessPool:
    """As many processes as cores, a clip each; frames come back through shared memory."""

    name = "pool of processes"

    def __init__(self, peer: Peer) -> None:
        self.memory = SharedMemory(create=True, size=BATCH * FRAME_BYTES)
        self.pool = get_context("spawn").Pool(timing.cores(), _begin, (peer, self.memory.name))

    def __call__(self, paths: list[str]) -> Frames:
        for _ in self.pool.imap_unordered(_one, enumerate(paths)):
            pass
        return np.ndarray((len(paths), *SHAPE), np.uint8, self.memory.buf)

    def close(self) -> None:
        self.pool.terminate()
        self.pool.join()
        self.memory.close()
        self.memory.unlink()


_worker: dict[str, Any] = {}


def _begin(peer: Peer, name: str) -> None:
    peer.prepare()
    _worker.update(peer=peer, memory=SharedMemory(name))


def _one(task: tuple[int, str]) -> None:
    i, path = task
    out: Frames = np.ndarray(SHAPE, np.uint8, _worker["memory"].buf, i * FRAME_BYTES)
    out[:] = _worker["peer"].sample(path)


class OneCall:
    """harkit's own way: one call for all clips."""

    name = "one call"

    def __init__(self, peer: peers.Harkit) -> None:
        self.peer = replace(peer, threads=timing.cores())

    def __call__(self, paths: list[str]) -> Frames:
        self.peer.prepare()
        return self.peer.sample_many(paths)

    def close(self) -> None:
        pass


def measure(scratch: Path) -> dict[str, Any]:
    paths, what = material.dark_clips(scratch)
    paths = timing.some(paths)
    for path in paths:
        Path(path).read_bytes()
    size = max(1, min(BATCH, len(paths) // N_BATCHES))
    batches = [paths[start : start + size] for start in range(0, len(paths) - size + 1, size)]
    contestants = []
    with ExitStack() as stack:
        for peer in peers.SAME_WORK:
            contestant = timing.Contestant(peer.label, "", _unable, not peer.gives_other_pixels)
            contestants.append(contestant)
            try:
                contestant.version = peer.version
                tried = {way.name: _try(way, peer, paths[: 4 * timing.cores()]) for way in _ways(peer)}
                best = min(tried, key=tried.__getitem__)
                way = stack.enter_context(_open(next(way for way in _ways(peer) if way.name == best), peer))
                contestant.run = way
                contestant.note = ", ".join(f"{name} {seconds * 1e3:.1f}" for name, seconds in tried.items())
                contestant.label += f" ({best})"
            except Exception as error:
                contestant.failure = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        timing.take_turns(contestants, batches * timing.rounds(2, least=1))
    return {
        "title": f"Eight uniform frames to 224x224 RGB, all {timing.cores()} cores",
        "material": f"{what}, in batches of {size}",
        "goal": 1.8,
        "parts": {
            "files in the system's cache": {"unit": "ms a clip", **timing.table(contestants, per=size)}
        },
    }


def _ways(peer: Peer) -> list[Any]:
    return [OneCall] if isinstance(peer, peers.Harkit) else [OwnThreads, ThreadPool, ProcessPool]


@contextmanager
def _open(way: Any, peer: Peer) -> Iterator[Any]:
    opened = way(peer)
    try:
        yield opened
    finally:
        opened.close()


def _try(way: Any, peer: Peer, paths: list[str]) -> float:
    """Seconds a clip, the better of two runs after one for warming up."""
    with _open(way, peer) as run:
        run(paths)
        times = []
        for _ in range(2):
            start = time.perf_counter()
            run(paths)
            times.append(time.perf_counter() - start)
    return min(times) / len(paths)


def _unable(paths: list[str]) -> Frames:
    raise RuntimeError("was not prepared")
