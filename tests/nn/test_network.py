"""The binding: what a network is, what it refuses, and how it behaves beside Python."""

from __future__ import annotations

import json
import os
import pickle
import signal
import threading
from typing import Any

import numpy as np
import pytest

import harkit
from harkit._core import Network, Optimiser
from harkit.errors import ArgumentError, ArgumentTypeError, UnsupportedError
from harkit.training import SGD, CrossEntropy
from nn.graphs import (
    activation,
    architecture,
    batch,
    batch_norm,
    chain,
    convolution,
    dropout,
    linear,
    lstm,
    max_pool,
    plain,
    randomised,
)


def small() -> Network:
    """A stem, a pool and a classifier."""
    nodes = [
        ("stem", convolution(3, 8, (3, 3), stride=(2, 2), padding=(1, 1), bias=False), [0]),
        ("norm", batch_norm(8), [1]),
        ("act", activation("relu"), [2]),
        ("pool", max_pool((3, 3), stride=(2, 2), padding=(1, 1)), [3]),
        ("mean", plain("global_average"), [4]),
        ("drop", dropout(0.5), [5]),
        ("fc", linear(8, 4), [6]),
    ]
    text = json.loads(architecture((3, 0, 0), nodes))
    return randomised(Network.from_json(json.dumps({**text, "classifier": "fc"})))


def test_a_network_is_its_architecture_and_its_parameters() -> None:
    """JSON and pickle bring back the same network, frozen layers included."""
    network = small()
    network.freeze("norm")
    other = pickle.loads(pickle.dumps(network))
    assert other.architecture == network.architecture
    assert Network.from_json(network.architecture).architecture == network.architecture
    assert other.parameters() == network.parameters()
    x = batch((2, 3, 9, 10)).astype(np.float32)
    for a, b in zip(
        network.forward(x, ["stem", "fc"], executor="eager"),
        other.forward(x, ["stem", "fc"], executor="eager"),
        strict=True,
    ):
        assert np.array_equal(a, b)


def test_parameters_are_listed_in_order_with_what_they_are() -> None:
    """Names, shapes, learnt, trainable."""
    network = small()
    network.freeze("stem")
    assert network.parameters() == [
        ("stem.weight", [8, 3, 3, 3], True, False),
        ("norm.weight", [8], True, True),
        ("norm.bias", [8], True, True),
        ("norm.running_mean", [8], False, False),
        ("norm.running_var", [8], False, False),
        ("fc.weight", [4, 8], True, True),
        ("fc.bias", [4], True, True),
    ]


def test_shapes_and_multiply_adds_of_every_layer() -> None:
    """By hand, for a picture of odd sides."""
    network = small()
    assert network.shapes((2, 3, 9, 12)) == [
        [2, 3, 9, 12],
        [2, 8, 5, 6],
        [2, 8, 5, 6],
        [2, 8, 5, 6],
        [2, 8, 3, 3],
        [2, 8],
        [2, 8],
        [2, 4],
    ]
    assert network.multiply_adds((2, 3, 9, 12)) == [0, 2 * 8 * 5 * 6 * 27, 0, 0, 0, 0, 0, 2 * 8 * 4]


def test_stages_come_in_the_order_asked_for_in_the_type_of_the_input() -> None:
    """Each alone equals all together; float32 stays float32."""
    network = small()
    x = batch((2, 3, 9, 10))
    together = network.forward(x, ["pool", "stem"], executor="eager")
    assert [array.shape for array in together] == [(2, 8, 3, 3), (2, 8, 5, 5)]
    assert np.array_equal(together[1], network.forward(x, ["stem"], executor="eager")[0])
    assert np.array_equal(
        network.forward(x, executor="eager")[0], network.forward(x, ["fc"], executor="eager")[0]
    )
    single = network.forward(x.astype(np.float32), ["pool"], executor="eager")[0]
    assert single.dtype == np.float32
    assert together[0].dtype == np.float64
    np.testing.assert_allclose(single, together[0], rtol=1e-4, atol=1e-5)


def test_strided_and_read_only_inputs_are_read_and_left_as_they_are() -> None:
    """A view of a larger array gives what its copy gives."""
    network = small()
    large = batch((2, 9, 10, 6))
    view = large[..., ::2].transpose(0, 3, 1, 2)
    before = large.copy()
    large.setflags(write=False)
    assert np.array_equal(
        network.forward(view, executor="eager")[0],
        network.forward(np.ascontiguousarray(view), executor="eager")[0],
    )
    assert np.array_equal(large, before)


def test_a_batch_gives_what_its_items_give() -> None:
    """In evaluation no item sees another, to rounding."""
    network = small()
    x = batch((3, 3, 9, 10))
    whole = network.forward(x, executor="eager")[0]
    for item in range(3):
        alone = network.forward(x[item : item + 1], executor="eager")[0]
        np.testing.assert_allclose(alone, whole[item : item + 1], rtol=1e-12)


@pytest.mark.parametrize(
    ("x", "error", "text"),
    [
        (np.zeros((2, 3, 9, 10), np.int64), ArgumentTypeError, "float32 or float64, got int64"),
        ([[1.0]], ArgumentTypeError, "float32 or float64, got <class 'list'>"),
        (np.zeros((2, 4, 9, 10)), ArgumentError, r"input takes \(N, 3, any, any\)"),
        (np.zeros((3, 9, 10)), ArgumentError, r"\[3, 9, 10\] does not go through test at \"input\""),
        (np.zeros((0, 3, 9, 10)), ArgumentError, r"at least one item, got shape \[0, 3, 9, 10\]"),
        (np.zeros((2, 3, 0, 10)), ArgumentError, 'does not go through test at "stem"'),
        (np.full((1, 3, 9, 10), np.inf), ArgumentError, "NaN or infinity in item 0"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(x: Any, error: type[Exception], text: str) -> None:
    """The error says what came and what is taken."""
    with pytest.raises(error, match=text):
        small().forward(x, executor="eager")


def test_the_item_with_nan_is_named() -> None:
    """The third of four."""
    x = batch((4, 3, 9, 10)).astype(np.float32)
    x[2, 1, 3, 4] = np.nan
    with pytest.raises(ValueError, match="`x` must be finite, got NaN or infinity in item 2"):
        small().forward(x, executor="eager")
    with pytest.raises(ValueError, match="`cotangent` must be finite, got NaN or infinity in item 1"):
        small().gradients(
            np.zeros((2, 3, 9, 10)),
            np.array([[0.0] * 4, [np.nan] * 4]),
            training=False,
            executor="eager",
        )


def test_words_that_are_not_known_are_refused_with_what_is() -> None:
    """Stage, executor, device, parameter, classes."""
    network = small()
    x = batch((1, 3, 9, 10))
    with pytest.raises(ArgumentError, match=r"`stage` must be one of stem, .*, got \"head\""):
        network.forward(x, ["head"], executor="eager")
    with pytest.raises(ArgumentError, match=r"`executor` must be \"plan\" or \"eager\", got \"fast\""):
        network.forward(x, executor="fast")  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(ArgumentError, match=r"`device` must be \"cpu\", \"cuda\" or"):
        network.forward(x, executor="eager", device="gpu")
    with pytest.raises(ArgumentError, match=r"have no tensor \"stem.bias\""):
        network.get("stem.bias")
    with pytest.raises(ArgumentError, match=r"`value` of \"stem.weight\" must have shape \[8, 3, 3, 3\]"):
        network.set("stem.weight", np.zeros(8))
    with pytest.raises(ArgumentError, match="`n_classes` must be positive, got 0"):
        network.replace_classifier(0, 0)
    with pytest.raises(ArgumentError, match="cannot be set: test has no classifier"):
        chain((3,), linear(3, 2)).replace_classifier(5, 0)
    with pytest.raises(ArgumentError, match=r"`cotangent` must have the output's shape \[1, 4\], got"):
        network.gradients(x, np.zeros((1, 3)), training=False, executor="eager")
    with pytest.raises(ArgumentTypeError, match="`cotangent` must be of the type of `x`"):
        network.gradients(x, np.zeros((1, 4), np.float32), training=False, executor="eager")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ('{"name": "a", "nodes": [], "stages": [], "classifier": null}', "has no layers"),
        (architecture((3,), [("a", linear(3, 2), [0]), ("a", linear(2, 2), [1])]), 'two layers named "a"'),
        (architecture((3,), [("a", linear(3, 2), [1])]), "does not follow its inputs"),
    ],
)
def test_architectures_that_are_none_are_refused(text: str, message: str) -> None:
    """Hand-written JSON."""
    with pytest.raises(ArgumentError, match=message):
        Network.from_json(text)


def test_cuda_that_is_not_there_says_what_to_build() -> None:
    """No silent fall back to the processor."""
    try:
        small().forward(batch((1, 3, 9, 10)), executor="eager", device="cuda")
    except UnsupportedError as error:
        assert "--features cuda" in str(error)
    except ArgumentError as error:
        assert "cannot be used" in str(error)


def test_a_new_classifier_leaves_the_rest_as_it_was() -> None:
    """Its shape follows, its values follow the seed, and it is trainable."""
    network = small()
    stem = network.get("stem.weight")
    network.freeze("fc")
    network.replace_classifier(7, 3)
    assert network.shapes((1, 3, 9, 10))[-1] == [1, 7]
    assert network.get("fc.weight").shape == (7, 8)
    assert np.array_equal(network.get("stem.weight"), stem)
    assert [name for name, _, _, trainable in network.parameters() if trainable] == ["fc.weight", "fc.bias"]
    first = network.get("fc.weight")
    network.replace_classifier(7, 4)
    assert not np.array_equal(network.get("fc.weight"), first)
    network.replace_classifier(7, 3)
    assert np.array_equal(network.get("fc.weight"), first)


def test_initial_values_follow_the_seed() -> None:
    """Norms begin as the identity."""
    network = small()
    network.initialise(1)
    first = {name: network.get(name) for name, *_ in network.parameters()}
    network.initialise(2)
    assert not np.array_equal(network.get("stem.weight"), first["stem.weight"])
    network.initialise(1)
    for name, values in first.items():
        assert np.array_equal(network.get(name), values)
    assert (first["norm.weight"] == 1).all()
    assert (first["norm.running_mean"] == 0).all()


def test_what_is_set_is_what_runs_next() -> None:
    """No stale copy of a parameter, nor of the graph."""
    network = small()
    x = batch((2, 3, 9, 10))
    network.forward(x, executor="eager")
    network.set("fc.weight", np.zeros((4, 8)))
    network.set("fc.bias", np.arange(4.0))
    assert np.array_equal(network.forward(x, executor="eager")[0], [[0, 1, 2, 3]] * 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_results_do_not_depend_on_the_threads(dtype: type) -> None:
    """To the last bit, forward and backward."""
    nodes = [
        ("a", convolution(3, 16, (3, 3, 3), padding=(1, 1, 1), stride=(1, 2, 2)), [0]),
        ("n", batch_norm(16), [1]),
        ("d", convolution(16, 16, (3, 3, 3), padding=(1, 1, 1), groups=16), [2]),
        ("p", max_pool((2, 2, 2), stride=(2, 2, 2)), [3]),
        ("s", plain("sequence"), [4]),
        ("l", lstm(16, 8, bidirectional=True, sequences=False), [5]),
        ("f", linear(16, 3), [6]),
    ]
    network = randomised(Network.from_json(architecture((3, 0, 0, 0), nodes)))
    x = batch((2, 3, 4, 24, 20)).astype(dtype)
    cotangent = batch((2, 3)).astype(dtype)
    found = []
    try:
        for threads in (1, 2, 3):
            harkit.set_num_threads(threads)
            output, of_input, of_parameters, statistics = network.gradients(
                x, cotangent, training=True, executor="eager"
            )
            found.append([output, of_input, *of_parameters.values(), *statistics.values()])
    finally:
        harkit.set_num_threads(0)
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            assert np.array_equal(a, b)


def test_ctrl_c_is_heard_between_layers() -> None:
    """A long network stops, and works again afterwards."""
    layers = [convolution(16, 16, (3, 3), padding=(1, 1)) for _ in range(400)]
    network = chain((16, 0, 0), *layers)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    # Whoever starts the tests in the background may have the signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            network.forward(np.zeros((4, 16, 96, 96), np.float32), executor="eager")
        timer.join()
    finally:
        signal.signal(signal.SIGINT, before)
    assert network.forward(np.zeros((1, 16, 1, 1), np.float32), executor="eager")[0].shape == (1, 16, 1, 1)


def test_threads_of_python_may_share_a_network() -> None:
    """While one changes it, others run on what it was when they began: one answer or the other."""
    network = small()
    x = batch((2, 3, 9, 10))
    weight = network.get("fc.weight")
    answers = []
    for factor in (1, 2):
        network.set("fc.weight", weight * factor)
        answers.append(network.forward(x, executor="eager")[0])
    wrong: list[Any] = []

    def run() -> None:
        for _ in range(20):
            output = network.forward(x, executor="eager")[0]
            if not any(np.array_equal(output, answer) for answer in answers):
                wrong.append(output)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for turn in range(40):
        network.set("fc.weight", weight * (1 + turn % 2))
    for thread in threads:
        thread.join()
    assert not wrong


def test_training_and_inference_in_two_threads_take_turns() -> None:
    """An optimiser in the pool and a forward pass that the pool runs meanwhile do not hang."""
    network = chain((64,), linear(64, 3000), activation("relu"), linear(3000, 1000))
    x, labels = batch((4, 64)).astype(np.float32), np.arange(4)
    optimiser, done = Optimiser(SGD(lr=0.01)), []

    def train() -> None:
        for step in range(10):
            optimiser.train_step(network, x, labels, CrossEntropy(), lr=0.01, seed=0, step=step)
        done.append("train")

    def infer() -> None:
        for _ in range(10):
            network.forward(x, executor="eager")
        done.append("infer")

    threads = [threading.Thread(target=work, daemon=True) for work in (train, infer, infer, infer)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(done) == ["infer"] * 3 + ["train"]
