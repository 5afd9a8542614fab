"""The trainings of the cross-modal transformer and of its baseline: pre-training by characters and persons, then emotions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset

from mien.evaluation.metrics import balanced_accuracy, weighted_f1
from mien.training.kit import RecipeBrain, Stage
from mien_plugins.fusion.khare_data import Corpus, sequences
from mien_plugins.fusion.khare_net import PRETRAINING
from mien_plugins.fusion.khare_streams import Streams, batch
from mien_plugins.fusion.khare_tasks import spelt
from mien_plugins.fusion.moddrop import moddrop

ASR_SHARE, PERSON_SHARE = 0.8, 0.2
"""Of the two tasks in the loss of pre-training."""
THRESHOLDS = np.round(np.arange(0.05, 0.96, 0.05), 2)

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Batch:
    """Stretches ready for a net: streams; target (B, K), or in pre-training the texts as symbols and (B,) who speaks."""

    streams: Streams
    target: Tensor
    texts: Sequence[Sequence[int]] = ()
    rows: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


class Batches(Dataset[Batch]):
    """A corpus in batches, read when asked for; `draw` gives the next epoch's order."""

    def __init__(
        self,
        corpus: Corpus,
        target: npt.NDArray[np.floating] | npt.NDArray[np.int64],
        widths: dict[str, int],
        size: int,
    ) -> None:
        self.corpus, self.target, self.widths, self.size = corpus, torch.from_numpy(target), widths, size
        self._order = np.arange(len(corpus))
        self._spelt = [spelt(row.text) for row in corpus.manifest.rows]

    def draw(self, *seed: int) -> None:
        """Shuffle."""
        self._order = np.random.default_rng(seed).permutation(len(self.corpus))

    def __len__(self) -> int:
        return -(-len(self.corpus) // self.size)

    def __getitem__(self, index: int) -> Batch:
        if index >= len(self):
            raise IndexError(index)
        rows = self._order[index * self.size : (index + 1) * self.size]
        streams = batch(sequences(self.corpus, rows.tolist()), self.widths)
        return Batch(streams, self.target[rows], [self._spelt[row] for row in rows], rows)


class PretrainBrain(RecipeBrain):
    """Modules `net`, `characters` (a Decoder or Ctc) and `person`: loss 0.8 · characters + 0.2 · person."""

    train_batches: Batches

    def compute_forward(self, batch: Batch, stage: Stage) -> tuple[Tensor, Tensor]:
        streams = batch.streams.to(self.device)
        heard = self.modules.net.fuse(self.modules.net.encode(streams), streams.present, PRETRAINING)
        padded = streams.padded["audio"]
        return self.modules.characters(heard, padded, batch.texts), self.modules.person(heard, padded)

    def compute_objectives(self, predictions: tuple[Tensor, Tensor], batch: Batch, stage: Stage) -> Tensor:
        characters, people = predictions
        return ASR_SHARE * characters + PERSON_SHARE * F.cross_entropy(people, batch.target.to(self.device))

    def begin(self, stage: Stage) -> None:
        if stage == Stage.TRAIN:
            self.train_batches.draw(self.seed, self.result.epochs)
        self._seen: list[tuple[float, int, int]] = []

    def observe(self, predictions: tuple[Tensor, Tensor], batch: Batch, stage: Stage) -> None:
        characters, people = predictions
        right = int((people.argmax(1).cpu() == batch.target).sum())
        self._seen.append((float(characters), right, len(batch.target)))

    def score(self, stage: Stage) -> dict[str, float]:
        losses, right, count = (np.array(part, float) for part in zip(*self._seen, strict=True))
        return {"characters": float((losses * count).sum() / count.sum()), "person": float(right.sum() / count.sum())}


class EmotionBrain(RecipeBrain):
    """One sigmoid per emotion; the rarer one is, the more each of its examples weighs (negatives over positives)."""

    train_batches: Batches
    drop: bool
    weight: Tensor

    def compute_forward(self, batch: Batch, stage: Stage) -> tuple[Tensor, Tensor]:
        streams = batch.streams.to(self.device)
        vectors, present = self.modules.net.vectors(streams), streams.present
        rows = torch.arange(len(present), device=present.device)
        if self.drop and stage == Stage.TRAIN:
            copies = moddrop(present.cpu().numpy())
            rows = torch.from_numpy(copies.rows).to(present.device)
            present = torch.from_numpy(copies.present).to(present.device)
        return self.modules.net.logits(vectors[rows], present), rows

    def compute_objectives(self, predictions: tuple[Tensor, Tensor], batch: Batch, stage: Stage) -> Tensor:
        logits, rows = predictions
        wanted = batch.target.to(self.device)[rows]
        return F.binary_cross_entropy_with_logits(logits, wanted, pos_weight=self.weight.to(self.device))

    def begin(self, stage: Stage) -> None:
        if stage == Stage.TRAIN:
            self.train_batches.draw(self.seed, self.result.epochs)
        self._seen: list[tuple[Tensor, Tensor]] = []

    def observe(self, predictions: tuple[Tensor, Tensor], batch: Batch, stage: Stage) -> None:
        self._seen.append((torch.sigmoid(predictions[0]).cpu(), batch.target))

    def score(self, stage: Stage) -> dict[str, float]:
        said, truth = (torch.cat(part).numpy() for part in zip(*self._seen, strict=True))
        wa, f1 = (tune(truth, said, metric)[1].mean() for metric in (balanced_accuracy, weighted_f1))
        return {"wa": float(wa), "f1": float(f1), "both": float(wa + f1) / 2}


def tune(truth: Floats, said: Floats, metric: Callable[..., float]) -> tuple[Floats, Floats]:
    """(K,) the threshold at which each emotion scores best, and (K,) those scores.

    Args:
        truth: (N, K) zeros and ones.
        said: (N, K) probabilities.
        metric: of true and said zeros and ones.
    """
    table = np.array(
        [
            [metric(truth[:, k].astype(int), (said[:, k] >= cut).astype(int)) for cut in THRESHOLDS]
            for k in range(truth.shape[1])
        ]
    )
    best = table.argmax(axis=1)
    return THRESHOLDS[best].astype(np.float32), table.max(axis=1).astype(np.float32)


def rising(width: int, warmup: int, factor: float = 1.0) -> Callable[[int], float]:
    """The Speech-Transformer's learning rate at update n (from 0): k · width^-.5 · min(n^-.5, n · warmup^-1.5), n from 1."""
    return lambda n: factor * width**-0.5 * min((n + 1) ** -0.5, (n + 1) * warmup**-1.5)
