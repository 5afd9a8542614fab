"""Sequences over time, made by drawing runs of one emotion with changes between them.

In each run a text, a voice and a face that show the same emotion are drawn at random. A sequence's voice is one speaker's
throughout; within a run the face and the clip change now and then, for nobody keeps quite still. Valence and arousal are those
of the voice's label, which knows how intensely the emotion was acted. Now and then nobody is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import torch
from torch import Tensor

from mien.errors import TrainingError
from mien_plugins.fusion.items import MODALITIES, Floats, Ints, Items
from mien_plugins.fusion.moddrop import Mask, Moddropped, moddrop
from mien_plugins.fusion.scaling import subsets

STEP: Final = 0.5
"""s between two steps."""
RUN: Final = (4, 14)
"""Steps that a run lasts at least and at most."""
NOBODY: Final = 0.06
"""How often a run is one in which nobody is there."""
CHANGE: Final = {"text": 0.0, "voice": 0.3, "face": 0.25}
"""How often another clip, or another face, comes at a step within a run."""

Dropping = Literal["off", "single", "every"]


@dataclass(frozen=True)
class Sequences:
    """B sequences of L steps.

    rows: (M, B, L) which of each modality's items is there; label (B, L); affect (B, L, 2); somebody (B, L) bool;
    ends (B, L) bool, the last step of each run.
    """

    rows: Ints
    label: Ints
    affect: Floats
    somebody: Mask
    ends: Mask

    def __len__(self) -> int:
        return len(self.label)


class Pools:
    """One part's items by label, and the voices by speaker, too.

    Raises:
        TrainingError: a modality has nothing for a label that a speaker has.
    """

    def __init__(self, items: Mapping[str, Items]) -> None:
        self.items = [items[name] for name in MODALITIES]
        self.vectors = [torch.from_numpy(part.vectors) for part in self.items]
        text, voice, face = self.items
        shared = set(text.label.tolist()) & set(face.label.tolist())
        self.voices: dict[str, dict[int, Ints]] = {}
        for speaker in np.unique(voice.group):
            own = voice.group == speaker
            of = {int(c): np.flatnonzero(own & (voice.label == c)) for c in np.unique(voice.label[own]) if c in shared}
            if len(of) > 1:
                self.voices[str(speaker)] = of
        self.by_label = {name: {c: np.flatnonzero(part.label == c) for c in shared}
                         for name, part in (("text", text), ("face", face))}  # fmt: skip
        if not self.voices:
            raise TrainingError("no speaker shows two of the emotions that faces and texts show: nothing can be paired")

    def draw(self, rng: np.random.Generator, count: int, steps: int) -> Sequences:
        """`count` sequences of `steps` steps."""
        rows = np.zeros((len(MODALITIES), count, steps), np.int64)
        label, somebody = np.zeros((count, steps), np.int64), np.ones((count, steps), np.bool_)
        affect, ends = np.zeros((count, steps, 2), np.float32), np.zeros((count, steps), np.bool_)
        speakers = list(self.voices)
        for n in range(count):
            voices = self.voices[speakers[rng.integers(len(speakers))]]
            labels, at = list(voices), -int(rng.integers(RUN[0]))
            while at < steps:
                stop = at + int(rng.integers(RUN[0], RUN[1] + 1))
                shown = labels[rng.integers(len(labels))]
                pools = {"voice": voices[shown]} | {name: of[shown] for name, of in self.by_label.items()}
                for t in range(max(at, 0), min(stop, steps)):
                    for m, name in enumerate(MODALITIES):
                        fresh = t == max(at, 0) or rng.random() < CHANGE[name]
                        pool = pools[name]
                        rows[m, n, t] = pool[rng.integers(len(pool))] if fresh else rows[m, n, t - 1]
                run = slice(max(at, 0), min(stop, steps))
                label[n, run] = shown
                affect[n, run] = self.items[1].affect[rows[1, n, max(at, 0)]] if run.stop > run.start else 0
                if rng.random() < NOBODY:
                    somebody[n, run] = False
                elif 0 < stop <= steps:
                    ends[n, stop - 1] = True
                at = stop
        return Sequences(rows, label, affect, somebody, ends)

    def gather(self, rows: Ints) -> tuple[Tensor, ...]:
        """Per modality the vectors (B, L, D_m) of rows (M, B, L)."""
        return tuple(v[torch.from_numpy(r)] for v, r in zip(self.vectors, rows, strict=True))


def copies(count: int, dropping: Dropping) -> Moddropped:
    """Which copies of `count` whole samples a training reads: the samples, Moddrop's four times as many, or every subset."""
    whole = np.ones((count, len(MODALITIES)), np.bool_)
    if dropping == "off":
        return Moddropped(np.arange(count), whole)
    if dropping == "single":
        return moddrop(whole)
    kinds = subsets(len(MODALITIES))
    return Moddropped(np.tile(np.arange(count), len(kinds)), np.repeat(kinds, count, axis=0))
