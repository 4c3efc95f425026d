"""Log, automatic gamma, retinex, LIME, denoising: the equations they cite, within one grey level."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage, sparse
from scipy.sparse.linalg import spsolve

from harkit import enhancement as en


def scene(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    height, width = shape[:2]
    y, x = np.mgrid[:height, :width]
    base = 20 + 15 * np.sin(x / 5) + 12 * np.cos(y / 7) + 60 * (x > width // 2)
    base = base[..., None] * np.array([1.0, 0.8, 0.6])[: shape[2]] if len(shape) == 3 else base
    return np.clip(base + rng.normal(0, 3, shape), 1, 255).astype(np.uint8)


def assert_within_one_level(got: np.ndarray, expected: np.ndarray) -> None:
    assert got.shape == expected.shape
    assert np.abs(got.astype(float) - expected).max() <= 1.0


@pytest.mark.parametrize("shape", [(24, 31, 3), (17, 20)])
def test_log_is_gonzalez_and_woods(shape: tuple[int, ...]) -> None:
    frame = scene(shape)
    assert_within_one_level(en.log(frame), np.rint(255 * np.log1p(frame) / np.log1p(frame.max())))


@pytest.mark.parametrize("target", [0.5, 0.3])
def test_auto_gamma_sends_the_mean_to_the_target(target: float) -> None:
    frame = scene((24, 31, 3))
    mean = frame.mean() / 255
    expected = np.floor(255 * (frame / 255) ** (np.log(target) / np.log(mean)))
    assert_within_one_level(en.auto_gamma(frame, target=target), expected)


def surround(plane: np.ndarray, scale: float) -> np.ndarray:
    """Gaussian exp(-r^2 / c^2), normalised, mirrored: SciPy's with sigma = c / sqrt(2)."""
    return ndimage.gaussian_filter(plane, scale / np.sqrt(2), mode="reflect", truncate=8)


def retinex_of(plane: np.ndarray, scales: tuple[float, ...]) -> np.ndarray:
    plane = plane.astype(float)
    return np.mean([np.log1p(plane) - np.log1p(surround(plane, scale)) for scale in scales], axis=0)


@pytest.mark.parametrize("scales", [(2.0,), (3.0, 8.0, 20.0)])
def test_retinex_is_jobsons_with_the_balance_of_petro(scales: tuple[float, ...]) -> None:
    frame = scene((40, 50, 3))
    got = en.retinex(frame, scales=scales, saturated=0)
    for channel in range(3):
        value = retinex_of(frame[..., channel], scales)
        low, high = value.min(), value.max()
        assert_within_one_level(got[..., channel], np.rint(255 * (value - low) / (high - low)))


def test_retinex_of_intensity_keeps_colours() -> None:
    frame = scene((40, 50, 3))
    intensity = frame.astype(float).mean(axis=2)
    value = retinex_of(intensity, (3.0, 8.0))
    balanced = 255 * (value - value.min()) / (value.max() - value.min())
    gain = np.minimum(balanced / intensity, 255 / frame.max(axis=2))
    got = en.retinex(frame, scales=(3.0, 8.0), saturated=0, channels="intensity")
    assert_within_one_level(got, np.rint(frame * gain[..., None]))


def lime_reference(frame: np.ndarray, alpha: float, gamma: float) -> np.ndarray:
    """Guo, Li and Ling: equations 3, 17, 18 and 19 with a sparse direct solver."""
    light = frame.astype(float) / 255
    first = light.max(axis=2)
    height, width = first.shape
    n, eps = first.size, 1e-3
    offsets = np.arange(-2, 3)
    kernel = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * 2.0**2))
    index = np.arange(n).reshape(height, width)
    system = sparse.identity(n, format="csr")
    for axis in (0, 1):
        gradient = np.zeros_like(first)
        steps = np.diff(first, axis=axis)
        gradient[tuple(slice(0, s) for s in steps.shape)] = steps
        inside = ndimage.correlate(np.ones_like(first), kernel, mode="constant")
        smooth = ndimage.correlate(gradient, kernel, mode="constant") / inside
        weight = alpha / (np.abs(smooth) + eps) / (np.abs(gradient) + eps)
        here = np.take(index, range(first.shape[axis] - 1), axis=axis).ravel()
        there = np.take(index, range(1, first.shape[axis]), axis=axis).ravel()
        rows = np.arange(here.size)
        one = np.ones(here.size)
        difference = sparse.csr_matrix(
            (np.r_[-one, one], (np.r_[rows, rows], np.r_[here, there])), (here.size, n)
        )
        system = system + difference.T @ sparse.diags(weight.ravel()[here]) @ difference
    illumination = np.maximum(spsolve(system.tocsc(), first.ravel()).reshape(height, width), 1 / 255)
    return np.rint(255 * np.minimum(light / illumination[..., None] ** gamma, 1))


@pytest.mark.parametrize(("alpha", "gamma"), [(0.15, 0.8), (0.03, 0.6), (1.0, 1.0)])
def test_lime_is_guos_sped_up_solver(alpha: float, gamma: float) -> None:
    frame = scene((22, 30, 3))
    assert_within_one_level(en.lime(frame, alpha=alpha, gamma=gamma), lime_reference(frame, alpha, gamma))


@pytest.mark.parametrize("size", [(1, 9), (2, 9), (9, 1), (9, 2), (1, 1), (2, 2), (3, 3)])
def test_lime_solves_frames_a_pixel_or_two_wide(size: tuple[int, int]) -> None:
    frame = np.random.default_rng(sum(size)).integers(1, 90, (*size, 3), dtype=np.uint8)
    assert_within_one_level(en.lime(frame), lime_reference(frame, 0.15, 0.8))


def denoise_reference(
    clip: np.ndarray, sigma: float, strength: float, radius: int, frames: int, patch: int
) -> np.ndarray:
    """Non-local means over space and time, one pixel at a time."""
    values = clip.astype(float)
    t_end, height, width = values.shape[:3]
    reach = radius + patch
    padded = np.pad(values, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode="symmetric")
    out = np.empty_like(values)
    side = 2 * patch + 1

    def block(t: int, y: int, x: int) -> np.ndarray:
        top, left = y + radius, x + radius
        return padded[t, top : top + side, left : left + side]

    for t in range(t_end):
        for y in range(height):
            for x in range(width):
                own, total, weights = block(t, y, x), 0.0, 0.0
                for s in range(max(0, t - frames), min(t_end, t + frames + 1)):
                    for dy in range(-radius, radius + 1):
                        for dx in range(-radius, radius + 1):
                            d2 = ((block(s, y + dy, x + dx) - own) ** 2).mean()
                            w = np.exp(-max(d2 - 2 * sigma**2, 0) / (strength * sigma) ** 2)
                            total = total + w * padded[s, y + dy + reach, x + dx + reach]
                            weights += w
                out[t, y, x] = total / weights
    return np.rint(out)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("radius", "frames", "patch"), [(2, 1, 1), (1, 2, 0)])
def test_denoise_is_buades(channels: int, radius: int, frames: int, patch: int) -> None:
    rng = np.random.default_rng(4)
    clip = np.clip(60 + rng.normal(0, 10, (3, 7, 9, channels)), 0, 255).astype(np.uint8)
    clip[:, :, 5:] += 80
    expected = denoise_reference(clip, 10, 0.6, radius, frames, patch)
    got = en.denoise(clip, sigma=10, strength=0.6, radius=radius, frames=frames, patch=patch)
    assert_within_one_level(got, expected)


def moving(n_frames: int, step: int) -> np.ndarray:
    """A textured scene that shifts by `step` columns a frame; no noise."""
    y, x = np.mgrid[:64, :200]
    wide = 90 + 40 * np.sin(x / 6) * np.cos(y / 9) + 50 * (((x // 16) + (y // 16)) % 2)
    return np.stack([wide[:, i * step : i * step + 96] for i in range(n_frames)])


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2)))


@pytest.mark.parametrize("color", [False, True], ids=["grey", "colour"])
@pytest.mark.parametrize("step", [0, 2], ids=["static", "moving"])
@pytest.mark.parametrize("sigma", [10.0, 20.0])
@pytest.mark.parametrize("known", [True, False], ids=["sigma given", "sigma estimated"])
def test_denoise_gains_three_decibels(color: bool, step: int, sigma: float, known: bool) -> None:  # noqa: FBT001 (pytest's)
    clean = moving(6, step)
    clean = np.stack([clean, 0.8 * clean, 0.6 * clean], -1) if color else clean
    noisy = np.clip(clean + np.random.default_rng(2).normal(0, sigma, clean.shape), 0, 255).astype(np.uint8)
    denoised = en.denoise(noisy, sigma=sigma if known else None)
    gain = psnr(denoised, clean) - psnr(noisy, clean)
    assert gain >= 3.0, f"gains {gain:.1f} dB"
