"""BERT's encoder (Devlin et al. 2019) on torch's own transformer layers.

It computes what `transformers.BertModel` computes and reads the same weights, but does not import that library, which
takes more processor time than reading the transcript of a whole video.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

_MOST_LAYERS = 100
_NORM_EPS = 1e-12
_LAYER = re.compile(r"encoder\.layer\.(\d+)\.(.+)")
_PARTS = {
    "attention.output.dense": "self_attn.out_proj",
    "attention.output.LayerNorm": "norm1",
    "intermediate.dense": "linear1",
    "output.dense": "linear2",
    "output.LayerNorm": "norm2",
}
"""BERT's name of a part of a layer → torch's."""


class Embeddings(nn.Module):
    """Word, position and (always the first) segment vectors, summed and normalised; named as in BERT."""

    def __init__(self, vocab_size: int, width: int, positions: int, dropout: float) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(vocab_size, width)
        self.position_embeddings = nn.Embedding(positions, width)
        self.token_type_embeddings = nn.Embedding(2, width)
        self.LayerNorm = nn.LayerNorm(width, eps=_NORM_EPS)
        self.dropout = nn.Dropout(dropout)

    def forward(self, words: Tensor) -> Tensor:
        """(B, T, width) word vectors → (B, T, width)."""
        place = self.position_embeddings.weight[: words.shape[1]] + self.token_type_embeddings.weight[0]
        summed: Tensor = self.dropout(self.LayerNorm(words + place))
        return summed


class BertEncoder(nn.Module):
    """Embeddings and post-norm transformer layers with GELU.

    `load_state_dict` takes weights under BERT's names as well as under its own.

    Args:
        width: of the hidden states; `feed_forward`: of the layers between; `positions`: longest text in tokens.
    """

    def __init__(
        self,
        vocab_size: int,
        width: int,
        layers: int,
        heads: int,
        feed_forward: int,
        positions: int,
        dropout: float,
    ) -> None:
        super().__init__()
        if layers > _MOST_LAYERS:  # torch copies them one by one
            raise ValueError(f"{layers} layers are more than {_MOST_LAYERS}")
        self.embeddings = Embeddings(vocab_size, width, positions, dropout)
        layer = nn.TransformerEncoderLayer(
            width, heads, feed_forward, dropout, "gelu", layer_norm_eps=_NORM_EPS, batch_first=True
        )
        layer.dropout = nn.Dropout(0.0)  # BERT drops nothing between the two feed-forward layers
        # Nested tensors would save the padding's share, but texts of like length are read together anyway.
        self.layers = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)
        self.register_load_state_dict_pre_hook(_accept_bert)  # type: ignore[no-untyped-call]

    def forward(self, mask: Tensor, ids: Tensor | None = None, vectors: Tensor | None = None) -> Tensor:
        """Token ids (B, T) or word vectors (B, T, width), with `mask` (B, T) 1 on real tokens → (B, T, width)."""
        if vectors is None:
            vectors = self.embeddings.word_embeddings(ids)
        states: Tensor = self.layers(self.embeddings(vectors), src_key_padding_mask=mask == 0)
        return states


def from_bert(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights under BERT's names (`embeddings.…`, `encoder.layer.N.…`) → `BertEncoder`'s; others stay as they are."""
    renamed: dict[str, Tensor] = {}
    for name, value in weights.items():
        found = _LAYER.fullmatch(name)
        if found is None:
            renamed[name] = value
            continue
        number, rest = found.groups()
        part, _, kind = rest.rpartition(".")
        if part == "attention.self.query":
            same = [weights.get(f"encoder.layer.{number}.attention.self.{x}.{kind}") for x in ("query", "key", "value")]
            joined = [tensor for tensor in same if tensor is not None]  # one that is missing shows as a wrong shape
            renamed[f"layers.layers.{number}.self_attn.in_proj_{kind}"] = torch.cat(joined)
        elif part in _PARTS:
            renamed[f"layers.layers.{number}.{_PARTS[part]}.{kind}"] = value
        elif part not in ("attention.self.key", "attention.self.value"):
            renamed[name] = value
    return renamed


def _accept_bert(_module: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    """Rename in place, as torch's hook wants it."""
    own = {name.removeprefix(prefix): state.pop(name) for name in [n for n in state if n.startswith(prefix)]}
    state.update({prefix + name: value for name, value in from_bert(own).items()})
