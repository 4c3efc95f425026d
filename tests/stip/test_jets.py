"""Jets against SciPy's correlations and against derivatives that are known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

import harkit
from harkit import stip
from stip.volumes import blur, moving

STENCILS = {0: [1], 1: [-0.5, 0, 0.5], 2: [1, -2, 1], 3: [-0.5, 1, 0, -1, 0.5], 4: [1, -4, 6, -4, 1]}
ORDERS = [
    (order - k - n, n, k) for order in range(1, 5) for k in range(order + 1) for n in range(order - k + 1)
]


def at(places: list[tuple[int, int, int]], sigma2: float = 4, tau2: float = 2) -> np.ndarray:
    return np.array([(*place, sigma2, tau2, 0) for place in places], stip.POINT_DTYPE)


def scipy_jet(clip: np.ndarray, sigma2: float, tau2: float) -> np.ndarray:
    """The 34 terms everywhere, in float64."""
    space = blur(clip / 255.0, sigma2, tau2, "reflect", None)
    terms = []
    for m, n, k in ORDERS:
        field = space
        for axis, order in ((2, m), (1, n), (0, k)):
            field = ndimage.correlate1d(field, STENCILS[order], axis=axis, mode="reflect")
        terms.append(math.sqrt(sigma2) ** (m + n) * math.sqrt(tau2) ** k * field)
    return np.stack(terms, -1)


def test_the_34_terms_are_scipys_everywhere_and_at_every_scale() -> None:
    clip = moving((14, 16, 18))
    places = list(np.ndindex(*clip.shape))
    points = np.concatenate([at(places), at(places, 8, 1)])
    order = np.random.default_rng(0).permutation(len(points))
    jets = stip.describe(clip, points[order], descriptor="jet34")
    expected = np.concatenate([scipy_jet(clip, *scale).reshape(-1, 34) for scale in ((4, 2), (8, 1))])
    # Fourth differences of float32 values near 1, times sigma^4: 16 * 64 * 1.2e-7.
    np.testing.assert_allclose(jets, expected[order], rtol=0, atol=1.3e-4)
    six = stip.describe(clip, points[order], descriptor="jet6")
    first_and_second = [
        ORDERS.index(term) for term in [(1, 0, 0), (0, 1, 0), (0, 0, 1), (2, 0, 0), (0, 2, 0), (0, 0, 2)]
    ]
    np.testing.assert_allclose(six, jets[:, first_and_second], rtol=0, atol=4e-6)


def test_the_order_of_the_terms() -> None:
    assert len(ORDERS) == 34
    names = ["x" * m + "y" * n + "t" * k for m, n, k in ORDERS]
    assert names[:9] == ["x", "y", "t", "xx", "xy", "yy", "xt", "yt", "tt"]
    assert names[9:13] == ["xxx", "xxy", "xyy", "yyy"]
    assert names[-1] == "tttt"


@pytest.mark.parametrize("term", ORDERS)
def test_a_monomial_has_its_own_derivative(term: tuple[int, int, int]) -> None:
    m, n, k = term
    t, y, x = (np.arange(-10, 11) / 20 for _ in range(3))
    volume = t[:, None, None] ** k * y[:, None] ** n * x**m
    low, span = volume.min(), volume.max() - volume.min()
    clip = ((volume - low) / span).astype(np.float32)
    # A narrow kernel: smoothing leaves the highest derivative of a monomial as it is.
    jet = stip.jets(clip, at([(10, 10, 10)], 0.01, 0.01), terms=34)[0]
    value = (
        math.factorial(m) * math.factorial(n) * math.factorial(k) / 20 ** sum(term) / span * 0.1 ** sum(term)
    )
    assert jet[ORDERS.index(term)] == pytest.approx(value, rel=1e-3, abs=1e-9)


@pytest.mark.parametrize("descriptor", ["jet6", "jet34"])
@pytest.mark.parametrize("mode", ["faithful", "corrected"])
@pytest.mark.parametrize("length", [1, 9, 100])
def test_pieces_give_the_jets_of_the_whole(descriptor: str, mode: Any, length: int) -> None:
    clip = moving((40, 30, 37))
    points = np.concatenate([at([(0, 0, 0), (39, 29, 36)]), stip.detect(clip, mode=mode)])
    whole = stip.describe(clip, points, descriptor=descriptor, mode=mode)
    pieces = (clip[i : i + length] for i in range(0, len(clip), length))
    np.testing.assert_array_equal(stip.describe(pieces, points, descriptor=descriptor, mode=mode), whole)


def test_no_points_have_no_jets() -> None:
    for clip in (moving(), iter([moving()])):
        assert stip.describe(clip, at([]), descriptor="jet6").shape == (0, 6)


@pytest.mark.parametrize("place", [(24, 0, 0), (0, 30, 0), (0, 0, 37), (-1, 0, 0), (0, -1, 0)])
def test_a_point_outside_the_clip_is_named(place: tuple[int, int, int]) -> None:
    points = at([(0, 0, 0), place])
    for clip in (moving((24, 30, 37)), iter([moving((24, 30, 37))])):
        with pytest.raises(harkit.errors.ArgumentError, match="`points` must lie in the clip, number 1"):
            stip.describe(clip, points)


def test_what_is_not_allowed_is_named() -> None:
    with pytest.raises(harkit.errors.ArgumentError, match="`descriptor` must be one of 'jet6', 'jet34'"):
        stip.describe(moving(), at([]), descriptor="sift")
    with pytest.raises(harkit.errors.ArgumentError, match="`terms` must be 6 or 34"):
        stip.jets(moving(), at([]), terms=10)
    with pytest.raises(harkit.errors.ArgumentError, match="`tau2` must be positive"):
        stip.describe(moving(), at([(1, 1, 1)], 4, 0))
    with pytest.raises(harkit.errors.ArgumentTypeError, match="`points`"):
        stip.describe(moving(), np.zeros((3, 3), np.int32))
