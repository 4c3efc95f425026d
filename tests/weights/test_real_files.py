"""Published weights against sums that PyTorch made of them (tests/generate/weights.py)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import harkit

GOLDEN = Path(__file__).parents[1] / "golden" / "weights"


def assert_sums(found: harkit.weights.Checkpoint, name: str) -> None:
    expected = json.loads((GOLDEN / f"{name}.json").read_text())
    assert list(found) == list(expected)
    for tensor, (dtype, shape, *sums) in expected.items():
        assert (found.dtypes[tensor], list(found.shapes[tensor])) == (dtype, shape), tensor
        flat = found[tensor].astype(np.float64).ravel()
        ramp = np.arange(1, flat.size + 1) / flat.size
        own = [flat.sum(), np.square(flat).sum(), flat @ ramp]
        # Both sum in float64, in other orders: errors are relative to the sum of magnitudes.
        np.testing.assert_allclose(own, sums, rtol=1e-12, atol=1e-12 * np.abs(flat).sum(), err_msg=tensor)


def test_efficientnet_lite0_has_its_tensors_and_parameters() -> None:
    record = harkit.weights.record("efficientnet_lite0", "imagenet")
    found = record.read()
    assert len(found) == 296
    learnt = [name for name in found if not name.endswith(("running_mean", "running_var", "batches_tracked"))]
    assert sum(found[name].size for name in learnt) == record.n_parameters == 4_652_008
    assert_sums(found, "efficientnet_lite0")


@pytest.mark.parametrize("name", ["zero-dce", "zero-dce-pp"])
def test_zero_dce_has_its_tensors_in_either_container(name: str, real_weights: Path) -> None:
    assert_sums(harkit.weights.read(real_weights / name / "Epoch99.pth"), name)


def test_squeezenet_has_torchvisions_names_shapes_and_order_of_layers(real_weights: Path) -> None:
    record = harkit.weights.record("squeezenet1_1", "imagenet")
    found = record.read()
    assert sum(array.size for array in found.values()) == record.n_parameters == 1_235_496
    shapes = {"features.0": (64, 3, 3, 3), "classifier.1": (1000, 512, 1, 1)}
    inputs, widths = 64, {3: 16, 4: 16, 6: 32, 7: 32, 9: 48, 10: 48, 11: 64, 12: 64}
    for fire, squeeze in widths.items():
        expand = 4 * squeeze
        shapes[f"features.{fire}.squeeze"] = (squeeze, inputs, 1, 1)
        shapes[f"features.{fire}.expand1x1"] = (expand, squeeze, 1, 1)
        shapes[f"features.{fire}.expand3x3"] = (expand, squeeze, 3, 3)
        inputs = 2 * expand
    assert {
        name.removesuffix(".weight"): shape for name, shape in found.shapes.items() if len(shape) == 4
    } == shapes
    assert all(found.shapes[f"{layer}.bias"] == shape[:1] for layer, shape in shapes.items())
    # conv0, conv1 … are in the order of computation.
    folder = real_weights / "squeezenet1_1-npy" / "weights"
    for number, layer in [(0, "features.0"), (4, "features.4.squeeze"), (24, "features.12.expand3x3")]:
        original = np.load(folder / f"squeezenet0_conv{number}_weight.npy")
        np.testing.assert_array_equal(found[f"{layer}.weight"], original)
