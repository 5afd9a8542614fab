"""The text network of Tzirakis et al. (2021): which words of a turn matter, and what the turns say over time.

Words of one turn -> n-gram convolutions beside the words themselves -> two projections, each read by a Bi-LSTM whose
selector (softmax over the words) makes one vector of them -> highway -> an LSTM over the frames of the medium -> outputs.
10,448,945 parameters with 768 numbers a word and one highway layer, as the paper describes it; 12,548,145 with the two
layers of its code.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

State = tuple[tuple[Tensor, Tensor], ...]
"""Output and cell of each LSTM over frames, (1, B, units) both."""
GATE_BIAS = -2.0


@dataclass(frozen=True)
class TurnConfig:
    """Shape of the net, and how it is held back in training.

    Attributes:
        inputs: numbers a word (768 of XLNet in the paper, 300 of fastText in its code).
        words: most words of a turn.
        filters: of each n-gram width in `ngrams`.
        units: of each projection, of the selectors' context (both directions) and, doubled, of the highway.
        heads: projections with a context and a selector of their own.
        depth: layers of each direction's context.
        highway: layers. activation: of their transforms, tanh in the paper, ReLU (with gate bias -2) in its code.
        memory: units of the LSTM over frames. layers: of them, one upon the other (one in the paper, which tried up to 3).
        outputs: what is read: the paper's three emotion dimensions, or one logit. squash: by tanh.
        padding: whether the selector may look at padding, as in the paper's code ("read"), or only at words ("masked").
        word_dropout, ngram_dropout, projection_dropout, context_dropout, memory_dropout: shares left out in training.
    """

    inputs: int = 768
    words: int = 30
    ngrams: tuple[int, ...] = (2, 3, 4)
    filters: int = 100
    units: int = 512
    heads: int = 2
    depth: int = 2
    highway: int = 1
    activation: Literal["tanh", "relu"] = "tanh"
    memory: int = 256
    layers: int = 1
    outputs: int = 3
    squash: bool = True
    padding: Literal["masked", "read"] = "masked"
    word_dropout: float = 0.1
    ngram_dropout: float = 0.3
    projection_dropout: float = 0.2
    context_dropout: float = 0.3
    memory_dropout: float = 0.5

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready fields."""
        return {**asdict(self), "ngrams": list(self.ngrams)}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> TurnConfig:
        """The inverse of `to_dict`; unknown fields are an error (TypeError)."""
        return cls(**{**fields, "ngrams": tuple(fields["ngrams"])})


class OneBiasLSTM(nn.LSTM):
    """One layer with one bias vector, as the reference has it: of torch's two, the second stays zero and is not trained."""

    def __init__(self, inputs: int, units: int) -> None:
        super().__init__(inputs, units, batch_first=True)
        kernel, recurrent, bias, second = self.parameters()
        nn.init.xavier_uniform_(kernel)
        nn.init.orthogonal_(recurrent)
        nn.init.zeros_(bias)
        nn.init.zeros_(second)
        with torch.no_grad():
            bias[units : 2 * units] = 1.0  # the forget gate starts open
        second.requires_grad_(False)


class NGrams(nn.Module):
    """(N, L, D) -> (N, L, D + filters · widths): the words, and what they are together with 1, 2 or 3 of those behind."""

    def __init__(self, inputs: int, filters: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList()
        self.widths = widths
        for width in widths:
            layer = nn.Conv1d(inputs, filters, width)
            self.convolutions.append(layer)
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        columns = x.transpose(1, 2)
        found = []
        for width, layer in zip(self.widths, self.convolutions, strict=True):
            more = width - 1
            padded = F.pad(columns, (more // 2, more - more // 2))
            found.append(torch.tanh(layer(padded)).transpose(1, 2))
        return torch.cat([x, *found], dim=2)


class Context(nn.Module):
    """(N, L, inputs) -> (N, L, units): a stack of LSTMs forwards and one backwards that do not see each other."""

    def __init__(self, inputs: int, units: int, depth: int, dropout: float) -> None:
        super().__init__()
        half = units // 2
        sizes = [inputs, *[half] * (depth - 1)]
        self.forwards = nn.ModuleList(OneBiasLSTM(size, half) for size in sizes)
        self.backwards = nn.ModuleList(OneBiasLSTM(size, half) for size in sizes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, count: Tensor) -> Tensor:
        """`count` (N,): words that are turned round; what lies behind them stays there, and is seen by none of them."""
        place = torch.arange(x.shape[1], device=x.device)[None]
        turned = torch.where(place < count[:, None], count[:, None] - 1 - place, place)
        back = self._read(self.backwards, _rows(x, turned))
        return torch.cat([self._read(self.forwards, x), _rows(back, turned)], dim=2)

    def _read(self, stack: nn.ModuleList, x: Tensor) -> Tensor:
        for layer in stack:
            x = self.dropout(layer(x)[0])
        return x


def _rows(x: Tensor, places: Tensor) -> Tensor:
    return x.gather(1, places.unsqueeze(2).expand(-1, -1, x.shape[2]))


class Head(nn.Module):
    """One projection, its context and its selector: words (N, L, inputs) -> vector (N, units), attention (N, L)."""

    def __init__(self, inputs: int, config: TurnConfig) -> None:
        super().__init__()
        self.projection = nn.Linear(inputs, config.units, bias=False)
        self.dropout = nn.Dropout(config.projection_dropout)
        self.context = Context(config.units, config.units, config.depth, config.context_dropout)
        self.selector = nn.Linear(config.units, 1)
        nn.init.xavier_uniform_(self.projection.weight)
        nn.init.xavier_uniform_(self.selector.weight)
        nn.init.zeros_(self.selector.bias)

    def forward(self, x: Tensor, looked_at: Tensor) -> tuple[Tensor, Tensor]:
        h = self.context(self.dropout(self.projection(x)), looked_at.sum(1))
        score = self.selector(h).squeeze(2) / math.sqrt(h.shape[2])
        attention = torch.softmax(score.masked_fill(~looked_at, -torch.inf), dim=1)
        return (attention.unsqueeze(1) @ h).squeeze(1), attention


class Highway(nn.Module):
    """g · f(W x + b) + (1 − g) · x, g a gate of its own (Srivastava et al. 2015); begins by passing x on."""

    def __init__(self, size: int, activation: Literal["tanh", "relu"]) -> None:
        super().__init__()
        self.transform, self.gate = nn.Linear(size, size), nn.Linear(size, size)
        self.activation = torch.tanh if activation == "tanh" else F.relu
        for layer in (self.transform, self.gate):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        nn.init.constant_(self.gate.bias, GATE_BIAS)

    def forward(self, x: Tensor) -> Tensor:
        gate = torch.sigmoid(self.gate(x))
        return gate * self.activation(self.transform(x)) + (1.0 - gate) * x


class Turns(NamedTuple):
    """What the net says of N turns: `vectors` (N, heads · units), `attention` (N, heads, words), rows sum to 1."""

    vectors: Tensor
    attention: Tensor


class Read(NamedTuple):
    """What it says of B sequences: `values` (B, T, outputs), `hidden` (B, T, memory), the LSTM's `state` behind them."""

    values: Tensor
    hidden: Tensor
    state: State


class TurnNet(nn.Module):
    """Turns as words, then frames as turns. A frame's vector is that of the turn then spoken, so `turns` reads each turn
    once and `frames` may have it as often as it lasts."""

    def __init__(self, config: TurnConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or TurnConfig()
        wide = config.units * config.heads
        self.ngrams = NGrams(config.inputs, config.filters, config.ngrams)
        self.ngram_dropout = nn.Dropout(config.ngram_dropout)
        together = config.inputs + config.filters * len(config.ngrams)
        self.heads = nn.ModuleList(Head(together, config) for _ in range(config.heads))
        self.highway = nn.Sequential(*(Highway(wide, config.activation) for _ in range(config.highway)))
        sizes = [wide, *[config.memory] * (config.layers - 1)]
        self.memory = nn.ModuleList(OneBiasLSTM(size, config.memory) for size in sizes)
        self.memory_dropout = nn.Dropout(config.memory_dropout)
        self.out = nn.Linear(config.memory, config.outputs)
        nn.init.xavier_uniform_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def turns(self, words: Tensor, count: Tensor) -> Turns:
        """Word vectors (N, L, inputs), zeros behind the `count` (N,) real ones; a turn without words is allowed.

        How many zeros there are makes no difference, unless padding is read: L must be `config.words` then.
        """
        length = words.shape[1]
        real = torch.arange(length, device=words.device)[None] < count[:, None]
        # Nobody speaking is looked at as the padding that it is.
        looked_at = torch.ones_like(real) if self.config.padding == "read" else real | (count == 0)[:, None]
        if self.training and self.config.word_dropout:
            kept = torch.rand(real.shape, device=words.device) >= self.config.word_dropout
            words = words * kept.unsqueeze(2)
        x = self.ngram_dropout(self.ngrams(words))
        vectors, attention = zip(*(head(x, looked_at) for head in self.heads), strict=True)
        return Turns(self.highway(torch.cat(vectors, dim=1)), torch.stack(attention, dim=1))

    def frames(self, vectors: Tensor, state: State | None = None) -> Read:
        """Turn vectors at each frame (B, T, heads · units), going on from `state`."""
        hidden, after = vectors, []
        for number, layer in enumerate(self.memory):
            given = self.memory_dropout(hidden) if number else hidden
            hidden, end = layer(given, None if state is None else state[number])
            after.append(end)
        values = self.out(self.memory_dropout(hidden))
        return Read(torch.tanh(values) if self.config.squash else values, hidden, tuple(after))


def trainable(net: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(p.numel() for p in net.parameters() if p.requires_grad)
