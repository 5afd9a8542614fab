"""One BERT encoder, several heads: offence, hate, and valence/arousal/dominance of a text.

The encoder's shape is that of all-MiniLM-L6-v2 (Wang et al. 2020, "MiniLM"; 6 layers, 384 wide); it is built
from its configuration, so nothing is fetched. The heads read one vector per text: the mean of the last layer
over real tokens, or the final [CLS].
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from mien_plugins.text.encoder import BertEncoder

Pooling = Literal["mean", "cls"]


@dataclass(frozen=True)
class TextConfig:
    """Shape of the net. ``heads_out`` maps a task to its number of outputs."""

    vocab_size: int = 30522
    width: int = 384
    layers: int = 6
    attention_heads: int = 12
    feed_forward: int = 1536
    positions: int = 512
    dropout: float = 0.1
    pooling: Pooling = "mean"
    heads_out: dict[str, int] = field(default_factory=lambda: {"offence": 1, "hate": 3, "attributes": 3})

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TextConfig:
        """The inverse of :meth:`to_dict`; unknown keys are an error (TypeError)."""
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for config.json."""
        return asdict(self)


class Encoded(NamedTuple):
    """What the encoder says: ``tokens`` (B, T, width), ``vector`` (B, width) by the configured pooling."""

    tokens: Tensor
    vector: Tensor


def pool(tokens: Tensor, mask: Tensor, how: Pooling) -> Tensor:
    """(B, T, D), (B, T) → (B, D): the mean over tokens whose ``mask`` is 1 (special ones too), or token 0."""
    if how == "cls":
        return tokens[:, 0]
    weight = mask.to(tokens.dtype).unsqueeze(-1)
    return (tokens * weight).sum(1) / weight.sum(1).clamp(min=1.0)


class TextNet(nn.Module):
    """Encoder and heads; ``forward`` gives the raw outputs of every head asked for."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = BertEncoder(
            config.vocab_size,
            config.width,
            config.layers,
            config.attention_heads,
            config.feed_forward,
            config.positions,
            config.dropout,
        )
        self.drop = nn.Dropout(config.dropout)
        self.heads = nn.ModuleDict({task: nn.Linear(config.width, n) for task, n in config.heads_out.items()})

    def embed(self, ids: Tensor) -> Tensor:
        """Word vectors (B, T, width) before positions are added: what attribution differentiates."""
        vectors: Tensor = self.encoder.embeddings.word_embeddings(ids)
        return vectors

    def encode(self, mask: Tensor, ids: Tensor | None = None, vectors: Tensor | None = None) -> Encoded:
        """Run the encoder on ids (B, T) or word vectors (B, T, width); ``mask`` (B, T): 1 on real tokens."""
        tokens = self.encoder(mask, ids=ids, vectors=vectors)
        return Encoded(tokens, pool(tokens, mask, self.config.pooling))

    def head(self, task: str, vector: Tensor) -> Tensor:
        """(B, width) → (B, n): logits of ``task``; ``attributes`` are squashed into [−1, 1] by tanh."""
        out = self.heads[task](self.drop(vector))
        return torch.tanh(out) if task == "attributes" else out

    def forward(self, ids: Tensor, mask: Tensor, task: str) -> Tensor:
        """Outputs (B, n) of one head for token ids (B, T)."""
        return self.head(task, self.encode(mask, ids=ids).vector)
