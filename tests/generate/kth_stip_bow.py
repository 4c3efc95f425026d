"""Make tests/golden/stip/kth_clips.json: points and jets of KTH clips by the report's arithmetic, in PyTorch.

A restatement of the report kth-stip-bow, independent of harkit: float32, convolutions by PyTorch, the loop
over points replaced by a gather. Before it writes, it is held to the five golden volumes. Run where there are
torch, opencv-python-headless and scipy (torch is no dependency of the tests):

    python tests/generate/kth_stip_bow.py FOLDER      # the folder of KTH's *.avi files

Frames are OpenCV's: BGR to grey, uint8, resized to 160 x 120 where they differ. `benches/compare/stip.py`
times :func:`detect` and :func:`describe`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn.functional import conv2d

TESTS = Path(__file__).parents[1]
OUT = TESTS / "golden" / "stip" / "kth_clips.json"

RADIUS = 3
SIGMA, TAU = 1.5, 1.0
K = 0.005
SHARE = 0.01
MARGIN = 2
# The order of sums moves a response by up to 2e-5 of its value: on which side such voxels fall means little.
NEAR = 1e-3
EVERY = 1000


Blur = Callable[[torch.Tensor, float, float], torch.Tensor]


class Detected(NamedTuple):
    """What a clip gives; `kept` are rows t, y, x (int64), `response` has the cropped grid."""

    space: torch.Tensor
    response: torch.Tensor
    threshold: torch.Tensor
    points: torch.Tensor
    kept: torch.Tensor


def kernel(std: float) -> torch.Tensor:
    x = torch.arange(-RADIUS, RADIUS + 1, dtype=torch.float32)
    weights = torch.exp(-(x**2) / (2 * std**2))
    return weights / weights.sum()


def blur(volume: torch.Tensor, sigma: float, tau: float) -> torch.Tensor:
    """Seven taps a side, zeros outside: each frame by the outer product, then along time."""
    n_frames, height, width = volume.shape
    space, time = kernel(sigma), kernel(tau)
    plane = torch.outer(space, space)[None, None]
    smooth = conv2d(volume[:, None], plane, padding=RADIUS)
    along = smooth.reshape(1, 1, n_frames, height * width)
    return conv2d(along, time.reshape(1, 1, -1, 1), padding=(RADIUS, 0)).reshape(volume.shape)


def detect(gray: np.ndarray, blur: Blur = blur) -> Detected:
    """All responses above a hundredth of the largest, and those that the border rule leaves."""
    space = blur(torch.from_numpy(gray).float() / 255, SIGMA, TAU)
    crop = tuple(slice(0, length - 2) for length in gray.shape)
    dx = (space[:, :, 2:] - space[:, :, :-2])[crop]
    dy = (space[:, 2:] - space[:, :-2])[crop]
    dt = (space[2:] - space[:-2])[crop]
    pairs = ((dx, dx), (dx, dy), (dx, dt), (dy, dy), (dy, dt), (dt, dt))
    xx, xy, xt, yy, yt, tt = (blur(a * b, 2 * SIGMA, 2 * TAU) for a, b in pairs)
    det = xx * (yy * tt - yt * yt) - xy * (xy * tt - xt * yt) + xt * (xy * yt - xt * yy)
    response = det - K * (xx + yy + tt) ** 3
    threshold = SHARE * response.max()
    points = torch.nonzero(response > threshold)
    sizes = torch.tensor(gray.shape)
    inside = (points >= MARGIN) & (points < sizes - 2)
    return Detected(space, response, threshold, points, points[inside.all(1)])


def describe(space: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Six derivatives of `space` at rows t, y, x: first order not halved, then second; float32 (N, 6)."""
    t, y, x = places.T
    centre = space[t, y, x]
    ends = [
        (space[t, y, x + 1], space[t, y, x - 1], SIGMA),
        (space[t, y + 1, x], space[t, y - 1, x], SIGMA),
        (space[t + 1, y, x], space[t - 1, y, x], TAU),
    ]
    first = [scale * (plus - minus) for plus, minus, scale in ends]
    second = [scale**2 * ((plus - 2 * centre) + minus) for plus, minus, scale in ends]
    return torch.stack([*first, *second], dim=1)


def digest(places: torch.Tensor) -> str:
    """sha256 of rows t, y, x as little-endian int32."""
    return hashlib.sha256(places.numpy().astype("<i4").tobytes()).hexdigest()


def gray_frames(path: Path) -> np.ndarray:
    """Every frame up to the first that OpenCV fails to read, grey uint8 (T, 120, 160)."""
    import cv2

    capture, frames = cv2.VideoCapture(str(path)), []
    while True:
        is_read, frame = capture.read()
        if not is_read:
            return np.stack(frames)
        frames.append(cv2.resize(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), (160, 120)))


def golden_of(path: Path) -> dict[str, Any]:
    gray = gray_frames(path)
    found = detect(gray)
    # Points that are sure, and near voxels on either side of the threshold, both under the border rule.
    ratio = found.response.double() / found.threshold.double()
    near = torch.nonzero((ratio - 1).abs() <= NEAR)
    near = near[(near >= MARGIN).all(1)]
    sure = found.kept[ratio[tuple(found.kept.T)] > 1 + NEAR]
    jets = describe(found.space, sure).numpy()
    return {
        "n_frames": len(gray),
        "gray_sha256": hashlib.sha256(gray.tobytes()).hexdigest(),
        "first_frame_min_max": [int(gray[0].min()), int(gray[0].max())],
        "largest_response": float(found.response.max()),
        "n_points": len(found.points),
        "n_kept": len(found.kept),
        "n_sure": len(sure),
        "kept_sha256": digest(found.kept),
        "sure_sha256": digest(sure),
        "near": [[*place, bool(ratio[tuple(place)] > 1)] for place in near.tolist()],
        "jet_sums": jets.sum(0, dtype=np.float64).tolist(),
        "jet_abs_sums": np.abs(jets).sum(0, dtype=np.float64).tolist(),
        "some_jets": [[float(f"{value:.9g}") for value in jet] for jet in jets[::EVERY]],
    }


def hold_to_golden_volumes() -> None:
    """Stop unless points and jets of volumes A, B, C, Z and E are those of the report's own functions."""
    sys.path.insert(0, str(TESTS))
    from stip.volumes import GOLDEN, NAMES, volume

    for name in NAMES:
        expected, found = GOLDEN["volumes"][name]["f64"], detect(volume(name))
        assert digest(found.points) == expected["points_sha256"], name
        assert digest(found.kept) == expected["kept_sha256"], name
        jets = describe(found.space, found.kept).numpy()
        for known in expected.get("descriptors", []):
            error = np.abs(jets[known["kept_index"]] - known["jet"]).max()
            assert error <= 2e-6, (name, known, error)
        print(f"{name}: {len(found.kept)} points as in the golden file", flush=True)


def dumps(record: dict[str, Any]) -> str:
    """JSON, one line for each row of numbers."""
    marks: dict[str, str] = {}

    def mark(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: mark(inner) for key, inner in value.items()}
        if isinstance(value, list) and not (value and isinstance(value[0], list)):
            name = f"@{len(marks)}@"
            marks[f'"{name}"'] = json.dumps(value)
            return name
        return [mark(inner) for inner in value] if isinstance(value, list) else value

    text = json.dumps(mark(record), indent=1)
    for name, line in marks.items():
        text = text.replace(name, line, 1)
    return text + "\n"


def main(folder: Path) -> None:
    import cv2

    hold_to_golden_volumes()
    clips = {}
    for path in sorted(folder.glob("*.avi")):
        clips[path.name] = golden = golden_of(path)
        print(path.name, golden["n_frames"], golden["n_kept"], len(golden["near"]), flush=True)
    versions = {"torch": torch.__version__, "opencv": cv2.__version__, "numpy": np.__version__}
    made = {"made_by": "tests/generate/kth_stip_bow.py", "versions": versions, "near": NEAR, "every": EVERY}
    OUT.write_text(dumps({**made, "clips": clips}))


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    main(Path(sys.argv[1]))
