"""Channel-separated networks as mmaction2 1.2.0 defines them, written anew in plain PyTorch.

Tran et al. 2019, "Video Classification with Channel-Separated Convolutional Networks", arXiv 1904.02811, with
the choices and the module names of mmaction2's `ResNet3dCSN` and `I3DHead`: every convolution without bias,
batch norm with eps 1e-3, the stride of a stage in the 3x3x3 convolution of its first block, no second
pooling. Held once against the backbone of mmaction2 1.2.0 itself (with mmcv-lite 2.1.0), both modes and both
depths: the same names in the same order, outputs equal to the last bit, in training and in evaluation.
"""

from __future__ import annotations

import torch
from torch import nn

BLOCKS = {50: (3, 4, 6, 3), 152: (3, 8, 36, 3)}
STRIDES = ((1, 1, 1), (2, 2, 2), (2, 2, 2), (2, 2, 2))  # of the four stages, over t, y, x


class Unit(nn.Module):
    """Convolution, batch norm and, where wanted, ReLU: mmcv's `ConvModule`."""

    def __init__(
        self,
        before: int,
        after: int,
        kernel: tuple[int, int, int],
        *,
        stride: tuple[int, int, int] = (1, 1, 1),
        groups: int = 1,
        relu: bool = True,
    ) -> None:
        super().__init__()
        padding = tuple(k // 2 for k in kernel)
        self.conv = nn.Conv3d(before, after, kernel, stride, padding, groups=groups, bias=False)
        self.bn = nn.BatchNorm3d(after, eps=1e-3)
        self.activate = nn.ReLU() if relu else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.activate(self.bn(self.conv(x)))


class Bottleneck(nn.Module):
    """1x1x1, channel-separated 3x3x3, 1x1x1 to four times the planes; `ip`: one more 1x1x1."""

    def __init__(
        self, before: int, planes: int, stride: tuple[int, int, int], mode: str, *, first: bool
    ) -> None:
        super().__init__()
        after = 4 * planes
        self.conv1 = Unit(before, planes, (1, 1, 1))
        separated = Unit(planes, planes, (3, 3, 3), stride=stride, groups=planes)
        mixing = [Unit(planes, planes, (1, 1, 1), relu=False)] if mode == "ip" else []
        self.conv2 = nn.Sequential(*mixing, separated)
        self.conv3 = Unit(planes, after, (1, 1, 1), relu=False)
        self.downsample = (
            Unit(before, after, (1, 1, 1), stride=stride, relu=False) if first else nn.Identity()
        )
        self.relu = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.relu(self.conv3(self.conv2(self.conv1(x))) + self.downsample(x))


class Backbone(nn.Module):
    def __init__(self, depth: int, mode: str) -> None:
        super().__init__()
        self.conv1 = Unit(3, 64, (3, 7, 7), stride=(1, 2, 2))
        self.maxpool = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1))
        before = 64
        for stage, (count, stride) in enumerate(zip(BLOCKS[depth], STRIDES, strict=True)):
            planes = 64 << stage
            blocks = [Bottleneck(before, planes, stride, mode, first=True)]
            before = 4 * planes
            blocks += [Bottleneck(before, planes, (1, 1, 1), mode, first=False) for _ in range(count - 1)]
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.maxpool(self.conv1(x))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


class Head(nn.Module):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.avg_pool = nn.AdaptiveAvgPool3d(1)
        self.dropout = nn.Dropout(0.5)
        self.fc_cls = nn.Linear(2048, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc_cls(self.dropout(self.avg_pool(x)).flatten(1))


class ChannelSeparated(nn.Module):
    """A recogniser; its tensors have the names of mmaction2's checkpoints."""

    def __init__(self, depth: int, mode: str, classes: int = 400) -> None:
        super().__init__()
        self.backbone = Backbone(depth, mode)
        self.cls_head = Head(classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.cls_head(self.backbone(x))
