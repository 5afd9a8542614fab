"""How ConflictNET learns from people (`mien train conflictnet-rated`): from conversations that listeners have rated.

Begins with the weights that simulated conversations taught, unless told otherwise, and fine-tunes them on one of the
corpora of `corpora`, which a user has to get from its owners, or on a manifest of their own.
`mien models import conflictnet-rated OUT` brings the result to the analyzer (`--set conflict.model=rated`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from mien.errors import ParameterError
from mien.evaluation.metrics import accuracy, balanced_accuracy, bootstrap_ci, ece, pearson, rmse
from mien.models import store
from mien.training.card import Card, DataSource, Metric, save_model, write_card
from mien.training.job import command
from mien.training.kit import RecipeBrain, Stage
from mien.training.losses import pearson_loss
from mien.training.reliability import reliability, reliability_plot
from mien_plugins.conflict.calibrate import HIGH, calibrate, probability, scores
from mien_plugins.conflict.corpora import Clip, Rated, read_rated
from mien_plugins.conflict.features import fit_length, normalise
from mien_plugins.conflict.info import RATED
from mien_plugins.conflict.model import MODEL, load_config, load_net
from mien_plugins.conflict.net import NAMES, RATE, SAMPLES, SECONDS, ConflictNet, Variant, running_statistics, trainable
from mien_plugins.conflict.recipe import Batch

Start = Literal["simulated", "scratch"]


@dataclass(frozen=True)
class Plan:
    """How to train. patience: epochs without a better correlation on the validation part before it stops."""

    epochs: int = 30
    batch: int = 16
    lr: float = 5e-4
    mse: float = 0.5
    patience: int | None = 8


QUICK = Plan(epochs=6)


class Windows(Dataset[Batch]):
    """Batches of 30 s windows; those of `training` come in a new order, begun at a new point, in each epoch.

    A longer clip is several windows with its rating; a shorter one is padded, as the analyzer does.
    """

    def __init__(self, clips: Sequence[Clip], batch: int, training: bool = False, seed: int = 0) -> None:
        self.sound: list[NDArray[np.int16]] = []  # half the memory of float32
        self.rating: list[float] = []
        self.clip: list[int] = []
        for number, clip in enumerate(clips):
            samples = clip.samples()
            peak = max(1e-6, float(np.abs(samples).max(initial=0.0)))
            for start in range(0, max(1, len(samples) - SAMPLES // 2), SAMPLES):
                window = fit_length(samples[start : start + SAMPLES], SAMPLES)
                self.sound.append((window / peak * 32767).astype(np.int16))
                self.rating.append(clip.rating)
                self.clip.append(number)
        self.batch, self.training, self.seed, self.epoch = batch, training, seed, 0

    def __len__(self) -> int:
        return math.ceil(len(self.sound) / self.batch)

    def __getitem__(self, index: int) -> Batch:
        if index >= len(self):
            raise IndexError(index)
        rng = np.random.default_rng([self.seed, self.epoch])
        order = rng.permutation(len(self.sound)) if self.training else np.arange(len(self.sound))
        rows = order[index * self.batch : (index + 1) * self.batch]
        shifts = np.random.default_rng([self.seed, self.epoch, index]).integers(0, SAMPLES, len(rows))
        # Conflict is rated for the clip as a whole: where it is begun to be heard does not matter.
        x = np.stack([np.roll(self.sound[i], s if self.training else 0) for i, s in zip(rows, shifts, strict=True)])
        nothing = torch.zeros(len(rows))
        return Batch(
            torch.from_numpy(normalise(x.astype(np.float32) / 32767)),
            torch.tensor([self.rating[i] for i in rows], dtype=torch.float32),
            torch.zeros(len(rows), 0, 3),
            nothing,
            nothing + SECONDS,
        )


class RatedBrain(RecipeBrain):
    """1 - Pearson, plus the squared error, which alone fixes scale and offset."""

    plan: Plan
    train_clips: Windows

    def compute_forward(self, batch: Batch, stage: Stage) -> Tensor:
        read: Tensor = self.modules["net"](batch.x.to(self.device))
        return read

    def compute_objectives(self, predictions: Tensor, batch: Batch, stage: Stage) -> Tensor:
        truth = batch.intensity.to(self.device)
        error = F.mse_loss(predictions, truth)
        # A correlation needs two clips at least, and ratings that differ.
        if len(truth) < 2 or float(truth.std()) < 1e-6:
            return self.plan.mse * error
        return pearson_loss(predictions, truth) + self.plan.mse * error

    def begin(self, stage: Stage) -> None:
        if stage == Stage.TRAIN:
            self.train_clips.epoch = self.result.epochs
        self._seen: list[tuple[Tensor, Tensor]] = []

    def observe(self, predictions: Tensor, batch: Batch, stage: Stage) -> None:
        self._seen.append((predictions.cpu(), batch.intensity))

    def score(self, stage: Stage) -> dict[str, float]:
        read, truth = (torch.cat(part).numpy() for part in zip(*self._seen, strict=True))
        return {"pearson": pearson(truth, read), "rmse": rmse(truth, read)}


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
    start: Start = "simulated",
    variant: Variant = "conflictnet",
    plan: Plan | None = None,
) -> Card:
    """Fine-tune on the rated corpus in `data`, rescale on its validation part, and write weights, config and card to `out`.

    Args:
        data: folder of SSPNet Conflict or Glasgow Disagreement, see `corpora`.
        quick: a fifth of the epochs.
        device, threads: as torch knows them.
        work: checkpoints and logs, by default `out/work`.
        start: `simulated`: from the weights that ship; `scratch`: from random ones, as the thesis did.
        variant: the net itself or one of its ablations, which have random weights to begin from only.
        plan: overrides `quick`.

    Raises:
        CorpusError: there is no such corpus, or something of it is missing.
        ParameterError: an ablation is to begin from the weights that ship.
    """
    if variant != "conflictnet" and start == "simulated":
        raise ParameterError(f"The weights that ship are ConflictNET's: add --set start=scratch to variant={variant}.")
    plan = plan or (QUICK if quick else Plan())
    corpus = read_rated(data, seed)
    torch.manual_seed(seed)
    net = load_net(store.resolve(MODEL)) if start == "simulated" else ConflictNet(variant=variant)
    for block in (net.conv1, net.conv2, net.conv3):
        block.norm.momentum = 0.1
    brain = RatedBrain(
        {"net": net},
        partial(torch.optim.Adam, lr=plan.lr, betas=(0.9, 0.999), eps=1e-7),
        work or out / "work",
        metric="pearson",
        mode="max",
        device=device,
        threads=threads,
        seed=seed,
        patience=plan.patience,
        resume=resume,
        progress=progress,
    )
    brain.plan, brain.train_clips = plan, Windows(corpus.parts["train"], plan.batch, training=True, seed=seed)
    valid = Windows(corpus.parts["valid"], plan.batch)
    loader = partial(DataLoader, batch_size=None, num_workers=0)
    brain.fit_best(plan.epochs, loader(brain.train_clips), loader(valid))
    config = {
        "id": RATED,
        "rate": RATE,
        "seconds": SECONDS,
        "gates": load_config(store.resolve(MODEL))["gates"] if start == "simulated" else "hard_sigmoid",
        "variant": variant,
        **calibrate(net, [valid[i] for i in range(len(valid))]),
        "seed": seed,
        "quick": quick,
        "start": start,
        "epochs": brain.result.best_epoch,
    }
    save_model(out, brain.best_state("net"), config)
    card = evaluate(out, data, device=device)
    write_card(out, card)
    return card


def evaluate(model: Path, data: Path, *, device: str = "cpu") -> Card:
    """Read the test part of the rated corpus in `data` with the model in a folder, and describe it."""
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    corpus = read_rated(data, int(config["seed"]))
    clips = corpus.parts["test"]
    windows = Windows(clips, 8)
    read, _ = scores(load_net(model, device), [windows[i] for i in range(len(windows))])
    # A clip of several windows is what they say on average.
    owner = np.array(windows.clip)
    given = np.array([np.clip(read[owner == i].mean(), -1, 1) for i in range(len(clips))])
    truth = np.array([clip.rating for clip in clips])
    chance, high = probability(given, config["conflict"]), (truth > 0).astype(int)
    fused, heated = probability(given, config["hostility"]), (truth > HIGH).astype(int)
    note = "high is above the middle of the scale"
    found: list[Metric] = []
    for name, metric, arrays, why in (
        ("Pearson", pearson, (truth, given), ""),
        ("RMSE", rmse, (truth, given), "intensity runs from -1 to 1"),
        ("accuracy (WAR)", accuracy, (high, (given > 0).astype(int)), note),
        ("balanced accuracy (UAR)", balanced_accuracy, (high, (given > 0).astype(int)), note),
        ("ECE of P(intensity > 0)", ece, (high, chance), "15 bins"),
        (f"ECE of P(intensity > {HIGH:g})", ece, (heated, fused), "15 bins; what fusions read"),
    ):
        found.append(Metric.of(name, bootstrap_ci(metric, *arrays), len(truth), "test", why))
    plot = reliability_plot(
        reliability(high, chance, "P(intensity > 0), test"),
        reliability(heated, fused, f"P(intensity > {HIGH:g}), test"),
    )
    return _card(config, corpus, tuple(found), plot)


def _card(config: dict[str, Any], corpus: Rated, metrics: tuple[Metric, ...], plot: Any) -> Card:
    variant = config.get("variant", "conflictnet")
    net = ConflictNet(variant=variant)
    options = {"start": config["start"], "variant": variant}
    used = {part: len(clips) for part, clips in corpus.parts.items()}
    return Card(
        id=RATED,
        title=f"{NAMES[variant]}: intensity of conflict in speech, as people rated it",
        task="Reads the intensity of conflict, -1 (none) to 1 (high), from 30 s of raw speech at 8 kHz. Trained on "
        f"conversations that people have rated ({corpus.name}).",
        architecture=f"{NAMES[variant]} (Rajan 2022, ch. 3): {trainable(net):,} trainable, {running_statistics(net)} statistics",
        parameters=trainable(net) + running_statistics(net),
        licence=f"bound by that of the corpus ({corpus.licence})"
        + ("; begun from weights trained on RAVDESS, CC BY-NC-SA 4.0" if config["start"] == "simulated" else ""),
        data=(
            DataSource(
                corpus.name,
                corpus.licence,
                f"{used['train']} clips to train on, {used['valid']} to validate on, {used['test']} to test on",
                corpus.citation,
            ),
        ),
        split=corpus.split,
        seeds=(int(config["seed"]),),
        metrics=metrics,
        calibration={
            "P(intensity > 0), P(intensity > 0.5)": "logistic functions fitted on the validation part, in config.json; fusions "
            "read the second"
        },
        limits=("Rated conversations of one kind and language; other kinds may be read with a shift.",),
        command=command(
            RATED,
            data="CORPUS",
            out="OUT",
            quick=bool(config["quick"]),
            seed=int(config["seed"]),
            options={k: v for k, v in options.items() if v not in ("simulated", "conflictnet")},
        ),
        plots=(plot,),
    )
