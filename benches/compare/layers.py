"""Kinds of layers by themselves: harkit, PyTorch eager, and the fraction of the processor's peak.

A layer whose input and output are alike is timed in a chain: the time of nine less that of one, by eight, so
that the conversion of layouts at both ends does not count. Others are timed alone, conversions and all.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import fma_peak
import network_peers
import timing
from timing import Contestant

CHAIN = 8


@dataclass(frozen=True)
class Case:
    name: str
    channels: tuple[int, int]
    kernel: tuple[int, ...]
    sides: tuple[int, ...]
    batch: int = 4
    stride: tuple[int, ...] | None = None
    groups: int = 1
    goal: float | None = None

    @property
    def is_chain(self) -> bool:
        return self.stride is None and self.channels[0] == self.channels[1]

    @property
    def strides(self) -> tuple[int, ...]:
        return self.stride or (1,) * len(self.kernel)

    @property
    def multiply_adds(self) -> float:
        outputs = math.prod(
            math.ceil(side / step) for side, step in zip(self.sides, self.strides, strict=True)
        )
        each = self.channels[0] // self.groups * math.prod(self.kernel)
        return self.batch * outputs * self.channels[1] * each


CASES = (
    Case("stem 7x7, stride 2, 3 to 64 at 224²", (3, 64), (7, 7), (224, 224), stride=(2, 2)),
    Case("3x3, 64 at 56²", (64, 64), (3, 3), (56, 56)),
    Case("3x3, 256 at 14²", (256, 256), (3, 3), (14, 14)),
    Case("3x3, 512 at 7²", (512, 512), (3, 3), (7, 7)),
    Case("1x1, 64 to 256 at 56²", (64, 256), (1, 1), (56, 56)),
    Case("1x1, 512 at 14²", (512, 512), (1, 1), (14, 14)),
    Case("depthwise 3x3, 96 at 56²", (96, 96), (3, 3), (56, 56), groups=96),
    Case("3x3x3, 64 at 8x56²", (64, 64), (3, 3, 3), (8, 56, 56), batch=2),
    Case("1x3x3, 64 to 144 at 8x56²", (64, 144), (1, 3, 3), (8, 56, 56), batch=2),
    Case("depthwise 3x3x3, 64 at 40x14²", (64, 64), (3, 3, 3), (40, 14, 14), batch=1, groups=64, goal=3.0),
    Case("depthwise 3x3x3, 256 at 10x7²", (256, 256), (3, 3, 3), (10, 7, 7), batch=1, groups=256, goal=3.0),
)


def measure(scratch: Path) -> dict[str, Any]:
    threads = timing.cores()
    network_peers.set_threads(threads)
    peak = fma_peak.gflops(scratch, threads)
    parts = {}
    for case in CASES:
        lengths = (1, 1 + CHAIN) if case.is_chain else (1,)
        runs = [contestants(case, length) for length in lengths]
        x = network_peers.batch((case.batch, case.channels[0], *case.sides))
        for pair in runs:
            network_peers.take_turns(pair, x, timing.rounds(15))
        last = runs[-1]
        if case.is_chain:
            for one, many in zip(*runs, strict=True):
                alone = median(one.seconds)
                many.seconds = [max(seconds - alone, 1e-9) / CHAIN for seconds in many.seconds]
        part = network_peers.part(last, case.goal)
        fma_peak.tell(part, case.multiply_adds, peak)
        parts[case.name] = part
    return {
        "title": "Layers",
        "material": f"float32, {threads} threads, peak {peak:.0f} GFLOP/s",
        "goal": None,
        "parts": parts,
    }


def contestants(case: Case, length: int) -> list[Contestant]:
    import torch
    from torch import nn

    import harkit
    from harkit import _core

    torch.manual_seed(0)
    kind = nn.Conv2d if len(case.kernel) == 2 else nn.Conv3d
    padding = tuple(side // 2 for side in case.kernel)
    network = nn.Sequential(
        *(kind(*case.channels, case.kernel, case.strides, padding, groups=case.groups) for _ in range(length))
    )
    ours = _core.Network.from_json(graph(case, padding, length))
    network_peers.take_values(ours, network)
    return [
        Contestant("harkit", harkit.__version__, lambda x: ours.forward(x, (), executor="plan")[0]),
        Contestant("torch eager", torch.__version__, network_peers.torch_forward(network)),
    ]


def graph(case: Case, padding: tuple[int, ...], length: int) -> str:
    """The JSON of an architecture that is a chain of convolutions."""
    free = [0] * len(case.kernel)
    nodes: list[dict[str, Any]] = [
        {"name": "input", "kind": "input", "shape": [case.channels[0], *free], "from": []}
    ]
    for index in range(length):
        settings = {
            "in_channels": case.channels[0],
            "out_channels": case.channels[1],
            "kernel": case.kernel,
            "stride": case.strides,
            "padding": {"sides": padding},
            "dilation": [1] * len(case.kernel),
            "ceil": False,
            "groups": case.groups,
            "bias": True,
            "init": "fan_in",
        }
        nodes.append({"name": str(index), "kind": "convolution", **settings, "from": [index]})
    return json.dumps({"name": "chain", "nodes": nodes, "stages": [], "classifier": None})
