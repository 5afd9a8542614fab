"""What all trained fusions' nets have in common: embeddings over time in, readings over time out. Torch only.

A net reads M modalities, each a sequence of vectors with a mask that says where it is present. `encode` treats each modality
by itself; `decode` fuses what is present. The two are apart so that one encoding serves several masks: with everything, with
each modality alone, and with each left out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mien_plugins.fusion.scaling import SubsetScaling

Encoded = tuple[Tensor, ...]
"""One tensor per modality, batch and time first; a batch of 1 stands for every row of the mask that it is decoded with."""

FARTHEST = 8.0
"""Standardised numbers beyond this are cut: a vector unlike all of the training must not drown the others."""


@dataclass(frozen=True)
class Reading:
    """What a net reads at each of T steps of B sequences.

    Args:
        score: (B, T) in [0, 1]: a probability; of nets that know no classes arousal, from its lowest to its highest.
        weights: (B, T, M) each modality's share of the attention, 0 where it is absent, summing to 1 where one is present;
            None for nets that have no such thing.
        logits: (B, T, C) of the classes before calibration, for training; None of nets that know none.
        expression: (B, T, C) calibrated probabilities of the emotion classes.
        affect: (B, T, 2) valence and arousal in [-1, 1].
        state: hand it to the next call to go on from here.
    """

    score: Tensor
    weights: Tensor | None = None
    logits: Tensor | None = None
    expression: Tensor | None = None
    affect: Tensor | None = None
    state: Any = None


class TimedNet(nn.Module, ABC):
    """A net over M modalities.

    Args:
        modalities: their names, in the order of every mask's last axis.
        widths: numbers in each one's vectors.
        context: earlier steps that the reading of a step looks back on; `encode` is given so many more, and answers with so
            many fewer.
    """

    def __init__(self, modalities: Sequence[str], widths: Sequence[int], context: int = 0) -> None:
        super().__init__()
        if len(modalities) != len(widths) or not modalities:
            raise ValueError(f"{len(modalities)} modalities but {len(widths)} widths")
        self.modalities, self.widths, self.context = tuple(modalities), tuple(widths), context

    @abstractmethod
    def encode(self, x: Sequence[Tensor], mask: Tensor) -> Encoded:
        """Each modality by itself.

        Args:
            x: per modality (B, context + T, D_m); what stands where the mask is False does not matter.
            mask: (B, context + T, M) bool.
        """

    @abstractmethod
    def decode(self, encoded: Encoded, mask: Tensor, state: Any = None, known: Tensor | None = None) -> Reading:
        """Fuse what is present. Where nothing is present the reading means nothing.

        Args:
            mask: (B, T, M) bool.
            state: of the reading before.
            known: (B, T, M) bool, where some of what the mask has was imputed: what was there. Calibration asks for it.
        """

    @property
    def imputes(self) -> str:
        """Which vectors imputation replaces: the name of their place in the net, kept with those that a model remembers."""
        return "encoded"

    def vectors(self, encoded: Encoded) -> Encoded:
        """One vector per modality and step, (B, T, E_m): what imputation compares and replaces."""
        return encoded

    def imputed(self, encoded: Encoded, vectors: Encoded, mask: Tensor) -> Encoded:
        """`encoded` with `vectors` (B, T, E_m) where the mask (B, T, M) is False."""
        return tuple(
            torch.where(mask[..., m, None], e, v) for m, (e, v) in enumerate(zip(encoded, vectors, strict=True))
        )

    def forward(self, x: Sequence[Tensor], mask: Tensor, state: Any = None) -> Reading:
        """Encode and decode."""
        return self.decode(self.encode(x, mask), mask[:, self.context :], state)


class Scale(nn.Module):
    """Vectors standardised by the training's mean and deviation; zeros where a modality is absent."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("deviation", torch.ones(width))

    @torch.no_grad()
    def fit(self, vectors: Tensor) -> None:
        """Take mean and deviation from vectors (N, D)."""
        self.mean.copy_(vectors.mean(0))
        self.deviation.copy_(vectors.std(0).clamp_min(1e-3))

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        """(B, T, D) and (B, T) bool → (B, T, D)."""
        scaled = ((x - self.mean) / self.deviation).clamp(-FARTHEST, FARTHEST)
        return torch.where(present.unsqueeze(-1), scaled, torch.zeros_like(scaled))


class Heads(nn.Module):
    """Emotion classes, where there are any, and valence and arousal, from the fused vector."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.classes = nn.Linear(width, classes) if classes else None
        self.affect = nn.Linear(width, 2)

    def forward(self, x: Tensor) -> tuple[Tensor | None, Tensor]:
        """(B, T, width) → logits (B, T, C) or None, and (B, T, 2) in [-1, 1]."""
        return None if self.classes is None else self.classes(x), self.affect(x).tanh()


def calibrated(
    scaling: SubsetScaling, logits: Tensor, hostile: Sequence[int], mask: Tensor, known: Tensor | None
) -> tuple[Tensor, Tensor]:
    """The score (B, T) and the classes' probabilities (B, T, C) under what was there (see `TimedNet.decode`); the score is the
    sum of those at `hostile`."""
    expression: Tensor = scaling(logits, mask if known is None else known, known is not None)
    return expression[..., list(hostile)].sum(-1).clamp(0.0, 1.0), expression


def masked_softmax(scores: Tensor, mask: Tensor, dim: int = -1) -> Tensor:
    """Softmax over what is present; zeros throughout where nothing is."""
    shares = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(dim) * mask
    return shares / shares.sum(dim, keepdim=True).clamp_min(1e-9)
