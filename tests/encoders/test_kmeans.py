"""k-means against plain searches and scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sklearn.cluster
from numpy.typing import NDArray

import harkit
from harkit.encoders import KMeans


def blobs(n: int, k: int, columns: int, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    centers = rng.normal(0, 4, (k, columns))
    return (centers[rng.integers(0, k, n)] + rng.normal(0, 1, (n, columns))).astype(np.float32)


def squared_distances(rows: NDArray[Any], centers: NDArray[Any]) -> NDArray[np.float64]:
    differences = rows.astype(np.float64)[:, None] - centers.astype(np.float64)[None]
    return np.square(differences).sum(axis=2)


@pytest.mark.parametrize(("n", "k", "columns"), [(1, 1, 1), (13, 2, 3), (241, 33, 162), (500, 100, 6)])
def test_the_nearest_center_is_that_of_a_plain_search(n: int, k: int, columns: int) -> None:
    rows = blobs(n + k, 5, columns) + 100  # far from the origin, where float32 cancels
    model = KMeans(k, init=rows[:k], max_iter=1).fit(rows)
    expected = squared_distances(rows, model.cluster_centers_)
    assert model.predict(rows).tolist() == expected.argmin(axis=1).tolist() == model.labels_.tolist()
    np.testing.assert_allclose(model.inertia_, expected.min(axis=1).sum(), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(-model.score(rows), model.inertia_, rtol=1e-6)
    # sqrt(16 ulp) of the length, where a row lies on its centre
    scale = np.sqrt(expected.max()) + 1
    np.testing.assert_allclose(model.transform(rows), np.sqrt(expected), atol=1e-3 * scale)


def test_equal_centers_give_the_lowest_index() -> None:
    rows = np.array([[0.5], [7.0]], np.float32).repeat(40, axis=0)
    centers = np.array([[7.0], [0.5]] * 35, np.float32)
    model = KMeans(70, init=centers, max_iter=1).fit(rows)
    assert set(model.predict(rows)) == {0, 1}


@pytest.mark.parametrize("init", ["given", "k-means++"])
def test_lloyd_is_as_good_as_scikit_learns(init: str) -> None:
    rows = blobs(3000, 12, 20)
    start: Any = rows[:12] if init == "given" else init
    ours = KMeans(12, init=start, n_init=1 if init == "given" else 4, tol=0, max_iter=300).fit(rows)
    theirs = sklearn.cluster.KMeans(12, init=start, n_init=1 if init == "given" else 4, tol=0, random_state=0)
    theirs.fit(rows)
    np.testing.assert_allclose(ours.inertia_, theirs.inertia_, rtol=1e-5)
    if init == "given":  # the same start: the same way
        assert ours.labels_.tolist() == theirs.labels_.tolist()
        np.testing.assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, atol=1e-4)


def test_mini_batches_have_the_statistics_of_scikit_learns() -> None:
    rows = blobs(3000, 30, 8)
    options: dict[str, Any] = {"batch_size": 256, "max_iter": 20}

    def spread(make: Any) -> tuple[float, float]:
        inertias = [make(seed).fit(rows).inertia_ for seed in range(8)]
        return float(np.mean(inertias)), float(np.std(inertias))

    ours, deviation = spread(lambda seed: KMeans(20, algorithm="minibatch", random_state=seed, **options))
    theirs, their_deviation = spread(
        lambda seed: sklearn.cluster.MiniBatchKMeans(20, random_state=seed, n_init=1, **options)
    )
    # Means of eight runs each: four standard errors.
    assert abs(ours - theirs) <= 4 * np.hypot(deviation, their_deviation) / np.sqrt(8)


def test_more_starts_are_never_worse() -> None:
    rows = blobs(600, 30, 4)
    one, many = (KMeans(30, init="random", n_init=n).fit(rows).inertia_ for n in (1, 8))
    assert many < one


def test_as_many_centers_as_rows_leave_no_distance() -> None:
    rows = np.random.default_rng(0).random((20, 5), np.float32)
    for init in ("k-means++", "random"):
        model = KMeans(20, init=init).fit(rows)
        assert (model.inertia_, len(set(model.labels_))) == (0, 20)


def test_equal_rows_leave_centers_without_rows() -> None:
    model = KMeans(3).fit(np.ones((10, 2), np.float32))
    assert model.inertia_ == 0
    assert np.isfinite(model.cluster_centers_).all()


def test_an_empty_cluster_takes_the_farthest_row() -> None:
    rows = np.array([[0], [1], [2], [9]], np.float32)
    model = KMeans(2, init=np.array([[1], [50]], np.float32)).fit(rows)
    assert model.cluster_centers_.ravel().tolist() == [1, 9]


@pytest.mark.parametrize("algorithm", ["lloyd", "minibatch"])
def test_threads_change_nothing(algorithm: Any) -> None:
    rows = blobs(5000, 20, 30)
    models = []
    for threads in (1, 2, 3):
        harkit.set_num_threads(threads)
        models.append(KMeans(50, algorithm=algorithm, batch_size=1000, n_init=2).fit(rows))
    harkit.set_num_threads(0)
    for model in models[1:]:
        assert model.inertia_ == models[0].inertia_
        assert (model.cluster_centers_ == models[0].cluster_centers_).all()


def test_the_seed_decides() -> None:
    rows = blobs(400, 20, 4)
    fit = lambda seed: KMeans(10, random_state=seed).fit(rows).cluster_centers_  # noqa: E731
    assert (fit(1) == fit(1)).all()
    assert not (fit(1) == fit(2)).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_clusters": 0}, "`n_clusters` must be an integer from 1 to 2147483647, got 0"),
        ({"n_clusters": 2.0}, "`n_clusters` must be an integer"),
        ({"n_clusters": 9}, "`n_clusters` must be at most n_samples=6, got 9"),
        ({"init": "best"}, "`init` must be one of 'k-means\\+\\+', 'random', got 'best'"),
        ({"init": np.zeros((3, 2))}, "`init` must have the shape \\(2, 2\\)"),
        ({"init": [[np.nan, 0], [0, 0]]}, "`init` must hold finite values"),
        ({"algorithm": "elkan"}, "`algorithm` must be one of 'lloyd', 'minibatch'"),
        ({"n_init": 0}, "`n_init` must be"),
        ({"max_iter": 0}, "`max_iter` must be"),
        ({"tol": -1}, "`tol` must be"),
        ({"batch_size": 0}, "`batch_size` must be"),
        ({"init_size": 0}, "`init_size` must be"),
    ],
)
def test_what_is_not_allowed_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        KMeans(**{"n_clusters": 2, **options}).fit(np.eye(6, 2))


def test_values_whose_squares_overflow_are_refused() -> None:
    with pytest.raises(ValueError, match="`X` must hold finite values of at most 1e\\+17"):
        KMeans(1).fit([[1e30], [0]])
