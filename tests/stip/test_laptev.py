"""The mode "laptev": the points that the STIP program printed, and its rules on drawn clips."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harkit import stip
from stip.stip_output import first_version, gray_of_stip, match, rows_of, second_version, table
from stip.volumes import moving, places, volume


def folder(data: Path) -> Path:
    path = data / "stip-reference"
    if not path.exists():
        pytest.skip("needs HARKIT_DATA/stip-reference")
    return path


@pytest.mark.parametrize(
    ("video", "n_points", "n_ours"), [("walk-simple", 239, 239), ("walk-complex", 924, 925)]
)
def test_all_points_of_stip_2_are_found_to_the_pixel(
    data: Path, video: str, n_points: int, n_ours: int
) -> None:
    path = folder(data) / "stip-2.0"
    reference = second_version(path / "walk-samples-stip.txt", video)
    points = stip.detect(gray_of_stip(path / f"{video}.avi"), mode="laptev")
    found = match(reference, rows_of(points))
    assert found[:2] == (n_points, n_ours)
    assert found.exact == found.recall == 1
    assert found.precision >= 0.998


@pytest.mark.parametrize(
    ("name", "video", "recall", "precision", "exact"),
    [
        ("walk-simple", "stip-reference/stip-2.0/walk-simple.avi", 0.99, 0.99, 0.88),
        ("boxing03", "kth/person01_boxing_d1_uncomp.avi", 0.999, 0.99, 0.95),
    ],
)
def test_stip_1_on_windows_gives_the_same_points_and_responses(
    data: Path, name: str, video: str, recall: float, precision: float, exact: float
) -> None:
    reference, responses = first_version(folder(data) / f"stip-1.0-rerun/{name}.txt")
    points = stip.detect(gray_of_stip(data / video), mode="laptev")
    found = match(reference, rows_of(points))
    assert found.recall >= recall
    assert found.precision >= precision
    assert found.exact >= exact
    # Its decoder's contrast is 1 % lower, which the response's sixth power shows.
    known = {tuple(row): response for row, response in zip(reference.tolist(), responses, strict=True)}
    ours = zip(map(tuple, rows_of(points).tolist()), points["response"], strict=True)
    ratios = [response / known[row] for row, response in ours if row in known]
    assert 1.0 < np.median(ratios) < 1.06
    assert np.subtract(*np.percentile(ratios, [75, 25])) < 0.05


def test_points_on_kth_with_a_higher_threshold(data: Path) -> None:
    name = "person04_running_d1_uncomp"
    reference = table(folder(data) / f"kth-positions/{name}.txt")
    points = stip.detect(gray_of_stip(data / f"kth/{name}.avi"), mode="laptev", threshold=1e-7)
    found = match(reference, rows_of(points))
    assert found[:4] == (192, 192, 1, 1)
    assert found.exact > 0.99


def test_a_stream_is_a_clip_that_comes_out_of_the_black() -> None:
    clip = moving((50, 40, 48))
    blackened = np.concatenate([np.zeros((40, 40, 48), np.uint8), clip])
    blackened[40] = 0
    for options, radii in [({}, (4, 6)), ({"tau2": 4.0}, (6, 8)), ({"radius": 3}, (3, 3))]:
        settings: dict[str, Any] = {"mode": "laptev", "sigma2": 4.0, "tau2": 2.0, "levels": 2, **options}
        points = stip.detect(clip, **settings)
        expected = stip.detect(blackened, **settings, online=False)
        expected["t"] -= 40
        inside = (expected["t"] >= radii[1] + 1) & (expected["t"] <= len(clip) - 1 - (sum(radii) + 2))
        assert 0 < inside.sum() < len(expected)
        np.testing.assert_array_equal(points, expected[inside])


def test_a_stream_without_room_for_its_windows_has_no_points() -> None:
    for n_frames in (3, 12, 19):
        assert len(stip.detect(volume("E")[:n_frames], mode="laptev", threshold=0)) == 0
    with pytest.raises(ValueError, match="at least 3 frames"):
        stip.detect(volume("E")[:2], mode="laptev")


@pytest.mark.parametrize("value", [0, 77, 255])
def test_a_constant_clip_has_no_point(value: int) -> None:
    assert len(stip.detect(np.full((30, 60, 50), value, np.uint8), mode="laptev", threshold=0)) == 0


def test_coordinates_are_those_of_even_pixels_of_odd_frames() -> None:
    blocks = np.random.default_rng(0).integers(0, 256, (8, 9, 10), np.uint8)
    clip = blocks.repeat(6, 0).repeat(12, 1).repeat(10, 2)[:, :101, :93]
    points = stip.detect(np.ascontiguousarray(clip), mode="laptev")
    assert set(points["sigma2"]) >= {4, 8, 16, 32, 64}
    for level, sigma2 in enumerate((4, 16, 64)):
        y, x = places(points[points["sigma2"] == sigma2])[:, 1:].T
        for place, length in ((y, 101), (x, 93)):
            assert (place % 2**level == 0).all()
            assert (place >> level >= 5).all()
            assert (place >> level < (length >> level) - 5).all()
