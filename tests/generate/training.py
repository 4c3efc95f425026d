"""Make tests/golden/training: losses and optimisers, step by step, and the report's network, in PyTorch.

Run where there is torch (it is no dependency of the tests):

    python tests/generate/training.py

Losses and their gradients are PyTorch's in float64. An optimiser takes ten steps of given gradients at given
learning rates; what is stored are the parameters after each, in float32, as they are trained.

The network is that of the report dark-csn without dropout, which no two libraries draw alike: 1000 inputs,
500 hidden, 6 classes, Adam, batches of 4 of 150 items, and the report's schedule stepped after every batch,
as its code does, and after every epoch. Stored are the losses of 50 steps, in float32 and in float64.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS))
from training.report_network import material  # noqa: E402 (where tests lie is known only now)

OUT = TESTS / "golden" / "training"
N_STEPS = 10
N_LOSSES = 50
SHAPES = {"a.weight": (5, 7), "a.bias": (5,), "b.weight": (3, 5)}
RATES = [0.1, 0.1, 0.13, 0.05, 0.05, 0.01, 0.2, 0.001, 0.001, 0.1]
OPTIMISERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "sgd": (torch.optim.SGD, {}),
    "sgd_decay": (torch.optim.SGD, {"weight_decay": 0.03}),
    "sgd_momentum": (torch.optim.SGD, {"momentum": 0.9, "weight_decay": 1e-2}),
    "sgd_nesterov": (torch.optim.SGD, {"momentum": 0.8, "weight_decay": 1e-2, "nesterov": True}),
    "adam": (torch.optim.Adam, {}),
    "adam_decay": (torch.optim.Adam, {"betas": (0.8, 0.99), "eps": 1e-6, "weight_decay": 0.05}),
    "adamw": (torch.optim.AdamW, {"weight_decay": 0.05}),
}
SMOOTHINGS = (0.0, 0.1, 1.0)


def losses(rng: np.random.Generator) -> dict[str, Any]:
    logits = (4 * rng.standard_normal((9, 6))).astype(np.float32)
    # One class all but certain, and rows far from zero.
    logits[3, 2], logits[5] = 60, logits[5] + 1000
    labels = rng.integers(0, 6, 9)
    weights = np.array([1, 0.25, 3, 0, 2, 0.5])
    made: dict[str, Any] = {"logits": logits, "labels": labels, "weights": weights}
    for weighted in (False, True):
        for smoothing in SMOOTHINGS:
            x = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
            weight = torch.tensor(weights) if weighted else None
            loss = cross_entropy(x, torch.tensor(labels), weight, label_smoothing=smoothing)
            loss.backward()
            name = f"loss/{'weighted' if weighted else 'plain'}/{smoothing}"
            made |= {f"{name}/value": loss.item(), f"{name}/gradient": x.grad.numpy()}
    return made


def steps(rng: np.random.Generator) -> dict[str, Any]:
    begin = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in SHAPES.items()}
    given = {
        name: rng.standard_normal((N_STEPS, *shape)).astype(np.float32) for name, shape in SHAPES.items()
    }
    # Small, large and zero gradients.
    given["a.weight"][:, 0] *= 1e-5
    given["a.weight"][:, 1] *= 1e3
    given["a.weight"][:, 2] = 0
    made: dict[str, Any] = {"rates": np.array(RATES)}
    made |= {f"begin/{name}": value for name, value in begin.items()}
    made |= {f"given/{name}": value for name, value in given.items()}
    for key, (kind, options) in OPTIMISERS.items():
        parameters = {name: torch.tensor(value) for name, value in begin.items()}
        optimiser = kind(list(parameters.values()), lr=RATES[0], **options)
        kept: dict[str, list[Any]] = {name: [] for name in SHAPES}
        for step, rate in enumerate(RATES):
            optimiser.param_groups[0]["lr"] = rate
            for name, parameter in parameters.items():
                parameter.grad = torch.tensor(given[name][step])
            optimiser.step()
            for name, parameter in parameters.items():
                kept[name].append(parameter.numpy().copy())
        made |= {f"{key}/{name}": np.stack(values) for name, values in kept.items()}
    return made


def clipped(rng: np.random.Generator) -> dict[str, Any]:
    given = {name: torch.tensor(rng.standard_normal(shape)) for name, shape in SHAPES.items()}
    made: dict[str, Any] = {
        f"clip/given/{name}": value.numpy().astype(np.float32) for name, value in given.items()
    }
    for most in (0.5, 40.0):
        parameters = {name: torch.zeros(shape) for name, shape in SHAPES.items()}
        for name, parameter in parameters.items():
            parameter.grad = torch.tensor(made[f"clip/given/{name}"])
        norm = torch.nn.utils.clip_grad_norm_(parameters.values(), most)
        made[f"clip/{most}/norm"] = norm.item()
        made |= {f"clip/{most}/{name}": parameter.grad.numpy() for name, parameter in parameters.items()}
    return made


def factor(position: int) -> float:
    if position < 30:
        return 1 + 9 * position / 30
    return 0.8 if position < 40 else 0.5


def network_losses(lr_step: str, dtype: torch.dtype) -> list[float]:
    given = material()
    network = torch.nn.Sequential(torch.nn.Linear(1000, 500), torch.nn.ReLU(), torch.nn.Linear(500, 6))
    with torch.no_grad():
        for ours, theirs in {"fc1": network[0], "fc2": network[2]}.items():
            theirs.weight.copy_(torch.tensor(given[f"{ours}.weight"]))
            theirs.bias.copy_(torch.tensor(given[f"{ours}.bias"]))
    network = network.to(dtype)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.001)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, factor)
    losses: list[float] = []
    for order in given["orders"]:
        for begin in range(0, 150, 4):
            rows = order[begin : begin + 4]
            optimiser.zero_grad()
            loss = cross_entropy(
                network(torch.tensor(given["X"][rows]).to(dtype)), torch.tensor(given["labels"][rows])
            )
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
            if lr_step == "batch":
                schedule.step()
        if lr_step == "epoch":
            schedule.step()
    return losses[:N_LOSSES]


if __name__ == "__main__":
    made = (
        losses(np.random.default_rng(0)) | steps(np.random.default_rng(1)) | clipped(np.random.default_rng(2))
    )
    OUT.mkdir(exist_ok=True)
    np.savez_compressed(OUT / "steps.npz", torch=torch.__version__, **made)
    losses_of = {
        lr_step: {name: network_losses(lr_step, getattr(torch, name)) for name in ("float32", "float64")}
        for lr_step in ("batch", "epoch")
    }
    text = json.dumps({"torch": torch.__version__, "losses": losses_of}, indent=1)
    (OUT / "dark-csn.json").write_text(text + "\n", encoding="utf-8")
