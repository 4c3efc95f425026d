"""Peak memory of one training step of R3D-18 on 4x8x112x112, beyond what was held before the model was."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import stip_memory

import harkit

SHAPE = (4, 3, 8, 112, 112)
PREPARE = """import network_peers, training_steps, numpy as np
import torch, torchvision.models.video, harkit.models, harkit.training
network_peers.set_threads(timing.cores())
x, labels = network_peers.batch({shape}), np.arange({shape}[0])"""
OURS = "training_steps.our_step(harkit.create_model('r3d_18', seed=0), labels)(x)"
TORCH = "training_steps.torch_step(network_peers.reference('r3d_18'), labels)(x)"


def measure(scratch: Path) -> dict[str, Any]:
    prepare = PREPARE.format(shape=SHAPE)
    # Each imports both libraries, so that what is beyond the imports is the step's own.
    rows = [
        stip_memory.row("harkit", harkit.__version__, prepare, ["the step"], OURS),
        stip_memory.row("torch eager", version("torch"), prepare, ["the step"], TORCH),
    ]
    for entry in rows:
        entry["times_harkit"] = round(entry["median"] / rows[0]["median"], 2)
        entry["beyond_times_harkit"] = round(entry["beyond_imports"] / rows[0]["beyond_imports"], 2)
    return {
        "is_memory": True,
        "title": "Peak memory of a training step, R3D-18",
        "material": f"a batch of {'x'.join(map(str, SHAPE))}, one thread; both libraries imported",
        "goal": 1.0,
        "parts": {
            "": {
                "unit": "MiB",
                "rows": rows,
                "fastest_peer": "torch eager",
                "ratio": rows[1]["beyond_times_harkit"],
            }
        },
    }
