"""Matrix products, as linear layers with a bias, beside PyTorch's (MKL)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fma_peak
import network_peers
import numpy as np
import timing
from timing import Contestant

# Rows, columns of the input, columns of the output.
CASES = ((1024, 1024, 1024), (2048, 2048, 2048), (788, 768, 3072))


def measure(scratch: Path) -> dict[str, Any]:
    parts = {}
    for threads in sorted({1, timing.cores()}):
        network_peers.set_threads(threads)
        peak = fma_peak.gflops(scratch, threads)
        for rows, inputs, outputs in CASES:
            contestants = products(inputs, outputs)
            x = network_peers.batch((rows, inputs))
            network_peers.take_turns(contestants, x, timing.rounds(15))
            suffix = f"{threads} thread{'s' if threads > 1 else ''}"
            part = network_peers.part(contestants, 1.0)
            parts[f"{rows}x{inputs}x{outputs}, {suffix}"] = part
            fma_peak.tell(part, rows * inputs * outputs, peak)
    return {"title": "Linear layer", "material": "normal values, float32", "goal": 1.0, "parts": parts}


def products(inputs: int, outputs: int) -> list[Contestant]:
    import torch

    import harkit

    rng = np.random.default_rng(1)
    weight = rng.standard_normal((outputs, inputs), dtype=np.float32)
    bias = rng.standard_normal(outputs, dtype=np.float32)
    model = harkit.create_model("linear", inputs=inputs, n_classes=outputs, seed=0)
    for (name, *_), value in zip(model.network.parameters(), (weight, bias), strict=True):
        model.network.set(name, value)
    tensors = torch.from_numpy(weight), torch.from_numpy(bias)

    def with_torch(x: Any) -> Any:
        with torch.inference_mode():
            return torch.nn.functional.linear(torch.from_numpy(x), *tensors).numpy()

    return [
        Contestant("harkit", harkit.__version__, model.forward),
        Contestant("torch eager", torch.__version__, with_torch),
    ]
