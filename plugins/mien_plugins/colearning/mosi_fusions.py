"""The fusions of `mien_plugins.fusion` on CMU-MOSI: how they are trained there, and read with modalities missing or imputed.

The strategies of Tzirakis et al. 2021 go over a video's utterances with an LSTM. The nets with statistical pooling (Rajan 2022,
ch. 4) read a window of utterances that ends at the one they speak of, for there is one vector of each modality per utterance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset

from mien.training.kit import RecipeBrain, Stage, seed_everything
from mien_plugins.colearning.sequences import Batch, Sequences, add_noise, batches, collate
from mien_plugins.colearning.systems import NOISE, Parts
from mien_plugins.fusion.impute import KnnImputer
from mien_plugins.fusion.moddrop import moddrop
from mien_plugins.fusion.pooled import PooledConfig, PooledNet
from mien_plugins.fusion.sequence import SequenceConfig, SequenceNet
from mien_plugins.fusion.timed import TimedNet

MODALITIES: Final = ("text", "acoustic", "visual")
POOLED: Final = ("intra", "cross", "intra-cross")
SUBSETS: Final = tuple(s for n in (3, 2, 1) for s in combinations(range(3), n))
MODDROP: Final = "-moddrop"
"""Behind a strategy's name: trained with Moddrop."""
WIDTH, ROUNDS, UPDATES, BATCH, RATE = 32, 12, 6, 32, 3e-3
WINDOW = 2
"""Utterances that the nets with statistical pooling read at a time: of 1, 2, 4 and 8 that with the least validation loss."""


@dataclass(frozen=True)
class Masked:
    """A batch, and which modalities each of its sequences has: (B, M)."""

    batch: Batch
    present: Tensor

    def to(self, device: Any, **_: Any) -> Masked:
        """The same on `device` (SpeechBrain calls this)."""
        return Masked(self.batch.to(device), self.present.to(device))

    def mask(self) -> Tensor:
        """(B, N, M): where a modality is there."""
        return self.batch.mask[..., None] & self.present[:, None]


class Drawn(IterableDataset[Masked]):
    """Batches of one round, from torch's global generator: videos, or with Moddrop the videos and their copies."""

    def __init__(self, train: Sequences, dropped: bool) -> None:
        super().__init__()
        self.train = train
        whole = np.ones((len(train), len(MODALITIES)), dtype=bool)
        self.rows, self.present = np.arange(len(train)), whole
        if dropped:
            copies = moddrop(whole)
            self.rows, self.present = copies.rows, copies.present

    def __len__(self) -> int:
        return UPDATES

    def __iter__(self) -> Iterator[Masked]:
        for _ in range(UPDATES):
            picked = torch.randperm(len(self.rows))[:BATCH].numpy()
            batch = add_noise(collate(self.train, self.rows[picked].tolist(), MODALITIES), NOISE)
            yield Masked(batch, torch.from_numpy(self.present[picked]))


class FusionBrain(RecipeBrain):
    """Cross-entropy at each utterance; the best round has the least on the validation videos with everything present."""

    def compute_forward(self, batch: Masked, stage: Stage) -> Tensor:
        return logits_of(self.modules.net, batch.to(self.device))

    def compute_objectives(self, predictions: Tensor, batch: Masked, stage: Stage) -> Tensor:
        inner = batch.to(self.device).batch
        return F.cross_entropy(predictions[inner.mask], inner.y[inner.mask].long())


def net_of(strategy: Any, widths: tuple[int, ...]) -> TimedNet:
    """A fusion of MOSI's three modalities, small enough for 52 videos."""
    if strategy in POOLED:
        half = max(1, WINDOW // 2)
        return PooledNet(
            PooledConfig(
                MODALITIES, widths, strategy, steps=(WINDOW,) * 3, mixed=(0, half, half),
                hidden=WIDTH // 2, heads=4, dense=WIDTH, classes=2, affect=False, hostile=(0,),
            )
        )  # fmt: skip
    return SequenceNet(SequenceConfig(MODALITIES, widths, strategy, WIDTH, WIDTH // 4, 4, WIDTH, 2, (0,)))


def trained(task: str, found: Parts, seed: int, folder: Path, *, device: str, threads: int | None) -> TimedNet:
    """The net of a task (a strategy, with `MODDROP` behind it or not), ready to read. `folder` gets checkpoints and log."""
    seed_everything(seed)
    net = net_of(task.removesuffix(MODDROP), tuple(found.train.size(m) for m in MODALITIES))
    brain = FusionBrain(
        {"net": net}, partial(torch.optim.AdamW, lr=RATE, weight_decay=1e-2), folder,
        seed=seed, device=device, threads=threads, progress=False,
    )  # fmt: skip
    fixed = torch.Generator().manual_seed(0)
    whole = [add_noise(b, NOISE, fixed) for _ in range(3) for b in batches(found.valid, MODALITIES, BATCH)]
    held: Any = [Masked(b, torch.ones(len(b.y), len(MODALITIES), dtype=torch.bool)) for b in whole]
    drawn = Drawn(found.train, task.endswith(MODDROP))
    brain.fit_best(ROUNDS, DataLoader(drawn, batch_size=None), DataLoader(held, batch_size=None))
    return net.eval()


def logits_of(net: TimedNet, masked: Masked, imputer: KnnImputer | None = None) -> Tensor:
    """(B, N, 2), sequences of like length read together: most are a third of the longest.

    Args:
        imputer: fills in for what is absent, which then counts as present.
    """
    batch, mask = masked.batch, masked.mask()
    lengths = batch.mask.sum(1)
    order = lengths.argsort()
    read = []
    for rows in order.chunk(3):
        steps = int(lengths[rows].max())
        x, there = _led([batch.x[m][rows, :steps] for m in MODALITIES], mask[rows, :steps], net.context)
        encoded, now = net.encode(x, there), there[:, net.context :]
        if imputer is not None:
            vectors = net.vectors(encoded)
            encoded = net.imputed(encoded, tuple(_filled(vectors, now, imputer)), now)
            now = batch.mask[rows, :steps, None].expand_as(now)
        logits = net.decode(encoded, now).logits
        assert logits is not None
        read.append(F.pad(logits, (0, 0, 0, batch.mask.shape[1] - steps)))
    return torch.cat(read)[order.argsort()]


def _led(x: Sequence[Tensor], mask: Tensor, context: int) -> tuple[list[Tensor], Tensor]:
    """With so many absent steps before the first as a net looks back on."""
    return [F.pad(part, (0, 0, context, 0)) for part in x], F.pad(mask, (0, 0, context, 0))


def _filled(vectors: Sequence[Tensor], mask: Tensor, imputer: KnnImputer) -> Iterator[Tensor]:
    flat = {m: v.reshape(-1, v.shape[-1]).float().cpu().numpy() for m, v in zip(MODALITIES, vectors, strict=True)}
    filled = imputer.fill(flat, mask.reshape(-1, len(MODALITIES)).cpu().numpy())
    for name, vector in zip(MODALITIES, vectors, strict=True):
        yield torch.from_numpy(filled[name]).reshape(vector.shape).to(vector)


@torch.no_grad()
def imputer_of(net: TimedNet, train: Sequences, neighbours: int, device: str) -> KnnImputer:
    """Remembers the vectors of every training utterance, as thesis ch. 4 does at the input of the pooling."""
    net = net.to(device)
    kept: dict[str, list[np.ndarray]] = {m: [] for m in MODALITIES}
    for batch in batches(train, MODALITIES, BATCH):
        masked = Masked(batch, torch.ones(len(batch.y), len(MODALITIES), dtype=torch.bool)).to(device)
        x, there = _led([masked.batch.x[m] for m in MODALITIES], masked.mask(), net.context)
        vectors = net.vectors(net.encode(x, there))
        for name, vector in zip(MODALITIES, vectors, strict=True):
            kept[name].append(vector[masked.batch.mask].float().cpu().numpy())
    return KnnImputer({name: np.concatenate(parts) for name, parts in kept.items()}, neighbours)


@torch.no_grad()
def predict(
    net: TimedNet, sequences: Sequences, subset: tuple[int, ...], device: str, imputer: KnnImputer | None = None
) -> np.ndarray:
    """Probability of a positive label for each utterance, when only those modalities are there."""
    net = net.to(device)
    present = torch.tensor([m in subset for m in range(len(MODALITIES))])
    told = []
    for batch in batches(sequences, MODALITIES, BATCH):
        masked = Masked(batch, present.expand(len(batch.y), -1)).to(device)
        told.append(logits_of(net, masked, imputer)[masked.batch.mask].softmax(-1)[:, 1].float().cpu().numpy())
    return np.concatenate(told)
