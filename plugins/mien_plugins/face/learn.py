"""The training loop of the face net."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset

from mien.evaluation import metrics
from mien.training.kit import FitResult, RecipeBrain, Stage
from mien.training.losses import ccc_loss
from mien_plugins.face.data import Faces, batches
from mien_plugins.face.muon import Muon
from mien_plugins.face.net import FaceNet, FaceReading
from mien_plugins.face.plan import Plan
from mien_plugins.face.reader import rated

Batch = tuple[Tensor, Tensor]


def facts_of(plan: Plan, results: Sequence[FitResult], *, seed: int, quick: bool, note: str) -> dict[str, Any]:
    """What a model's config.json says of its training, whatever it learnt from."""
    return {
        "nets": plan.nets,
        "size": plan.side,
        "views": [list(view) for view in plan.views],
        "seed": seed,
        "quick": quick,
        "note": note,
        "plan": asdict(plan),
        "epochs": results[0].epochs,
        "best_epochs": [result.best_epoch for result in results],
    }


class _Pictures(IterableDataset[Batch]):
    """Batches of the brain's current epoch: shuffled and augmented for training, plain for validation."""

    def __init__(self, faces: Faces, brain: FaceBrain, training: bool) -> None:
        self.faces, self.brain, self.training = faces, brain, training

    def __iter__(self) -> Iterator[Batch]:
        epoch, plan = self.brain.result.epochs + 1, self.brain.plan
        generator = torch.Generator().manual_seed(self.brain.seed * 1000 + epoch) if self.training else None
        return batches(self.faces, plan.side_at(epoch), plan.batch, generator)

    def __len__(self) -> int:
        return math.ceil(len(self.faces) / self.brain.plan.batch)


class FaceBrain(RecipeBrain):
    """Cross-entropy with label smoothing; the best epoch is the most accurate one at full size."""

    plan: Plan
    picked_by: ClassVar[str] = "accuracy"
    """The score that picks the best epoch."""

    def compute_forward(self, batch: Batch, stage: Stage) -> FaceReading:
        images = batch[0].to(self.device, memory_format=torch.channels_last)
        reading: FaceReading = self.modules["net"](images)
        return reading

    def compute_objectives(self, predictions: FaceReading, batch: Batch, stage: Stage) -> Tensor:
        smoothing = self.plan.smoothing if stage == Stage.TRAIN else 0.0
        return functional.cross_entropy(predictions.logits, batch[1].to(self.device), label_smoothing=smoothing)

    def begin(self, stage: Stage) -> None:
        self._seen: list[tuple[NDArray[Any], NDArray[Any]]] = []

    def observe(self, predictions: FaceReading, batch: Batch, stage: Stage) -> None:
        self._seen.append((batch[1].numpy(), predictions.logits.argmax(1).cpu().numpy()))

    def score(self, stage: Stage) -> dict[str, float]:
        if not self._seen:
            return {self.picked_by: math.nan}
        truth, guess = (np.concatenate(column) for column in zip(*self._seen, strict=True))
        found, side = self.measured(truth, guess), self.plan.side_at(self.result.epochs + 1)
        whole = found[self.picked_by]
        return {
            # Only epochs at full size may be kept: the others are means to them.
            self.picked_by: whole if side == self.plan.side else math.nan,
            f"{self.picked_by}_any_size": whole,
            **{name: value for name, value in found.items() if name != self.picked_by},
            "side": side,
        }

    def measured(self, truth: NDArray[Any], said: NDArray[Any]) -> dict[str, float]:
        """Scores of all faces of the validation part."""
        return {"accuracy": metrics.accuracy(truth, said), "macro_f1": metrics.macro_f1(truth, said)}


class RatingBrain(FaceBrain):
    """1 − CCC of valence and of arousal over the batch (Tzirakis et al. 2021); the best epoch has the highest mean CCC."""

    picked_by: ClassVar[str] = "ccc"

    def compute_objectives(self, predictions: FaceReading, batch: Batch, stage: Stage) -> Tensor:
        said, truth = rated(predictions.logits), batch[1].to(self.device)
        return torch.stack([ccc_loss(said[:, k], truth[:, k]) for k in range(truth.shape[1])]).mean()

    def observe(self, predictions: FaceReading, batch: Batch, stage: Stage) -> None:
        self._seen.append((batch[1].numpy(), rated(predictions.logits).cpu().numpy()))

    def measured(self, truth: NDArray[Any], said: NDArray[Any]) -> dict[str, float]:
        found = [metrics.ccc(truth[:, k], said[:, k]) for k in range(truth.shape[1])]
        return {"ccc": float(np.mean(found)), "ccc_valence": found[0], "ccc_arousal": found[1]}


def learn(
    net: FaceNet,
    faces: Faces,
    valid: Faces,
    plan: Plan,
    work: Path,
    *,
    device: str = "cpu",
    seed: int = 0,
    resume: bool = True,
    threads: int | None = None,
    progress: bool = True,
    kind: type[FaceBrain] = FaceBrain,
) -> FaceBrain:
    """Train a net as planned; the brain then holds the weights of the epoch that scored best on `valid`."""
    per_epoch = math.ceil(len(faces) / plan.batch)
    brain = kind(
        {"net": net.to(memory_format=torch.channels_last)},  # type: ignore[call-overload]
        lambda parameters: Muon(parameters, plan.rate, plan.rest_rate, decay=plan.decay),
        work,
        metric=kind.picked_by,
        mode="max",
        device=device,
        threads=threads,
        seed=seed,
        schedule=lambda step: plan.rate_at(step, per_epoch),
        ema=plan.average,
        precision=plan.precision,
        resume=resume,
        progress=progress,
    )
    brain.plan = plan
    brain.fit_best(
        plan.epochs,
        DataLoader(_Pictures(faces, brain, True), batch_size=None),
        DataLoader(_Pictures(valid, brain, False), batch_size=None),
    )
    return brain
