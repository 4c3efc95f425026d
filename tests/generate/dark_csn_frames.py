"""Make tests/golden/experiments/dark_csn_frames.*: the report's network trained, its pictures resized.

Run with torch 2.9.1, torchvision 0.24.1 and pillow 13.0.0 installed (no dependency of the tests):

    python tests/generate/dark_csn_frames.py

Training. The network is Linear 1000 to 500, ReLU, Linear 500 to 6 (503,506 parameters; the report's dropout
is left out, so that nothing is random), cross-entropy, Adam (1e-3, PyTorch's defaults), batches of 4 (the
last of an epoch has 2), 20 epochs, 760 steps. The rate is 0.001 times the report's factor, 1 + 9e/30 for e <
30, 0.8 for e < 40, 0.5 beyond, where e counts batches (`batch`, as the report's code does) or epochs
(`epoch`).

* Data: `numpy.random.RandomState(0)`: c = 0.15 randn(6, 1000), labels i % 6, c[label] + randn for 150
  training and then for 96 test rows, float32 (`data()` below, the set of the classifiers in the dark-csn
  goldens).
* Weights: `seeded_weights({"fc1.weight": (500, 1000), "fc1.bias": (500,), "fc2.weight": (6, 500), "fc2.bias":
  (6,)}, 10)`.
* Order in epoch e, from 0: `seeded_order(150, 10, f"epoch.{e}")`.

dark_csn_frames.npz, for SCHEDULE of batch and epoch, in float64 unless said otherwise:

* SCHEDULE/losses: of all 760 steps, each before its update; SCHEDULE/rates: the learning rates;
* SCHEDULE/train, SCHEDULE/test: logits after the last step; SCHEDULE/weights: norm and eight projections a
  tensor, in the order above, under its name;
* SCHEDULE/losses_error, SCHEDULE/train_error, SCHEDULE/test_error (float32): the largest |a - b| of PyTorch's
  float32 from these, on one and on two threads, a step or a logit. Training multiplies rounding: a float32
  path is held to a few times this; which class wins is equal.

dark_csn_frames.json: versions, and the chain Resize(256), CenterCrop(224), ToTensor, Normalize on pictures
`picture(height, width)`: sizes, sums and SHA-256 of bytes, sums and some values of the normalised array.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

import numpy as np

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
import PIL
import torch
import torchvision
from PIL import Image
from torch import nn
from torchvision import transforms

sys.path.insert(0, str(Path(__file__).parents[1]))
from models.seeded import norm, projections, seeded_input, seeded_order, seeded_weights

FOLDER = Path(__file__).parents[1] / "golden" / "experiments"
SEED = 10
EPOCHS = 20
BATCH = 4
SHAPES = {"fc1.weight": (500, 1000), "fc1.bias": (500,), "fc2.weight": (6, 500), "fc2.bias": (6,)}
# height, width: enlarged and made smaller, wide, tall, with halves to round in resizing and in cropping
PICTURES = ((30, 40), (37, 53), (300, 401), (250, 200))


def data() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Training rows and labels, test rows and labels."""
    stream = np.random.RandomState(0)
    centres = stream.randn(6, 1000).astype(np.float32) * np.float32(0.15)
    sets: list[np.ndarray] = []
    for count in (150, 96):
        labels = np.arange(count) % 6
        sets += [centres[labels] + stream.randn(count, 1000).astype(np.float32), labels]
    return sets[0], sets[1], sets[2], sets[3]


def factor(e: int) -> float:
    if e < 30:
        return 1.0 + 9.0 * e / 30.0
    return 0.8 if e < 40 else 0.5


class SimpleNN(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(1000, 500)
        self.fc2 = nn.Linear(500, 6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(torch.relu(self.fc1(x)))


def trained(schedule: str, dtype: torch.dtype) -> dict[str, np.ndarray]:
    """One whole training."""
    x, labels, x_test, _ = data()
    inputs, targets = torch.from_numpy(x).to(dtype), torch.from_numpy(labels)
    model = SimpleNN()
    model.load_state_dict({k: torch.from_numpy(v) for k, v in seeded_weights(SHAPES, SEED).items()})
    model = model.to(dtype)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    losses, rates = [], []
    for epoch in range(EPOCHS):
        for rows in torch.from_numpy(seeded_order(len(x), SEED, f"epoch.{epoch}")).split(BATCH):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs[rows]), targets[rows])
            loss.backward()
            rates.append(optimizer.param_groups[0]["lr"])
            losses.append(loss.item())
            optimizer.step()
            if schedule == "batch":
                scheduler.step()
        if schedule == "epoch":
            scheduler.step()
    with torch.no_grad():
        train, test = model(inputs), model(torch.from_numpy(x_test).to(dtype))
    weights = {name: tensor.detach().numpy() for name, tensor in model.named_parameters()}
    summary = np.array([[norm(value), *projections(value, name)] for name, value in weights.items()])
    return {
        "losses": np.array(losses),
        "rates": np.array(rates),
        "train": train.numpy(),
        "test": test.numpy(),
        "weights": summary,
    }


def write_training() -> None:
    labels, labels_test = data()[1], data()[3]
    arrays: dict[str, np.ndarray] = {}
    for schedule in ("batch", "epoch"):
        truth = trained(schedule, torch.float64)
        arrays |= {f"{schedule}/{name}": value for name, value in truth.items()}
        singles = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            singles.append(trained(schedule, torch.float32))
        for name in ("losses", "train", "test"):
            off = max(np.abs(single[name] - truth[name]).max() for single in singles)
            arrays[f"{schedule}/{name}_error"] = np.float32(off)
        hits = [(truth["train"].argmax(1) == labels).sum(), (truth["test"].argmax(1) == labels_test).sum()]
        first = max(np.abs(single["losses"][:50] - truth["losses"][:50]).max() for single in singles)
        same = [(single["test"].argmax(1) == truth["test"].argmax(1)).all() for single in singles]
        print(
            schedule,
            "train, test hits",
            hits,
            "float32 off",
            first,
            [arrays[f"{schedule}/{n}_error"] for n in ("losses", "train", "test")],
            same,
            truth["losses"][:3],
            truth["losses"][-3:],
        )
    np.savez_compressed(FOLDER / "dark_csn_frames.npz", **arrays)


def picture(height: int, width: int) -> np.ndarray:
    """Noise, so that every weight of every filter shows."""
    values = seeded_input((height, width, 3), SEED, f"picture.{height}.{width}")
    return np.clip(np.round(128.0 + 60.0 * values.astype(np.float64)), 0, 255).astype(np.uint8)


def write_transforms() -> None:
    normalize = transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    pictures = []
    for height, width in PICTURES:
        image = picture(height, width)
        resized = transforms.Resize(256)(Image.fromarray(image))
        cropped = transforms.CenterCrop(224)(resized)
        array = np.asarray(cropped)
        normal = normalize(transforms.ToTensor()(cropped)).numpy()
        pictures.append(
            {
                "size": [height, width],
                "sum": image.sum((0, 1)).tolist(),
                "resized": list(np.asarray(resized).shape[:2]),
                "resized_sha256": hashlib.sha256(np.asarray(resized).tobytes()).hexdigest(),
                "cropped_sum": array.sum((0, 1)).tolist(),
                "cropped_sha256": hashlib.sha256(array.tobytes()).hexdigest(),
                "cropped_corners": array[[0, 0, 223, 223], [0, 223, 0, 223]].tolist(),
                "normalized_sum": normal.astype(np.float64).sum((1, 2)).tolist(),
                "normalized_first": normal[:, 0, 0].tolist(),
                "normalized_norm": norm(normal),
                "normalized_projections": projections(normal, "normalized").tolist(),
            }
        )
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__, "pillow": PIL.__version__}
    head = {
        "how": "python tests/generate/dark_csn_frames.py; its text says what the files hold",
        "versions": versions,
    }
    body = ",\n".join(json.dumps(entry) for entry in pictures)
    (FOLDER / "dark_csn_frames.json").write_text(json.dumps(head)[:-1] + f', "pictures": [\n{body}\n]}}\n')


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_transforms()
    write_training()
