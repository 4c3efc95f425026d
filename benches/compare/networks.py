"""Logits of one batch: harkit beside PyTorch eager, the peer; torch.compile and onnxruntime are shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fma_peak
import network_peers
import timing

# Name, shape of the batch, goal.
CASES = (
    ("resnet50", (4, 3, 224, 224), 1.5),
    ("vgg16", (4, 3, 128, 128), 1.5),
    ("efficientnet_lite0", (8, 3, 224, 224), 1.5),
    ("r3d_18", (2, 3, 8, 112, 112), 1.3),
    ("r2plus1d_18", (2, 3, 8, 112, 112), 1.2),
    ("ircsn_50", (1, 3, 40, 56, 56), 2.5),
    ("ircsn_152", (1, 3, 40, 56, 56), 2.5),
)


def measure(scratch: Path) -> dict[str, Any]:
    parts = {}
    threads = timing.cores()
    network_peers.set_threads(threads)
    peak = fma_peak.gflops(scratch, threads)
    for name, shape, goal in CASES:
        contestants = network_peers.inference(name, shape, threads)
        network_peers.take_turns(contestants, network_peers.batch(shape), timing.rounds(11))
        sides = "x".join(map(str, shape))
        part = network_peers.part(contestants, goal)
        fma_peak.tell(part, shape[0] * multiply_adds(name, shape), peak)
        parts[f"{name}, {sides}"] = part
    return {
        "title": "Inference",
        "material": f"normal values, float32, {threads} threads, peak {peak:.0f} GFLOP/s",
        "goal": None,
        "parts": parts,
    }


def multiply_adds(name: str, shape: tuple[int, ...]) -> int:
    """Of one item."""
    import harkit

    return harkit.create_model(name, seed=0).summary(shape[1:]).multiply_adds
