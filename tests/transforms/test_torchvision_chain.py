"""The pictures of the report dark-csn, part one: noise resized as torchvision does, byte by byte."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from harkit import transforms as tf
from models.seeded import norm, projections, seeded_input

# What the file holds: tests/generate/dark_csn_frames.py.
GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden" / "experiments" / "dark_csn_frames.json").read_text()
)
RESIZE = tf.ResizeShort(256, rule="torchvision", interpolation="pil_bilinear")
CROP = tf.CenterCrop(224, rule="torchvision")
NORMALIZE = tf.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), scale=255)


def picture(height: int, width: int) -> NDArray[np.uint8]:
    """The generator's noise."""
    values = seeded_input((height, width, 3), 10, f"picture.{height}.{width}").astype(np.float64)
    return np.clip(np.round(128.0 + 60.0 * values), 0, 255).astype(np.uint8)


def digest(pixels: NDArray[np.uint8]) -> str:
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()


@pytest.mark.parametrize("golden", GOLDEN["pictures"], ids=lambda golden: "x".join(map(str, golden["size"])))
def test_resize_crop_and_normalise_equal_torchvision(golden: dict[str, Any]) -> None:
    image = picture(*golden["size"])
    assert image.sum((0, 1)).tolist() == golden["sum"]
    resized = tf.apply(image, [RESIZE])
    assert list(resized.shape[:2]) == golden["resized"]
    assert digest(resized) == golden["resized_sha256"]
    cropped = tf.apply(image, [RESIZE, CROP])
    assert cropped[[0, 0, -1, -1], [0, -1, 0, -1]].tolist() == golden["cropped_corners"]
    assert cropped.sum((0, 1)).tolist() == golden["cropped_sum"]
    assert digest(cropped) == golden["cropped_sha256"]
    # torchvision divides by 255 first: an ulp of values up to 3.
    normal = tf.apply(image, [RESIZE, CROP, NORMALIZE]).transpose(2, 0, 1)
    np.testing.assert_allclose(normal[:, 0, 0], golden["normalized_first"], rtol=3e-7, atol=2e-7)
    assert norm(normal) == pytest.approx(golden["normalized_norm"], rel=1e-6)
    found = projections(normal, "normalized")
    np.testing.assert_allclose(
        found, golden["normalized_projections"], rtol=0, atol=1e-6 * golden["normalized_norm"]
    )
