"""The eager executor on a GPU against the same operators on the processor."""

from __future__ import annotations

import numpy as np
import pytest

from harkit.errors import HarkitError
from nn.graphs import batch, chain
from nn.test_gradients import CASES


def _missing() -> str | None:
    network = chain((2,))
    try:
        network.forward(np.zeros((1, 2)), executor="eager", device="cuda")
    except HarkitError as error:
        return str(error)
    return None


MISSING = _missing()


@pytest.mark.skipif(MISSING is not None, reason=f"needs a GPU: {MISSING}")
@pytest.mark.parametrize("name", CASES)
def test_a_gpu_gives_what_the_processor_gives(name: str) -> None:
    """Values, gradients and statistics of every layer, in training, float64."""
    shape, layers = CASES[name]
    network = chain(shape[1:], *layers)
    x = batch(shape)
    cotangent = batch(tuple(network.shapes(shape)[-1]), 2)
    results = [
        network.gradients(x, cotangent, training=True, seed=3, executor="eager", device=device)
        for device in ("cpu", "cuda")
    ]
    for a, b in zip(results[0][:2], results[1][:2], strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-10, atol=1e-12)
    for first, second in zip(results[0][2:], results[1][2:], strict=True):
        assert first.keys() == second.keys()
        for key in first:
            np.testing.assert_allclose(second[key], first[key], rtol=1e-10, atol=1e-11)
