"""The recipe: y = a x + b by gradient descent, measured on the points marked as test."""

from __future__ import annotations

import csv
import errno
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from mien.evaluation.metrics import bootstrap_ci, ece, rmse
from mien.training.card import Card, DataSource, Metric, load_model, save_model, write_card
from mien.training.job import command
from mien.training.kit import RecipeBrain, Stage
from mien.training.reliability import reliability, reliability_plot

EPOCHS = 6


class Brain(RecipeBrain):
    pause = 0.0

    def compute_forward(self, batch: Any, stage: Stage) -> Tensor:
        if stage == Stage.TRAIN:
            time.sleep(self.pause)
        out: Tensor = self.modules.net(batch[0])
        return out

    def compute_objectives(self, predictions: Tensor, batch: Any, stage: Stage) -> Tensor:
        return nn.functional.mse_loss(predictions, batch[1])


def read(data: Path, part: str) -> tuple[Tensor, Tensor]:
    with (data / "points" / "points.csv").open(encoding="utf-8") as file:
        rows = [(float(r["x"]), float(r["y"])) for r in csv.DictReader(file) if r["part"] == part]
    both = torch.tensor(rows)
    return both[:, :1], both[:, 1:]


def train(
    data: Path,
    out: Path,
    *,
    quick: bool = False,
    device: str = "cpu",
    seed: int = 0,
    resume: bool = True,
    threads: int | None = None,
    progress: bool = True,
    work: Path | None = None,
    pause: float = 0.0,
    break_with: str = "",
    lr: float = 0.3,
) -> Card:
    errors = {"full": OSError(errno.ENOSPC, "No space left on device"), "bug": RuntimeError("a bug in the recipe")}
    if break_with:
        raise errors[break_with]
    torch.manual_seed(seed)
    brain = Brain(
        {"net": nn.Linear(1, 1)}, partial(torch.optim.Adam, lr=lr), work or out / "work",
        device=device, threads=threads, seed=seed, resume=resume, progress=progress,
    )  # fmt: skip
    brain.pause = pause
    sets = TensorDataset(*read(data, "train"))
    brain.fit_best(2 if quick else EPOCHS, DataLoader(sets, batch_size=8), DataLoader(sets, batch_size=64))
    save_model(out, brain.best_state("net"), {"id": "tiny-line", "quick": quick, "seed": seed})
    card = evaluate(out, data)
    write_card(out, card)
    return card


def evaluate(model: Path, data: Path, *, device: str = "cpu") -> Card:
    weights, config = load_model(model)
    net = nn.Linear(1, 1)
    net.load_state_dict(weights)
    x, y = read(data, "test")
    with torch.inference_mode():
        read_off = net(x).numpy().ravel()
    truth = y.numpy().ravel()
    above, chance = (truth > 0).astype(int), 1 / (1 + np.exp(-4.0 * read_off))
    return Card(
        id="tiny-line", title="A line", task="Fits a line.", licence="MIT",
        data=(DataSource("points", "CC0-1.0", "training and test"),), split="as marked", seeds=(config["seed"],),
        metrics=(
            Metric.of("RMSE", bootstrap_ci(rmse, truth, read_off, repeats=20), len(truth)),
            Metric.of("ECE of P(y > 0)", bootstrap_ci(ece, above, chance, repeats=20), len(truth)),
        ),
        limits=("Lines only.",), command=command("tiny-line", quick=config["quick"], seed=config["seed"]),
        plots=(reliability_plot(reliability(above, chance, "P(y > 0), test")),),
    )  # fmt: skip
