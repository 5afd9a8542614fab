"""How the network of turns is trained: sequences of frames, word vectors that were made beforehand."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset

from mien.evaluation.metrics import ccc, macro_f1
from mien.training.arrays import Form, keep_arrays, kept_arrays
from mien.training.kit import RecipeBrain, Stage
from mien.training.losses import ccc_loss
from mien_plugins.text.sequences import OFFENCE, Corpus, Turns
from mien_plugins.text.turnmodel import pack
from mien_plugins.text.turnnet import TurnConfig, TurnNet
from mien_plugins.text.vectors import Vectors


@dataclass(frozen=True)
class Batch:
    """B sequences of T frames.

    words, count: (N, L, D), (N,) of the distinct turns in them, the last one silent. turn: (B, T) which of the N each frame
    is of. target: (B, T, K), NaN where nothing is known.
    """

    words: Tensor
    count: Tensor
    turn: Tensor
    target: Tensor

    def to(self, device: Any, **_: Any) -> Batch:
        """The same on a device (SpeechBrain calls this)."""
        return Batch(*(part.to(device) for part in (self.words, self.count, self.turn, self.target)))


class VectorStore:
    """Word vectors of a corpus' texts, half as exact as they were read: made once and kept in a work folder, if there is one.

    Args:
        make: texts -> (words, width) of each.
        key: what the vectors depend on besides the texts.
        width: numbers a word.
    """

    def __init__(
        self,
        make: Callable[[Sequence[str]], list[Vectors]],
        key: str,
        width: int,
        texts: Sequence[str],
        folder: Path | None,
    ) -> None:
        digest = hashlib.sha256("\0".join([key, *texts]).encode()).hexdigest()[:16]
        path = None if folder is None else folder / f"words-{digest}.npz"
        if path is not None and (kept := _kept(path, width, len(texts))) is not None:
            self._flat, self._ends = kept["flat"], kept["ends"]
            return
        found = make(texts)
        self._flat = np.concatenate([np.zeros((0, width), np.float16), *(own.astype(np.float16) for own in found)])
        self._ends = np.cumsum([len(own) for own in found])
        if path is not None:
            keep_arrays(path, {"flat": self._flat, "ends": self._ends}, _forms(width, len(texts)))

    def __getitem__(self, number: int) -> Vectors:
        begin = self._ends[number - 1] if number else 0
        return np.asarray(self._flat[begin : self._ends[number]], np.float32)


def _forms(width: int, count: int) -> dict[str, Form]:
    return {"flat": ("<f2", ("W", width)), "ends": ("<i8", (count,))}


def _kept(path: Path, width: int, count: int) -> dict[str, NDArray[Any]] | None:
    """The vectors of so many texts that were kept; None where there are none, or they are damaged."""
    kept = kept_arrays(path, _forms(width, count))
    if kept is None:
        return None
    bounds = np.concatenate([[0], kept["ends"]])
    return kept if bounds[-1] == len(kept["flat"]) and bool(np.all(bounds[1:] >= bounds[:-1])) else None


class Sequences(Dataset[Batch]):
    """Batches of sequences; with `shuffled` in another order each `epoch`, that follows from the seed alone."""

    def __init__(
        self,
        parts: Sequence[Turns],
        vectors: VectorStore,
        net: TurnConfig,
        batch: int,
        *,
        shuffled: bool = False,
        seed: int = 0,
    ) -> None:
        self.parts, self.vectors, self.net, self.batch = parts, vectors, net, batch
        self.shuffled, self.seed, self.epoch = shuffled, seed, 0

    def __len__(self) -> int:
        # A single one has no correlation: it goes with those before.
        return max(1, -(-(len(self.parts) - 1) // self.batch))

    def __getitem__(self, index: int) -> Batch:
        if index >= len(self):
            raise IndexError(index)
        order = np.arange(len(self.parts))
        if self.shuffled:
            order = np.random.default_rng([self.seed, self.epoch]).permutation(len(self.parts))
        stop = None if index == len(self) - 1 else (index + 1) * self.batch
        return self._of([self.parts[i] for i in order[index * self.batch : stop]])

    def _of(self, rows: Sequence[Turns]) -> Batch:
        longest, outputs = max(map(len, rows)), rows[0].target.shape[1]
        said: NDArray[np.int64] = np.unique(np.concatenate([row.turn for row in rows]))
        said = said[said >= 0]
        turn = np.full((len(rows), longest), len(said), np.int64)  # the silent one
        target = np.full((len(rows), longest, outputs), np.nan, np.float32)
        for at, row in enumerate(rows):
            spoken = row.turn >= 0
            turn[at, : len(row)][spoken] = np.searchsorted(said, row.turn[spoken])
            target[at, : len(row)] = row.target
        words, count = pack([self.vectors[int(i)] for i in said], self.net, empty=1)
        if self.net.padding == "masked":
            words = words[:, : max(1, int(count.max()))]
        return Batch(words, count, torch.from_numpy(turn), torch.from_numpy(target))


def read(net: TurnNet, batch: Batch) -> Tensor:
    """(B, T, K) outputs."""
    vectors = net.turns(batch.words, batch.count).vectors
    return net.frames(vectors[batch.turn]).values


class TurnBrain(RecipeBrain):
    """1 − CCC of each output over all frames of the batch that have it; cross-entropy for offence."""

    outputs: tuple[str, ...]
    train_set: Sequences

    def compute_forward(self, batch: Batch, stage: Stage) -> Tensor:
        return read(self.modules.net, batch.to(self.device))

    def compute_objectives(self, predictions: Tensor, batch: Batch, stage: Stage) -> Tensor:
        target = batch.target.to(self.device)
        known = ~torch.isnan(target)
        if self.outputs == (OFFENCE,):
            return F.binary_cross_entropy_with_logits(predictions[known], target[known])
        losses = [
            ccc_loss(predictions[..., k][known[..., k]], target[..., k][known[..., k]])
            for k in range(len(self.outputs))
            if int(known[..., k].sum()) > 1
        ]
        # A batch in which nothing is known teaches nothing.
        return torch.stack(losses).mean() if losses else predictions.sum() * 0.0

    def begin(self, stage: Stage) -> None:
        if stage == Stage.TRAIN:
            self.train_set.epoch = self.result.epochs
        self._seen: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []

    def observe(self, predictions: Tensor, batch: Batch, stage: Stage) -> None:
        width = len(self.outputs)
        target = batch.target.reshape(-1, width).cpu().numpy()
        self._seen.append((predictions.float().cpu().reshape(-1, width).numpy(), target))

    def score(self, stage: Stage) -> dict[str, float]:
        """CCC of each output and their mean, over all frames; for offence the area under the ROC curve and macro-F1."""
        said, truth = (np.concatenate(part) for part in zip(*self._seen, strict=True))
        if self.outputs == (OFFENCE,):
            known = np.isfinite(truth[:, 0])
            yes = (truth[known, 0] >= 0.5).astype(int)
            area = float(roc_auc_score(yes, said[known, 0])) if 0 < yes.sum() < len(yes) else 0.5
            return {"auc": area, "macro_f1": macro_f1(yes, (said[known, 0] > 0).astype(int))}
        found = {}
        for k, name in enumerate(self.outputs):
            known = np.isfinite(truth[:, k])
            found[name] = ccc(truth[known, k], said[known, k]) if known.any() else 0.0
        return {**found, "ccc": float(np.mean(list(found.values())))}


def metric_of(corpus: Corpus) -> str:
    """What picks the best epoch."""
    return "auc" if corpus.outputs == (OFFENCE,) else "ccc"
