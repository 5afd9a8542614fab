"""The raw-audio network of Tzirakis et al. (2021): three convolutions on samples and an LSTM over frames of 0.1 s.

A frame is 4,410 numbers at 22,050 Hz: the first half holds what the target speaker says in it, the second half what the
other one says, whichever of the two is silent is zeros. 5,006,372 parameters in the paper's form (`steps="reshape"`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from mien_plugins.conflict.convpool import conv_relu_pool, conv_relu_pool_only

RATE = 22_050
FRAME = 0.1
"""Seconds of a frame: labels of its corpus come ten times a second."""
SAMPLES = 2_205
"""Samples of a frame of sound; the net sees twice as many numbers."""

Steps = Literal["average", "reshape"]
PER_FRAME = {"reshape": 25}
"""Frames must come in multiples of this for a reshape: 17.64 steps of the convolutions are one frame."""


@dataclass(frozen=True)
class RawConfig:
    """Shape of the net.

    Attributes:
        filters, sizes, pools: of the convolutions.
        units: of the LSTM. layers: of them, one upon the other. clip: bound of their cells.
        outputs: dimensions that are read.
        steps: how what the convolutions give becomes one vector a frame: "reshape" as the paper's code does, which lays
            4,410 numbers side by side wherever they come from, mixing time and channels; "average" over the steps that
            belong to the frame, which gives 250 numbers and a smaller LSTM.
        dropout: behind the first two convolutions. memory_dropout: behind the LSTM.
    """

    filters: tuple[int, ...] = (50, 125, 250)
    sizes: tuple[int, ...] = (8, 6, 6)
    pools: tuple[int, ...] = (10, 5, 5)
    units: int = 256
    layers: int = 1
    clip: float = 100.0
    outputs: int = 3
    steps: Steps = "average"
    dropout: float = 0.5
    memory_dropout: float = 0.5

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready fields."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> RawConfig:
        """The inverse of `to_dict`; unknown fields are an error (TypeError)."""
        values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()}
        return cls(**values)


def halves(sound: NDArray[np.float32], target: NDArray[np.bool_] | None = None) -> NDArray[np.float32]:
    """Sound as the net is given it.

    Args:
        sound: (n,) mono at `RATE`; a rest that fills no frame is left out.
        target: for each frame whether the target speaks (True) or the other one; all are the target's by default.

    Returns:
        (frames, 4410).
    """
    frames = sound[: len(sound) // SAMPLES * SAMPLES].reshape(-1, SAMPLES)
    out = np.zeros((len(frames), 2 * SAMPLES), np.float32)
    own = np.ones(len(frames), bool) if target is None else target
    out[own, :SAMPLES] = frames[own]
    out[~own, SAMPLES:] = frames[~own]
    return out


class SamePool(nn.Module):
    """(B, T, C) -> (B, T // pool, filters): convolution of the same length, ReLU, maximum of each `pool` steps."""

    def __init__(self, inputs: int, filters: int, size: int, pool: int) -> None:
        super().__init__()
        self.conv, self.pool = nn.Conv1d(inputs, filters, size), pool
        nn.init.xavier_uniform_(self.conv.weight)
        nn.init.zeros_(self.conv.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        more = self.conv.kernel_size[0] - 1
        padded = F.pad(x, (0, 0, more // 2, more - more // 2))
        if x.device.type == "cpu" and x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu"):
            return self._fused(padded)
        # ReLU and maximum commute; the smaller one goes last.
        return F.relu(F.max_pool1d(self.conv(padded.transpose(1, 2)), self.pool)).transpose(1, 2)

    def _fused(self, padded: Tensor) -> Tensor:
        assert self.conv.bias is not None
        weight = self.conv.weight.permute(2, 1, 0).reshape(-1, self.conv.out_channels)
        given = (padded.contiguous(), weight, self.conv.bias, torch.ones_like(self.conv.bias), self.pool)
        return conv_relu_pool(*given)[0] if torch.is_grad_enabled() else conv_relu_pool_only(*given)


class PeepholeLSTM(nn.Module):
    """An LSTM whose gates see the cell (Gers & Schmidhuber 2000), with bounded cells and one bias (TensorFlow's LSTMCell).

    Gate order i, g, f, o; the forget gate's bias starts at 1.
    """

    def __init__(self, inputs: int, units: int, clip: float) -> None:
        super().__init__()
        self.units, self.clip = units, clip
        self.kernel = nn.Parameter(torch.empty(inputs, 4 * units))
        self.recurrent = nn.Parameter(torch.empty(units, 4 * units))
        self.bias = nn.Parameter(torch.zeros(4 * units))
        self.peep = nn.Parameter(torch.zeros(3, units))
        nn.init.xavier_uniform_(self.kernel)
        nn.init.xavier_uniform_(self.recurrent)
        with torch.no_grad():
            self.bias[2 * units : 3 * units] = 1.0

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, inputs) -> (B, T, units)."""
        steps = F.linear(x.transpose(0, 1), self.kernel.t(), self.bias).unbind(0)
        h = x.new_zeros(x.shape[0], self.units)
        c = h
        outputs = []
        for step in steps:
            i, g, f, o = torch.addmm(step, h, self.recurrent).chunk(4, dim=1)
            i, f = torch.sigmoid(i + self.peep[0] * c), torch.sigmoid(f + self.peep[1] * c)
            c = (f * c + i * torch.tanh(g)).clamp(-self.clip, self.clip)
            h = torch.sigmoid(o + self.peep[2] * c) * torch.tanh(c)
            outputs.append(h)
        return torch.stack(outputs, 1)


class RawNet(nn.Module):
    """Frames of sound (B, T, 4410) -> values (B, T, outputs) in [-1, 1] and hidden vectors (B, T, units)."""

    def __init__(self, config: RawConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or RawConfig()
        inputs = (1, *config.filters[:-1])
        self.convolutions = nn.ModuleList(
            SamePool(*shape) for shape in zip(inputs, config.filters, config.sizes, config.pools, strict=True)
        )
        self.dropout = nn.Dropout(config.dropout)
        wide = 2 * SAMPLES if config.steps == "reshape" else config.filters[-1]
        sizes = [wide, *[config.units] * (config.layers - 1)]
        self.memory = nn.ModuleList(PeepholeLSTM(size, config.units, config.clip) for size in sizes)
        self.memory_dropout = nn.Dropout(config.memory_dropout)
        self.out = nn.Linear(config.units, config.outputs)
        nn.init.xavier_uniform_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def features(self, frames: Tensor) -> Tensor:
        """(B, T, 4410) -> (B, T, 250), or as wide as a frame is where they are reshaped.

        Raises:
            ValueError: T is no multiple of 25, which a reshape needs.
        """
        batch, count, _ = frames.shape
        x = frames.reshape(batch, -1, 1)
        last = len(self.convolutions) - 1
        for number, layer in enumerate(self.convolutions):
            x = layer(x)
            x = self.dropout(x) if number < last else x
        if self.config.steps == "average":
            return F.adaptive_avg_pool1d(x.transpose(1, 2), count).transpose(1, 2)
        if count % PER_FRAME["reshape"]:
            raise ValueError(f"{count} frames cannot be reshaped: give a multiple of {PER_FRAME['reshape']}")
        return x.reshape(batch, count, -1)

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.features(frames)
        for number, layer in enumerate(self.memory):
            hidden = layer(self.memory_dropout(hidden) if number else hidden)
        return torch.tanh(self.out(self.memory_dropout(hidden))), hidden


def trainable(net: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(p.numel() for p in net.parameters() if p.requires_grad)
