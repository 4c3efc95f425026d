"""From video files to one vector each: every second frame through EfficientNet-Lite0, then the mean.

The peers decode with OpenCV or PyAV, resize with OpenCV (the rule of harkit's own resize), and run PyTorch
eager on batches of eight frames, all on as many threads.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import material
import network_peers
import numpy as np
import timing
from numpy.typing import NDArray
from timing import Contestant

SIDE, BATCH = 224, 8
PARTS = 6  # of the clips: everyone takes turns on each
MEAN, SCALE = 127.0, 128.0


def measure(scratch: Path) -> dict[str, Any]:
    paths, what = material.all_dark_clips(scratch)
    paths = timing.some(paths)
    network_peers.set_threads(timing.cores())
    network = network_peers.reference("efficientnet_lite0")
    contestants = [_ours(network), *(_torch(network, *decoder) for decoder in _decoders())]
    for contestant in contestants:
        contestant.run(paths[:8])
    errors = dict.fromkeys((contestant.label for contestant in contestants), 0.0)
    parts = [paths[i::PARTS] for i in range(PARTS)]
    for turn, part in enumerate(parts):
        found = {}
        for place in range(len(contestants)):
            contestant = contestants[(turn + place) % len(contestants)]
            start = time.perf_counter()
            found[contestant.label] = contestant.run(part)
            contestant.seconds.append(time.perf_counter() - start)
        expected = found[contestants[0].label]
        for label, result in found.items():
            errors[label] = max(errors[label], np.abs(result - expected).max() / np.abs(expected).max())
    for contestant in contestants:
        contestant.note = f"differs from harkit's by {errors[contestant.label]:.1e} of the largest"
    table = timing.table(contestants, scale=1)
    return {
        "title": "Features of clips, from files to vectors",
        "material": f"{len(paths)} {what}; every second frame at {SIDE}x{SIDE}, EfficientNet-Lite0",
        "goal": 1.5,
        "parts": {"": {"unit": f"s for {len(parts[0])} clips", "notes": "result", **table}},
    }


def _ours(network: Any) -> Contestant:
    import harkit
    from harkit import sampling
    from harkit import transforms as tf
    from harkit.models import BackboneExtractor

    recipe = harkit.ClipRecipe(
        sampling=sampling.Interval(2),
        transforms=[tf.Resize((SIDE, SIDE)), tf.Normalize(mean=(MEAN,) * 3, std=(SCALE,) * 3, scale=1)],
        layout="TCHW",
        dtype="float32",
    )
    model = network_peers.ours("efficientnet_lite0", network)
    extractor = BackboneExtractor(model, recipe=recipe, stage="pooled")
    return Contestant("harkit", harkit.__version__, extractor.transform)


def _decoders() -> list[tuple[str, str, Callable[[str], Iterator[NDArray[np.uint8]]]]]:
    import av
    import cv2

    def with_opencv(path: str) -> Iterator[NDArray[np.uint8]]:
        capture = cv2.VideoCapture(path)
        index = 0
        while capture.grab():
            if index % 2 == 0:
                frame = capture.retrieve()[1]
                yield cv2.cvtColor(cv2.resize(frame, (SIDE, SIDE)), cv2.COLOR_BGR2RGB)
            index += 1

    def with_pyav(path: str) -> Iterator[NDArray[np.uint8]]:
        with av.open(path) as container:
            for index, frame in enumerate(container.decode(video=0)):
                if index % 2 == 0:
                    yield cv2.resize(frame.to_ndarray(format="rgb24"), (SIDE, SIDE))

    return [("opencv, torch", cv2.__version__, with_opencv), ("av, torch", av.__version__, with_pyav)]


def _torch(
    network: Any, label: str, version: str, frames: Callable[[str], Iterator[NDArray[np.uint8]]]
) -> Contestant:
    import torch

    def one(path: str) -> NDArray[np.float32]:
        clip = torch.from_numpy(np.stack(list(frames(path)))).permute(0, 3, 1, 2)
        pooled = []
        with torch.inference_mode():
            for start in range(0, len(clip), BATCH):
                x = (clip[start : start + BATCH].float() - MEAN) / SCALE
                pooled.append(network.extract_features(x).mean(dim=(2, 3)))
        return torch.cat(pooled).mean(dim=0).numpy()

    return Contestant(label, version, lambda paths: np.stack([one(path) for path in paths]))
