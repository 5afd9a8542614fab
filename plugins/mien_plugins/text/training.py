"""How the text model is trained: several corpora, one encoder, a head each, batches of one task at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from mien.evaluation.metrics import macro_f1, pearson
from mien.training.kit import FitResult, RecipeBrain, Stage
from mien_plugins.text.clean import clean
from mien_plugins.text.contrast import contrast
from mien_plugins.text.damage import Damage
from mien_plugins.text.data import Splits, Texts
from mien_plugins.text.net import TextNet
from mien_plugins.text.tokens import WordPieces


@dataclass(frozen=True)
class Plan:
    """What one training does.

    Attributes:
        rounds: parts the training is cut into; after each it is validated and checkpointed.
        passes: task → how often its training part is read in all.
        weight: task → factor on its loss.
        batch: texts per update.
        rate, head_rate: peak learning rates (AdamW) of the encoder and of the heads.
        warmup: share of the updates over which the rates rise; after it they fall linearly to zero.
        decay: weight decay.
        limit: tokens per text in training; longer ones are cut off, which halves the time.
        contrast: sentence pairs of `mien_plugins.text.contrast` that each round adds to the offence task.
        draw: added to the seed of the order, the copies and the contrast pairs, so that two trainings differ.
        precision: of the net's passes; bf16 takes 0.57 of the time where the processor computes in it.
        as_tweet, as_transcript: share of the copies in which a text is cleaned so; the rest is damaged as a
            speech recogniser would.
    """

    rounds: int = 4
    passes: dict[str, float] = field(default_factory=lambda: {"offence": 2.0, "hate": 1.0, "attributes": 3.0})
    weight: dict[str, float] = field(default_factory=lambda: {"offence": 1.0, "hate": 0.7, "attributes": 0.5})
    contrast: int = 400
    batch: int = 32
    rate: float = 8e-5
    head_rate: float = 1e-3
    warmup: float = 0.06
    decay: float = 0.01
    limit: int = 64
    draw: int = 0
    precision: str = "fp32"
    as_tweet: float = 0.5
    as_transcript: float = 0.2
    damage: Damage = field(default_factory=Damage)


@dataclass(frozen=True)
class TaskBatch:
    """``ids``, ``mask`` (B, T) int64 and ``target`` (B,) or (B, 3) of one task."""

    task: str
    ids: Tensor
    mask: Tensor
    target: Tensor

    def to(self, device: Any, **_: Any) -> TaskBatch:
        """The same on ``device`` (SpeechBrain calls this)."""
        return TaskBatch(self.task, self.ids.to(device), self.mask.to(device), self.target.to(device))


class Rounds(IterableDataset[TaskBatch]):
    """The batches of one round: each task's share of its corpus, copies drawn anew, tasks shuffled."""

    def __init__(self, corpora: dict[str, Splits], pieces: WordPieces, plan: Plan, seed: int) -> None:
        super().__init__()
        self.parts = {task: splits["train"] for task, splits in corpora.items() if plan.passes.get(task, 0) > 0}
        self.pieces, self.plan, self.seed, self.round = pieces, plan, seed, 1
        self.vocabulary = sorted(
            {
                word
                for part in self.parts.values()
                for text in part.text[:2000]
                for word in clean(text).lower().split()
                if word.isalpha()
            }
        )

    def rows(self, task: str, number: int) -> list[int]:
        """Which texts round ``number`` (from 1) reads: the passes laid end to end, cut into equal parts."""
        size = len(self.parts[task])
        total = round(size * self.plan.passes[task])
        begin, end = (total * k // self.plan.rounds for k in (number - 1, number))
        orders = [np.random.default_rng((self.seed, p)).permutation(size) for p in range(-(-end // size))]
        return [int(i) for i in np.concatenate(orders)[begin:end]] if orders else []

    def __len__(self) -> int:
        return self.updates_of(self.round)

    def updates_of(self, number: int) -> int:
        """Updates of round ``number``."""
        sizes = {task: len(self.rows(task, number)) for task in self.parts}
        if "offence" in sizes:
            sizes["offence"] += self.plan.contrast
        return sum(-(-size // self.plan.batch) for size in sizes.values())

    def updates(self) -> int:
        """Updates of the whole training."""
        return sum(self.updates_of(number) for number in range(1, self.plan.rounds + 1))

    def copy(self, text: str, task: str, rng: np.random.Generator) -> str:
        """One training copy of ``text``: as a tweet, as a transcript, or as a recogniser would print it."""
        draw = rng.random()
        if draw < self.plan.as_tweet:
            # EmoBank is prose: its punctuation is kept where a tweet would lose it.
            return clean(text, "transcript" if task == "attributes" else "tweet")
        if draw < self.plan.as_tweet + self.plan.as_transcript:
            return clean(text, "transcript")
        return self.plan.damage(text, self.vocabulary, rng)

    def __iter__(self) -> Iterator[TaskBatch]:
        rng = np.random.default_rng((self.seed, 1000 + self.round))
        plans: list[tuple[str, list[tuple[int, ...]], np.ndarray]] = []
        for task, part in self.parts.items():
            part = part.take(self.rows(task, self.round))
            if task == "offence":
                part = part.join(contrast(self.plan.contrast, rng))
            copies = [self.copy(text, task, rng) for text in part.text]
            windows = self.pieces.windows(copies, self.plan.limit, "truncate")
            # Like lengths go together, with some noise so that the groups differ from pass to pass.
            order = np.argsort([len(window.ids) + rng.uniform(0, 4) for window in windows], kind="stable")
            for start in range(0, len(order), self.plan.batch):
                rows = order[start : start + self.plan.batch]
                plans.append((task, [windows[i].ids for i in rows], part.target[rows]))
        for i in rng.permutation(len(plans)):
            task, ids, target = plans[i]
            yield collate(task, ids, target, self.pieces.pad)


def collate(task: str, ids: Sequence[Sequence[int]], target: np.ndarray, pad: int) -> TaskBatch:
    """Token ids of unequal length → one padded batch."""
    longest = max(map(len, ids))
    grid = torch.full((len(ids), longest), pad, dtype=torch.long)
    mask = torch.zeros_like(grid)
    for row, own in enumerate(ids):
        grid[row, : len(own)] = torch.tensor(own)
        mask[row, : len(own)] = 1
    return TaskBatch(task, grid, mask, torch.from_numpy(np.asarray(target)))


def held_out(corpora: dict[str, Splits], pieces: WordPieces, split: str = "valid", limit: int = 128) -> list[TaskBatch]:
    """Batches of a split as it stands: tweets cleaned as tweets, prose as transcripts."""
    batches: list[TaskBatch] = []
    for task, splits in corpora.items():
        part: Texts = splits[split]
        texts = [clean(text, "transcript" if task == "attributes" else "tweet") for text in part.text]
        for batch in pieces.batches(pieces.windows(texts, limit, "truncate")):
            rows = [window.text for window in batch.windows]
            batches.append(collate(task, [w.ids for w in batch.windows], part.target[rows], pieces.pad))
    return batches


def task_loss(task: str, out: Tensor, target: Tensor, spread: Tensor) -> Tensor:
    """BCE for offence, cross-entropy for hate, squared error in the labels' spread for attributes."""
    if task == "offence":
        return nn.functional.binary_cross_entropy_with_logits(out[:, 0], target.float())
    if task == "hate":
        return nn.functional.cross_entropy(out, target)
    return (((out - target) / spread) ** 2).mean()


class TextBrain(RecipeBrain):
    """Trains a TextNet; the best round has the highest area under the ROC of OLID's validation part.

    Not macro-F1: that hangs on the threshold, which is chosen after training.
    """

    def __init__(self, net: TextNet, rounds: Rounds, spread: np.ndarray, folder: Path, **options: Any) -> None:
        plan = rounds.plan
        # Word vectors stay as they are: rare words keep their place beside those that the corpora cover.
        net.encoder.embeddings.word_embeddings.weight.requires_grad_(False)
        body = [p for p in net.encoder.parameters() if p.requires_grad]
        total, warm = rounds.updates(), max(1, round(plan.warmup * rounds.updates()))

        def optimizer(_: Any) -> torch.optim.Optimizer:
            groups = [
                {"params": body, "lr": plan.rate},
                {"params": net.heads.parameters(), "lr": plan.head_rate},
            ]
            return torch.optim.AdamW(groups, lr=plan.rate, weight_decay=plan.decay)

        def schedule(step: int) -> float:
            return min((step + 1) / warm, max(0.0, (total - step) / max(1, total - warm)))

        super().__init__(
            {"net": net},
            optimizer,
            folder,
            metric="offence_auc",
            mode="max",
            schedule=schedule,
            max_grad_norm=1.0,
            precision=plan.precision,
            **options,
        )
        self.rounds, self.weight = rounds, plan.weight
        self.spread = torch.as_tensor(spread, device=self.device)
        self.seen: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}

    def on_stage_start(self, stage: Stage, epoch: int | None = None) -> None:
        if stage == Stage.TRAIN:
            self.rounds.round = int(epoch or 1)
        super().on_stage_start(stage, epoch)

    def compute_forward(self, batch: TaskBatch, stage: Stage) -> Tensor:
        batch = batch.to(self.device)
        out: Tensor = self.modules.net(batch.ids, batch.mask, batch.task)
        return out

    def compute_objectives(self, predictions: Tensor, batch: TaskBatch, stage: Stage) -> Tensor:
        loss = task_loss(batch.task, predictions, batch.target.to(self.device), self.spread)
        return loss * self.weight.get(batch.task, 1.0)

    def begin(self, stage: Stage) -> None:
        self.seen = {}

    def observe(self, predictions: Tensor, batch: TaskBatch, stage: Stage) -> None:
        self.seen.setdefault(batch.task, []).append((predictions.float().cpu().numpy(), batch.target.numpy()))

    def score(self, stage: Stage) -> dict[str, float]:
        found: dict[str, float] = {}
        for task, pairs in self.seen.items():
            out, target = (np.concatenate(side) for side in zip(*pairs, strict=True))
            if task == "offence":
                found["offence_auc"] = float(roc_auc_score(target, out[:, 0]))
                found["offence_f1"] = macro_f1(target, (out[:, 0] > 0).astype(int))
            elif task == "hate":
                found["hate_f1"] = macro_f1(target, out.argmax(1))
            else:
                for i, name in enumerate(("valence", "arousal", "dominance")):
                    found[f"{name}_r"] = pearson(target[:, i], out[:, i])
        return found

    def run(self, valid: Sequence[TaskBatch]) -> FitResult:
        """All rounds (from the last checkpoint on, if there is one), then the best weights."""
        # A list is a map-style dataset; torch's annotations do not know it.
        held: Any = list(valid)
        train = DataLoader(self.rounds, batch_size=None)
        return self.fit_best(self.rounds.plan.rounds, train, DataLoader(held, batch_size=None))
