"""Losses, optimisers over twenty steps, and a whole training, beside PyTorch and Keras.

`tests/generate/operators.py` and `tests/generate/dark_csn_frames.py` say what the goldens hold.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from harkit import _core
from harkit.training import SGD, Adam, AdamW, CrossEntropy, Ramp
from harkit.training._loop import Settings, train
from models.seeded import seeded_input, seeded_order, seeded_weights
from nn.graphs import chain, linear
from training.report_network import material

GOLDEN = Path(__file__).parents[1] / "golden"
SEED = 10
Case = dict[str, Any]


def cases(family: str) -> list[Case]:
    listed: list[Case] = json.loads((GOLDEN / "nn" / f"{family}.json").read_text())["cases"]
    return listed


def arrays(file: str, case: str) -> dict[str, NDArray[Any]]:
    with np.load(GOLDEN / file) as stored:
        prefix = f"{case}/"
        return {key.removeprefix(prefix): stored[key] for key in stored if key.startswith(prefix)}


@pytest.mark.parametrize("case", cases("loss"), ids=lambda case: case["name"])
def test_cross_entropy_and_its_gradient_are_pytorchs(case: Case) -> None:
    arguments, golden = case["arguments"], arrays("nn/loss.npz", case["name"])
    logits = (case.get("scale", 1.0) * seeded_input((6, 4), SEED, f"{case['name']}.logits")).astype(
        np.float32
    )
    weights = arguments["class_weights"]
    loss, gradient = CrossEntropy(arguments["label_smoothing"], weights)(logits, arguments["targets"])
    cotangent = float(seeded_input((), SEED, f"{case['name']}.cotangent.y"))
    if arguments["reduction"] == "sum":
        # The mean is the sum over the weights of the targets.
        total = np.sum(np.ones(6) if weights is None else np.take(weights, arguments["targets"]))
        loss, gradient = loss * total, gradient * total
    # The logits were rounded to float32 only here: an ulp of 600 is 6e-5.
    assert loss == pytest.approx(float(golden["y"]), rel=1e-6)
    wanted = golden["gradient.logits"]
    np.testing.assert_allclose(gradient * cotangent, wanted, rtol=0, atol=3e-7 * np.abs(wanted).max() + 1e-9)


def options_of(case: Case) -> Any:
    arguments = case["arguments"]
    kind = {"sgd": SGD, "adam": Adam, "adamw": AdamW}[case["operator"].partition("_")[0]]
    given = {
        key: arguments[key] for key in ("momentum", "nesterov", "weight_decay", "eps") if key in arguments
    }
    if "betas" in arguments:
        given |= {"betas": tuple(arguments["betas"])}
        given |= {"convention": "keras" if case["operator"].endswith("keras") else "pytorch"}
    return kind(arguments["lr"], **given)


@pytest.mark.parametrize("case", cases("optimiser"), ids=lambda case: case["name"])
def test_twenty_steps_are_those_of_the_library(case: Case) -> None:
    name, arguments, golden = case["name"], case["arguments"], arrays("nn/optimiser.npz", case["name"])
    shapes = {key: tuple(shape) for key, shape in case["weights"].items()}
    begin = seeded_weights({f"{name}.{key}": shape for key, shape in shapes.items()}, SEED)
    # Two layers that have a weight and a bias of these shapes; the other weight gets no gradient and stays.
    network = chain([4], linear(4, 3, bias=False), linear(3, 5))
    own = {"weight": "layer1.weight", "bias": "layer2.bias"}
    for key, value in own.items():
        network.set(value, begin[f"{name}.{key}"])
    optimiser = _core.Optimiser(options_of(case))
    scale = arguments.get("gradient_scale", 1.0)
    for step in range(case["steps"]):
        gradients = {
            own[key]: (scale * seeded_input(shape, SEED, f"{name}.gradient.{step}.{key}")).astype(np.float32)
            for key, shape in shapes.items()
        }
        rate = arguments["rates"][step] if "rates" in arguments else arguments["lr"]
        optimiser.step(network, gradients, lr=rate)
        if step + 1 in case["after_steps"]:
            row = case["after_steps"].index(step + 1)
            for key, value in own.items():
                # Each step rounds parameters of order 1 to float32 a few times.
                off = np.abs(network.get(value) - golden[key][row]).max()
                assert off <= 2e-7 * (step + 4), (key, step, off)


@pytest.mark.parametrize("lr_step", ["batch", "epoch"])
def test_the_whole_training_of_the_report_follows_pytorch(lr_step: Any) -> None:
    golden = arrays("experiments/dark_csn_frames.npz", lr_step)
    given = material()
    network = _core.Network.from_json(_core.build_architecture("mlp", {"dropout": 0.0}))
    shapes: dict[str, tuple[int, ...]] = {
        "fc1.weight": (500, 1000), "fc1.bias": (500,), "fc2.weight": (6, 500), "fc2.bias": (6,)
    }  # fmt: skip
    for name, value in seeded_weights(shapes, SEED).items():
        network.set(name, value)
    schedule = Ramp(30, 10, drops=[(30, 0.8), (40, 0.5)])
    settings = Settings(Adam(), CrossEntropy(), schedule, lr_step, 4)
    orders = [seeded_order(150, SEED, f"epoch.{epoch}").astype(np.int64) for epoch in range(20)]
    labels = given["labels"].astype(np.int64)
    losses, rates = train(network, given["X"], labels, settings, orders=orders, seed=0)
    np.testing.assert_allclose(rates, golden["rates"], rtol=1e-12)
    # PyTorch's float32 is off by this much; another order of sums may be off by a few times as much.
    assert np.abs(losses - golden["losses"]).max() <= 4 * golden["losses_error"]
    [logits] = network.forward(given["X"], executor="eager")
    assert np.abs(logits - golden["train"]).max() <= 4 * golden["train_error"]
    np.testing.assert_array_equal(logits.argmax(1), golden["train"].argmax(1))
    assert (logits.argmax(1) == labels).all()
