"""Opening a safetensors file of 60 MB: tensors are mapped, so nothing is read that is not looked at."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import network_peers
import numpy as np
import timing
from timing import Contestant


def measure(scratch: Path) -> dict[str, Any]:
    import safetensors

    import harkit

    path = str(scratch / "weights.safetensors")
    rng = np.random.default_rng(0)
    tensors = {f"layer{i}.weight": rng.standard_normal((512, 768), dtype=np.float32) for i in range(40)}
    harkit.weights.write(path, tensors)
    size = Path(path).stat().st_size / 1e6

    def ours(_: Any) -> Any:
        checkpoint = harkit.weights.read(path)
        return np.array([checkpoint[name].flat[0] for name in sorted(checkpoint)])

    def theirs(_: Any) -> Any:
        with safetensors.safe_open(path, framework="numpy") as file:
            return np.array([file.get_tensor(name).flat[0] for name in sorted(file.keys())])

    contestants = [
        Contestant("harkit", harkit.__version__, ours),
        Contestant("safetensors", version("safetensors"), theirs),
    ]
    network_peers.take_turns(contestants, None, timing.rounds(25))
    return {
        "title": "Opening a safetensors file and looking at one value of each tensor (goal: under 50 ms)",
        "material": f"{size:.0f} MB, {len(tensors)} float32 tensors, in the system's cache",
        "goal": None,
        "parts": {"": network_peers.part(contestants, None, peer="safetensors")},
    }
