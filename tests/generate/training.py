"""Make tests/golden/training/steps.npz: losses and optimisers, step by step, in PyTorch.

Run where there is torch (it is no dependency of the tests):

    python tests/generate/training.py

Losses and their gradients are PyTorch's in float64. An optimiser takes ten steps of given gradients at given
learning rates; what is stored are the parameters after each, in float32, as they are trained.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

OUT = Path(__file__).parents[1] / "golden" / "training" / "steps.npz"
N_STEPS = 10
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


if __name__ == "__main__":
    made = (
        losses(np.random.default_rng(0)) | steps(np.random.default_rng(1)) | clipped(np.random.default_rng(2))
    )
    OUT.parent.mkdir(exist_ok=True)
    np.savez_compressed(OUT, torch=torch.__version__, **made)
