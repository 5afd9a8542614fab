"""HRNet of three stages: parallel branches at 1/4, 1/8 and 1/16 of the input that keep exchanging what they
saw.

Source: Sun et al., "Deep High-Resolution Representation Learning for Human Pose Estimation" (CVPR 2019) and
Wang et al. (TPAMI 2020); the three-stage cut is the visual net of Tzirakis et al. (2021), who leave width
and depth open. Parameter counts through stage 3: W18 2,760,024 - W32 7,832,896 - W48 17,036,544 - W16-small
421,728.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

_BN_MOMENTUM = 0.1
_BOTTLENECK_EXPANSION = 4


@dataclass(frozen=True)
class HRNetConfig:
    """Size of an HRNet.

    width: channels of the finest branch; each coarser branch doubles it.
    planes: channels inside a bottleneck of stage 1, which puts out four times as many.
    bottlenecks: bottleneck blocks of stage 1. blocks: basic blocks per branch of a module.
    modules: exchange modules of stage 2 and of stage 3.
    stem: channels of the stem's two convolutions. strides: their strides, whose product is the finest branch's scale.
    inputs: channels of the pictures.
    """

    width: int = 18
    planes: int = 64
    bottlenecks: int = 4
    blocks: int = 4
    modules: tuple[int, int] = (1, 4)
    stem: tuple[int, int] = (64, 64)
    strides: tuple[int, int] = (2, 2)
    inputs: int = 3

    @property
    def channels(self) -> tuple[int, int, int]:
        """Channels of the three branches, finest first."""
        return self.width, 2 * self.width, 4 * self.width


W16_SMALL = HRNetConfig(width=16, planes=32, bottlenecks=1, blocks=2, modules=(1, 1))
# For 48x48 grey faces: the finest branch at half the picture's side, where a stride of 4 would leave 12x12, and a stem
# and a first stage as narrow as one grey channel asks for. Most of the arithmetic is in the branches then.
W16_FACE = HRNetConfig(
    width=16, planes=16, bottlenecks=1, blocks=2, modules=(1, 1), stem=(16, 32), strides=(1, 2), inputs=1
)
W18 = HRNetConfig(width=18)
W32 = HRNetConfig(width=32)
W48 = HRNetConfig(width=48)
BY_NAME = {"face-w16": W16_FACE, "w18": W18, "w32": W32, "w48": W48}


def _conv_bn(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, relu: bool = True) -> nn.Sequential:
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outputs, momentum=_BN_MOMENTUM),
    ]
    if relu:
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)


def fold_norms(net: nn.Module) -> None:
    """Put every batch norm of a net in evaluation mode into the convolution before it, in place.

    The net says what it said before in four fifths of the time; it can no longer be trained.
    """
    for layers in net.modules():
        if isinstance(layers, nn.Sequential) and len(layers) > 1:
            convolution, norm = layers[0], layers[1]
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                layers[0], layers[1] = fuse_conv_bn_eval(convolution, norm), nn.Identity()


class Bottleneck(nn.Module):
    """1x1 reduce, 3x3, 1x1 expand (x4), with a projected shortcut where the channels change."""

    def __init__(self, inputs: int, planes: int) -> None:
        super().__init__()
        outputs = planes * _BOTTLENECK_EXPANSION
        self.body = nn.Sequential(
            _conv_bn(inputs, planes, 1), _conv_bn(planes, planes, 3), _conv_bn(planes, outputs, 1, relu=False)
        )
        self.shortcut = nn.Identity() if inputs == outputs else _conv_bn(inputs, outputs, 1, relu=False)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.relu(self.body(x) + self.shortcut(x))
        return out


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around an identity shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(_conv_bn(channels, channels), _conv_bn(channels, channels, relu=False))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.relu(self.body(x) + x)
        return out


class Exchange(nn.Module):
    """Every branch becomes the sum of all branches brought to its resolution.

    Up: 1x1 convolution, BN, nearest-neighbour. Down: a chain of stride-2 3x3 convolutions, ReLU after all
    but the last.
    """

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.paths = nn.ModuleList(
            nn.ModuleList(self._path(channels, source, target) for source in range(len(channels)))
            for target in range(len(channels))
        )
        self.relu = nn.ReLU(inplace=True)

    @staticmethod
    def _path(channels: tuple[int, ...], source: int, target: int) -> nn.Module:
        if source == target:
            return nn.Identity()
        if source > target:
            return _conv_bn(channels[source], channels[target], 1, relu=False)
        steps = target - source
        return nn.Sequential(
            *(
                _conv_bn(channels[source], channels[target if last else source], 3, stride=2, relu=not last)
                for last in (step == steps - 1 for step in range(steps))
            )
        )

    def forward(self, branches: list[Tensor]) -> list[Tensor]:
        out = []
        for target, paths in enumerate(self.paths):
            size = branches[target].shape[-2:]
            total: Tensor | None = None
            for source in range(len(branches)):
                path = paths[source]  # type: ignore[index]
                part = path(branches[source])
                if source > target:
                    # By size, not by factor: an input that is no multiple of 16 rounds differently per
                    # branch.
                    part = nn.functional.interpolate(part, size=size, mode="nearest")
                total = part if total is None else total + part
            assert total is not None
            out.append(self.relu(total))
        return out


class HRModule(nn.Module):
    """`blocks` basic blocks on each branch, then one exchange between the branches."""

    def __init__(self, channels: tuple[int, ...], blocks: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(nn.Sequential(*(BasicBlock(c) for _ in range(blocks))) for c in channels)
        self.exchange = Exchange(channels)

    def forward(self, branches: list[Tensor]) -> list[Tensor]:
        mixed: list[Tensor] = self.exchange([b(x) for b, x in zip(self.branches, branches, strict=True)])
        return mixed


class HRNet(nn.Module):
    """Stem, bottleneck stage and two exchange stages.

    Input (B, `config.inputs`, H, W) float. Output: three maps (B, C_i, H/s/2^i, W/s/2^i), finest first, C_i =
    `config.channels`, s the product of `config.strides` (4 as published).
    """

    def __init__(self, config: HRNetConfig = W18) -> None:
        super().__init__()
        self.config = config
        fine, middle, coarse = config.channels
        wide = config.planes * _BOTTLENECK_EXPANSION
        first, second = config.stem
        self.stem = nn.Sequential(
            _conv_bn(config.inputs, first, stride=config.strides[0]), _conv_bn(first, second, stride=config.strides[1])
        )
        self.stage1 = nn.Sequential(
            *(Bottleneck(second if i == 0 else wide, config.planes) for i in range(config.bottlenecks))
        )
        self.to_fine = _conv_bn(wide, fine)
        self.to_middle = _conv_bn(wide, middle, stride=2)
        self.stage2 = nn.ModuleList(HRModule((fine, middle), config.blocks) for _ in range(config.modules[0]))
        self.to_coarse = _conv_bn(middle, coarse, stride=2)
        self.stage3 = nn.ModuleList(HRModule((fine, middle, coarse), config.blocks) for _ in range(config.modules[1]))
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                # The published code takes fan_out. What ships was begun with fan_in, and its command must make it again.
                nn.init.kaiming_normal_(layer.weight, mode="fan_in", nonlinearity="relu")

    def forward(self, images: Tensor) -> list[Tensor]:
        x = self.stage1(self.stem(images))
        branches = [self.to_fine(x), self.to_middle(x)]
        for module in self.stage2:
            branches = module(branches)
        branches = [*branches, self.to_coarse(branches[-1])]
        for module in self.stage3:
            branches = module(branches)
        return branches
