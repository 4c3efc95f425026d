"""The KTH report's arithmetic, against what its own functions gave on five volumes."""

from __future__ import annotations

import numpy as np
import pytest

from harkit import stip
from stip.volumes import GOLDEN, NAMES, digest, places, volume


def golden(name: str) -> dict:
    return GOLDEN["volumes"][name]["f64"]


@pytest.mark.parametrize("name", NAMES)
def test_the_points_are_the_reports(name: str) -> None:
    expected = golden(name)
    clip = volume(name)
    kept = stip.detect(clip, mode="faithful")
    assert (len(kept), digest(kept)) == (expected["n_kept"], expected["kept_sha256"])
    everywhere = stip.detect(clip, mode="faithful", margin=0)
    assert (len(everywhere), digest(everywhere)) == (expected["n_points"], expected["points_sha256"])
    assert set(kept["sigma2"]) <= {np.float32(2.25)}
    if len(everywhere):
        # det cancels: the order of a sum moves a response by up to 1.9e-5 of its value.
        assert everywhere["response"].max() == pytest.approx(expected["H_max"], rel=1e-4)
        peak = everywhere[everywhere["response"].argmax()]
        assert [peak["t"], peak["y"], peak["x"]] == expected["H_argmax"]


@pytest.mark.parametrize("name", ["A", "B", "C", "E"])
def test_the_jets_are_the_reports(name: str) -> None:
    expected = golden(name)
    clip = volume(name)
    points = stip.detect(clip, mode="faithful")
    jets = stip.describe(clip, points, descriptor="jet6", mode="faithful")
    assert jets.dtype == np.float32
    for known in expected["descriptors"]:
        assert places(points)[known["kept_index"]].tolist() == known["tyx"]
        # float32 against float64
        np.testing.assert_allclose(jets[known["kept_index"]], known["jet"], rtol=0, atol=2e-6)
    np.testing.assert_allclose(
        np.abs(jets, dtype=np.float64).sum(0), expected["desc_column_abs_sums"], rtol=2e-5
    )


@pytest.mark.parametrize("name", ["A", "B", "C"])
def test_the_steps_are_the_reports(name: str) -> None:
    expected = golden(name)
    space = stip.scale_space(volume(name), 1.5**2, 1.0, radius=3, border="zero")
    assert space.sum(dtype=np.float64) == pytest.approx(expected["L_sum"], rel=1e-6)
    fields = stip.gradients(space, derivatives="shifted")
    for field, axis in zip(fields, "xyt", strict=True):
        squares = np.square(field, dtype=np.float64).sum()
        assert squares == pytest.approx(expected[f"L{axis}_sqsum"], rel=1e-5)
    moments = stip.second_moments(fields, 3.0**2, 2.0**2, radius=3, border="zero")
    sums = moments.sum(axis=(1, 2, 3), dtype=np.float64)
    np.testing.assert_allclose(sums, expected["J_sums_xx_xy_xt_yy_yt_tt"], rtol=1e-4, atol=1e-5)
    response = stip.response(moments, k=0.005)
    assert list(response.shape) == expected["H_shape"]
    assert response.sum(dtype=np.float64) == pytest.approx(expected["H_sum"], rel=1e-4)
    assert response.min() == pytest.approx(expected["H_min"], rel=1e-4)
    for volume_of, probes in ((space, "L_probes"), (response, "H_probes")):
        for place, value in expected.get(probes, {}).items():
            assert volume_of[tuple(map(int, place.split(",")))] == pytest.approx(value, rel=1e-4)
    points = stip.select(response, threshold=0.01, selection="all", interior=0, sigma2=2.25, tau2=1.0)
    np.testing.assert_array_equal(points, stip.detect(volume(name), mode="faithful", margin=0))


@pytest.mark.parametrize(
    ("sigma2", "name"), [(2.25, "sigma_1.5"), (1, "tau_1.0"), (9, "sigma_3.0"), (4, "tau_2.0")]
)
def test_the_kernels_are_the_reports(sigma2: float, name: str) -> None:
    impulse = np.zeros((3, 3, 15), np.float32)
    impulse[1, 1, 7] = 1
    line = stip.scale_space(impulse, sigma2, 1e-4, radius=3, border="nearest")[1, 1]
    weights = np.array(GOLDEN["kernels"][name])
    # Over rows the impulse is weighed too, once at the centre.
    np.testing.assert_allclose(line[4:11], weights * weights[3], rtol=3e-7)
    assert line[:4].sum() == line[11:].sum() == 0


def test_a_floats_clip_gives_what_its_bytes_give() -> None:
    clip = volume("B")
    floats = (clip / np.float32(255)).astype(np.float32)
    np.testing.assert_array_equal(stip.detect(floats, mode="faithful"), stip.detect(clip, mode="faithful"))


@pytest.mark.parametrize("brightness", [51, 153, 255])
def test_a_bright_empty_clip_has_points_at_its_corners(brightness: int) -> None:
    clip = np.full((60, 120, 160), brightness, np.uint8)
    assert len(stip.detect(clip, mode="faithful")) == 364
    points = stip.detect(clip, mode="faithful", margin=0)
    assert len(points) == 730
    assert points["response"].max() == pytest.approx(1.578485541e-06 * (brightness / 255) ** 6, rel=1e-4)


@pytest.mark.parametrize(("n_frames", "found"), [(3, False), (4, False), (5, True)])
def test_the_shortest_clips(n_frames: int, found: bool) -> None:  # noqa: FBT001
    clip = volume("B")[:n_frames]
    assert len(stip.detect(clip, mode="faithful", margin=0)) > 0
    assert (len(stip.detect(clip, mode="faithful")) > 0) == found
