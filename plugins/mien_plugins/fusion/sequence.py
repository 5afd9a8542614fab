"""The net of Tzirakis et al. 2021: one fusion strategy at each moment, then an LSTM over time (SEEDS §11.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mien_plugins.fusion.scaling import SubsetScaling
from mien_plugins.fusion.strategies import Rows, Strategy, make
from mien_plugins.fusion.timed import Encoded, Heads, Reading, Scale, TimedNet, calibrated


@dataclass(frozen=True)
class SequenceConfig:
    """What the net is built from.

    Args:
        widths: numbers in each modality's vectors.
        width: D_u, of the projections; inner: D_s; heads: p of the self-attentions (the paper leaves all three open; SEEDS
            proposes 256, 64, 4).
        hidden: of the LSTM.
        classes: of emotion, 0 where only valence and arousal are read.
        hostile: classes whose probabilities add up to the score.
        literal, rows: see `strategies`.
    """

    modalities: tuple[str, ...]
    widths: tuple[int, ...]
    strategy: Strategy = "concat"
    width: int = 256
    inner: int = 64
    heads: int = 4
    hidden: int = 256
    classes: int = 7
    hostile: tuple[int, ...] = (0, 1)
    dropout: float = 0.5
    literal: bool = False
    rows: Rows = "each"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for config.json."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> SequenceConfig:
        """The inverse of `to_dict`."""
        plain: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()}
        return cls(**plain)


class SequenceNet(TimedNet):
    """Projection of each modality (eq. 3), fusion of the moment, LSTM over time, classes and affect."""

    def __init__(self, config: SequenceConfig, scaling: SubsetScaling | None = None) -> None:
        super().__init__(config.modalities, config.widths)
        self.config = config
        self.scales = nn.ModuleList(Scale(width) for width in config.widths)
        self.project = nn.ModuleList(nn.Linear(width, config.width) for width in config.widths)
        self.fusion = make(
            config.strategy,
            len(config.modalities),
            config.width,
            config.inner,
            config.heads,
            config.literal,
            config.rows,
        )
        width = self.fusion.width
        assert isinstance(width, int)
        self.lstm = nn.LSTM(width, config.hidden, batch_first=True)
        self.dropout = nn.Dropout(config.dropout)
        self.heads = Heads(config.hidden, config.classes)
        self.scaling = scaling or SubsetScaling(config.modalities, config.classes)

    def encode(self, x: Sequence[Tensor], mask: Tensor) -> Encoded:
        """Standardised and projected: x̃^m (B, T, D_u)."""
        parts = zip(x, self.scales, self.project, strict=True)
        return tuple(project(scale(part, mask[..., m])) for m, (part, scale, project) in enumerate(parts))

    def decode(self, encoded: Encoded, mask: Tensor, state: Any = None, known: Tensor | None = None) -> Reading:
        """Fuse each step and go over time from `state`, the LSTM's of the step before."""
        batch = mask.shape[0]
        stacked = torch.stack([self.dropout(part) for part in encoded], -2).expand(batch, -1, -1, -1)
        fused, weights = self.fusion(stacked, mask)
        out, state = self.lstm(fused, state)
        logits, affect = self.heads(self.dropout(out))
        if logits is None:
            return Reading((affect[..., 1] + 1) / 2, weights, None, None, affect, state)
        score, expression = calibrated(self.scaling, logits, self.config.hostile, mask, known)
        return Reading(score, weights, logits, expression, affect, state)


def told(config: Mapping[str, Any]) -> str:
    """The architecture of such a net, by a model's configuration, for its card."""
    net = config["net"]
    return (
        f"each modality projected to {net['width']}, fusion strategy '{config['strategy']}' at each step, LSTM of "
        f"{net['hidden']} over time (Tzirakis et al. 2021)"
    )
