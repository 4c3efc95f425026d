"""Optical flow of frames warped by known fields, beside OpenCV's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from scipy import ndimage

import harkit
from harkit import stip

SHAPE = (72, 96)
Y, X = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float64)
BUMP = np.exp(-((X - 48) ** 2 + (Y - 36) ** 2) / (2 * 12**2))
FIELDS = {
    "less than a pixel": (np.full(SHAPE, 0.4), np.full(SHAPE, -0.3)),
    "some pixels": (np.full(SHAPE, 5.2), np.full(SHAPE, -3.4)),
    "rotation": (-(Y - 36) * 0.03, (X - 48) * 0.03),
    "zoom": ((X - 48) * 0.04, (Y - 36) * 0.04),
    "waves": (2 * np.sin(Y / 15) * np.cos(X / 20), 1.5 * np.cos(X / 18)),
    "a bump": (3 * BUMP, -2 * BUMP),
}
EDGE = 8


def texture(seed: int, size: float, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), size, mode="wrap")
    return 128 + 40 * noise / noise.std()


def warped(image: np.ndarray, u: np.ndarray, v: np.ndarray, pad: int = 0) -> np.ndarray:
    """Two frames, the first of which goes to the second, `image`, by (u, v); noise of one grey value."""
    first = ndimage.map_coordinates(image, [Y + v + pad, X + u + pad], order=3, mode="nearest")
    second = image[pad : pad + SHAPE[0], pad : pad + SHAPE[1]]
    frames = np.stack([first, second]) + np.random.default_rng(9).standard_normal((2, *SHAPE))
    return np.clip(np.rint(frames), 0, 255).astype(np.uint8)


def error(flow: np.ndarray, u: np.ndarray, v: np.ndarray, where: np.ndarray | None = None) -> float:
    """Mean distance to the truth, of pixels that stay in the frame, its rim left out."""
    inside = (X + u >= 0) & (X + u <= SHAPE[1] - 1) & (Y + v >= 0) & (Y + v <= SHAPE[0] - 1)
    rim = np.zeros(SHAPE, bool)
    rim[EDGE:-EDGE, EDGE:-EDGE] = True
    inside &= rim if where is None else rim & where
    return float(np.hypot(flow[..., 0] - u, flow[..., 1] - v)[inside].mean())


def farneback(frames: np.ndarray) -> np.ndarray:
    flow: Any = cv2.calcOpticalFlowFarneback(frames[0], frames[1], None, 0.5, 3, 15, 3, 5, 1.2, 0)  # type: ignore[call-overload]
    return np.asarray(flow)


@pytest.mark.parametrize("name", FIELDS)
def test_textures_go_where_they_were_sent(name: str) -> None:
    u, v = FIELDS[name]
    ours, theirs = [], []
    for seed, size in enumerate((1.2, 2.5)):
        frames = warped(texture(seed, size, (SHAPE[0] + 40, SHAPE[1] + 40)), u, v, pad=20)
        ours.append(error(stip.optical_flow(frames)[0], u, v))
        theirs.append(error(farneback(frames), u, v))
    # The window blurs a field that bends within it.
    assert np.mean(ours) < (0.12 if name in ("waves", "a bump") else 0.07)
    if np.ptp(u) > 0:
        assert np.mean(ours) <= np.mean(theirs)


def test_frames_of_kth_go_where_they_were_sent(data: Path) -> None:
    image = harkit.read_clip(data / "kth/person15_running_d1_uncomp.avi", gray=True)[60]
    image = image[:72, 32:128].astype(np.float64)
    slope = np.hypot(*np.gradient(ndimage.gaussian_filter(image, 1)))
    structured = ndimage.gaussian_filter(slope, 3) > 2
    ours, theirs = [], []
    for u, v in FIELDS.values():
        frames = warped(image, u, v)
        ours.append(error(stip.optical_flow(frames)[0], u, v, structured))
        theirs.append(error(farneback(frames), u, v, structured))
    assert np.mean(ours) <= np.mean(theirs)


def test_what_rests_has_no_flow_and_what_is_flat_keeps_none() -> None:
    still = np.repeat(texture(0, 2)[None].astype(np.uint8), 3, 0)
    assert (stip.optical_flow(still) == 0).all()
    flat = np.stack([np.full(SHAPE, 0.2, np.float32), np.full(SHAPE, 0.4, np.float32)])
    assert (stip.optical_flow(flat) == 0).all()


def test_axes_and_signs() -> None:
    image = texture(3, 2)
    right_and_down = np.stack([image, np.roll(image, (1, 2), (0, 1))]).astype(np.uint8)
    flow = stip.optical_flow(right_and_down)[0, 16:-16, 16:-16]
    np.testing.assert_allclose(flow.mean((0, 1)), [2, 1], atol=0.03)


def test_turned_frames_give_turned_flow() -> None:
    u, v = FIELDS["waves"]
    frames = warped(texture(4, 2, (SHAPE[0] + 40, SHAPE[1] + 40)), u, v, pad=20)
    flow = stip.optical_flow(frames)
    turned = stip.optical_flow(np.ascontiguousarray(frames.transpose(0, 2, 1)))
    # The same sums in another order; float32, amplified where there is little structure.
    np.testing.assert_allclose(turned.transpose(0, 2, 1, 3)[..., ::-1], flow, atol=1e-3)


def test_bytes_and_floats_threads_and_cuts_do_not_matter() -> None:
    image = texture(5, 2)
    clip = np.stack([np.roll(image, t, 1) for t in range(7)]).astype(np.uint8)
    flow = stip.optical_flow(clip)
    assert flow.shape == (6, *SHAPE, 2) and flow.dtype == np.float32
    np.testing.assert_array_equal(stip.optical_flow(clip.astype(np.float32) / np.float32(255)), flow)
    np.testing.assert_array_equal(stip.optical_flow(clip[2:4])[0], flow[2])
    np.testing.assert_array_equal(stip.optical_flow(clip[:, ::-1][:, ::-1]), flow)
    threads = harkit.num_threads()
    try:
        for count in (1, 3):
            harkit.set_num_threads(count)
            np.testing.assert_array_equal(stip.optical_flow(clip), flow)
    finally:
        harkit.set_num_threads(threads)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2), (3, 4), (17, 33), (33, 16)])
def test_any_size(shape: tuple[int, int]) -> None:
    clip = np.random.default_rng(0).integers(0, 256, (3, *shape), dtype=np.uint8)
    flow = stip.optical_flow(clip)
    assert flow.shape == (2, *shape, 2) and np.isfinite(flow).all()


def test_smoother_with_a_larger_window() -> None:
    u, v = FIELDS["a bump"]
    frames = warped(texture(6, 1.2, (SHAPE[0] + 40, SHAPE[1] + 40)), u, v, pad=20)
    roughness = [
        np.abs(np.diff(stip.optical_flow(frames, window=window), axis=2)).mean() for window in (1, 3, 6)
    ]
    assert roughness[0] > roughness[1] > roughness[2]
    coarse = error(
        stip.optical_flow(warped(texture(6, 2), *FIELDS["some pixels"]), levels=1)[0], *FIELDS["some pixels"]
    )
    assert coarse > 0.5  # too far for one level
    once = stip.optical_flow(frames, iterations=1, levels=1)[0]
    assert error(once, u, v) > error(stip.optical_flow(frames)[0], u, v)
    damped = stip.optical_flow(frames, regularization=1)
    assert np.abs(damped).max() < 0.1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"levels": 0}, "`levels` must be 1 to 16, got 0"),
        ({"levels": -1}, "`levels` must not be negative"),
        ({"iterations": 101}, "`iterations` must be 1 to 100, got 101"),
        ({"window": 0.1}, "`window` must be 0.5 to 50 pixels"),
        ({"window": float("nan")}, "`window` must be 0.5 to 50 pixels"),
        ({"regularization": 0}, "`regularization` must be 1e-9 to 1"),
    ],
)
def test_refuses_numbers_outside_the_method(change: dict[str, Any], words: str) -> None:
    with pytest.raises(harkit.errors.ArgumentError, match=words):
        stip.optical_flow(np.zeros((2, 8, 8), np.uint8), **change)


def test_refuses_what_is_no_clip() -> None:
    with pytest.raises(harkit.errors.ArgumentError, match="2 frames at least, got 1"):
        stip.optical_flow(np.zeros((1, 8, 8), np.uint8))
    with pytest.raises(harkit.errors.ArgumentError, match="frames without pixels"):
        stip.optical_flow(np.zeros((2, 0, 8), np.uint8))
    with pytest.raises(harkit.errors.ArgumentError, match="got NaN"):
        stip.optical_flow(np.full((2, 8, 8), np.nan, np.float32))
    with pytest.raises(harkit.errors.ArgumentTypeError, match="`window` must be a number"):
        stip.optical_flow(np.zeros((2, 8, 8), np.uint8), window="large")  # type: ignore[arg-type]
    with pytest.raises(harkit.errors.ArgumentTypeError, match="uint8"):
        stip.optical_flow(np.zeros((2, 8, 8)))  # type: ignore[arg-type]
