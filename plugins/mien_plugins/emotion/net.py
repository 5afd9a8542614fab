"""The multi-task net for valence, arousal and dominance (Rana & Jha 2022, section 3.2)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

FEATURES = 136
TASKS = ("valence", "arousal", "dominance")
BRANCH = 170


@dataclass(frozen=True)
class NetConfig:
    """What the net is built from.

    representation: "f1" averages the mid-term windows (136 numbers), "f2" lays `rows` of them side by side in
    time order (136 * rows), with zeros (mid-range, as scaled) where there are fewer.
    shared: widths of the layers that the tasks share; branch: units of each task's branch.
    """

    representation: Literal["f1", "f2"] = "f1"
    rows: int = 10
    shared: tuple[int, ...] = (512, 256)
    dropout: float = 0.2
    branch: int = BRANCH

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready fields."""
        return {**asdict(self), "shared": list(self.shared)}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> NetConfig:
        """The inverse of `to_dict`."""
        return cls(**{**fields, "shared": tuple(fields["shared"])})


class EmotionNet(nn.Module):
    """Shared dense layers, then a branch of 170 units per task; the three branches together are the
    embedding.

    The scaling to [-1, 1] is part of the net: `low` and `high` (136,) are fitted on training data by
    `fit_scale`.
    """

    low: Tensor
    high: Tensor

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.config = config
        self.size = config.branch * len(TASKS)
        self.register_buffer("low", -torch.ones(FEATURES))
        self.register_buffer("high", torch.ones(FEATURES))
        width = FEATURES * (config.rows if config.representation == "f2" else 1)
        layers: list[nn.Module] = []
        for size in config.shared:
            layers += [nn.Linear(width, size), nn.ReLU(), nn.Dropout(config.dropout)]
            width = size
        self.shared = nn.Sequential(*layers)
        self.branches = nn.ModuleList(nn.Sequential(nn.Linear(width, config.branch), nn.ReLU()) for _ in TASKS)
        self.heads = nn.ModuleList(nn.Linear(config.branch, 1) for _ in TASKS)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)
        for head in self.heads:  # linear outputs of a few tenths: a He start would be far off the labels
            nn.init.normal_(head.weight, std=0.02)  # type: ignore[arg-type]

    def fit_scale(self, mid: Tensor, rows: Tensor, outside: float = 0.005) -> None:
        """Set the scaling from mid-term windows (N, rows, 136), `rows` (N,) of them real.

        `outside`: share of the values left beyond each end, which are clipped; single outliers would else
        squeeze everything else into the middle.
        """
        real = mid[torch.arange(mid.shape[1])[None] < rows[:, None]].double()
        values = self._average(mid, rows).double() if self.config.representation == "f1" else real
        ends = torch.tensor([outside, 1.0 - outside], dtype=torch.float64)
        low, high = torch.quantile(values, ends, dim=0, interpolation="linear")
        self.low.copy_(low.float())
        self.high.copy_(torch.maximum(high, low + 1e-6).float())

    def scale(self, mid: Tensor, rows: Tensor) -> Tensor:
        """Net input from mid-term windows (B, R, 136), `rows` (B,) of them real: (B, 136) or (B, 136 R)."""
        x = self._average(mid, rows) if self.config.representation == "f1" else mid
        x = (2.0 * (x - self.low) / (self.high - self.low) - 1.0).clamp(-1.0, 1.0)
        if self.config.representation == "f1":
            return x
        real = torch.arange(mid.shape[1], device=mid.device)[None] < rows[:, None]
        return torch.where(real[..., None], x, torch.zeros((), device=x.device)).flatten(1)

    def forward(self, mid: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """(B, rows, 136), (B,) -> valence, arousal and dominance (B, 3), unbounded; embedding (B, size)."""
        shared = self.shared(self.scale(mid, rows))
        parts = [branch(shared) for branch in self.branches]
        values = torch.cat([head(part) for head, part in zip(self.heads, parts, strict=True)], dim=1)
        return values, torch.cat(parts, dim=1)

    @staticmethod
    def _average(mid: Tensor, rows: Tensor) -> Tensor:
        real = (torch.arange(mid.shape[1], device=mid.device)[None] < rows[:, None]).to(mid.dtype)
        return (mid * real[..., None]).sum(dim=1) / real.sum(dim=1, keepdim=True).clamp(min=1.0)
