"""Make tests/golden/transforms/references.npz: what Keras, TensorFlow and PyTorch give.

Run with those libraries installed (they are no dependency of the tests):

    python tests/generate/transforms.py keras tensorflow   # in an environment with TensorFlow
    python tests/generate/transforms.py torch              # in one with PyTorch

Each run replaces its own arrays and the versions in the file, and leaves the others.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

PATH = Path(__file__).parents[1] / "golden" / "transforms" / "references.npz"

ANGLES = (30.0, -100.0, 144.0, 7.3, 180.0)
ZOOMS = (0.8, 0.85, 1.15, 1.2, 2.0)
FACTORS = (0.8, 1.1, 1.2)
PADDED = ((16, 16), (9, 31), (40, 24), (24, 40))
LENGTHS = ((1, 3), (3, 5), (5, 3), (8, 10), (8, 16), (8, 164), (8, 188), (40, 64), (100, 32), (127, 199))


def frame(height: int = 20, width: int = 28) -> np.ndarray:
    """A frame of whole numbers by a formula, so that no golden input needs storing."""
    y, x, c = np.indices((height, width, 3))
    return ((7 * x * x + 11 * y + 13 * c + 3 * x * y) % 256).astype(np.uint8)


def keras_arrays() -> dict[str, np.ndarray]:
    import keras

    layers = keras.layers
    picture = frame().astype(np.float32)
    height, width = picture.shape[:2]
    zero, one = np.zeros(1, np.float32), np.ones(1, np.float32)

    def warped(matrix: object) -> np.ndarray:
        return np.asarray(
            keras.ops.image.affine_transform(
                picture, np.asarray(matrix)[0], interpolation="bilinear", fill_mode="reflect"
            )
        )

    def rotated(angle: float) -> np.ndarray:
        return warped(
            layers.RandomRotation(0.4)._compute_affine_matrix(
                center_x=0.5, center_y=0.5, angle=keras.ops.convert_to_tensor([angle], "float32"),
                translate_x=zero, translate_y=zero, scale=one, shear_x=zero, shear_y=zero,
                height=height, width=width,
            )
        )  # fmt: skip

    def zoomed(factor: float) -> np.ndarray:
        zooms = keras.ops.convert_to_tensor([[factor, factor]], "float32")
        return warped(layers.RandomZoom(0.2)._get_zoom_matrix(zooms, height, width))

    def contrasted(factor: float) -> np.ndarray:
        layer = layers.RandomContrast(0.2)
        return np.asarray(layer.transform_images(picture, {"contrast_factor": np.float32(factor)}))

    return {
        "rotated": np.stack([rotated(angle) for angle in ANGLES]),
        "zoomed": np.stack([zoomed(factor) for factor in ZOOMS]),
        "contrasted": np.stack([contrasted(factor) for factor in FACTORS]),
        "keras_version": np.array(keras.__version__),
    }


def tensorflow_arrays() -> dict[str, np.ndarray]:
    import tensorflow as tf

    padded = {f"padded_{h}_{w}": tf.image.resize_with_pad(frame(), h, w).numpy() for h, w in PADDED}
    return {**padded, "tensorflow_version": np.array(tf.__version__)}


def torch_arrays() -> dict[str, np.ndarray]:
    import torch

    def nearest(n: int, frames: int) -> np.ndarray:
        numbers = torch.arange(n, dtype=torch.float32)[None, None]
        return torch.nn.functional.interpolate(numbers, size=frames, mode="nearest")[0, 0].long().numpy()

    indices = {f"nearest_{n}_{frames}": nearest(n, frames) for n, frames in LENGTHS}
    return {**indices, "torch_version": np.array(torch.__version__)}


MAKERS = {"keras": keras_arrays, "tensorflow": tensorflow_arrays, "torch": torch_arrays}

if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    arrays = dict(np.load(PATH)) if PATH.exists() else {}
    for name in sys.argv[1:]:
        arrays.update(MAKERS[name]())
    np.savez_compressed(PATH, **arrays)
    print(f"{PATH}: {PATH.stat().st_size} bytes, {len(arrays)} arrays")
