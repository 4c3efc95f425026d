"""Corrected detection against NumPy and SciPy, clips in pieces, threads, and every option."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest

import harkit
from harkit import stip
from stip.volumes import corrected_response, maxima, moving, places, volume

ONE = {"sigma2": 4.0, "tau2": 2.0}


@pytest.fixture
def threads() -> Iterator[Any]:
    yield harkit.set_num_threads
    harkit.set_num_threads(0)


@pytest.mark.parametrize("scale", [(4.0, 2.0), (8.0, 2.0), (2.0, 4.0)])
@pytest.mark.parametrize("integration", [2.0, 4.0])
def test_corrected_points_are_the_maxima_of_scipys_response(
    scale: tuple[float, float], integration: float
) -> None:
    clip = moving((40, 48, 60))
    sigma2, tau2 = scale
    response = corrected_response(clip, sigma2, tau2, integration=integration)
    near = [int(np.ceil(3 * np.sqrt(variance))) for variance in (tau2, sigma2, sigma2)]
    inner = response[tuple(slice(n, -n) for n in near)]
    expected = np.argwhere(maxima(response) & (response > 0.01 * inner.max()))
    points = stip.detect(clip, sigma2=sigma2, tau2=tau2, integration=integration)
    assert len(expected) > 5
    np.testing.assert_array_equal(places(points), expected)
    np.testing.assert_allclose(points["response"], response[tuple(expected.T)], rtol=1e-4)
    assert set(points["sigma2"]) == {np.float32(sigma2)}
    assert set(points["tau2"]) == {np.float32(tau2)}


def test_scales_are_detected_side_by_side_and_share_a_relative_threshold() -> None:
    clip = moving((40, 48, 60))
    points = stip.detect(clip, sigma2=(4, 8), tau2=(2, 4))
    grid = [(sigma2, tau2) for sigma2 in (4, 8) for tau2 in (2, 4)]
    top = 0.0
    for sigma2, tau2 in grid:
        near = [int(np.ceil(3 * np.sqrt(variance))) for variance in (tau2, sigma2, sigma2)]
        top = max(top, corrected_response(clip, sigma2, tau2)[tuple(slice(n, -n) for n in near)].max())
    for sigma2, tau2 in grid:
        response = corrected_response(clip, sigma2, tau2)
        here = points[(points["sigma2"] == sigma2) & (points["tau2"] == tau2)]
        np.testing.assert_array_equal(places(here), np.argwhere(maxima(response) & (response > 0.01 * top)))
    order = [
        (*place, *grid)
        for place, *grid in zip(places(points).tolist(), points["sigma2"], points["tau2"], strict=True)
    ]
    assert order == sorted(order)


@pytest.mark.parametrize("shape", [(40, 48, 60), (40, 47, 61)])
def test_a_level_of_the_pyramid_is_opencvs(shape: tuple[int, int, int]) -> None:
    clip = moving(shape)
    smaller = np.stack([cv2.pyrDown(frame) for frame in (clip / np.float32(255)).astype(np.float32)])
    settings: dict[str, Any] = {**ONE, "threshold": 1e-10, "threshold_type": "absolute", "margin": (2, 3)}
    expected = stip.detect(smaller, **settings)
    both = stip.detect(clip, **settings, levels=2)
    coarse = both[both["sigma2"] == 16]
    assert len(expected) == 6
    np.testing.assert_array_equal(places(coarse), places(expected) * (1, 2, 2))
    # Two orders of summation; det cancels.
    np.testing.assert_allclose(coarse["response"], expected["response"], rtol=1e-3)
    np.testing.assert_array_equal(both[both["sigma2"] == 4], stip.detect(clip, **settings))


@pytest.mark.parametrize("levels", [1, 2])
def test_of_points_at_neighbouring_scales_the_strongest_stays(levels: int) -> None:
    clip = moving((40, 48, 60))
    settings: dict[str, Any] = {"sigma2": (4, 8), "tau2": (1, 2, 4), "levels": levels, "threshold": 0}
    points = stip.detect(clip, **settings)
    values = points.tolist()
    beaten = []
    for t, y, x, sigma2, tau2, response in values:
        beaten.append(
            any(
                strength > response
                and (s, u) != (sigma2, tau2)
                and max(s / sigma2, sigma2 / s, u / tau2, tau2 / u) <= 2
                and abs(t - frame) <= max(tau2, u) ** 0.5
                and max(abs(y - row), abs(x - column)) <= max(sigma2, s) ** 0.5
                for frame, row, column, s, u, strength in values
            )
        )
    assert 0 < sum(beaten) < len(points)
    np.testing.assert_array_equal(
        stip.detect(clip, **settings, scale_selection=True), points[~np.array(beaten)]
    )


@pytest.mark.parametrize("value", [0, 77, 255])
def test_a_constant_clip_has_no_corrected_point(value: int) -> None:
    assert len(stip.detect(np.full((20, 30, 40), value, np.uint8))) == 0
    assert (
        len(stip.detect(np.full((20, 30, 40), value, np.uint8), threshold=0, threshold_type="absolute")) == 0
    )


def test_a_moving_edge_without_an_event_has_no_point() -> None:
    t, _, x = np.ogrid[:30, :40, :60]
    clip = np.where(x < 10 + t + 0 * np.arange(40)[None, :, None], 200, 50).astype(np.uint8)
    points = stip.detect(clip, **ONE, threshold=1e-7, threshold_type="absolute", margin=(8, 8))
    assert len(points) == 0


@pytest.mark.parametrize("mode", ["faithful", "corrected", "laptev"])
@pytest.mark.parametrize("length", [1, 7, 64, 400])
def test_pieces_give_the_points_of_the_whole(mode: Any, length: int) -> None:
    clip = volume("E")[:80]
    pieces = (clip[i : i + length] for i in range(0, len(clip), length))
    whole = stip.detect(clip, mode=mode)
    assert len(whole) > 0
    np.testing.assert_array_equal(stip.detect(pieces, mode=mode), whole)


@pytest.mark.parametrize("mode", ["faithful", "corrected", "laptev"])
def test_empty_pieces_do_not_matter(mode: Any) -> None:
    clip = volume("E")[:60]
    pieces = [clip[:0], clip[:0], clip[:1], clip[:0], clip[1:30], clip[30:], clip[:0]]
    whole = stip.detect(clip, mode=mode)
    np.testing.assert_array_equal(stip.detect(iter(pieces), mode=mode), whole)
    jets = stip.describe(iter(pieces), whole, descriptor="jet6", mode=mode)
    np.testing.assert_array_equal(jets, stip.describe(clip, whole, descriptor="jet6", mode=mode))


@pytest.mark.parametrize("mode", ["faithful", "corrected", "laptev"])
def test_the_number_of_threads_does_not_matter(mode: Any, threads: Any) -> None:
    clip = volume("E")
    found = []
    for count in (1, 2, 7):
        threads(count)
        points = stip.detect(clip, mode=mode, **({} if mode == "faithful" else ONE))
        found.append((points, stip.describe(clip, points, descriptor="jet6", mode=mode)))
    for points, jets in found[1:]:
        np.testing.assert_array_equal(points, found[0][0])
        np.testing.assert_array_equal(jets, found[0][1])


def test_thresholds_margins_and_counts() -> None:
    clip = moving((40, 48, 60))
    everything = stip.detect(clip, **ONE, threshold=0)
    weakest = float(np.sort(everything["response"])[len(everything) // 2])
    strong = stip.detect(clip, **ONE, threshold=weakest, threshold_type="absolute")
    np.testing.assert_array_equal(strong, everything[everything["response"] > np.float32(weakest)])
    t, y, x = places(everything).T
    inside = (t >= 9) & (t < 31) & (y >= 12) & (y < 36) & (x >= 12) & (x < 48)
    np.testing.assert_array_equal(stip.detect(clip, **ONE, threshold=0, margin=(9, 12)), everything[inside])
    few = stip.detect(clip, **ONE, threshold=0, max_points=5)
    strongest = np.sort(np.argsort(-everything["response"], kind="stable")[:5])
    np.testing.assert_array_equal(few, everything[strongest])
    assert len(stip.detect(clip, **ONE, max_points=0)) == 0


def test_a_short_clip_repeats_its_edges_over_time() -> None:
    clip = moving((4, 40, 50))
    response = corrected_response(clip, 4, 4)
    points = stip.detect(clip, sigma2=4, tau2=4, threshold=0)
    np.testing.assert_array_equal(places(points), np.argwhere(maxima(response) & (response > 0)))


def test_a_view_is_taken_as_its_copy() -> None:
    clip = moving((40, 48, 60))
    for view in (clip[::-1], clip[:, ::2], clip.transpose(0, 2, 1)):
        np.testing.assert_array_equal(stip.detect(view, **ONE), stip.detect(view.copy(), **ONE))


def test_a_detector_compares_prints_and_keeps_what_it_was_told() -> None:
    detector = stip.Detection.preset("faithful")
    assert detector == stip.Detection.preset("faithful", k=0.005)
    assert (detector.sigma2, detector.tau2, detector.margin) == ((2.25,), (1.0,), (2, 2))
    assert "border='zero'" in repr(detector)
    assert hash(detector) != hash(stip.Detection())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sigma2": 0.0}, "`sigma2` must be positive"),
        ({"tau2": -1.0}, "`tau2` must be positive"),
        ({"tau2": float("nan")}, "`tau2` must be positive"),
        ({"sigma2": ()}, "`sigma2` and `tau2` must hold one scale"),
        ({"sigma2": 1e9}, "`sigma2` must be positive and at most"),
        ({"sigma2": "wide"}, "`sigma2` must be a number or a sequence of numbers"),
        ({"levels": 0}, "`levels` must be 1 to 8, got 0"),
        ({"levels": 6}, "`levels` are too many for frames of 30 x 37: 6"),
        ({"k": -0.1}, "`k` must be at least 0"),
        ({"k": float("inf")}, "`k` must be at least 0"),
        ({"threshold": 1.0}, "`threshold` must be a share"),
        ({"threshold": -1.0, "threshold_type": "absolute"}, "`threshold` must be at least 0"),
        ({"threshold_type": "percent"}, '`threshold_type` must be one of "absolute", "relative"'),
        ({"integration": 0.0}, "`integration` must be more than 0"),
        ({"interior": -1.0}, "`interior` must be at least 0"),
        ({"radius": -1}, "`radius` must not be negative"),
        ({"radius": 5000}, "kernels of radius 5000"),
        ({"truncate": 0.0}, "`truncate` must be more than 0"),
        ({"truncate": (3.0, -1.0)}, "`truncate` must be more than 0"),
        ({"truncate": (3.0, 3.0, 3.0)}, "`truncate` must be a number, or two"),
        ({"border": "wrap"}, '`border` must be one of "zero", "reflect", "nearest"'),
        ({"derivatives": "prewitt"}, "`derivatives` must be one of"),
        ({"reduction": "half"}, '`reduction` must be one of "wide", "narrow"'),
        ({"online": "yes"}, "`online` must be True or False"),
        ({"selection": "some"}, "`selection` must be one of"),
        ({"margin": -1}, "`margin` must not be negative"),
        ({"margin": (1, 2, 3)}, "`margin` must be an integer, or two"),
        ({"max_points": -1}, "`max_points` must not be negative"),
        ({"mode": "original"}, "`mode` must be one of 'faithful', 'corrected', 'laptev'"),
    ],
)
def test_a_setting_that_is_not_allowed_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises((harkit.errors.ArgumentError, harkit.errors.ArgumentTypeError)) as caught:
        stip.detect(moving(), **options)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("clip", "message"),
    [
        (np.zeros((2, 20, 20), np.uint8), "at least 3 frames, got 2"),
        (np.zeros((0, 20, 20), np.uint8), "at least 3 frames, got 0"),
        (np.zeros((9, 2, 20), np.uint8), "at least 3 rows, got 2"),
        (np.zeros((9, 20, 1), np.uint8), "at least 3 columns, got 1"),
        (np.zeros((9, 0, 20), np.uint8), "without pixels"),
        (np.zeros((9, 20, 20, 3), np.uint8), "(T, H, W), grey"),
        (np.zeros((20, 20), np.uint8), "(T, H, W), grey"),
        (np.full((9, 20, 20), 200, np.float32), "from 0 (black) to 1 (white), got 200"),
        (np.full((9, 20, 20), -0.5, np.float32), "got -0.5"),
    ],
)
def test_a_clip_that_is_not_taken_is_explained(clip: np.ndarray, message: str) -> None:
    for given in (clip, iter([clip])):
        with pytest.raises(harkit.errors.ArgumentError) as caught:
            stip.detect(given)
        assert message in str(caught.value)


@pytest.mark.parametrize("clip", [np.zeros((9, 20, 20)), np.zeros((9, 20, 20), np.int32), 3, "walk.mp4"])
def test_a_clip_of_another_type_is_refused(clip: Any) -> None:
    with pytest.raises(harkit.errors.ArgumentTypeError, match="`clip` must be an array of uint8"):
        stip.detect(clip)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_is_found(value: float) -> None:
    clip = np.zeros((9, 20, 20), np.float32)
    clip[5, 3, 2] = value
    with pytest.raises(harkit.errors.ArgumentError) as caught:
        stip.detect(iter([clip[:4], clip[4:]]))
    assert caught.value.frame == 5
    with pytest.raises(harkit.errors.ArgumentError):
        stip.detect(clip, mode="faithful")


def test_pieces_must_agree_and_exist() -> None:
    frames = np.zeros((5, 20, 20), np.uint8)
    with pytest.raises(harkit.errors.ArgumentError, match="changes its frames' shape"):
        stip.detect(iter([frames, frames[:, :10]]))
    with pytest.raises(harkit.errors.ArgumentError, match="at least 3 frames, got 0"):
        stip.detect(iter([]))
    with pytest.raises(harkit.errors.ArgumentError, match="at least 3 frames, got 2"):
        stip.detect(iter([frames[:1], frames[:1]]))
