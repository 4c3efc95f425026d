"""One training step (forward, cross-entropy, backward, SGD with momentum): harkit beside PyTorch eager."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import network_peers
import numpy as np
import timing
from timing import Contestant

CASES = (
    ("resnet18", (8, 3, 112, 112), 1.0),
    ("r3d_18", (4, 3, 8, 112, 112), 1.0),
    ("ircsn_50", (2, 3, 16, 56, 56), 1.0),
    ("lstm", (32, 32, 512), 1.0),
)
RATE, MOMENTUM = 1e-3, 0.9


def measure(scratch: Path) -> dict[str, Any]:
    parts = {}
    threads = timing.cores()
    network_peers.set_threads(threads)
    for name, shape, goal in CASES:
        contestants = steps(name, shape)
        network_peers.take_turns(contestants, network_peers.batch(shape), timing.rounds(9))
        sides = "x".join(map(str, shape))
        parts[f"{name}, {sides}"] = network_peers.part(contestants, goal)
    return {
        "title": "Training step",
        "material": f"normal values, float32, {threads} threads",
        "goal": None,
        "parts": parts,
    }


def steps(name: str, shape: tuple[int, ...]) -> list[Contestant]:
    import torch

    import harkit

    network = lstm() if name == "lstm" else network_peers.reference(name)
    options = {"inputs": 512, "units": 256, "n_classes": 51} if name == "lstm" else {}
    model = harkit.create_model(name, seed=0, **options)
    network_peers.take_values(model.network, network)
    labels = np.arange(shape[0]) % 51
    return [
        Contestant("harkit", harkit.__version__, our_step(model, labels)),
        Contestant("torch eager", torch.__version__, torch_step(network, labels)),
    ]


def our_step(model: Any, labels: Any) -> Any:
    from harkit import _core
    from harkit.training import SGD, CrossEntropy

    optimiser, criterion = _core.Optimiser(SGD(lr=RATE, momentum=MOMENTUM)), CrossEntropy()

    def run(x: Any) -> Any:
        loss, _ = optimiser.train_step(model.network, x, labels, criterion, lr=RATE, seed=0, step=0)
        return np.asarray(loss)[None]

    return run


def torch_step(network: Any, labels: Any) -> Any:
    import torch

    network.train()
    optimizer = torch.optim.SGD(network.parameters(), lr=RATE, momentum=MOMENTUM)
    targets = torch.from_numpy(labels)

    def run(values: Any) -> Any:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(torch.from_numpy(values)), targets)
        loss.backward()
        optimizer.step()
        return np.asarray(loss.item())[None]

    return run


def lstm() -> Any:
    """The LSTM head: the last state of one layer, then a linear layer."""
    import torch
    from torch import nn

    class Head(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(512, 256, batch_first=True)
            self.fc = nn.Linear(256, 51)

        def forward(self, x: Any) -> Any:
            return self.fc(self.lstm(x)[0][:, -1])

    torch.manual_seed(0)
    return Head()
