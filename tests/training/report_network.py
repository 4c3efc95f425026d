"""What the report's network is trained on in tests: drawn from NumPy's legacy stream, which is frozen."""

from __future__ import annotations

from typing import Any

import numpy as np


def material() -> dict[str, Any]:
    """Return items and labels, initial values, and the order of three epochs."""
    rng = np.random.RandomState(0)
    centres = rng.randn(6, 1000).astype(np.float32) * np.float32(0.15)
    labels = np.arange(150) % 6
    made = {"X": centres[labels] + rng.randn(150, 1000).astype(np.float32), "labels": labels}
    for name, shape in {
        "fc1.weight": (500, 1000),
        "fc1.bias": (500,),
        "fc2.weight": (6, 500),
        "fc2.bias": (6,),
    }.items():
        inputs = 1000 if name.startswith("fc1") else 500
        made[name] = (rng.uniform(-1, 1, shape) / np.sqrt(inputs)).astype(np.float32)
    made["orders"] = [rng.permutation(150) for _ in range(3)]
    return made
