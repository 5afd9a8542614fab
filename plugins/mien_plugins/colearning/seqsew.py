"""The networks of SeqSEW: a strong modality teaches a weak one, step by step (V. Rajan, thesis 2022, ch. 5.2.3).

    encoder     bi-GRU → dense to 100 → + sinusoidal positions → 2 transformer layers      features (B, N, d) → m (B, N, 100)
    classifier  dense 300, ReLU, dropout → dense 1                                         m → logit (B, N)
    decoder     bi-GRU → dense to the stronger modality's size                             m → its features (B, N, D)

The teacher (S_E, C_S) is trained and frozen; the student (W_E, C_W) is then trained with the decoder S_D beside it. What is
kept is the student alone, which needs nothing but its own modality.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

Kind = Literal["dense", "gru", "transformer"]
WIDTH, HEADS, FEED_FORWARD, HIDDEN = 100, 2, 400, 300


@dataclass(frozen=True)
class UnimodalConfig:
    """What a unimodal net is built from.

    Args:
        size: of the features.
        gru_layers: of the encoder; the thesis takes 2, and 1 for the text of MOSI and the audio of RECOLA.
        kind: `transformer` is the thesis' encoder, `gru` the same without transformer layers, `dense` the classifier on raw
            features (the rows "+TE", "Bi-GRU + Classifier" and "Classifier" of Tables 5.4 and 5.5).
        dropout: in the transformer layers: residual connections, first dense layer, attention weights.
        classifier_dropout: between the classifier's layers.
        input_dropout: on the features; not in the thesis.
        bounded: whether the output is squashed to −1 … 1 (RECOLA) or is the logit of a probability (MOSI).
    """

    size: int
    gru_layers: int = 2
    kind: Kind = "transformer"
    dropout: float = 0.3
    classifier_dropout: float = 0.3
    input_dropout: float = 0.0
    bounded: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return asdict(self)


def positions(steps: int, width: int) -> Tensor:
    """Sinusoidal positions (steps, width), Vaswani et al. 2017."""
    step = torch.arange(steps, dtype=torch.float32)[:, None]
    rate = torch.exp(torch.arange(0, width, 2, dtype=torch.float32) * (-math.log(10_000.0) / width))
    table = torch.zeros(steps, width)
    table[:, 0::2], table[:, 1::2] = torch.sin(step * rate), torch.cos(step * rate)
    return table


class BiGru(nn.Module):
    """A bidirectional GRU that never reads padding: (B, N, d) with lengths (B,) → (B, N, 2·hidden)."""

    def __init__(self, size: int, hidden: int, layers: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.gru = nn.GRU(
            size, hidden, layers, batch_first=True, bidirectional=True, dropout=dropout if layers > 1 else 0.0
        )

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        # Packing wants the lengths on the CPU, and steps that are there before those that are not.
        packed = pack_padded_sequence(x, mask.sum(1).cpu(), batch_first=True, enforce_sorted=False)
        out, _ = self.gru(packed)
        padded: Tensor = pad_packed_sequence(out, batch_first=True, total_length=x.shape[1])[0]
        return padded


class StepEncoder(nn.Module):
    """One modality's encoder (S_E or W_E)."""

    def __init__(self, config: UnimodalConfig) -> None:
        super().__init__()
        self.kind = config.kind
        self.input_dropout = nn.Dropout(config.input_dropout)
        self.size = WIDTH if config.kind != "dense" else config.size
        if config.kind == "dense":
            return
        self.gru = BiGru(config.size, config.size, config.gru_layers)
        self.dense = nn.Linear(2 * config.size, WIDTH)
        if config.kind == "transformer":
            layer = nn.TransformerEncoderLayer(WIDTH, HEADS, FEED_FORWARD, config.dropout, batch_first=True)
            self.transformer = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Features (B, N, d) with `mask` (B, N), True where a step is there, → m (B, N, 100); (B, N, d) if `dense`."""
        x = self.input_dropout(x)
        if self.kind == "dense":
            return x
        states: Tensor = self.dense(self.gru(x, mask))
        if self.kind == "transformer":
            states = self._attended(states + positions(states.shape[1], WIDTH).to(states), mask)
        return states

    def _attended(self, states: Tensor, mask: Tensor) -> Tensor:
        """The transformer layers, sequences of like length together: most of MOSI's are a third of the longest."""
        lengths = mask.sum(1)
        order = lengths.argsort()
        parts = []
        for rows in order.chunk(3):
            steps = int(lengths[rows].max())
            part: Tensor = self.transformer(states[rows, :steps], src_key_padding_mask=~mask[rows, :steps])
            parts.append(nn.functional.pad(part, (0, 0, 0, mask.shape[1] - steps)))
        return torch.cat(parts)[order.argsort()]


class Classifier(nn.Module):
    """Two dense layers (C_S, C_W): (B, N, d) → (B, N)."""

    def __init__(self, size: int, dropout: float, bounded: bool) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(size, HIDDEN), nn.Linear(HIDDEN, 1)
        self.dropout, self.bounded = nn.Dropout(dropout), bounded

    def forward(self, m: Tensor) -> Tensor:
        out: Tensor = self.second(self.dropout(torch.relu(self.first(m)))).squeeze(-1)
        return torch.tanh(out) if self.bounded else out


class Unimodal(nn.Module):
    """Encoder and classifier of one modality: the teacher, the student, or a baseline."""

    def __init__(self, config: UnimodalConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = StepEncoder(config)
        self.classifier = Classifier(self.encoder.size, config.classifier_dropout, config.bounded)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, N, d) and mask (B, N) → output (B, N), a logit unless `bounded`, and m (B, N, 100)."""
        m = self.encoder(x, mask)
        return self.classifier(m), m


class StepDecoder(nn.Module):
    """S_D: from the student's m to the stronger modality's representation or features (B, N, size), linear at the end."""

    def __init__(self, size: int, hidden: int = 250, layers: int = 2) -> None:
        super().__init__()
        self.gru = BiGru(WIDTH, hidden, layers)
        self.dense = nn.Linear(2 * hidden, size)

    def forward(self, m: Tensor, mask: Tensor) -> Tensor:
        out: Tensor = self.dense(self.gru(m, mask))
        return out
