"""The volumes of the golden file, and a restatement of the detector in NumPy and SciPy."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/stip/kth-stip-bow.json").read_text())
NAMES = list(GOLDEN["volumes"])


def volume(name: str) -> np.ndarray:
    """A volume by the formula that the golden file states."""
    t, y, x = np.ogrid[tuple(map(slice, GOLDEN["volumes"][name]["shape_THW"]))]
    if name == "A":
        values = (3 * t * t + 2 * y * y + 5 * x + 7 * t * x + t * y * x) % 256
    elif name == "B":
        values = 40 + 3 * y + 2 * x + 120 * ((abs(y - (6 + t)) <= 3) & (abs(x - (4 + t)) <= 2))
    elif name == "E":
        cx, cy = 20 + (2 * t) % 120, 60 + (t * t) % 7
        body = (abs(x - cx) <= 6) & (abs(y - cy) <= 22)
        arm = (abs(x - cx - 8) <= 6) & (abs(y - (cy - 10 + t % 16)) <= 2)
        noise = (7 * x * x + 13 * y + 5 * t * t + 3 * x * y + 11 * t * y) % 7 - 3
        values = 150 + y // 4 + noise - 80 * (body | arm)
    else:
        values = {"C": 128, "Z": 0}[name] + 0 * (t + y + x)
    values = values.astype(np.uint8)
    assert hashlib.sha256(values.tobytes()).hexdigest() == GOLDEN["volumes"][name]["u8_sha256"]
    return values


def moving(shape: tuple[int, int, int] = (24, 30, 37), seed: int = 0) -> np.ndarray:
    """A square that turns back twice over a noisy ground."""
    rng = np.random.default_rng(seed)
    frames = rng.integers(90, 110, shape).astype(np.uint8)
    for t, frame in enumerate(frames):
        place = abs((2 * t) % 24 - 12) + 3
        frame[8:18, place : place + 9] = 220
    return frames


def blur(field: np.ndarray, sigma2: float, tau2: float, mode: str, radius: int | None) -> np.ndarray:
    """A Gaussian over space and time in float64."""
    for axis, variance in ((0, tau2), (1, sigma2), (2, sigma2)):
        reach = int(np.ceil(3 * np.sqrt(variance))) if radius is None else radius
        rule = "nearest" if mode == "reflect" and field.shape[axis] < reach else mode
        field = ndimage.gaussian_filter1d(field, np.sqrt(variance), axis=axis, mode=rule, radius=reach)
    return field


def gradients(field: np.ndarray, mode: str) -> list[np.ndarray]:
    """Centered derivatives along x, y, t."""
    return [ndimage.correlate1d(field, [-0.5, 0, 0.5], axis=axis, mode=mode) for axis in (2, 1, 0)]


def moments(fields: Any, sigma2: float, tau2: float, mode: str, radius: int | None) -> list[np.ndarray]:
    """xx xy xt yy yt tt, smoothed."""
    pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
    return [blur(fields[i] * fields[j], sigma2, tau2, mode, radius) for i, j in pairs]


def determinant_and_trace(fields: Any) -> tuple[np.ndarray, np.ndarray]:
    """Those of the matrix of each voxel, by NumPy's own determinant."""
    xx, xy, xt, yy, yt, tt = fields
    matrices = np.stack([xx, xy, xt, xy, yy, yt, xt, yt, tt], -1).reshape(*xx.shape, 3, 3)
    return np.linalg.det(matrices), np.trace(matrices, axis1=-2, axis2=-1)


def corrected_response(
    clip: np.ndarray, sigma2: float, tau2: float, *, integration: float = 2, k: float = 0.005
) -> np.ndarray:
    """The response of mode "corrected" in float64."""
    space = blur(clip / 255.0, sigma2, tau2, "reflect", None)
    units = np.sqrt([sigma2, sigma2, tau2])
    fields = [unit * field for unit, field in zip(units, gradients(space, "reflect"), strict=True)]
    det, trace = determinant_and_trace(
        moments(fields, integration * sigma2, integration * tau2, "reflect", None)
    )
    return det - k * trace**3


def maxima(response: np.ndarray) -> np.ndarray:
    """Where a value is larger than its 26 neighbours, all of which exist."""
    around = np.ones((3, 3, 3), bool)
    around[1, 1, 1] = False
    neighbours = ndimage.maximum_filter(response, footprint=around, mode="constant", cval=np.inf)
    return response > neighbours


def places(points: np.ndarray) -> np.ndarray:
    """(N, 3): t, y, x."""
    return np.stack([points["t"], points["y"], points["x"]], axis=1)


def digest(points: np.ndarray) -> str:
    """As the golden file has it."""
    return hashlib.sha256(places(points).astype("<i4").tobytes()).hexdigest()
