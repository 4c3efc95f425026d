"""The network as a classifier: PyTorch's losses, scikit-learn's contract, kept and loaded, interrupted."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

import harkit
from harkit import _core
from harkit.errors import ArgumentError, ArgumentTypeError
from harkit.training import SGD, Adam, AdamW, CrossEntropy, NetworkClassifier, Ramp
from harkit.training._loop import Settings, orders, train
from training.report_network import material

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden" / "training" / "dark-csn.json").read_text(encoding="utf-8")
)
REPORT = Ramp(30, 10, drops=[(30, 0.8), (40, 0.5)])


@parametrize_with_checks([NetworkClassifier(hidden=16, epochs=60)])
def test_scikit_learns_contract(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize("lr_step", ["batch", "epoch"])
def test_the_first_fifty_losses_are_pytorchs(lr_step: Any) -> None:
    given = material()
    network = _core.Network.from_json(_core.build_architecture("mlp", {"dropout": 0.0}))
    for name in ("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"):
        network.set(name, given[name])
    settings = Settings(Adam(), CrossEntropy(), REPORT, lr_step, 4)
    losses, rates = train(
        network, given["X"], given["labels"].astype(np.int64), settings, orders=given["orders"], seed=0
    )
    wanted = {name: np.array(values) for name, values in GOLDEN["losses"][lr_step].items()}
    # float32 is PyTorch's too: its error against float64, with room for another order of sums.
    allowed = 4 * np.maximum.accumulate(np.abs(wanted["float32"] - wanted["float64"])) + 1e-6
    assert (np.abs(losses[:50] - wanted["float64"]) <= allowed).all()
    steps = np.arange(len(rates))
    assert rates.tolist() == [0.001 * REPORT.factor(s if lr_step == "batch" else s // 38) for s in steps]


def blobs(n: int = 60, classes: tuple[str, ...] = ("run", "sit", "walk")) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    labels = np.arange(n) % len(classes)
    return rng.standard_normal((n, 12)) + 3 * np.eye(len(classes), 12)[labels], np.array(classes)[labels]


SMALL = NetworkClassifier(hidden=8, epochs=30, schedule=REPORT, lr_step="epoch")


def test_the_reports_network_has_its_parameters_steps_and_rates() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((150, 1000)).astype(np.float32), np.arange(150) % 6
    fitted = NetworkClassifier(epochs=2, schedule=REPORT).fit(X, y)
    assert sum(values.size for values in fitted.parameters_.values()) == 503_506
    assert len(fitted.loss_curve_) == 2 * 38
    assert fitted.learning_rates_[[0, 1, 29, 30, 40, -1]].tolist() == pytest.approx(
        [0.001, 0.0013, 0.0097, 0.0008, 0.0005, 0.0005], rel=1e-12
    )


def test_it_learns_and_says_how_sure_it_is() -> None:
    X, y = blobs()
    fitted = clone(SMALL).fit(X, y)
    assert fitted.classes_.tolist() == ["run", "sit", "walk"]
    assert fitted.score(X, y) > 0.95
    logits, shares = fitted.decision_function(X), fitted.predict_proba(X)
    assert logits.shape == shares.shape == (60, 3)
    np.testing.assert_allclose(shares, np.exp(logits) / np.exp(logits).sum(1, keepdims=True), rtol=1e-12)
    np.testing.assert_array_equal(fitted.predict(X), fitted.classes_[logits.argmax(1)])
    assert fitted.loss_curve_[-15:].mean() < fitted.loss_curve_[:15].mean() / 2


def test_two_classes_have_one_score() -> None:
    X, y = blobs(40, ("no", "yes"))
    fitted = clone(SMALL).fit(X, y)
    shares = fitted.predict_proba(X)
    np.testing.assert_allclose(fitted.decision_function(X), np.log(shares[:, 1] / shares[:, 0]), atol=1e-5)


def test_without_a_hidden_layer_it_is_logistic_regression() -> None:
    X, y = blobs()
    fitted = NetworkClassifier("linear", optimizer=SGD(0.1)).fit(X, y)
    assert {name: values.shape for name, values in fitted.parameters_.items()} == {
        "fc.weight": (3, 12),
        "fc.bias": (3,),
    }
    logits = X @ fitted.parameters_["fc.weight"].T + fitted.parameters_["fc.bias"]
    np.testing.assert_allclose(fitted.decision_function(X), logits, rtol=1e-4, atol=1e-5)


def test_a_seed_gives_the_same_on_any_number_of_threads_and_another_seed_not() -> None:
    X, y = blobs()
    first = clone(SMALL).fit(X, y)
    harkit.set_num_threads(3)
    try:
        again = clone(SMALL).fit(X, y)
    finally:
        harkit.set_num_threads(0)
    np.testing.assert_array_equal(first.loss_curve_, again.loss_curve_)
    np.testing.assert_array_equal(first.decision_function(X), again.decision_function(X))
    other = clone(SMALL).set_params(random_state=1).fit(X, y)
    assert (first.loss_curve_ != other.loss_curve_).any()


def test_every_epoch_has_an_order_of_its_own() -> None:
    drawn = list(orders(30, 3, 7))
    assert all(sorted(order.tolist()) == list(range(30)) for order in drawn)
    assert not np.array_equal(drawn[0], drawn[1])
    np.testing.assert_array_equal(drawn[2], list(orders(30, 3, 7))[2])
    assert not np.array_equal(drawn[0], next(orders(30, 1, 8)))


def test_dropout_changes_training_and_not_answers() -> None:
    X, y = blobs()
    with_, without = (clone(SMALL).set_params(dropout=p).fit(X, y) for p in (0.5, 0.0))
    assert (with_.loss_curve_ != without.loss_curve_).any()
    np.testing.assert_array_equal(with_.decision_function(X), with_.decision_function(X))


def test_class_weights_are_those_of_the_loss() -> None:
    X, y = blobs()
    weights = CrossEntropy(class_weights=(1.0, 1.0, 0.0))
    ignored = clone(SMALL).set_params(criterion=weights, batch_size=60).fit(X, y)
    assert "walk" not in set(ignored.predict(X))


@pytest.mark.parametrize(
    "optimizer", [SGD(0.05, momentum=0.9, nesterov=True), Adam(), AdamW(convention="keras")]
)
def test_it_is_kept_by_pickle_and_by_skops(optimizer: Any) -> None:
    X, y = blobs()
    criterion = CrossEntropy(0.1, (1.0, 2.0, 1.0))
    fitted = clone(SMALL).set_params(optimizer=optimizer, criterion=criterion).fit(X, y)
    kept = skops.io.dumps(fitted)
    untrusted = skops.io.get_untrusted_types(data=kept)
    assert all(name.startswith("harkit.training.") for name in untrusted)
    for again in (pickle.loads(pickle.dumps(fitted)), skops.io.loads(kept, trusted=untrusted)):
        assert again.get_params() == fitted.get_params()
        np.testing.assert_array_equal(again.decision_function(X), fitted.decision_function(X))
        np.testing.assert_array_equal(again.loss_curve_, fitted.loss_curve_)


def test_epochs_are_counted() -> None:
    X, y = blobs()
    counts: list[int] = []
    clone(SMALL).set_params(epochs=4, progress=counts.append).fit(X, y)
    assert counts == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"network": "cnn"}, '`network` must be "mlp" or "linear", got \'cnn\''),
        ({"hidden": 0}, "`hidden` must be a positive integer, got 0"),
        ({"dropout": 1.0}, "`dropout` must be a number from 0 to 1, and not 1, got 1"),
        ({"batch_size": 0}, "`batch_size` must be an integer of at least 1, got 0"),
        ({"epochs": 2.5}, r"`epochs` must be an integer of at least 1, got 2\.5"),
        ({"lr_step": "minute"}, '`lr_step` must be "batch" or "epoch", got \'minute\''),
        ({"criterion": CrossEntropy(class_weights=[1.0, 2.0])}, "`class_weights` must be a number for each"),
    ],
)  # fmt: skip
def test_parameters_out_of_range_are_named(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArgumentError, match=complaint):
        clone(SMALL).set_params(**options).fit(*blobs())


@pytest.mark.parametrize("name", ["optimizer", "criterion", "schedule"])
def test_options_of_another_kind_are_named(name: str) -> None:
    with pytest.raises(ArgumentTypeError, match=f"`{name}` must be .* or None, got 3"):
        clone(SMALL).set_params(**{name: 3}).fit(*blobs())


def test_one_class_and_values_beyond_float32_are_refused() -> None:
    X, y = blobs()
    with pytest.raises(ArgumentError, match="`y` must have labels of more than one class, got one class"):
        clone(SMALL).fit(X, np.repeat("run", 60))
    with pytest.raises(ArgumentError, match="`X` must hold values of float32"):
        clone(SMALL).fit(1e300 * X, y)


def test_a_loss_that_is_lost_names_the_step() -> None:
    X, y = blobs()
    wild = NetworkClassifier("linear", optimizer=SGD(1e38), epochs=5)
    with pytest.raises(ArgumentError, match=r"`lr` made the loss (NaN|inf) in step \d+"):
        wild.fit(1e3 * X, y)


def test_ctrl_c_stops_training() -> None:
    program = (
        "import numpy as np\n"
        "from harkit.training import NetworkClassifier\n"
        "X, y = np.random.default_rng(0).standard_normal((64, 100)), np.arange(64) % 3\n"
        "tell = lambda done: print(done, flush=True)\n"
        "NetworkClassifier(epochs=10**6, progress=tell).fit(X, y)\n"
    )
    environment = {**os.environ, "PYTHONFAULTHANDLER": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "1\n"
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    complaint = process.communicate(timeout=60)[1]
    assert "KeyboardInterrupt" in complaint and process.returncode != 0
    assert time.monotonic() - begin < 30
