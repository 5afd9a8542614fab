"""1D-SER: the emotion's name from raw speech by four local feature learning blocks and an LSTM (Zhao et al. 2019).

Each block is a convolution of 3, batch norm, ELU and maximum pooling by 4. In the form with attention a second LSTM reads
the first one's outputs as additive self-attention weighs them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien_plugins.conflict.net import AdditiveAttention, KerasLSTM

RATE = 16_000
Variant = Literal["plain", "attention"]


@dataclass(frozen=True)
class LflbConfig:
    """Shape of the net. classes: what it tells apart, in the order of its outputs."""

    classes: tuple[str, ...]
    variant: Variant = "plain"
    filters: tuple[int, ...] = (64, 64, 128, 128)
    size: int = 3
    pool: int = 4
    units: int = 64
    width: int = 32

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready fields."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> LflbConfig:
        """The inverse of `to_dict`; unknown fields are an error (TypeError)."""
        values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()}
        return cls(**values)

    @property
    def shortest(self) -> int:
        """Samples below which nothing is left behind the last pooling."""
        return int(self.pool ** len(self.filters))


class Block(nn.Module):
    """(B, C, T) -> (B, filters, T // pool)."""

    def __init__(self, inputs: int, filters: int, size: int, pool: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, filters, size, padding=size // 2)
        self.norm = nn.BatchNorm1d(filters, eps=1e-3, momentum=0.01)  # Keras' .99
        self.pool = pool
        nn.init.xavier_uniform_(self.conv.weight)
        nn.init.zeros_(self.conv.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool1d(F.elu(self.norm(self.conv(x))), self.pool)


class LflbNet(nn.Module):
    """(B, n) samples at 16 kHz, RMS-normalised -> (B, classes) logits and (B, units), the last LSTM's last output."""

    def __init__(self, config: LflbConfig) -> None:
        super().__init__()
        self.config = config
        inputs = (1, *config.filters[:-1])
        self.blocks = nn.Sequential(
            *(Block(i, o, config.size, config.pool) for i, o in zip(inputs, config.filters, strict=True))
        )
        self.lstm = KerasLSTM(config.filters[-1], config.units)
        self.attention = self.second = None
        if config.variant == "attention":
            self.attention = AdditiveAttention(config.units, config.width)
            self.second = KerasLSTM(config.units, config.units)
        self.out = nn.Linear(config.units, len(config.classes))
        nn.init.xavier_uniform_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.lstm(self.blocks(x.unsqueeze(1)).transpose(1, 2))
        if self.attention is not None and self.second is not None:
            h = self.second(self.attention(h))
        last: Tensor = h[:, -1]
        return self.out(last), last


def trainable(net: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(p.numel() for p in net.parameters() if p.requires_grad)


def probabilities(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """(B, classes) probabilities; the temperature calibrates them (Guo et al. 2017)."""
    return torch.softmax(logits.float() / temperature, dim=-1)
