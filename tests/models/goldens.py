"""Reads what `tests/generate/models.py` wrote; its text says what the files hold and how a test judges."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from models.seeded import norm, projections, scales, seeded_input, seeded_weights

FOLDER = Path(__file__).parents[1] / "golden" / "models"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
SEED = 10

Mode = Literal["frozen", "train"]


@dataclass(frozen=True)
class Case:
    """One pass of one network: what went in, and what the reference made of it in float64."""

    network: str
    name: str
    mode: Mode
    input: NDArray[np.float32]
    cotangent: NDArray[np.float32]
    weights: dict[str, NDArray[np.float32]]
    logits: NDArray[np.float64]
    logits_error: float
    gradients: dict[str, NDArray[np.float64]]  # norm and eight projections
    gradient_errors: dict[str, float]  # of PyTorch's float32, the largest of four ways
    features: dict[str, NDArray[np.float64]]  # norm and eight projections

    @property
    def gradient_scales(self) -> dict[str, float]:
        """What the distance of each gradient is relative to."""
        norms = np.array([row[0] for row in self.gradients.values()])
        return dict(zip(self.gradients, scales(norms).tolist(), strict=True))


def header(network: str) -> dict[str, Any]:
    """The .json of a network."""
    parsed: dict[str, Any] = json.loads((FOLDER / f"{network}.json").read_text())
    return parsed


def modes(network: str) -> list[Mode]:
    """Both, or only `frozen` for a network without norms, which does the same in training."""
    known: tuple[Mode, ...] = ("frozen", "train")
    return [mode for mode in known if (FOLDER / f"{network}-{mode}.npz").is_file()]


def shapes(network: str) -> dict[str, tuple[int, ...]]:
    """All parameters, and the running statistics of the norms behind them."""
    found: dict[str, tuple[int, ...]] = {}
    for name, extents in header(network)["shapes"].items():
        found[name] = tuple(extents)
        if name.endswith(".weight") and len(extents) == 1:
            for statistic in ("running_mean", "running_var"):
                found[f"{name.removesuffix('weight')}{statistic}"] = tuple(extents)
    return found


@lru_cache(maxsize=1)
def seeded(network: str) -> dict[str, NDArray[np.float32]]:
    return seeded_weights(shapes(network), SEED)


def weights(network: str, moved: NDArray[np.float64]) -> dict[str, NDArray[np.float32]]:
    """The seeded ones, but for biases that are moved so that no ReLU is at its bend."""
    names = list(header(network)["shapes"])
    biases: dict[str, NDArray[np.float64]] = {}
    for index, channel, by in moved:
        name = names[int(index)]
        biases.setdefault(name, seeded(network)[name].astype(np.float64))[int(channel)] += by
    return seeded(network) | {name: values.astype(np.float32) for name, values in biases.items()}


def case(network: str, name: str, mode: Mode) -> Case:
    about = header(network)
    with np.load(FOLDER / f"{network}-{mode}.npz") as arrays:

        def get(key: str) -> NDArray[Any]:
            return np.asarray(arrays[f"{name}/{key}"])

        logits = get("logits")
        rows = [*about["shapes"], "input"] if f"{name}/gradients" in arrays else []
        stages = list(about["stages"]) if mode == "frozen" else []
        return Case(
            network=network,
            name=name,
            mode=mode,
            input=seeded_input(tuple(about["cases"][name]), SEED),
            cotangent=seeded_input(logits.shape, SEED, "cotangent"),
            weights=weights(network, get("moved")),
            logits=logits,
            logits_error=float(get("logits_error_any")),
            gradients=dict(zip(rows, get("gradients"), strict=True)) if rows else {},
            gradient_errors=dict(zip(rows, get("gradient_errors_any").tolist(), strict=True)) if rows else {},
            features=dict(zip(stages, get("features"), strict=True)) if stages else {},
        )


def passes(network: str) -> list[tuple[str, str, Mode]]:
    """Network, case and mode of every case that has gradients."""
    found = []
    for mode in modes(network):
        with np.load(FOLDER / f"{network}-{mode}.npz") as arrays:
            names = [key.partition("/")[0] for key in arrays if key.endswith("/gradients")]
            found += [(network, name, mode) for name in names]
    return found


def row(array: NDArray[Any], name: str) -> NDArray[np.float64]:
    """What a golden keeps of a tensor."""
    return np.array([norm(array), *projections(array, name)])
