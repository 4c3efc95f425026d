"""Dense optical flow of KTH clips against OpenCV's Farneback and DIS, one thread: time, and endpoint error.

Time is of all pairs of neighbouring frames of a clip; the endpoint error is the mean distance to the true
flow in frames warped by smooth random fields of up to 1, 2 and 4 pixels (bicubic; 8 pixels at the
border left out): the first frame is the second seen through the field, so the field is the true flow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import material
import numpy as np
import timing
from numpy.typing import NDArray
from peers import Harkit

import harkit
from harkit import stip
from stip import gray_frames

MARGIN = 8
LARGEST = (1.0, 2.0, 4.0)
FIELDS_A_CLIP = 3

Gray = NDArray[np.uint8]
Flow = NDArray[np.float32]
Pair = Callable[[Gray, Gray], Flow]


@dataclass
class FlowAgreement(timing.Agreement):
    """Endpoint errors stand in for the comparison: other methods give other flows."""

    endpoint_error: float = 0.0

    def look(self, result: Any, expected: Any) -> None:
        self.n += 1

    def record(self) -> dict[str, Any]:
        return {
            "endpoint_error": round(self.endpoint_error, 4),
            "same_frames": True,
            "says": f"endpoint error {self.endpoint_error:.3f} pixels",
        }


def measure(scratch: Path) -> dict[str, Any]:
    timing.pin_to_one_core()
    Harkit(threads=1).prepare()
    paths, what = material.kth_clips(scratch)
    clips = [gray_frames(path)[:100] for path in timing.some(paths, 0.5)]
    dis = {
        "opencv DIS medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
        "opencv DIS fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
        "opencv DIS ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
    }
    contestants = [
        contestant("harkit", harkit.__version__, stip.optical_flow),
        contestant("opencv Farneback", cv2.__version__, each_pair(farneback)),
        *(contestant(name, cv2.__version__, each_pair(by_dis(preset))) for name, preset in dis.items()),
    ]
    timing.take_turns(contestants, clips)
    warped = list(warped_pairs(clips))
    for each in contestants:
        if each.failure is None and isinstance(each.agreement, FlowAgreement):
            each.agreement.endpoint_error = float(
                np.mean([endpoint_error(each.run(pair)[0], truth) for pair, truth in warped])
            )
    n_pairs = sum(len(clip) - 1 for clip in clips) / len(clips)
    result = timing.table(contestants, per=n_pairs)
    row = next(row for row in result["rows"] if row["who"] == "opencv Farneback")
    result |= {"fastest_peer": row["who"], "ratio": row.get("times_harkit")}
    return {
        "title": "Dense optical flow, one thread",
        "material": f"{len(clips)} {what}, up to 100 frames each, and {len(warped)} warped frames of them",
        "goal": 1.0,
        "parts": {"against Farneback (levels 3, window 15)": {"unit": "ms a frame", **result}},
    }


def farneback(first: Gray, second: Gray) -> Flow:
    return cv2.calcOpticalFlowFarneback(first, second, None, 0.5, 3, 15, 3, 5, 1.2, 0)


def by_dis(preset: int) -> Pair:
    method = cv2.DISOpticalFlow_create(preset)
    return lambda first, second: method.calc(first, second, None)


def each_pair(method: Pair) -> Callable[[Gray], Flow]:
    return lambda clip: np.stack([method(a, b) for a, b in pairwise(clip)])


def warped_pairs(clips: list[Gray]) -> Any:
    """(2, H, W) frames and the flow from the first to the second, (H, W, 2)."""
    rng = np.random.default_rng(0)
    for clip in clips:
        for largest in LARGEST:
            for _ in range(FIELDS_A_CLIP):
                frame = clip[rng.integers(len(clip))]
                field = smooth_field(rng, frame.shape, largest)
                y, x = np.indices(frame.shape, np.float32)
                seen = cv2.remap(
                    frame,
                    x + field[..., 0],
                    y + field[..., 1],
                    cv2.INTER_CUBIC,
                    borderMode=cv2.BORDER_REFLECT,
                )
                yield np.stack([seen, frame]), field


def smooth_field(rng: np.random.Generator, shape: tuple[int, ...], largest: float) -> Flow:
    """A shift and a slow wave, its longest vector so many pixels."""
    coarse = rng.normal(size=(4, 5, 2)).astype(np.float32) + rng.normal(size=2).astype(np.float32)
    field = cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return field * (largest / np.linalg.norm(field, axis=2).max())


def endpoint_error(flow: Flow, truth: Flow) -> float:
    inner = slice(MARGIN, -MARGIN)
    return float(np.linalg.norm(flow - truth, axis=2)[inner, inner].mean())


def contestant(label: str, version: str, run: Callable[[Any], Any]) -> timing.Contestant:
    return timing.Contestant(label, version, run, agreement=FlowAgreement())
