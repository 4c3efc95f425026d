"""Encodings against plain loops, and the report's golden histograms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from harkit import _core, stip
from harkit.encoders import BagOfWords, Vlad
from harkit.encoders._encoder import _sample
from stip.volumes import volume

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "encoders" / "kth-stip-bow.json").read_text())


def sets_of(*lengths: int, columns: int = 5) -> list[NDArray[np.float32]]:
    rng = np.random.default_rng(1)
    return [rng.random((n, columns), np.float32) for n in lengths]


def golden_descriptors(name: str) -> NDArray[np.float32]:
    clip = volume(name)
    return stip.describe(clip, stip.detect(clip, mode="faithful"), descriptor="jet6", mode="faithful")


def test_histograms_are_the_reports() -> None:
    words = np.ascontiguousarray(golden_descriptors("B")[::40][:16])
    bag = BagOfWords(16).fit([words])
    bag.vocabulary_ = words
    for name in ("A", "B", "C"):
        counts = np.array(GOLDEN["per_volume"][name]["counts"], np.float32)
        codes = bag.transform([golden_descriptors(name)])[0]
        np.testing.assert_array_equal(codes, counts / (counts.sum() + np.float32(1e-8)))


def test_plain_histograms_count_descriptors() -> None:
    sets = sets_of(200, 7)
    bag = BagOfWords(9, normalization=None).fit(sets)
    distances = np.square(sets[0][:, None] - bag.vocabulary_[None]).sum(axis=2)
    assert bag.transform(sets)[0].tolist() == np.bincount(distances.argmin(axis=1), minlength=9).tolist()
    assert bag.transform(sets).sum(axis=1).tolist() == [200, 7]


@pytest.mark.parametrize("n_nearest", [1, 3, 9, 50])
def test_soft_shares_are_those_of_the_formula(n_nearest: int) -> None:
    sets = sets_of(300)
    bag = BagOfWords(9, assignment="soft", n_nearest=n_nearest, sigma=0.2, normalization=None).fit(sets)
    squares = np.square(sets[0][:, None].astype(np.float64) - bag.vocabulary_[None]).sum(axis=2)
    shares = np.exp(-squares / (2 * 0.2**2))
    shares[squares.argsort(axis=1).argsort(axis=1) >= n_nearest] = 0
    shares /= shares.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(bag.transform(sets)[0], shares.sum(axis=0), rtol=1e-4)


def test_the_width_of_soft_assignment_comes_from_the_sample() -> None:
    bag = BagOfWords(9, assignment="soft").fit(sets_of(300))
    assert bag.sigma_ == pytest.approx(np.sqrt(bag.inertia_ / 300))
    # All descriptors are words: no width, and hard assignment is what remains.
    sets = [np.eye(4, dtype=np.float32)]
    assert BagOfWords(4, assignment="soft").fit_transform(sets).tolist() == [[0.25] * 4]


@pytest.mark.parametrize("intra", [False, True])
def test_vlad_sums_residuals(intra: bool) -> None:  # noqa: FBT001
    sets = sets_of(120, 1)
    encoder = Vlad(4, intra=intra, l2=intra).fit(sets)
    for rows, code in zip(sets, encoder.transform(sets), strict=True):
        expected = np.zeros((4, 5))
        for row in rows.astype(np.float64):
            nearest = np.square(row - encoder.centers_).sum(axis=1).argmin()
            expected[nearest] += row - encoder.centers_[nearest]
        if intra:
            lengths = np.linalg.norm(expected, axis=1, keepdims=True)
            expected = np.divide(expected, lengths, where=lengths > 0, out=np.zeros_like(expected))
            expected /= np.linalg.norm(expected)
        np.testing.assert_allclose(code, expected.ravel(), rtol=1e-4, atol=1e-5)


def test_a_sample_is_uniform_and_without_replacement() -> None:
    sets = [np.arange(first, last, dtype=np.float32)[:, None] for first, last in ((0, 3), (3, 3), (3, 20))]
    times = np.zeros(20)
    for seed in range(600):
        rows = _sample(sets, 1, 5, np.random.default_rng(seed))[:, 0].astype(int)
        assert len(set(rows)) == 5
        assert (np.diff(rows) > 0).all()
        times[rows] += 1
    # Binomial(600, 1/4): five standard deviations.
    assert (np.abs(times - 150) <= 5 * np.sqrt(600 * 3 / 16)).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_words": 0}, "`n_words` must be an integer"),
        ({"n_words": 301}, "`n_words` must be at most the 300 descriptors at hand, got 301"),
        ({"assignment": "fuzzy"}, "`assignment` must be one of 'hard', 'soft', got 'fuzzy'"),
        ({"normalization": "l2"}, "`normalization` must be one of 'l1', None"),
        ({"n_nearest": 0}, "`n_nearest` must be"),
        ({"sigma": 0}, "`sigma` must be greater than 0"),
        ({"algorithm": "elkan"}, "`algorithm` must be one of"),
    ],
)
def test_what_is_not_allowed_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BagOfWords(**{"n_words": 5, **options}).fit(sets_of(300))


def test_the_core_refuses_what_does_not_match() -> None:
    rows = np.zeros((3, 2), np.float32)
    with pytest.raises(ValueError, match="must have 3 columns"):
        _core.nearest_centers(rows, np.zeros((2, 3), np.float32))
    with pytest.raises(ValueError, match="one centre or more"):
        _core.bag_of_words(rows, np.zeros((0, 2), np.float32), None, 1)
    with pytest.raises(ValueError, match="`mixture` must have positive weights"):
        _core.fisher_vector(rows, np.zeros(1), np.zeros((1, 2)), np.zeros((1, 2)))
