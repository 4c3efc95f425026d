"""Losses and optimisers: PyTorch's numbers step by step, Keras's convention, and what they refuse."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import harkit
from harkit import _core
from harkit.errors import ArgumentError, ArgumentTypeError
from harkit.training import SGD, Adam, AdamW, CrossEntropy, Ramp

STEPS = np.load(Path(__file__).parents[1] / "golden" / "training" / "steps.npz")
OPTIMISERS = {
    "sgd": SGD(0.1),
    "sgd_decay": SGD(0.1, weight_decay=0.03),
    "sgd_momentum": SGD(0.1, momentum=0.9, weight_decay=1e-2),
    "sgd_nesterov": SGD(0.1, momentum=0.8, weight_decay=1e-2, nesterov=True),
    "adam": Adam(),
    "adam_decay": Adam(betas=(0.8, 0.99), eps=1e-6, weight_decay=0.05),
    "adamw": AdamW(weight_decay=0.05),
}
# Of the generator's tensors, as two layers of a network.
NAMES = {"a.weight": "fc1.weight", "a.bias": "fc1.bias", "b.weight": "fc2.weight"}


def network(begin: dict[str, np.ndarray]) -> _core.Network:
    made = _core.Network.from_json(
        _core.build_architecture("mlp", {"inputs": 7, "hidden": 5, "n_classes": 3})
    )
    for name, value in begin.items():
        made.set(NAMES[name], value)
    return made


def stored(part: str) -> dict[str, np.ndarray]:
    return {name: STEPS[f"{part}/{name}"] for name in NAMES}


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_losses_and_their_gradients_are_pytorchs(*, smoothing: float, weighted: bool) -> None:
    weights = STEPS["weights"].tolist() if weighted else None
    criterion = CrossEntropy(label_smoothing=smoothing, class_weights=weights)
    loss, gradient = criterion(STEPS["logits"], STEPS["labels"])
    name = f"loss/{'weighted' if weighted else 'plain'}/{smoothing}"
    assert loss == pytest.approx(STEPS[f"{name}/value"], rel=1e-12)
    assert gradient.dtype == np.float32
    # Computed in float64 and rounded once.
    np.testing.assert_allclose(gradient, STEPS[f"{name}/gradient"], rtol=6e-8, atol=1e-10)


def test_a_gradient_is_what_finite_differences_say() -> None:
    rng = np.random.default_rng(0)
    logits, labels = rng.standard_normal((3, 4)), [2, 0, 3]
    criterion = CrossEntropy(0.2, (1.0, 2.0, 0.5, 0.0))
    _, gradient = criterion(logits, labels)
    for place in np.ndindex(logits.shape):
        moved = np.zeros_like(logits)
        moved[place] = 1e-2
        slope = (criterion(logits + moved, labels)[0] - criterion(logits - moved, labels)[0]) / 2e-2
        assert gradient[place] == pytest.approx(slope, abs=1e-4)  # second order in 1e-2


def test_the_loss_of_the_report_dark_convnext_lstm() -> None:
    logits = [[0.5, -1.0, 2.0, 0.0, 1.0, -0.5], [3.0, 0.0, -2.0, 1.0, 0.5, 0.25]]
    assert CrossEntropy()(logits, [2, 5])[0] == pytest.approx(1.830349326133728, rel=1e-7)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_ten_steps_are_pytorchs(name: str) -> None:
    trained, optimiser = network(stored("begin")), _core.Optimiser(OPTIMISERS[name])
    wanted = stored(name)
    largest = max(np.abs(values).max() for values in wanted.values())
    untouched = trained.get("fc2.bias")
    for step, rate in enumerate(STEPS["rates"]):
        given = {NAMES[key]: np.ascontiguousarray(value[step]) for key, value in stored("given").items()}
        assert optimiser.step(trained, given, lr=float(rate)) is None
        for key, values in wanted.items():
            # Both round every operation to float32, in slightly other orders.
            np.testing.assert_allclose(trained.get(NAMES[key]), values[step], rtol=1e-6, atol=1e-6 * largest)
    np.testing.assert_array_equal(trained.get("fc2.bias"), untouched)


# keras.optimizers.Adam (3.15) in float32 on L = scale / 2 (w - 3)^2 from w = 1; scale, rate, three steps.
KERAS = [
    (1.0, 0.001, [1.0010000467300415, 1.0019999742507935, 1.0029999017715454]),
    (1.0, 0.1, [1.099999189376831, 1.1998316049575806, 1.2993742227554321]),
    (1e-6, 0.001, [1.00038743019104, 1.0008594989776611, 1.0013821125030518]),
    (1e-6, 0.1, [1.0387423038482666, 1.0856815576553345, 1.1373399496078491]),
]


@pytest.mark.parametrize(("scale", "rate", "wanted"), KERAS)
def test_keras_adds_epsilon_before_the_bias_is_divided_out(
    scale: float, rate: float, wanted: list[float]
) -> None:
    assert Adam(convention="keras").eps == 1e-7
    found, pytorchs = (
        quadratic(Adam(rate, eps=1e-7, convention=convention), scale) for convention in ("keras", "pytorch")
    )
    # The tiny gradients' squares are near the smallest numbers of float32's precision.
    np.testing.assert_allclose(found, wanted, rtol=2e-6)
    if scale < 1:
        assert np.abs(np.subtract(pytorchs, wanted)).max() > 1e-4


def quadratic(options: Any, scale: float) -> list[float]:
    trained, optimiser = network({}), _core.Optimiser(options)
    trained.set("fc1.bias", np.ones(5, np.float32))
    values = []
    for _ in range(3):
        w = trained.get("fc1.bias")
        optimiser.step(trained, {"fc1.bias": np.float32(scale) * (w - 3)}, lr=options.lr)
        values.append(float(trained.get("fc1.bias")[0]))
    return values


def test_keras_takes_decay_off_the_parameter() -> None:
    assert quadratic(Adam(0.1, weight_decay=0.2, convention="keras"), 1.0) == quadratic(
        AdamW(0.1, weight_decay=0.2, convention="keras"), 1.0
    )


@pytest.mark.parametrize("most", [0.5, 40.0])
def test_gradients_are_clipped_as_pytorch_clips_them(most: float) -> None:
    trained, given = network({}), stored("clip/given")
    before = {name: trained.get(NAMES[name]) for name in NAMES}
    gradients = {NAMES[name]: value for name, value in given.items()}
    norm = _core.Optimiser(SGD(1.0)).step(trained, gradients, lr=1.0, max_norm=most)
    assert norm == pytest.approx(float(STEPS[f"clip/{most}/norm"]), rel=1e-6)
    for name, start in before.items():
        moved = start - trained.get(NAMES[name])
        np.testing.assert_allclose(moved, STEPS[f"clip/{most}/{name}"], rtol=1e-5, atol=1e-6)
    for name, value in given.items():
        np.testing.assert_array_equal(gradients[NAMES[name]], value)  # what was given stays


def test_a_step_does_not_depend_on_the_threads() -> None:
    rng = np.random.default_rng(0)
    found = []
    for threads in (1, 3):
        rng = np.random.default_rng(0)
        large = _core.Network.from_json(_core.build_architecture("mlp", {"inputs": 300, "hidden": 200}))
        optimiser = _core.Optimiser(Adam(weight_decay=0.1))
        harkit.set_num_threads(threads)
        try:
            for _ in range(3):
                given = {"fc1.weight": rng.standard_normal((200, 300)).astype(np.float32)}
                optimiser.step(large, given, lr=0.01, max_norm=1.0)
        finally:
            harkit.set_num_threads(0)
        found.append(large.get("fc1.weight"))
    np.testing.assert_array_equal(*found)


def test_the_schedule_of_the_report_by_batch_and_by_epoch() -> None:
    ramp = Ramp(30, 10, drops=[(30, 0.8), (40, 0.5)])
    rates = [0.001 * ramp.factor(step) for step in range(760)]
    assert rates[:30] == [0.001 * (1 + 9 * step / 30) for step in range(30)]
    assert rates[29] == max(rates) == pytest.approx(0.0097)
    assert rates[30:40] == [0.0008] * 10 and rates[40:] == [0.0005] * 720
    means = np.mean(np.reshape(rates, (20, 38)), axis=1)
    np.testing.assert_allclose(means[:3], [0.004392105263157894, 0.0005157894736842106, 0.0005], rtol=1e-12)
    assert [0.001 * ramp.factor(epoch) for epoch in (0, 1, 19)] == pytest.approx([0.001, 0.0013, 0.0067])


OPTIONS: list[Any] = [
    SGD(0.1, momentum=0.9),
    Adam(),
    AdamW(convention="keras"),
    CrossEntropy(0.1, (1.0, 2.0)),
    Ramp(30, 10, drops=((30, 0.8),)),
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: type(options).__name__)
def test_options_compare_hash_and_pickle(options: Any) -> None:
    again = pickle.loads(pickle.dumps(options))
    assert again == options and hash(again) == hash(options) and repr(again) == repr(options)


def test_numpy_values_become_plain_ones() -> None:
    weights = CrossEntropy(class_weights=np.array([1, 2], np.float32)).class_weights
    assert weights == (1.0, 2.0) and isinstance(weights, tuple)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: SGD(-0.1), "`lr` must be finite and not negative, got -0.1"),
        (lambda: SGD(float("nan")), "`lr`"),
        (lambda: SGD(0.1, momentum=-1), "`momentum`"),
        (lambda: SGD(0.1, weight_decay=float("inf")), "`weight_decay`"),
        (lambda: SGD(0.1, nesterov=True), "`nesterov` needs a momentum above 0"),
        (lambda: Adam(betas=(0.9, 1.0)), "`betas` must be 0 to 1, without 1, got 1"),
        (lambda: Adam(eps=-1), "`eps`"),
        (lambda: Adam(convention="jax"), '`convention` must be "pytorch" or "keras", got \'jax\''),
        (lambda: AdamW(weight_decay=-1), "`weight_decay`"),
        (lambda: CrossEntropy(1.5), "`label_smoothing` must be 0 to 1, got 1.5"),
        (lambda: CrossEntropy(class_weights=[1, -1]), "`class_weights` must be finite and not"),
        (lambda: CrossEntropy()([[0.0, 1.0]], [2]), "`labels` must be 0 to 1, got 2"),
        (lambda: CrossEntropy()([[0.0, 1.0]], [-1]), "`labels` must not be negative, got -1"),
        (lambda: CrossEntropy()([[0.0, 1.0]], [0, 1]), "`logits` must be 2 labels by 2 classes, got 2"),
        (lambda: CrossEntropy(0, [1.0])([[0.0, 1.0]], [0]), "`class_weights` must be a number for each"),
        (lambda: CrossEntropy(0, [0.0, 1.0])([[0.0, 1.0]], [0]), "`class_weights` are 0 for every label"),
        (lambda: Ramp(0, 10), "`length` and `drops` must ascend"),
        (lambda: Ramp(30, 10, drops=[(20, 0.5)]), r"must ascend from 1 on, got \[30, 20\]"),
        (lambda: Ramp(30, 0), "must be positive, got 0"),
    ],
)  # fmt: skip
def test_values_out_of_range_are_named(make: Any, complaint: str) -> None:
    with pytest.raises(ArgumentError, match=complaint):
        make()


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: SGD("fast"), "`lr` must be a number"),
        (lambda: Adam(betas=0.9), "`betas` must be two numbers"),
        (lambda: CrossEntropy("much"), "`label_smoothing` must be a number"),
        (lambda: _core.Optimiser(3), "`optimizer` must be an option object of harkit.training"),
    ],
)
def test_values_of_another_kind_are_named(make: Any, complaint: str) -> None:
    with pytest.raises(ArgumentTypeError, match=complaint):
        make()


def test_a_gradient_of_no_parameter_and_one_of_another_shape_are_named() -> None:
    trained, optimiser = network({}), _core.Optimiser(Adam())
    with pytest.raises(ArgumentError, match=r'have no tensor "fc9\.bias"'):
        optimiser.step(trained, {"fc9.bias": np.zeros(5, np.float32)}, lr=0.1)
    before = trained.get("fc1.bias")
    given = {"fc1.bias": np.ones(5, np.float32), "fc1.weight": np.zeros(5, np.float32)}
    with pytest.raises(ArgumentError, match=r'of "fc1\.weight" must have the shape \[5, 7\], got \[5\]'):
        optimiser.step(trained, given, lr=0.1)
    np.testing.assert_array_equal(trained.get("fc1.bias"), before)
    with pytest.raises(ArgumentError, match="`max_norm` must be finite and positive, got 0"):
        optimiser.step(trained, {}, lr=0.1, max_norm=0.0)
    with pytest.raises(ArgumentError, match="gradients are not finite"):
        optimiser.step(trained, {"fc1.bias": np.full(5, np.nan, np.float32)}, lr=0.1, max_norm=1.0)
