"""Gamma, equalisation and CLAHE of a 32-frame 320x240 clip against OpenCV, one thread: same work, same bytes.

OpenCV does each in its quickest way: one table look-up for the whole clip; planes and colours converted frame
by frame in arrays that are kept from call to call. Both give a new clip.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import material
import numpy as np
import timing
from peers import Frames, Harkit

import harkit

N_FRAMES = 32


def measure(scratch: Path) -> dict[str, Any]:
    from harkit import enhancement as en

    timing.pin_to_one_core()
    Harkit(threads=1).prepare()
    paths, what = material.dark_clips(scratch)
    rgb = harkit.VideoReader(paths[0])[:N_FRAMES]
    gray = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in rgb])
    table = en.gamma(np.arange(256, dtype=np.uint8).reshape(1, 16, 16), 3).reshape(256)
    clahe = cv2.createCLAHE(2.0, (8, 8))
    works: dict[str, tuple[Frames, Callable[[Frames], Frames], Callable[[Frames], Frames]]] = {
        "gamma, RGB": (rgb, lambda clip: en.gamma(clip, 3), lambda clip: look_up(clip, table)),
        "equalise the luma, RGB": (
            rgb,
            lambda clip: en.equalize(clip, convention="opencv", channels="luma"),
            Luma(cv2.equalizeHist),
        ),
        "equalise, grey": (
            gray,
            lambda clip: en.equalize(clip, convention="opencv", channels="luma"),
            lambda clip: each(clip, cv2.equalizeHist),
        ),
        "CLAHE of the luma, RGB": (
            rgb,
            lambda clip: en.clahe(clip, clip_limit=2.0, grid=(8, 8)),
            Luma(clahe.apply),
        ),
        "CLAHE, grey": (
            gray,
            lambda clip: en.clahe(clip, clip_limit=2.0, grid=(8, 8)),
            lambda clip: each(clip, clahe.apply),
        ),
    }
    parts = {}
    for name, (clip, ours, theirs) in works.items():
        contestants = [
            timing.Contestant("harkit", harkit.__version__, ours),
            timing.Contestant("opencv", cv2.__version__, theirs),
        ]
        timing.take_turns(contestants, [clip] * timing.rounds(100, least=10))
        parts[name] = {"unit": "ms a clip", **timing.table(contestants)}
    return {
        "title": f"Enhancing a clip of {N_FRAMES} frames, 320x240, one thread",
        "material": f"the first frames of the first of the {what}",
        "goal": 1.0,
        "parts": parts,
    }


def look_up(clip: Frames, table: Frames) -> Frames:
    flat = clip.reshape(-1, clip.shape[2] * clip.shape[3])
    return cv2.LUT(flat, table).reshape(clip.shape)


def each(clip: Frames, work: Callable[..., Any]) -> Frames:
    out = np.empty_like(clip)
    for frame, target in zip(clip, out, strict=True):
        work(frame, target)
    return out


class Luma:
    """Work on the luma of OpenCV's YCrCb."""

    def __init__(self, work: Callable[..., Any]) -> None:
        self.work = work
        self.ycrcb: Frames | None = None
        self.luma: Frames | None = None

    def __call__(self, clip: Frames) -> Frames:
        out = np.empty_like(clip)
        for frame, target in zip(clip, out, strict=True):
            self.ycrcb = cv2.cvtColor(frame, cv2.COLOR_RGB2YCrCb, self.ycrcb)
            self.luma = self.work(cv2.extractChannel(self.ycrcb, 0, self.luma), self.luma)
            cv2.insertChannel(self.luma, self.ycrcb, 0)
            cv2.cvtColor(self.ycrcb, cv2.COLOR_YCrCb2RGB, target)
        return out
