"""Gamma, equalisation and CLAHE: the bytes of the reports, KerasCV, Pillow and OpenCV."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from harkit import enhancement as en

REPORTS = json.loads((Path(__file__).parents[1] / "golden/enhancement/reports.json").read_text())
IMAGES = {
    "A_4x4_ramp: v=3*i": lambda i: 3 * i,
    "B_16x32_quad: v=((i*i) % 97)//2, i=0..511": lambda i: ((i * i) % 97) // 2,
    "C_32x32_dark: v=(i%7)*(i//256), i=0..1023": lambda i: (i % 7) * (i // 256),
    "D_16x16_const: v=9": lambda i: np.full_like(i, 9),
    "E_16x32_two: v=10 if i%4 else 200": lambda i: np.where(i % 4, 10, 200),
    "G_32x32_biglast: v=(i//2)%16 if i%2==0 else 250, i=0..1023": lambda i: np.where(
        i % 2, 250, (i // 2) % 16
    ),
    "F_32x32_bigmin: v=40*(i%3)+5": lambda i: 40 * (i % 3) + 5,
}
SIZES = [(240, 320), (37, 53), (64, 96), (1, 7), (9, 8), (120, 161)]


def dark(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Smooth, dark, noisy frames."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(3, 60, shape[-2] if len(shape) == 4 else shape[-1])
    base = ramp[:, None] if len(shape) == 4 else ramp
    return np.clip(base + rng.normal(0, 6, shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("gamma", "total"), [(1, 32640), (3, 48757), (5, 54161)])
def test_gamma_is_the_reports_table(gamma: int, total: int) -> None:
    values = np.arange(256, dtype=np.uint8)[None]
    table = en.gamma(values, gamma)[0]
    assert int(table.astype(int).sum()) == total
    assert table.tolist() == REPORTS["gamma_tables"][str(gamma)]
    clip = dark((3, 37, 53, 3))
    np.testing.assert_array_equal(
        en.gamma(clip, gamma), cv2.LUT(clip.reshape(-1, 3), table).reshape(clip.shape)
    )


def test_gamma_truncates_exactly_for_every_whole_gamma() -> None:
    for gamma in range(1, 12):
        # The greatest k with k ** gamma <= i * 255 ** (gamma - 1), in integers.
        expected = [max(k for k in range(256) if k**gamma <= i * 255 ** (gamma - 1)) for i in range(256)]
        assert en.gamma(np.arange(256, dtype=np.uint8)[None], gamma)[0].tolist() == expected


@pytest.mark.parametrize("name", REPORTS["equalize"])
def test_equalize_is_the_reports_golden_in_three_conventions(name: str) -> None:
    case = REPORTS["equalize"][name]
    height, width = map(int, name.split("_")[1].split("x"))
    image = IMAGES[name](np.arange(height * width)).astype(np.uint8).reshape(height, width)
    assert {str(value): int((image == value).sum()) for value in np.unique(image)} == case["counts"]
    for convention, golden in (("keras_cv", "kerascv"), ("pil", "pil_torchvision"), ("opencv", "opencv")):
        equal = en.equalize(image, convention=convention)
        assert {str(v): int(equal[image == v][0]) for v in np.unique(image)} == case[golden], convention


@pytest.mark.parametrize("size", SIZES)
def test_equalize_is_opencvs_and_pillows(size: tuple[int, int]) -> None:
    for seed in range(3):
        frame = dark((*size, 3), seed)
        each = np.stack([cv2.equalizeHist(np.ascontiguousarray(frame[..., c])) for c in range(3)], -1)
        np.testing.assert_array_equal(en.equalize(frame, convention="opencv"), each)
        np.testing.assert_array_equal(
            en.equalize(frame, convention="pil"), np.asarray(ImageOps.equalize(Image.fromarray(frame)))
        )
        ycrcb = cv2.cvtColor(frame, cv2.COLOR_RGB2YCrCb)
        ycrcb[..., 0] = cv2.equalizeHist(np.ascontiguousarray(ycrcb[..., 0]))
        luma = cv2.cvtColor(ycrcb, cv2.COLOR_YCrCb2RGB)
        np.testing.assert_array_equal(en.equalize(frame, convention="opencv", channels="luma"), luma)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("grid", [(8, 8), (1, 1), (3, 5), (16, 2)])
@pytest.mark.parametrize("clip_limit", [2.0, 0.0, 0.5, 40.0])
def test_clahe_is_opencvs(size: tuple[int, int], grid: tuple[int, int], clip_limit: float) -> None:
    rows, columns = grid
    opencv = cv2.createCLAHE(clip_limit, (columns, rows))
    gray = dark(size, 5)
    np.testing.assert_array_equal(en.clahe(gray, clip_limit=clip_limit, grid=grid), opencv.apply(gray))
    color = dark((*size, 3), 6)
    ycrcb = cv2.cvtColor(color, cv2.COLOR_RGB2YCrCb)
    ycrcb[..., 0] = opencv.apply(np.ascontiguousarray(ycrcb[..., 0]))
    expected = cv2.cvtColor(ycrcb, cv2.COLOR_YCrCb2RGB)
    np.testing.assert_array_equal(en.clahe(color, clip_limit=clip_limit, grid=grid), expected)


def test_colours_are_opencvs_for_every_luma_and_chroma() -> None:
    # Equalising the luma of a picture whose luma is uniform over 0..255 leaves it as it is.
    rng = np.random.default_rng(1)
    frame = rng.integers(0, 256, (256, 256, 3), dtype=np.uint8)
    ycrcb = cv2.cvtColor(frame, cv2.COLOR_RGB2YCrCb)
    ycrcb[..., 0] = cv2.equalizeHist(np.ascontiguousarray(ycrcb[..., 0]))
    np.testing.assert_array_equal(
        en.equalize(frame, convention="opencv", channels="luma"), cv2.cvtColor(ycrcb, cv2.COLOR_YCrCb2RGB)
    )
