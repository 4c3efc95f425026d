"""Published weights name the picture and give the reference's numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import harkit
from harkit.models import Model

MACAW = 88


@pytest.fixture(scope="module")
def squeezenet(real_weights: Path) -> Model:
    assert real_weights.is_dir()
    return harkit.create_model("squeezenet1_1", weights="imagenet")


@pytest.fixture(scope="module")
def efficientnet() -> Model:
    return harkit.create_model("efficientnet_lite0", weights="imagenet")


@pytest.mark.parametrize("number", [0, 1, 2])
def test_squeezenet_gives_the_reference_logits(squeezenet: Model, real_weights: Path, number: int) -> None:
    folder = real_weights / "squeezenet1_1-npy" / "test_data_set" / str(number)
    expected = np.load(folder / "output_0.npy").reshape(1, 1000)
    # Logits reach 296: float32 in another order of sums is off by 1e-4.
    np.testing.assert_allclose(
        squeezenet.forward(np.load(folder / "input_0.npy")), expected, rtol=0, atol=1e-3
    )


def test_squeezenet_names_the_picture(squeezenet: Model, real_weights: Path) -> None:
    picture = np.asarray(Image.open(real_weights / "squeezenet1_1-npy" / "parrot.jpg").convert("RGB"))
    [best, *_] = squeezenet.predict(picture)
    assert (best.name, best.label) == ("macaw", MACAW)
    assert best.probability > 0.9


@pytest.mark.parametrize("name", ["parrot", "normal0", "normal1"])
def test_efficientnet_gives_the_reference_logits_and_features(
    efficientnet: Model, real_weights: Path, name: str
) -> None:
    folder = real_weights / "efficientnet-lite0"
    if name == "parrot":
        picture = np.load(folder / "parrot_224_uint8.npy")
        x = ((picture.astype(np.float32) - 127) / 128).transpose(2, 0, 1)[None].copy()
    else:
        x = np.random.default_rng(int(name[-1])).standard_normal((1, 3, 224, 224)).astype(np.float32)
    with np.load(folder / "golden.npz") as golden:
        expected = golden[f"{name}_logits"], golden[f"{name}_pooled"]
    for found, wanted in zip((efficientnet.forward(x), efficientnet.features(x)), expected, strict=True):
        np.testing.assert_allclose(found[0], wanted, rtol=0, atol=1e-3)


def test_efficientnet_names_the_picture(efficientnet: Model, real_weights: Path) -> None:
    picture = np.load(real_weights / "efficientnet-lite0" / "parrot_224_uint8.npy")
    assert efficientnet.predict(picture)[0].name == "macaw"
    large = np.asarray(Image.open(real_weights / "squeezenet1_1-npy" / "parrot.jpg").convert("RGB"))
    assert efficientnet.predict(large, top=1)[0].label == MACAW


def test_weights_with_another_number_of_classes_keep_the_backbone(efficientnet: Model) -> None:
    model = harkit.create_model("efficientnet_lite0", weights="imagenet", n_classes=6, seed=1)
    assert model.classes is None
    assert model.preprocessing == efficientnet.preprocessing
    x = np.random.default_rng(0).standard_normal((1, 3, 64, 64)).astype(np.float32)
    np.testing.assert_array_equal(model.features(x), efficientnet.features(x))
    assert model.forward(x).shape == (1, 6)
