"""Fitting the multi-task net to windows of speech."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, SequentialSampler, TensorDataset

from mien.evaluation.metrics import ccc
from mien.training.kit import RecipeBrain, Stage
from mien.training.losses import ccc_loss
from mien_plugins.emotion.net import TASKS, EmotionNet, NetConfig
from mien_plugins.emotion.windows import WindowSet

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class FitConfig:
    """How the net is fitted. `weights`: of the errors in valence, arousal and dominance.

    loss: "mse" as in the paper, "ccc" for the concordance itself, "both" for their sum.
    """

    epochs: int = 12
    batch: int = 128
    rate: float = 1.5e-3
    decay: float = 1e-4
    loss: Literal["mse", "ccc", "both"] = "ccc"
    weights: tuple[float, float, float] = (0.2, 0.1, 0.2)
    average: float = 0.99


class EmotionBrain(RecipeBrain):
    """Trains on batches (mid, rows, label); its score is the mean CCC over the three tasks."""

    def compute_forward(self, batch: tuple[Tensor, ...], stage: Stage) -> Tensor:
        mid, rows, _ = (part.to(self.device) for part in batch)
        values: Tensor = self.modules.net(mid, rows)[0]
        return values

    def compute_objectives(self, predictions: Tensor, batch: tuple[Tensor, ...], stage: Stage) -> Tensor:
        fit: FitConfig = self.hparams.fit
        truth = batch[2].to(self.device)
        weight = torch.tensor(fit.weights, device=truth.device)
        weight = weight / weight.sum()
        loss = torch.zeros((), device=truth.device)
        if fit.loss != "ccc":
            loss = loss + 3.0 * (((predictions - truth) ** 2).mean(dim=0) * weight).sum()
        if fit.loss != "mse" and len(truth) > 1:
            per_task = torch.stack([ccc_loss(predictions[:, i], truth[:, i]) for i in range(len(TASKS))])
            loss = loss + per_task.mean()
        return loss

    def begin(self, stage: Stage) -> None:
        self._seen: list[tuple[Floats, Floats]] = []
        self._epoch = self.result.epochs + 1

    def observe(self, predictions: Tensor, batch: tuple[Tensor, ...], stage: Stage) -> None:
        self._seen.append((predictions.float().cpu().numpy(), batch[2].numpy()))

    def score(self, stage: Stage) -> dict[str, float]:
        """CCC of each task, their mean, and the epoch itself (to keep the last of a fixed number)."""
        predicted, truth = (np.concatenate(part) for part in zip(*self._seen, strict=True))
        each = {name: ccc(truth[:, i], predicted[:, i]) for i, name in enumerate(TASKS)}
        return {**each, "ccc": float(np.mean(list(each.values()))), "epoch": float(self._epoch)}


def fit(
    train: WindowSet,
    watch: WindowSet,
    net: NetConfig,
    config: FitConfig,
    folder: Path,
    *,
    seed: int = 0,
    device: str = "cpu",
    threads: int = 1,
    resume: bool = True,
    progress: bool = True,
) -> EmotionNet:
    """Train for the configured number of epochs and return the averaged weights of the last one.

    `watch` is only looked at (its CCC goes to the log): nothing is chosen by it. Raises TrainingError on NaN.
    """
    torch.manual_seed(seed)
    model = EmotionNet(net)
    rows = tensors(train, net.rows)
    model.fit_scale(rows[0], rows[1])
    updates = config.epochs * math.ceil(len(train.rows) / config.batch)
    brain = EmotionBrain(
        {"net": model},
        partial(torch.optim.AdamW, lr=config.rate, weight_decay=config.decay),
        folder,
        metric="epoch",
        mode="max",
        device=device,
        threads=threads,
        seed=seed,
        schedule=partial(_warm_cosine, total=updates),
        ema=config.average,
        resume=resume,
        progress=progress,
        hparams={"fit": config},
    )
    brain.fit_best(config.epochs, _batches(rows, config.batch, True), _batches(tensors(watch, net.rows), 512, False))
    fitted = EmotionNet(net)
    fitted.load_state_dict(brain.best_state("net"))
    return fitted.eval()


def predict(model: EmotionNet, windows: WindowSet) -> Floats:
    """(N, 3) valence, arousal and dominance, clipped to [-1, 1]."""
    mid, rows, _ = tensors(windows, model.config.rows)
    with torch.inference_mode():
        parts = [model(mid[i : i + 512], rows[i : i + 512])[0] for i in range(0, len(mid), 512)]
    values: Floats = torch.cat(parts).clamp(-1.0, 1.0).numpy()
    return values


def tensors(windows: WindowSet, rows: int) -> tuple[Tensor, Tensor, Tensor]:
    """mid (N, R, 136), rows (N,), label (N, 3) with R = `rows` at least."""
    mid = torch.from_numpy(windows.mid)
    if mid.shape[1] < rows:
        mid = torch.nn.functional.pad(mid, (0, 0, 0, rows - mid.shape[1]))
    return mid, torch.from_numpy(windows.rows), torch.from_numpy(windows.label)


def agreement(truth: Floats, predicted: Floats) -> Mapping[str, float]:
    """CCC by task."""
    return {name: ccc(truth[:, i], predicted[:, i]) for i, name in enumerate(TASKS)}


def _warm_cosine(step: int, total: int) -> float:
    return min(1.0, (step + 1) / 100.0) * 0.5 * (1.0 + math.cos(math.pi * min(1.0, step / total)))


def _batches(data: tuple[Tensor, ...], size: int, shuffled: bool) -> DataLoader[Any]:
    # Whole batches are indexed at once: collating single rows would take longer than the net.
    dataset = TensorDataset(*data)
    order = RandomSampler(dataset) if shuffled else SequentialSampler(dataset)
    return DataLoader(dataset, batch_size=None, sampler=BatchSampler(order, size, drop_last=False))
