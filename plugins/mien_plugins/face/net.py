"""The face net: HRNet of three stages, hierarchical attention, seven expressions.

Level 1 pools each branch's map by attentional pooling (Girdhar & Ramanan, NeurIPS 2017): a bottom-up
saliency map weighs K top-down maps before the spatial mean. Level 2 weighs the three branch vectors by
attention (Tzirakis et al. 2021, eq. 4). The 256-d result is the face embedding. Both levels keep their
attention so that a reading can be explained.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mien_plugins.face.hrnet import W16_FACE, HRNet, HRNetConfig


@dataclass(frozen=True)
class FaceNetConfig:
    """Everything that shapes a `FaceNet`; travels as the model's config.json."""

    hrnet: HRNetConfig = W16_FACE
    embedding: int = 256
    classes: int = 7
    dropout: float = 0.2

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> FaceNetConfig:
        """From `to_dict`'s values."""
        hrnet = dict(values["hrnet"])
        hrnet |= {name: tuple(value) for name, value in hrnet.items() if isinstance(value, list)}
        return cls(hrnet=HRNetConfig(**hrnet), **{k: v for k, v in values.items() if k != "hrnet"})


@dataclass(frozen=True)
class FaceReading:
    """What the net says about a batch of faces.

    logits (B, classes); embedding (B, K); branch_weights (B, 3), rows sum to 1, finest branch first;
    saliency: three maps (B, h_i, w_i), the bottom-up attention of each branch (unbounded, higher draws more).
    """

    logits: Tensor
    embedding: Tensor
    branch_weights: Tensor
    saliency: tuple[Tensor, Tensor, Tensor]


class AttentionalPooling(nn.Module):
    """(B, C, h, w) -> vector (B, K) and saliency (B, h, w): mean over space of saliency x each of K top-down
    maps."""

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self.top_down = nn.Conv2d(channels, outputs, 1)
        self.bottom_up = nn.Conv2d(channels, 1, 1)
        # The published N(0, .001) weights make the product vanish at the start; a bias of 1 begins at plain
        # mean pooling and lets attention grow from there.
        nn.init.normal_(self.bottom_up.weight, std=1e-3)
        nn.init.ones_(self.bottom_up.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        saliency = self.bottom_up(x)
        # mean_s(b * (W x + c)) = W mean_s(b x) + c mean_s(b): the same value without K maps in memory.
        pooled = (saliency * x).mean(dim=(2, 3))
        weight = self.top_down.weight.flatten(1)
        vector = pooled @ weight.T + saliency.mean(dim=(2, 3)) * self.top_down.bias
        return vector, saliency[:, 0]


class BranchAttention(nn.Module):
    """Eq. 4: project each branch, score it against its own query, softmax over the branches, weighted sum."""

    def __init__(self, branches: int, width: int) -> None:
        super().__init__()
        self.project = nn.ModuleList(nn.Linear(width, width) for _ in range(branches))
        self.query = nn.Parameter(torch.zeros(branches, width))
        nn.init.normal_(self.query, std=width**-0.5)

    def forward(self, vectors: list[Tensor]) -> tuple[Tensor, Tensor]:
        projected = torch.stack([p(v) for p, v in zip(self.project, vectors, strict=True)], dim=1)  # (B, M, D)
        scores = (projected * self.query).sum(-1) / math.sqrt(projected.shape[-1])
        weights = scores.softmax(dim=1)
        return (weights.unsqueeze(-1) * projected).sum(1), weights


class FaceNet(nn.Module):
    """Faces (B, 1, H, W), standardised grey -> `FaceReading`."""

    def __init__(self, config: FaceNetConfig | None = None) -> None:
        super().__init__()
        self.config = config or FaceNetConfig()
        self.backbone = HRNet(self.config.hrnet)
        self.pooling = nn.ModuleList(AttentionalPooling(c, self.config.embedding) for c in self.config.hrnet.channels)
        self.normalise = nn.ModuleList(nn.LayerNorm(self.config.embedding) for _ in self.config.hrnet.channels)
        self.attention = BranchAttention(len(self.config.hrnet.channels), self.config.embedding)
        self.dropout = nn.Dropout(self.config.dropout)
        self.head = nn.Linear(self.config.embedding, self.config.classes)

    def forward(self, images: Tensor) -> FaceReading:
        vectors, saliency = [], []
        images = images.expand(-1, self.config.hrnet.inputs, -1, -1)
        for x, pool, norm in zip(self.backbone(images), self.pooling, self.normalise, strict=True):
            vector, attention = pool(x)
            # The branches' scales differ by their number of channels; without this the softmax sees only
            # one of them.
            vectors.append(norm(vector))
            saliency.append(attention)
        embedding, weights = self.attention(vectors)
        logits = self.head(self.dropout(embedding))
        return FaceReading(logits, embedding, weights, (saliency[0], saliency[1], saliency[2]))
