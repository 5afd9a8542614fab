"""The late-fusion baseline of Khare et al. (2020; SEEDS §9): two layers of bidirectional GRU per modality, ends laid together.

Per modality the last state of the forward and of the backward direction (2 · 200), of three modalities 1200 → 100 (ReLU; the
paper names no activation) → one logit per emotion. An absent modality is 400 zeros.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from mien_plugins.fusion.khare_net import scaled_input, set_scale
from mien_plugins.fusion.khare_streams import MODALITIES, Streams


@dataclass(frozen=True)
class BiGruConfig:
    """What the net is built from: widths of the inputs, of each GRU's direction and of the dense layer; GRU layers."""

    audio: int = 200
    video: int = 4096
    text: int = 300
    width: int = 200
    layers: int = 2
    dense: int = 100
    dropout: float = 0.1
    outputs: int = 6

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready fields."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> BiGruConfig:
        """The inverse of `to_dict`."""
        return cls(**fields)


class BiGruNet(nn.Module):
    """Streams → one vector per modality → logits of emotions; the scaling of the inputs is part of the net."""

    def __init__(self, config: BiGruConfig) -> None:
        super().__init__()
        self.config = config
        for name in MODALITIES:
            size = getattr(config, name)
            self.register_buffer(f"mean_{name}", torch.zeros(size))
            self.register_buffer(f"deviation_{name}", torch.ones(size))
        self.encoders = nn.ModuleDict(
            {
                name: nn.GRU(
                    getattr(config, name),
                    config.width,
                    config.layers,
                    batch_first=True,
                    dropout=config.dropout if config.layers > 1 else 0.0,
                    bidirectional=True,
                )
                for name in MODALITIES
            }
        )
        self.drop = nn.Dropout(config.dropout)
        self.dense = nn.Linear(len(MODALITIES) * self.size, config.dense)
        self.head = nn.Linear(config.dense, config.outputs)

    @property
    def size(self) -> int:
        """Length of a modality's vector."""
        return 2 * self.config.width

    def fit_scale(self, means: Mapping[str, Tensor], deviations: Mapping[str, Tensor]) -> None:
        """Set the scaling of each modality's inputs."""
        set_scale(self, means, deviations)

    def vectors(self, streams: Streams) -> Tensor:
        """(B, 3, 2 · width): the last states of both directions of the upper layer."""
        found = []
        for name in MODALITIES:
            lengths = streams.lengths(name).cpu()
            packed = pack_padded_sequence(
                scaled_input(self, name, streams), lengths, batch_first=True, enforce_sorted=False
            )
            _, last = self.encoders[name](packed)
            found.append(torch.cat([last[-2], last[-1]], 1))
        return torch.stack(found, 1)

    def logits(self, vectors: Tensor, present: Tensor) -> Tensor:
        """(B, 3, 2 · width) vectors and (B, 3) presence → (B, outputs)."""
        kept = torch.where(present[:, :, None], vectors, torch.zeros((), device=vectors.device)).flatten(1)
        said: Tensor = self.head(torch.relu(self.dense(self.drop(kept))))
        return said

    def forward(self, streams: Streams) -> Tensor:
        """Streams → (B, outputs) logits."""
        return self.logits(self.vectors(streams), streams.present)
