"""Intra- and cross-modal multi-head attention with statistical pooling (Rajan 2022, ch. 4; SEEDS §4.2).

Of each modality the last `steps` steps are read: a time-mixing layer (a convolution of kernel 1 that takes time positions for
channels), a bi-GRU, then multi-head attention over the own sequence (intra) or from each modality onto each other (cross: query
= target, key and value = source). The means over time of all these are M, or M·(M−1), vectors; their mean and unbiased deviation
are read by two dense layers, the first without an activation. Imputation replaces an absent modality's vector at the input of
that pooling; where vectors are made of two modalities (the thesis leaves that open), its encoder's output.

An absent modality's vectors are left out of the pooling, and the deviation of a single vector is zero. In the cross model a
modality that is alone counts by its encoder's own mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import permutations
from typing import Any, Literal

import torch
from torch import Tensor, nn

from mien_plugins.fusion.scaling import SubsetScaling
from mien_plugins.fusion.timed import Encoded, Reading, Scale, TimedNet, calibrated

Kind = Literal["intra", "cross", "intra-cross"]
Pooling = Literal["statistics", "concat"]


@dataclass(frozen=True)
class PooledConfig:
    """What the net is built from.

    Args:
        widths: numbers in each modality's vectors.
        steps: of each modality that one reading is made from; they may differ.
        mixed: time positions after the mixing layer, 0 for none (the thesis: none for text, 25 for vision's 32, 500 for
            audio's 1000).
        hidden: of the bi-GRU (the thesis: 60); heads: of each attention (6); dense: width of the first dense layer (60).
        affect: whether valence and arousal are read beside the classes.
        drop: dropout of each modality's input in training (the released code: 0.25 for text).
        pooling: `statistics`, or `concat` of all vectors (the thesis' noSP).
    """

    modalities: tuple[str, ...]
    widths: tuple[int, ...]
    kind: Kind = "intra"
    steps: tuple[int, ...] = (128, 32, 1000)
    mixed: tuple[int, ...] = (0, 25, 500)
    hidden: int = 60
    heads: int = 6
    dense: int = 60
    classes: int = 7
    affect: bool = True
    hostile: tuple[int, ...] = (0, 1)
    dropout: float = 0.1
    drop: tuple[float, ...] = (0.25, 0.0, 0.0)
    pooling: Pooling = "statistics"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for config.json."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> PooledConfig:
        """The inverse of `to_dict`."""
        plain: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()}
        return cls(**plain)


class Encoder(nn.Module):
    """One modality's sequence: mixing of time positions, bi-GRU."""

    def __init__(self, width: int, steps: int, mixed: int, hidden: int, drop: float) -> None:
        super().__init__()
        self.steps = steps
        self.drop = nn.Dropout(drop)
        self.mix = nn.Conv1d(steps, mixed, 1) if mixed else None
        self.gru = nn.GRU(width, hidden, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        """(N, steps, D) → (N, mixed or steps, 2·hidden)."""
        x = self.drop(x)
        out: Tensor = self.gru(x if self.mix is None else self.mix(x))[0]
        return out


class PooledNet(TimedNet):
    """Reads a window at every step. All modalities must have the same `steps` for reading over time (`encode`); `read` takes
    whole sequences of any lengths, as the thesis does."""

    def __init__(self, config: PooledConfig, scaling: SubsetScaling | None = None) -> None:
        super().__init__(config.modalities, config.widths, max(config.steps) - 1)
        self.config, self.scaling = config, scaling or SubsetScaling(config.modalities, config.classes)
        count, embed = len(config.modalities), 2 * config.hidden
        parts = zip(config.widths, config.steps, config.mixed, config.drop, strict=True)
        self.scales = nn.ModuleList(Scale(width) for width in config.widths)
        self.encoders = nn.ModuleList(Encoder(w, s, mixed, config.hidden, drop) for w, s, mixed, drop in parts)

        def attention() -> nn.Module:
            return nn.MultiheadAttention(embed, config.heads, config.dropout, batch_first=True)

        self.intra = nn.ModuleList(attention() for _ in range(count if config.kind != "cross" else 0))
        self.pairs = tuple(permutations(range(count), 2)) if config.kind != "intra" else ()
        self.cross = nn.ModuleList(attention() for _ in self.pairs)
        sides = {"intra": (count,), "cross": (len(self.pairs),), "intra-cross": (count, len(self.pairs))}[config.kind]
        pooled = sum(sides) if config.pooling == "concat" else 2 * len(sides)
        self.first = nn.Linear(pooled * embed, config.dense)
        self.classes = nn.Linear(config.dense, config.classes)
        self.affect = nn.Linear(config.dense, 2) if config.affect else None

    @property
    def imputes(self) -> str:
        return super().imputes if self.pairs else "pooled"

    # --- over time ----------------------------------------------------------------------------------------------

    def encode(self, x: Sequence[Tensor], mask: Tensor) -> Encoded:
        """Per modality (B, T, K, 2·hidden): every step's window, and what attention within it makes of it (`_laid_out`)."""
        encoded = []
        for m, (part, scale, encoder) in enumerate(zip(x, self.scales, self.encoders, strict=True)):
            scaled = scale(part, mask[..., m])[:, self.context + 1 - encoder.steps :]  # type: ignore[operator]
            encoded.append(encoder(scaled.unfold(1, encoder.steps, 1).mT.flatten(0, 1)))
        return self._laid_out(encoded, mask.shape[1] - self.context)

    def decode(self, encoded: Encoded, mask: Tensor, state: Any = None, known: Tensor | None = None) -> Reading:
        """Attend to each other, pool what is present, read; it keeps no state."""
        lead = (max(part.shape[0] for part in encoded), mask.shape[1])
        flat = [part.expand(lead[0], *part.shape[1:]).flatten(0, 1) for part in encoded]
        sides = [(v.view(v.shape[0], *lead, v.shape[2]), there) for v, there in self._attended(flat, mask)]
        return self._read(sides, mask, known)

    def vectors(self, encoded: Encoded) -> Encoded:
        """What stands for each window: the vector that is pooled (the thesis imputes that), or the encoder's mean where
        some of these are made of two modalities."""
        if not self.pairs:
            return tuple(part[..., -1, :] for part in encoded)
        return tuple((part[..., :-1, :] if len(self.intra) else part).mean(-2) for part in encoded)

    def imputed(self, encoded: Encoded, vectors: Encoded, mask: Tensor) -> Encoded:
        """An imputed vector is pooled as it is; an imputed encoder's mean stands at every position of its window."""
        filled = []
        for m, (part, vector) in enumerate(zip(encoded, vectors, strict=True)):
            stand = vector.unsqueeze(2)
            if self.pairs and len(self.intra):
                # Attention to positions that are all alike is that to one of them.
                one = stand.flatten(0, 1)
                own = self.intra[m](one, one, one, need_weights=False)[0].view_as(stand)
                stand = torch.cat([stand.expand(-1, -1, part.shape[2] - 1, -1), own], 2)
            filled.append(torch.where(mask[..., m, None, None], part, stand))
        return tuple(filled)

    # --- whole sequences ----------------------------------------------------------------------------------------

    def read(self, x: Sequence[Tensor], mask: Tensor | None = None) -> Reading:
        """One reading of whole sequences, per modality (B, steps_m, D_m); mask (B, M). Answers with T = 1."""
        there = torch.ones(len(x[0]), len(x), dtype=torch.bool, device=x[0].device) if mask is None else mask
        return self.decode(self._whole(x, there), there.unsqueeze(1))

    def _whole(self, x: Sequence[Tensor], there: Tensor) -> Encoded:
        """Per modality (B, 1, K, 2·hidden) of whole sequences; there (B, M)."""
        parts = enumerate(zip(x, self.scales, self.encoders, strict=True))
        encoded = [encoder(scale(p, there[:, m, None].expand(p.shape[:2]))) for m, (p, scale, encoder) in parts]
        return self._laid_out(encoded, 1)

    # --- shared -------------------------------------------------------------------------------------------------

    def _laid_out(self, encoded: Sequence[Tensor], steps: int) -> Encoded:
        """Sequences (B·T, L_m, E) as (B, T, K, E): with attention between modalities their L_m positions, and behind them, with
        attention within each, the mean of what it attends to."""
        parts = [encoded] if self.pairs else []
        if len(self.intra):
            attended = zip(encoded, self.intra, strict=True)
            parts.append([attend(p, p, p, need_weights=False)[0].mean(1, keepdim=True) for p, attend in attended])
        joined = [torch.cat(both, 1) for both in zip(*parts, strict=True)]
        return tuple(part.view(-1, steps, *part.shape[1:]) for part in joined)

    def _attended(self, parts: Sequence[Tensor], mask: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Vectors (V, N, 2·hidden) of each side (intra, cross) and which of them count (…, V); parts are (N, K, 2·hidden)."""
        sides = []
        if len(self.intra):
            sides.append((torch.stack([part[:, -1] for part in parts]), mask))
            parts = [part[:, :-1] for part in parts]
        if self.pairs:
            crossed, both = [], []
            for (source, target), attend in zip(self.pairs, self.cross, strict=True):
                s, t = parts[source], parts[target]
                crossed.append(attend(t, s, s, need_weights=False)[0].mean(1))
                both.append(mask[..., source] & mask[..., target])
            # Where one is alone there is no pair: its own mean stands in the first place that is its target's.
            alone = (mask.sum(-1, keepdim=True) == 1) & mask
            means = [part.mean(1) for part in parts]
            vectors = [*crossed, *means]
            there = torch.cat([torch.stack(both, -1), alone], -1)
            if self.config.pooling == "concat":
                vectors, there = crossed, torch.stack(both, -1)
            sides.append((torch.stack(vectors), there))
        return sides

    def _read(self, sides: Sequence[tuple[Tensor, Tensor]], mask: Tensor, known: Tensor | None) -> Reading:
        """From vectors (K, B or 1, T, E) and which count (B, T, K) to a reading; mask and known: see `decode`."""
        pooled = []
        for vectors, there in sides:
            v = vectors.movedim(0, 2).expand(len(mask), -1, -1, -1)
            pooled.append((v * there.unsqueeze(-1)).flatten(-2) if self._concat else statistics(v, there))
        hidden = self.first(torch.cat(pooled, -1))
        logits = self.classes(hidden)
        score, expression = calibrated(self.scaling, logits, self.config.hostile, mask, known)
        affect = None if self.affect is None else self.affect(hidden).tanh()
        return Reading(score, None, logits, expression, affect)

    @property
    def _concat(self) -> bool:
        return self.config.pooling == "concat"


class WholeNet(PooledNet):
    """The same net reading whole sequences of any lengths, as the thesis does: one step, T = 1, stands for each of them.

    `encode` takes (B, steps_m, D_m) per modality, and masks are (B, 1, M).
    """

    def __init__(self, config: PooledConfig, scaling: SubsetScaling | None = None) -> None:
        super().__init__(config, scaling)
        self.context = 0

    def encode(self, x: Sequence[Tensor], mask: Tensor) -> Encoded:
        """As of `PooledNet`, with T = 1."""
        return self._whole(x, mask[:, 0])


def statistics(vectors: Tensor, there: Tensor) -> Tensor:
    """Mean and unbiased deviation (…, 2·E) over those of K vectors (…, K, E) that are there (…, K); one alone deviates by 0."""
    count = there.sum(-1, keepdim=True).to(vectors.dtype)
    kept = there.unsqueeze(-1)
    mean = (vectors * kept).sum(-2) / count.clamp_min(1.0)
    squares = ((vectors - mean.unsqueeze(-2)).square() * kept).sum(-2) / (count - 1.0).clamp_min(1.0)
    deviation = torch.where(count > 1, squares.clamp_min(1e-12).sqrt(), torch.zeros_like(squares))
    return torch.cat([mean, deviation], -1)
