"""Each step against NumPy and SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import correlate1d

import harkit
from harkit import stip
from stip import volumes
from stip.volumes import moving

MODES = {"zero": "constant", "reflect": "reflect", "nearest": "nearest"}


@pytest.mark.parametrize("border", MODES)
@pytest.mark.parametrize("radius", [None, 0, 3])
@pytest.mark.parametrize("shape", [(14, 20, 41), (3, 3, 3), (1, 70, 66), (9, 1, 130), (5, 31, 7)])
def test_the_scale_space_is_scipys(border: Any, radius: int | None, shape: tuple[int, int, int]) -> None:
    clip = np.random.default_rng(0).random(shape, np.float32)
    expected = volumes.blur(clip.astype(float), 5.0, 2.0, MODES[border], radius)
    space = stip.scale_space(clip, 5.0, 2.0, radius=radius, border=border)
    np.testing.assert_allclose(space, expected, rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize("border", MODES)
def test_centered_gradients_are_scipys(border: Any) -> None:
    volume = np.random.default_rng(1).random((7, 9, 11), np.float32)
    expected = volumes.gradients(volume.astype(float), MODES[border])
    np.testing.assert_allclose(stip.gradients(volume, border=border), expected, atol=1e-7)


@pytest.mark.parametrize("border", MODES)
@pytest.mark.parametrize("shape", [(7, 9, 11), (3, 3, 3), (4, 5, 140)])
def test_sobel_gradients_are_half_of_scipys_filter_over_space(
    border: Any, shape: tuple[int, int, int]
) -> None:
    volume = np.random.default_rng(1).random(shape, np.float32)
    lx, ly, lt = stip.gradients(volume, derivatives="sobel", border=border)
    for field, axis, across in ((lx, 2, 1), (ly, 1, 2)):
        smooth = correlate1d(volume.astype(float), [1, 2, 1], across, mode=MODES[border])
        expected = correlate1d(smooth, [-0.5, 0, 0.5], axis, mode=MODES[border])
        np.testing.assert_allclose(field, expected, atol=1e-6)
    np.testing.assert_array_equal(lt, stip.gradients(volume, border=border)[2])


def test_kernels_reach_as_far_as_each_axis_is_told() -> None:
    clip = np.zeros((41, 41, 41), np.float32)
    clip[20, 20, 20] = 1
    space = stip.scale_space(clip, 4.0, 2.0, truncate=(2.8, 4.0))
    reach = [int(np.abs(axis - 20).max()) for axis in np.nonzero(space)]
    assert reach == [4, 8, 8]


def test_gradients_of_a_product_are_exact() -> None:
    t, y, x = np.indices((6, 7, 8)).astype(np.float32)
    shifted = stip.gradients(t * y * x, derivatives="shifted")
    t0, y0, x0 = (axis[:-2, :-2, :-2] for axis in (t, y, x))
    np.testing.assert_array_equal(shifted, [2 * t0 * y0, 2 * t0 * x0, 2 * y0 * x0])
    centered = stip.gradients(t * y * x)[:, 1:-1, 1:-1, 1:-1]
    t1, y1, x1 = (axis[1:-1, 1:-1, 1:-1] for axis in (t, y, x))
    np.testing.assert_array_equal(centered, [t1 * y1, t1 * x1, y1 * x1])


@pytest.mark.parametrize("border", MODES)
def test_second_moments_and_response_are_numpys(border: Any) -> None:
    fields = np.random.default_rng(2).normal(size=(3, 9, 12, 70)).astype(np.float32)
    moments = stip.second_moments(fields, 3.0, 2.0, border=border)
    expected = volumes.moments(fields.astype(float), 3.0, 2.0, MODES[border], None)
    np.testing.assert_allclose(moments, expected, atol=2e-6)
    det, trace = volumes.determinant_and_trace(moments.astype(float))
    np.testing.assert_allclose(stip.response(moments, k=0.01), det - 0.01 * trace**3, atol=1e-5)


def test_equal_neighbours_are_no_maximum() -> None:
    response = np.zeros((5, 6, 7), np.float32)
    response[2, 3, 3] = response[2, 3, 4] = 1
    assert len(stip.select(response)) == 0
    response[2, 3, 4] = np.nextafter(np.float32(1), np.float32(0))
    assert volumes.places(stip.select(response)).tolist() == [[2, 3, 3]]


def test_a_random_response_has_scipys_maxima() -> None:
    response = np.random.default_rng(3).normal(size=(20, 21, 22)).astype(np.float32)
    points = stip.select(response, threshold=0.25, interior=0, sigma2=9, tau2=3)
    expected = volumes.maxima(response) & (response > 0.25 * response.max())
    np.testing.assert_array_equal(volumes.places(points), np.argwhere(expected))
    assert (points["sigma2"] == 9).all()
    assert (points["tau2"] == 3).all()
    np.testing.assert_array_equal(points["response"], response[expected])


def test_what_is_not_taken_is_named() -> None:
    volume = np.zeros((5, 5, 5), np.float32)
    bad = volume.copy()
    bad[0, 0, 0] = np.nan
    for call, message in [
        (lambda: stip.scale_space(volume, 0, 1), "`sigma2` must be positive"),
        (lambda: stip.scale_space(bad, 1, 1), "from 0 (black) to 1 (white)"),
        (lambda: stip.gradients(bad), "`volume` must hold finite numbers"),
        (lambda: stip.gradients(volume[:2]), "at least 3 values along each axis"),
        (lambda: stip.gradients(volume[0]), "`volume` must have shape (T, H, W)"),
        (lambda: stip.second_moments(volume, 1, 1), "`gradients` must have shape (3, T, H, W)"),
        (lambda: stip.second_moments(np.zeros((2, 5, 5, 5), np.float32), 1, 1), "(3, T, H, W)"),
        (lambda: stip.response(np.zeros((6, 0, 5, 5), np.float32)), "(6, T, H, W), none of them 0"),
        (lambda: stip.select(volume[:0]), "`response` must have shape (T, H, W), none of them 0"),
    ]:
        with pytest.raises(harkit.errors.ArgumentError) as caught:
            call()
        assert message in str(caught.value)
    with pytest.raises(harkit.errors.ArgumentTypeError, match="`volume` must be an array of float32"):
        stip.gradients(moving())
