"""Make tests/golden/models: what the reference libraries compute for every architecture, from seeded weights.

Run with torch 2.9.1, torchvision 0.24.1 and efficientnet-lite-pytorch 0.1.0 installed (no dependency of the
tests):

    python tests/generate/models.py                 # all
    python tests/generate/models.py resnet18 r3d_18 # some

Three files a network:

* NAME.json: the reference, the count of its parameters, the name and shape of each in their order, the names
  of its stages with the module whose output each is, and the cases (shape of the input). Every parameter of
  one axis whose name ends in ".weight" is that of a batch norm, which also has `running_mean`, `running_var`
  (and `num_batches_tracked`).
* NAME-frozen.npz: evaluation, so with the running statistics and without dropout.
* NAME-train.npz: training, so with the statistics of the batch; every dropout and drop-connect is set to 0.
  Not there for networks without norms, where it would be the same.

A key of a .npz is CASE/WHAT. Weights are `seeded_weights(shapes, 10)`, some biases moved, the input is
`seeded_input(shape, 10)`, and gradients are those of `sum(logits * seeded_input(logits.shape, 10,
"cotangent"))`. Values are
computed in float64 (from the float32 weights and inputs) and rounded to 37 bits, 7e-12, so that the files
stay small:

* logits: the whole array (for vgg16_features: the map behind the last pooling);
* features (frozen only): a row a stage: norm and eight projections under the name of the stage;
* gradients (of the odd case only in training, where there is such a file): a row a parameter, in their order,
  then one for the input (its name is "input"): norm and eight projections under the name of the tensor;
* logits_error, gradient_errors: how far PyTorch's own float32 is from that, on one thread and on two, the
  larger: |a - b| / |b| over the whole tensor, where |b| is, for gradients, as `seeded.scales` says;
* logits_error_any, gradient_errors_any: the largest when PyTorch also computes without oneDNN, and with the
  channels last;
* moved, margin: see below.

A ReLU passes a gradient or does not; where its input is nearer to zero than float32 can tell, the two
readings differ by a whole term, and the error of every gradient before it leaps from 1e-6 to 1e-3 and more,
in PyTorch as in anything else, by chance. So the weights of each case keep clear of every kink: from the
first layer to the last, a channel with a value too near to one has the bias of the layer in front of the ReLU
moved by a few 512ths. `moved` has a row a move: the index of the bias among the parameters, the channel, the
distance. `margin` is the smallest |value| that is left in front of a ReLU, in units of the float32 deviation
(root mean square) of that layer, 32 or nearly.

How a test judges. In float64: norm and projections equal to 1e-8 of the norm. In float32: the distance of a
whole tensor cannot be had from here alone; either take float64 of the network under test, once it equals the
golden, as the truth and compute |a - b| / |b| over all values, or estimate it from the projections,
`sqrt(mean((p - q)^2)) / norm`, which scatters by a quarter (see seeded.py). Hold it to
twice `gradient_errors_any`.
"""

from __future__ import annotations

import copy
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch: else a busy machine spins itself to death
import torch
import torchvision
from torch import nn
from torchvision.models import video

sys.path.insert(0, str(Path(__file__).parents[1]))
from generate.csn import ChannelSeparated
from models.seeded import norm, projections, rounded, scales, seeded_input, seeded_weights

FOLDER = Path(__file__).parents[1] / "golden" / "models"
SEED = 10
CLEAR = 32.0
# What a bias may be moved by: nearest first.
MOVES = [sign * k / 512 for k in range(1, 13) for sign in (1, -1)]

RESNET = {
    "stem": "relu",
    "pool": "maxpool",
    **{f"layer{k}": f"layer{k}" for k in (1, 2, 3, 4)},
    "pooled": "avgpool",
}
VIDEO = {"stem": "stem", **{f"layer{k}": f"layer{k}" for k in (1, 2, 3, 4)}, "pooled": "avgpool"}
CSN = {
    "stem": "backbone.conv1",
    "pool": "backbone.maxpool",
    **{f"layer{k}": f"backbone.layer{k}" for k in (1, 2, 3, 4)},
    "pooled": "cls_head.avg_pool",
}
# A module that is called twice has its calls numbered: "_swish#1" is the second.
MOBILENET = {f"features.{k}": f"features.{k}" for k in (0, 1, 3, 6, 10, 13, 16, 17, 18)} | {
    "pooled": "classifier.0"
}
EFFICIENTNET = {
    "stem": "_swish",
    **{f"blocks.{k}": f"_blocks.{k}" for k in (0, 2, 4, 7, 10, 14, 15)},
    "head": "_swish#1",
    "pooled": "_avg_pooling",
}
SQUEEZENET = {f"features.{k}": f"features.{k}" for k in (1, 2, 4, 5, 7, 8, 12)}
VGG_FEATURES = {f"features.{k}": f"features.{k}" for k in (4, 9, 16, 23, 30)}
VGG = VGG_FEATURES | {"avgpool": "avgpool", "classifier.1": "classifier.1", "classifier.4": "classifier.4"}

IMAGES = {"square": (2, 3, 64, 64), "odd": (1, 3, 97, 65)}
CLIPS = {"even": (2, 3, 4, 32, 32), "odd": (1, 3, 5, 33, 47)}
LONG_CLIPS = {"even": (2, 3, 8, 48, 48), "odd": (1, 3, 9, 49, 65)}


@dataclass(frozen=True)
class Network:
    reference: str
    build: Callable[[], nn.Module]
    stages: dict[str, str]
    cases: dict[str, tuple[int, ...]]
    parameters: int  # as published


class VggFeatures(nn.Module):
    """VGG16 without its top: the convolutions alone, under their names in the whole network."""

    def __init__(self) -> None:
        super().__init__()
        self.features = torchvision.models.vgg16().features

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.features(x)


def efficientnet_lite0() -> nn.Module:
    """`image_size=None` pads by the size at hand, as TensorFlow does; at 224 it equals the default."""
    from efficientnet_lite_pytorch import EfficientNet

    options = {"image_size": None, "dropout_rate": 0.0, "drop_connect_rate": 0.0}
    return EfficientNet.from_name("efficientnet-lite0", **options)


def first(cases: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Without the odd case: the shallower network of the same blocks has it, and files must stay small."""
    return {name: shape for name, shape in cases.items() if name != "odd"}


TORCHVISION = f"torchvision {torchvision.__version__}"
MMACTION = "mmaction2 1.2.0 ResNet3dCSN, re-derived in tests/generate/csn.py"
models = torchvision.models
NETWORKS = {
    "resnet18": Network(TORCHVISION, models.resnet18, RESNET, IMAGES, 11_689_512),
    "resnet50": Network(TORCHVISION, models.resnet50, RESNET, IMAGES, 25_557_032),
    "resnet152": Network(TORCHVISION, models.resnet152, RESNET, first(IMAGES), 60_192_808),
    "vgg16": Network(TORCHVISION, models.vgg16, VGG, first(IMAGES), 138_357_544),
    "vgg16_features": Network(TORCHVISION, VggFeatures, VGG_FEATURES, IMAGES, 14_714_688),
    "squeezenet1_1": Network(TORCHVISION, models.squeezenet1_1, SQUEEZENET, IMAGES, 1_235_496),
    "mobilenet_v2": Network(TORCHVISION, models.mobilenet_v2, MOBILENET, IMAGES, 3_504_872),
    "efficientnet_lite0": Network(
        "efficientnet-lite-pytorch 0.1.0", efficientnet_lite0, EFFICIENTNET, IMAGES, 4_652_008
    ),
    "r3d_18": Network(TORCHVISION, video.r3d_18, VIDEO, CLIPS, 33_371_472),
    "r2plus1d_18": Network(TORCHVISION, video.r2plus1d_18, VIDEO, CLIPS, 31_505_325),
    "mc3_18": Network(TORCHVISION, video.mc3_18, VIDEO, CLIPS, 11_695_440),
    "ircsn_50": Network(MMACTION, lambda: ChannelSeparated(50, "ir"), CSN, LONG_CLIPS, 13_131_152),
    "ircsn_152": Network(MMACTION, lambda: ChannelSeparated(152, "ir"), CSN, first(LONG_CLIPS), 29_703_568),
    "ipcsn_50": Network(MMACTION, lambda: ChannelSeparated(50, "ip"), CSN, LONG_CLIPS, 14_396_176),
    "ipcsn_152": Network(MMACTION, lambda: ChannelSeparated(152, "ip"), CSN, first(LONG_CLIPS), 33_016_592),
}


@dataclass
class Pass:
    logits: np.ndarray
    features: dict[str, np.ndarray]
    gradients: dict[str, np.ndarray]


def seeded_network(network: Network) -> nn.Module:
    """The reference with seeded weights, in float64, without dropout."""
    model = network.build()
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    weights = seeded_weights(shapes, SEED)
    model.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return model.double()


def run(model: nn.Module, shape: tuple[int, ...], stages: dict[str, str], *, train: bool) -> Pass:
    """One forward and backward pass of a copy of the model, in its dtype."""
    model = copy.deepcopy(model).train(train)
    dtype = next(model.parameters()).dtype
    wanted = {where.partition("#")[0] for where in stages.values()}
    outputs: dict[str, list[np.ndarray]] = {name: [] for name in wanted}
    for name, module in model.named_modules():
        if name in wanted:
            keep = outputs[name]
            module.register_forward_hook(
                lambda _module, _x, y, keep=keep: keep.append(y.detach().numpy().copy())
            )
    x = torch.from_numpy(seeded_input(shape, SEED)).to(dtype).requires_grad_()
    logits = model(x)
    cotangent = torch.from_numpy(seeded_input(tuple(logits.shape), SEED, "cotangent")).to(dtype)
    (logits * cotangent).sum().backward()
    features = {}
    for stage, where in stages.items():
        module, _, call = where.partition("#")
        features[stage] = outputs[module][int(call or 0)]
    gradients = {name: parameter.grad.numpy() for name, parameter in model.named_parameters()}
    return Pass(logits.detach().numpy(), features, gradients | {"input": x.grad.numpy()})


def single_passes(model: nn.Module, shape: tuple[int, ...], *, train: bool) -> list[Pass]:
    """In float32: on one thread, on two, without oneDNN, with the channels last."""
    single = copy.deepcopy(model).float()
    passes = []
    for threads, onednn, last in ((1, True, False), (2, True, False), (2, False, False), (2, True, True)):
        torch.set_num_threads(threads)
        if last:
            single = single.to(
                memory_format=torch.channels_last if len(shape) == 4 else torch.channels_last_3d
            )
        with warnings.catch_warnings(action="ignore"), torch.backends.mkldnn.flags(enabled=onednn):
            passes.append(run(single, shape, {}, train=train))
    return passes


def from_kinks(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """How far each value is from the nearest kink of a ReLU or a ReLU6."""
    return torch.minimum(x.abs(), (x - 6.0).abs()) if isinstance(module, nn.ReLU6) else x.abs()


def in_front_of_relus(model: nn.Module, x: torch.Tensor, *, train: bool, see: Callable) -> None:
    """Calls see(relu, its input, the last module before it that has a bias) in a forward pass of a copy.

    `see` may change that input in place."""
    model = copy.deepcopy(model).train(train)
    last: list[str] = []

    def before(module: nn.Module, inputs: tuple[torch.Tensor]) -> None:
        see(module, inputs[0], last[-1])

    for name, module in model.named_modules():
        if isinstance(module, nn.ReLU | nn.ReLU6):
            module.inplace = False
            module.register_forward_pre_hook(before)
        elif getattr(module, "bias", None) is not None:
            module.register_forward_hook(lambda _module, _x, _y, name=name: last.append(name))
    with torch.no_grad():
        model(x.to(next(model.parameters()).dtype))


def deviations(model: nn.Module, x: torch.Tensor, *, train: bool) -> tuple[list[float], float]:
    """Of float32 in front of every ReLU, and how far the nearest value is from a kink in units of those."""
    exact: list[tuple[nn.Module, torch.Tensor]] = []
    single: list[torch.Tensor] = []
    in_single = copy.deepcopy(model).float()
    in_front_of_relus(model, x, train=train, see=lambda relu, x, _: exact.append((relu, x.clone())))
    in_front_of_relus(in_single, x, train=train, see=lambda _, x, __: single.append(x.clone()))
    found, nearest = [], np.inf
    for (relu, truth), value in zip(exact, single, strict=True):
        found.append(float((truth - value.double()).pow(2).mean().sqrt()))
        nearest = min(nearest, float(from_kinks(relu, truth).min()) / found[-1])
    return found, nearest


def clear(
    model: nn.Module, shape: tuple[int, ...], *, train: bool
) -> tuple[nn.Module, list[tuple[int, int, float]], float]:
    """The model with biases moved so that no value is near a kink, the moves, and the margin."""
    model = copy.deepcopy(model)
    names = [name for name, _ in model.named_parameters()]
    x = torch.from_numpy(seeded_input(shape, SEED))
    moves: list[tuple[int, int, float]] = []
    for _ in range(4):  # a move shifts what float32 makes of all that follows
        units, margin = deviations(model, x, train=train)
        if margin >= CLEAR:
            break
        layers = iter(units)
        fresh: list[tuple[str, int, float]] = []

        def see(relu: nn.Module, x: torch.Tensor, name: str, layers=layers, fresh=fresh) -> None:
            wanted = 1.5 * CLEAR * next(layers)
            channels = x.transpose(0, 1).flatten(1)
            for channel in (from_kinks(relu, channels).amin(1) < wanted).nonzero().flatten().tolist():
                distances = [float(from_kinks(relu, channels[channel] + by).min()) for by in MOVES]
                best = next((k for k, d in enumerate(distances) if d >= wanted), int(np.argmax(distances)))
                x[:, channel] += MOVES[best]
                fresh.append((f"{name}.bias", channel, MOVES[best]))

        in_front_of_relus(model, x, train=train, see=see)
        for name, channel, by in fresh:
            model.get_parameter(name).data[channel] += by
            moves.append((names.index(name), channel, by))
    else:
        _, margin = deviations(model, x, train=train)
    # As float32 has it: that is what a test builds.
    return model.float().double(), moves, margin


def errors(single: Pass, truth: Pass) -> np.ndarray:
    """|a - b| / |b| for every gradient (see `seeded.scales`)."""
    norms = np.array([norm(value) for value in truth.gradients.values()])
    distances = [
        norm(single.gradients[name].astype(np.float64) - value) for name, value in truth.gradients.items()
    ]
    return np.array(distances) / scales(norms)


def rows(tensors: dict[str, np.ndarray]) -> np.ndarray:
    return np.array([[norm(value), *projections(value, name)] for name, value in tensors.items()])


def golden(
    model: nn.Module, network: Network, shape: tuple[int, ...], *, train: bool
) -> dict[str, np.ndarray]:
    """The arrays of one case, clear of kinks."""
    model, moves, margin = clear(model, shape, train=train)
    truth = run(model, shape, network.stages, train=train)
    passes = single_passes(model, shape, train=train)
    relative = np.array([errors(single, truth) for single in passes])
    off = [norm(single.logits.astype(np.float64) - truth.logits) / norm(truth.logits) for single in passes]
    arrays = {
        "moved": np.array(moves, np.float64).reshape(-1, 3),
        "margin": np.array(margin),
        "logits": rounded(truth.logits),
        "logits_error": np.float32(max(off[:2])),
        "logits_error_any": np.float32(max(off)),
        "gradients": rounded(rows(truth.gradients)),
        "gradient_errors": relative[:2].max(0).astype(np.float32),
        "gradient_errors_any": relative.max(0).astype(np.float32),
    }
    return arrays if train else arrays | {"features": rounded(rows(truth.features))}


def write(name: str) -> None:
    network = NETWORKS[name]
    start = time.perf_counter()
    model = seeded_network(network)
    count = sum(parameter.numel() for parameter in model.parameters())
    assert count == (network.parameters or count), (name, count)
    head = {
        "reference": network.reference,
        "versions": {"torch": torch.__version__, "numpy": np.__version__},
        "how": "python tests/generate/models.py; its text says what the files hold",
        "seed": SEED,
        "parameters": count,
        "cases": {case: list(shape) for case, shape in network.cases.items()},
        "stages": network.stages,
        "shapes": {key: list(parameter.shape) for key, parameter in model.named_parameters()},
    }
    (FOLDER / f"{name}.json").write_text(json.dumps(head) + "\n")
    norms = any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in model.modules())
    for mode, train in (("frozen", False), ("train", True))[: 2 if norms else 1]:
        arrays = {}
        for case, shape in network.cases.items():
            for key, value in golden(model, network, shape, train=train).items():
                if train or not norms or case != "odd" or not key.startswith("gradient"):
                    arrays[f"{case}/{key}"] = value
        path = FOLDER / f"{name}-{mode}.npz"
        np.savez_compressed(path, **arrays)
        summary(f"{name} {mode}", arrays, path)
    print(f"{name}: {count:,} parameters, {time.perf_counter() - start:.1f} s", flush=True)


def summary(title: str, arrays: dict[str, np.ndarray], path: Path) -> None:
    for case in sorted({key.partition("/")[0] for key in arrays if key.endswith("/gradients")}):
        logits, gradients = arrays[f"{case}/logits"], arrays[f"{case}/gradients"][:, 0]
        errors = arrays[f"{case}/gradient_errors"]
        anyhow = arrays[f"{case}/gradient_errors_any"].max()
        print(
            f"  {title} {case}: {path.stat().st_size} bytes, logits sd {logits.std():.3g}"
            f" error {arrays[f'{case}/logits_error']:.2g},"
            f" gradient norms {gradients.min():.2g} to {gradients.max():.2g},"
            f" errors median {np.median(errors):.2g} worst {errors.max():.2g} any {anyhow:.2g},"
            f" {len(arrays[f'{case}/moved'])} moves, margin {arrays[f'{case}/margin']:.3g}"
        )


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for wanted in sys.argv[1:] or NETWORKS:
        write(wanted)
