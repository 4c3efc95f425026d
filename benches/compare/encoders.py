"""Nearest words and k-means, beside faiss and scikit-learn, one thread and two.

The rows are blobs in 162 columns, as wide as a HOG/HOF descriptor. All start from the same centres; inertias
are measured by one program (scikit-learn's distances, in float64) for all.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import timing
from numpy.typing import NDArray
from timing import Contestant

COLUMNS, WORDS = 162, 1000
PASSES = 10
THREADS = (1, 2)


def measure(scratch: Path) -> dict[str, Any]:
    # Before the peers load their BLAS.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    n = int(1_000_000 * timing.share())
    rows = blobs(n)
    words = rows[np.random.default_rng(1).choice(n, WORDS, replace=False)].copy()
    training = rows[: max(n // 10, 2 * WORDS)]
    parts = {}
    for threads in THREADS:
        set_threads(threads)
        suffix = f"{threads} thread{'s' if threads > 1 else ''}"
        parts[f"nearest of {WORDS} words, {suffix}"] = assignment(rows, words)
        parts[f"k-means, {len(training)} rows, {suffix}"] = kmeans(training, words)
    return {
        "title": "Encoders",
        "material": f"{n} rows of {COLUMNS} columns, {WORDS} words; k-means: {PASSES} passes, the same start",
        "goal": 1.0,
        "parts": parts,
    }


def blobs(n: int) -> NDArray[np.float32]:
    """Rows around 3000 points, not negative, as histograms are."""
    rng = np.random.default_rng(0)
    centers = rng.gamma(0.5, 1, (3000, COLUMNS)).astype(np.float32)
    rows = rng.standard_normal((n, COLUMNS), np.float32)
    for start in range(0, n, 100_000):
        part = rows[start : start + 100_000]
        part *= 0.3
        part += centers[rng.integers(0, len(centers), len(part))]
    return np.maximum(rows, 0, out=rows)


def set_threads(threads: int) -> None:
    import faiss
    import threadpoolctl

    import harkit

    harkit.set_num_threads(threads)
    faiss.omp_set_num_threads(threads)
    threadpoolctl.threadpool_limits(threads)


def turns(contestants: list[Contestant], count: int, look: Callable[[list[Any]], None]) -> dict[str, Any]:
    for turn in range(count + 1):
        results: list[Any] = [None] * len(contestants)
        for place in range(len(contestants)):
            index = (turn + place) % len(contestants)
            results[index] = contestants[index].time(None)
        if turn == 0:  # the warm-up is looked at, not timed
            look(results)
            for contestant in contestants:
                contestant.seconds.clear()
    return {"unit": "s", "notes": "result", **timing.table(contestants, scale=1)}


def assignment(rows: NDArray[np.float32], words: NDArray[np.float32]) -> dict[str, Any]:
    import faiss
    import sklearn
    from sklearn.metrics import pairwise_distances_argmin

    import harkit
    from harkit.encoders import KMeans

    model = KMeans(WORDS, init=words, max_iter=1).fit(words)
    model.cluster_centers_ = words
    index = faiss.IndexFlatL2(COLUMNS)
    index.add(words)
    contestants = [
        Contestant("harkit", harkit.__version__, lambda _: model.predict(rows)),
        Contestant("faiss", faiss.__version__, lambda _: index.search(rows, 1)[1][:, 0]),
        Contestant("scikit-learn", sklearn.__version__, lambda _: pairwise_distances_argmin(rows, words)),
    ]

    def look(results: list[Any]) -> None:
        for contestant, result in zip(contestants[1:], results[1:], strict=True):
            if result is not None:
                contestant.note = f"{np.mean(result == results[0]):.4%} of the labels equal"

    return turns(contestants, timing.rounds(5), look)


def kmeans(rows: NDArray[np.float32], start: NDArray[np.float32]) -> dict[str, Any]:
    import faiss
    import sklearn.cluster

    import harkit
    from harkit.encoders import KMeans

    def ours(**options: Any) -> Callable[[Any], NDArray[np.float32]]:
        return lambda _: KMeans(WORDS, max_iter=PASSES, tol=0, **options).fit(rows).cluster_centers_

    def with_faiss(_: Any) -> NDArray[np.float32]:
        model = faiss.Kmeans(COLUMNS, WORDS, niter=PASSES, max_points_per_centroid=len(rows))
        model.train(rows, init_centroids=start)
        return model.centroids

    def with_scikit_learn(_: Any) -> NDArray[np.float32]:
        model = sklearn.cluster.KMeans(WORDS, init=start, n_init=1, max_iter=PASSES, tol=0)
        return model.fit(rows).cluster_centers_

    contestants = [
        Contestant("harkit", harkit.__version__, ours(init=start)),
        Contestant("faiss", faiss.__version__, with_faiss),
        Contestant("scikit-learn", sklearn.__version__, with_scikit_learn),
        Contestant("harkit, k-means++", harkit.__version__, ours(), is_same_work=False),
    ]

    def look(results: list[Any]) -> None:
        inertias = [None if centers is None else inertia(rows, centers) for centers in results]
        for contestant, value in zip(contestants, inertias, strict=True):
            if value is not None:
                contestant.note = f"inertia {value / inertias[0]:.4f} of harkit's"

    return turns(contestants, timing.rounds(3), look)


def inertia(rows: NDArray[np.float32], centers: NDArray[np.float32]) -> float:
    from sklearn.metrics import pairwise_distances_argmin_min

    total = 0.0
    for start in range(0, len(rows), 20_000):
        part = rows[start : start + 20_000].astype(np.float64)
        distances = pairwise_distances_argmin_min(part, centers.astype(np.float64))[1]
        total += float(np.square(distances).sum())
    return total
