"""harkit in two workers of PyTorch's `DataLoader` and of joblib: rates, and whether clips are the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import material
import numpy as np
import peers
import timing
from peers import Frames, Harkit

import harkit

N_WORKERS = 2
BATCH = 8


class Clips:
    """A map-style data set: picklable, reads a video where it is asked for."""

    def __init__(self, paths: list[str]) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Frames:
        return Harkit().sample(self.paths[index])


def measure(scratch: Path) -> dict[str, Any]:
    paths, what = material.dark_clips(scratch)
    paths = timing.some(paths, 0.5)
    # In this process first: forked workers then inherit a pool whose threads are gone.
    expected = np.stack([Harkit().sample(path) for path in paths])
    ways: dict[str, Callable[[list[str]], Frames]] = {
        f"ClipStream, {timing.cores()} threads": stream,
        "DataLoader, fork": lambda paths: loader(paths, "fork"),
        "DataLoader, spawn": lambda paths: loader(paths, "spawn"),
        "joblib, loky": lambda paths: joblib(paths, "loky"),
        "joblib, multiprocessing": lambda paths: joblib(paths, "multiprocessing"),
    }
    rows = []
    for who, way in ways.items():
        row: dict[str, Any] = {"who": who, "failure": None}
        start = time.perf_counter()
        try:
            frames = way(paths)
        except Exception as error:
            row["failure"] = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        else:
            seconds = time.perf_counter() - start
            row |= {"seconds": round(seconds, 2), "clips_a_second": round(len(paths) / seconds, 1)}
            row["equal"] = bool(np.array_equal(frames, expected))
        rows.append(row)
    return {
        "title": "In workers of PyTorch and joblib",
        "material": f"{len(paths)} of the {what}, {N_WORKERS} workers, their start included",
        "goal": None,
        "workers": rows,
    }


def stream(paths: list[str]) -> Frames:
    recipe = harkit.ClipRecipe(
        sampling=harkit.sampling.Uniform(peers.N_SAMPLED),
        transforms=[harkit.transforms.Resize((peers.SIDE, peers.SIDE))],
    )
    batches = harkit.ClipStream(paths, recipe, batch_size=BATCH)
    return np.concatenate([np.asarray(batch.clips) for batch in batches])


def loader(paths: list[str], method: str) -> Frames:
    import torch
    from torch.utils.data import DataLoader

    batches = DataLoader(
        Clips(paths), batch_size=BATCH, num_workers=N_WORKERS, multiprocessing_context=method
    )
    return torch.cat(list(batches)).numpy()


def joblib(paths: list[str], backend: str) -> Frames:
    from joblib import Parallel, delayed

    clips = Parallel(n_jobs=N_WORKERS, backend=backend)(delayed(Harkit().sample)(path) for path in paths)
    return np.stack(clips)
