"""Sequences of several modalities with a label at every step, and batches of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from mien.training import checks

Arrays = tuple[np.ndarray, ...]
PIECE = "@"
"""Behind a recording's name: which piece of it."""


@dataclass(frozen=True)
class Sequences:
    """V sequences; the steps of all modalities and of the labels are the same moments.

    Args:
        corpus: as a user knows it, for messages.
        names: V, of the videos or recordings.
        features: modality → V arrays (n, d) float32.
        labels: V arrays (n,) float32.
    """

    corpus: str
    names: tuple[str, ...]
    features: Mapping[str, Arrays]
    labels: Arrays

    def __post_init__(self) -> None:
        for name, arrays in self.features.items():
            for video, x, y in zip(self.names, arrays, self.labels, strict=True):
                checks.require_equal_lengths(f"{self.corpus} ({video})", {name: len(x), "labels": len(y)})

    def __len__(self) -> int:
        return len(self.names)

    def take(self, names: Sequence[str]) -> Sequences:
        """Those of that name, in this order."""
        where = [self.names.index(name) for name in names]
        return Sequences(
            self.corpus,
            tuple(names),
            {m: tuple(arrays[i] for i in where) for m, arrays in self.features.items()},
            tuple(self.labels[i] for i in where),
        )

    def __add__(self, other: Sequences) -> Sequences:
        """These and the other's, which has the same modalities, in the order of their names."""
        both = Sequences(
            self.corpus,
            (*self.names, *other.names),
            {m: (*arrays, *other.features[m]) for m, arrays in self.features.items()},
            (*self.labels, *other.labels),
        )
        return both.take(sorted(both.names))

    def size(self, modality: str) -> int:
        """How wide a modality's features are."""
        return int(self.features[modality][0].shape[1])

    def steps(self) -> int:
        """Labelled steps in all."""
        return sum(map(len, self.labels))

    def truth(self) -> np.ndarray:
        """All labels, one sequence behind the other."""
        return np.concatenate(self.labels)

    def groups(self) -> np.ndarray:
        """The recording that each label of `truth` belongs to, by its number; pieces of one (`recola.cut`) are of that one."""
        whole: dict[str, int] = {}
        which = [whole.setdefault(name.partition(PIECE)[0], len(whole)) for name in self.names]
        return np.repeat(which, [len(y) for y in self.labels])


@dataclass(frozen=True)
class Scale:
    """Mean and standard deviation of every feature on the training part: modality → (d,)."""

    mean: Mapping[str, np.ndarray]
    std: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, train: Sequences) -> Scale:
        """Read off the training part; a feature that never varies is left alone."""
        rows = {m: np.concatenate(arrays).astype(np.float64) for m, arrays in train.features.items()}
        spread = {m: x.std(axis=0) for m, x in rows.items()}
        return cls(
            {m: x.mean(axis=0) for m, x in rows.items()}, {m: np.where(s > 0, s, 1.0) for m, s in spread.items()}
        )

    def __call__(self, sequences: Sequences) -> Sequences:
        """The same with features of mean 0 and standard deviation 1 (on the training part)."""
        scaled = {
            m: tuple(((x - self.mean[m]) / self.std[m]).astype(np.float32) for x in arrays)
            for m, arrays in sequences.features.items()
        }
        return replace(sequences, features=scaled)

    def to_dict(self, modality: str) -> dict[str, list[float]]:
        """One modality's, JSON-ready."""
        return {"mean": self.mean[modality].tolist(), "std": self.std[modality].tolist()}

    @classmethod
    def from_dict(cls, modality: str, values: Mapping[str, Sequence[float]]) -> Scale:
        """What `to_dict` gave."""
        return cls({modality: np.asarray(values["mean"])}, {modality: np.asarray(values["std"])})


@dataclass(frozen=True)
class Batch:
    """Padded sequences. x: modality → (B, N, d). y: (B, N). mask: (B, N), True where a step is there."""

    x: Mapping[str, Tensor]
    y: Tensor
    mask: Tensor

    def to(self, device: Any, **_: Any) -> Batch:
        """The same on `device` (SpeechBrain calls this)."""
        moved = {m: x.to(device) for m, x in self.x.items()}
        return Batch(moved, self.y.to(device), self.mask.to(device))


def collate(sequences: Sequences, rows: Sequence[int], modalities: Sequence[str]) -> Batch:
    """Those sequences as a batch, padded with zeros to the longest."""
    lengths = [len(sequences.labels[i]) for i in rows]
    longest = max(lengths)
    mask = torch.arange(longest)[None] < torch.tensor(lengths)[:, None]

    def padded(arrays: Sequence[np.ndarray]) -> Tensor:
        out = torch.zeros(len(arrays), longest, *arrays[0].shape[1:])
        for row, array in enumerate(arrays):
            out[row, : len(array)] = torch.from_numpy(array)
        return out

    x = {m: padded([sequences.features[m][i] for i in rows]) for m in modalities}
    return Batch(x, padded([sequences.labels[i] for i in rows]), mask)


def batches(sequences: Sequences, modalities: Sequence[str], size: int) -> list[Batch]:
    """All sequences in their order, `size` to a batch."""
    return [
        collate(sequences, range(i, min(i + size, len(sequences))), modalities) for i in range(0, len(sequences), size)
    ]


def add_noise(batch: Batch, noise: Mapping[str, float], generator: torch.Generator | None = None) -> Batch:
    """White noise of that standard deviation on each modality's features, which then are scaled back to unit variance.

    Where features were themselves learnt with the labels of the videos a net is trained on, they say more there than on new
    videos; the noise takes the surplus away, so that the net learns to look at the neighbouring steps too.
    """
    x = {}
    for modality, clean in batch.x.items():
        std = noise.get(modality, 0.0)
        drawn = torch.randn(clean.shape, generator=generator).to(clean) if std else 0.0
        x[modality] = (clean + std * drawn) / (1.0 + std**2) ** 0.5 * batch.mask[..., None] if std else clean
    return replace(batch, x=x)


class Rounds(IterableDataset[Batch]):
    """The batches of one round: `passes` times all sequences, in an order drawn anew.

    It draws from torch's global generator, which `RecipeBrain` seeds for each round.
    """

    def __init__(
        self, train: Sequences, modalities: Sequence[str], batch: int, passes: int, noise: Mapping[str, float]
    ) -> None:
        super().__init__()
        self.train, self.modalities, self.batch = train, tuple(modalities), batch
        self.passes, self.noise = passes, noise

    def __len__(self) -> int:
        return self.passes * -(-len(self.train) // self.batch)

    def __iter__(self) -> Iterator[Batch]:
        for _ in range(self.passes):
            order = torch.randperm(len(self.train)).tolist()
            for start in range(0, len(order), self.batch):
                yield add_noise(collate(self.train, order[start : start + self.batch], self.modalities), self.noise)
