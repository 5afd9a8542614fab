"""The cross-modal transformer of Khare, Parthasarathy and Sundaram (2020; SEEDS §9).

Audio goes through an encoder of its own; video and text are projected onto audio by cross-modal encoders, whose queries are
the audio stream and whose keys and values are the projected source, the same in every layer (as in MulT). All outputs have
audio's length, so their weighted sum is defined; an absent modality has weight zero. Layers normalise before (pre-norm), keys
and values by the same layer norm as the queries; there is no causal mask.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mien_plugins.fusion.khare_streams import MODALITIES, Streams

PRETRAINING: tuple[float, float, float] = (0.4, 0.4, 0.2)
"""Weights of audio, video and text while pre-training."""
EQUAL: tuple[float, float, float] = (1 / 3, 1 / 3, 1 / 3)
"""Weights in the emotion task; learnt ones "were not very different"."""


@dataclass(frozen=True)
class KhareConfig:
    """What the net is built from: widths of the inputs and of the streams, encoder layers, and how many things it says.

    The paper's inputs: 40 log filterbanks at 10 ms, five stacked (200); VGG-16 (4096); GloVe (300).
    """

    audio: int = 200
    video: int = 4096
    text: int = 300
    width: int = 512
    heads: int = 4
    feed_forward: int = 200
    layers: int = 4
    dropout: float = 0.1
    outputs: int = 6

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready fields."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> KhareConfig:
        """The inverse of `to_dict`."""
        return cls(**fields)


class EncoderLayer(nn.Module):
    """Attention of a stream to itself or to a source, then two dense layers; 1,258,184 parameters at the paper's size."""

    def __init__(self, width: int = 512, heads: int = 4, feed_forward: int = 200, dropout: float = 0.1) -> None:
        super().__init__()
        self.before_attention, self.before_dense = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, dropout, batch_first=True)
        self.dense = dense(width, feed_forward, dropout)
        self.drop = nn.Dropout(dropout)

    def forward(self, stream: Tensor, padded: Tensor, source: Tensor | None = None) -> Tensor:
        """(B, T, width) → the same. padded: (B, S) of what is attended to: the stream itself, or `source` (B, S, width)."""
        query = self.before_attention(stream)
        key = query if source is None else self.before_attention(source)
        found, _ = self.attention(query, key, key, key_padding_mask=padded, need_weights=False)
        stream = stream + self.drop(found)
        done: Tensor = stream + self.drop(self.dense(self.before_dense(stream)))
        return done


class KhareNet(nn.Module):
    """Streams → one vector per modality → logits of emotions.

    Inputs are laid at mean 0 and deviation 1 of the training data (`fit_scale`), which is part of the net.
    """

    def __init__(self, config: KhareConfig) -> None:
        super().__init__()
        self.config = config
        for name in MODALITIES:
            size = getattr(config, name)
            self.register_buffer(f"mean_{name}", torch.zeros(size))
            self.register_buffer(f"deviation_{name}", torch.ones(size))
        self.project = nn.ModuleDict({name: nn.Linear(getattr(config, name), config.width) for name in MODALITIES})
        self.encoders = nn.ModuleDict({name: self._stack(config) for name in MODALITIES})
        self.head = nn.Linear(config.width, config.outputs)
        xavier(self)

    @staticmethod
    def _stack(config: KhareConfig) -> nn.ModuleList:
        layer = (config.width, config.heads, config.feed_forward, config.dropout)
        return nn.ModuleList(EncoderLayer(*layer) for _ in range(config.layers))

    @property
    def size(self) -> int:
        """Length of a modality's vector."""
        return self.config.width

    def fit_scale(self, means: Mapping[str, Tensor], deviations: Mapping[str, Tensor]) -> None:
        """Set the scaling of each modality's inputs."""
        set_scale(self, means, deviations)

    def encode(self, streams: Streams) -> Tensor:
        """(B, 3, T, width): what audio, video and text become, each at audio's steps."""
        sources = {name: self._projected(name, streams) for name in MODALITIES}
        found = []
        for name in MODALITIES:
            stream = sources["audio"]
            stack = self.encoders[name]
            assert isinstance(stack, nn.ModuleList)
            for layer in stack:
                stream = layer(stream, streams.padded[name], None if name == "audio" else sources[name])
            found.append(stream)
        return torch.stack(found, 1)

    def fuse(self, encoded: Tensor, present: Tensor, weights: tuple[float, float, float]) -> Tensor:
        """(B, T, width): the weighted sum; what is absent has weight zero, and the others keep theirs."""
        factor = present * torch.tensor(weights, device=present.device)
        return (encoded * factor[:, :, None, None]).sum(1)

    def vectors(self, streams: Streams) -> Tensor:
        """(B, 3, width): means over audio's steps. The sum over modalities and the mean over time may change places."""
        return mean_over_time(self.encode(streams), streams.padded["audio"])

    def logits(self, vectors: Tensor, present: Tensor) -> Tensor:
        """(B, 3, width) vectors and (B, 3) presence → (B, outputs)."""
        factor = present * torch.tensor(EQUAL, device=present.device)
        said: Tensor = self.head((vectors * factor[:, :, None]).sum(1))
        return said

    def forward(self, streams: Streams) -> Tensor:
        """Streams → (B, outputs) logits."""
        return self.logits(self.vectors(streams), streams.present)

    def _projected(self, name: str, streams: Streams) -> Tensor:
        scaled = scaled_input(self, name, streams)
        projected: Tensor = self.project[name](scaled)
        return projected + positions(projected.shape[1], self.config.width, projected.device)


def dense(width: int, inner: int, dropout: float) -> nn.Sequential:
    """The two dense layers of a transformer's layer."""
    return nn.Sequential(nn.Linear(width, inner), nn.ReLU(), nn.Dropout(dropout), nn.Linear(inner, width))


def positions(steps: int, width: int, device: Any) -> Tensor:
    """(steps, width) sines and cosines (Vaswani et al. 2017)."""
    place = torch.arange(steps, device=device, dtype=torch.float32)[:, None]
    rate = torch.exp(torch.arange(0, width, 2, device=device, dtype=torch.float32) * (-math.log(10_000.0) / width))
    made = torch.zeros(steps, width, device=device)
    made[:, 0::2], made[:, 1::2] = torch.sin(place * rate), torch.cos(place * rate)[:, : width // 2]
    return made


def mean_over_time(encoded: Tensor, padded: Tensor) -> Tensor:
    """(B, 3, T, width) → (B, 3, width), padded steps (B, T) left out."""
    real = (~padded)[:, None, :, None]
    return (encoded * real).sum(2) / real.sum(2).clamp_min(1)


def xavier(net: nn.Module) -> None:
    """Weights of dense layers and attention as MulT and the Speech-Transformer start them; biases 0."""
    for module in net.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.MultiheadAttention):
            nn.init.xavier_uniform_(module.in_proj_weight)
            nn.init.zeros_(module.in_proj_bias)


def set_scale(net: nn.Module, means: Mapping[str, Tensor], deviations: Mapping[str, Tensor]) -> None:
    """Fill the buffers `mean_*` and `deviation_*` of a net."""
    for name in MODALITIES:
        if name in means:
            net.get_buffer(f"mean_{name}").copy_(means[name])
            net.get_buffer(f"deviation_{name}").copy_(deviations[name].clamp_min(1e-3))


def scaled_input(net: nn.Module, name: str, streams: Streams) -> Tensor:
    """A modality's input (B, T, D) as the net gets it: standardised, zeros where it is absent or padded."""
    scaled = (streams.values[name] - net.get_buffer(f"mean_{name}")) / net.get_buffer(f"deviation_{name}")
    there = streams.present[:, MODALITIES.index(name), None] & ~streams.padded[name]
    return torch.where(there[..., None], scaled, torch.zeros((), device=scaled.device))
