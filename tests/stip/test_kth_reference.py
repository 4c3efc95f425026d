"""The faithful mode on KTH clips, against the report's arithmetic in PyTorch (generate/kth_stip_bow.py).

Both are float32; the order of their sums differs, which moves a response by up to 2e-5 of its value. So
voxels whose response is within 1e-3 of the threshold may fall on either side: they are counted and printed.
All others must be the same.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

import harkit
from harkit import stip
from stip.volumes import digest, places

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/stip/kth_clips.json").read_text())


def gray_frames(path: Path) -> np.ndarray:
    with harkit.VideoReader(path, gray=True) as video:
        return video[:]


@pytest.mark.parametrize("name", list(GOLDEN["clips"]))
def test_points_and_jets_are_the_references(name: str, data: Path) -> None:
    expected = GOLDEN["clips"][name]
    path = data / "kth" / name
    if not path.exists():
        pytest.skip(f"needs {name} in HARKIT_DATA/kth")
    gray = gray_frames(path)
    assert len(gray) == expected["n_frames"]
    assert hashlib.sha256(gray.tobytes()).hexdigest() == expected["gray_sha256"]

    points = stip.detect(gray, mode="faithful")
    assert points["response"].max() == pytest.approx(expected["largest_response"], rel=1e-4)
    near = {tuple(place): above for *place, above in expected["near"]}
    is_near = np.array([tuple(place) in near for place in places(points).tolist()], bool)
    found = set(map(tuple, places(points[is_near]).tolist()))
    fallen = [place for place, above in near.items() if (place in found) != above]
    print(f"{name}: {len(points)} points, {len(near)} near the threshold, {len(fallen)} on its other side")
    sure = points[~is_near]
    assert (len(sure), digest(sure)) == (expected["n_sure"], expected["sure_sha256"])
    if not fallen:
        assert (len(points), digest(points)) == (expected["n_kept"], expected["kept_sha256"])

    jets = stip.describe(gray, sure, descriptor="jet6", mode="faithful")
    np.testing.assert_allclose(jets[:: GOLDEN["every"]], expected["some_jets"], rtol=0, atol=1e-5)
    for given, known in ((jets, "jet_sums"), (np.abs(jets), "jet_abs_sums")):
        np.testing.assert_allclose(
            given.mean(0, np.float64), np.divide(expected[known], len(sure)), atol=1e-6
        )
