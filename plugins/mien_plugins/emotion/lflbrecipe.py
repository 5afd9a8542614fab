"""How 1D-SER is made and measured (`mien train voice-1dser`, `mien evaluate`): Zhao et al. 2019 on raw speech.

It learns EmoDB's seven emotions, or the label `acted` (else `emotion`) of a manifest, from segments of 1 s that overlap by half,
each of RMS 1. `mien models import voice-1dser OUT` brings the result to the analyzer (`--set emotion.model=voice-1dser`).

Other than in the public implementation, whose README reports about 61 % (66 to 70 % with attention): there, segments of one
recording, and recordings of one speaker, fall into training and test alike, so that its figures are of speakers it has heard;
here no speaker is on two sides, and figures are also given for whole recordings. They are lower for that reason.
"""

from __future__ import annotations

import json
import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from mien.evaluation.metrics import accuracy, balanced_accuracy, bootstrap_ci, ece, macro_f1
from mien.training.card import Card, Metric, Plot, save_model, write_card
from mien.training.checks import require_known_labels, require_splits
from mien.training.kit import RecipeBrain, Stage, seed_everything
from mien.training.reliability import reliability, reliability_plot
from mien_plugins.emotion.info import LFLB, LflbTraining
from mien_plugins.emotion.lflb import RATE, LflbConfig, LflbNet, Variant, probabilities, trainable
from mien_plugins.emotion.rawcard import raw_card
from mien_plugins.emotion.rawdata import Corpus, names
from mien_plugins.emotion.rawreader import load_lflb, segments

BATCH, EPOCHS, SEGMENT = 32, 200, 1.0
MOMENTUM, DECAY = 0.9, 1e-6
RATES: dict[str, float] = {"plain": 1e-4, "attention": 1e-2}

Batch = tuple[Tensor, Tensor, Tensor]
"""Segments (B, n), class (B,), number of the recording (B,)."""


class Segments(Dataset[Batch]):
    """All segments of a split in memory; with `shuffled` in another order each `epoch`, that follows from the seed alone."""

    def __init__(
        self, corpus: Corpus, split: str, seconds: float, batch: int, *, shuffled: bool = False, seed: int = 0
    ) -> None:
        self.stretches = corpus.parts[split]
        cut = [segments(corpus.sound(stretch, RATE), round(seconds * RATE)) for stretch in self.stretches]
        self.sound = torch.from_numpy(np.concatenate(cut))
        sizes = [len(own) for own in cut]
        self.owner = torch.from_numpy(np.repeat(np.arange(len(cut)), sizes))
        self.label = torch.tensor([int(stretch.target[0]) for stretch in self.stretches])[self.owner]
        self.batch, self.shuffled, self.seed, self.epoch = batch, shuffled, seed, 0

    def __len__(self) -> int:
        # Batch norm needs two: a single one goes with those before.
        return max(1, -(-(len(self.label) - 1) // self.batch))

    def __getitem__(self, index: int) -> Batch:
        if index >= len(self):
            raise IndexError(index)
        rows = np.arange(len(self.label))
        if self.shuffled:
            rows = np.random.default_rng([self.seed, self.epoch]).permutation(rows)
        chosen = torch.from_numpy(
            rows[index * self.batch : None if index == len(self) - 1 else (index + 1) * self.batch]
        )
        return self.sound[chosen], self.label[chosen], self.owner[chosen]


class LflbBrain(RecipeBrain):
    """Cross-entropy of segments; accuracy is of segments, as the reference's, recall of recordings."""

    train_set: Segments

    def compute_forward(self, batch: Batch, stage: Stage) -> Tensor:
        logits, _ = self.modules.net(batch[0].to(self.device))
        return torch.as_tensor(logits)

    def compute_objectives(self, predictions: Tensor, batch: Batch, stage: Stage) -> Tensor:
        return F.cross_entropy(predictions, batch[1].to(self.device))

    def begin(self, stage: Stage) -> None:
        if stage == Stage.TRAIN:
            self.train_set.epoch = self.result.epochs
        self._seen: list[tuple[Tensor, Tensor]] = []

    def observe(self, predictions: Tensor, batch: Batch, stage: Stage) -> None:
        self._seen.append((predictions.float().cpu(), batch[1]))

    def score(self, stage: Stage) -> dict[str, float]:
        logits, truth = (torch.cat(part).numpy() for part in zip(*self._seen, strict=True))
        return {"accuracy": accuracy(truth, logits.argmax(1)), "uar": balanced_accuracy(truth, logits.argmax(1))}


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
    variant: Variant = "plain",
    epochs: int | None = None,
    patience: int = 8,
    lr: float | None = None,
    batch: int = BATCH,
    segment: float = SEGMENT,
) -> Card:
    """Train on what lies in `data`, measure, and write weights, config and card to `out`.

    Args:
        data: folder of a `manifest.csv`, or of `speech/manifest.csv`, of which EmoDB is taken.
        quick: a tenth of the epochs.
        variant: `plain`, or with `attention` and a second LSTM.
        epochs, patience: at most so many, and so many without a smaller validation loss before it stops.
        lr: of SGD with Nesterov's momentum; 1e-4, with attention 0.01, by default.
        batch: segments of an update. segment: s; as long as a whole clip is possible too.

    Raises:
        CorpusError: the corpus is missing, empty, speakers are on both sides of a split, or a class is never trained on.
    """
    work = work or out / "work"
    corpus = _corpus(data)
    shape = LflbConfig(corpus.classes, variant)
    rate = RATES[variant] if lr is None else lr
    seed_everything(seed)
    brain = LflbBrain(
        {"net": LflbNet(shape)},
        partial(torch.optim.SGD, lr=rate, momentum=MOMENTUM, nesterov=True),
        work,
        metric="loss",
        mode="min",
        device=device,
        threads=threads,
        seed=seed,
        patience=patience,
        # Keras' decay: of the rate, with every update.
        schedule=lambda update: 1.0 / (1.0 + DECAY * update),
        resume=resume,
        progress=progress,
    )
    brain.train_set = Segments(corpus, "train", segment, batch, shuffled=True, seed=seed)
    loader = partial(DataLoader, batch_size=None, num_workers=0)
    limit = epochs or EPOCHS
    valid = Segments(corpus, "valid", segment, batch)
    brain.fit_best(max(1, limit // 10) if quick else limit, loader(brain.train_set), loader(valid))
    net = brain.modules["net"].eval()
    config = {
        "id": LFLB,
        "net": shape.to_dict(),
        "segment": segment,
        "temperature": fit_temperature(_logits(net, valid, str(brain.device)), valid.owner.numpy(), valid.label.numpy()),
        "options": {
            "variant": variant, "epochs": epochs, "patience": patience, "lr": lr, "batch": batch, "segment": segment,
        },
        "seed": seed,
        "quick": quick,
        "best_epoch": brain.result.best_epoch,
    }  # fmt: skip
    save_model(out, brain.best_state("net"), config)
    card = evaluate(out, data, device=device)
    write_card(out, card)
    return card


def evaluate(model: Path, data: Path, *, device: str = "cpu") -> Card:
    """Read the test part with the model in a folder, and describe it; raises as `train` does."""
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    reader = load_lflb(model)
    net = reader.net.to(device)
    corpus = _corpus(data)
    require_known_labels(corpus.sources[0].name, "test", corpus.classes, net.config.classes)
    test = Segments(corpus, "test", float(config["segment"]), 64)
    chance = probabilities(_logits(net, test, device), reader.temperature).numpy()
    owner = test.owner.numpy()
    truth = test.label.numpy()
    recordings = np.unique(owner)
    whole = np.stack([chance[owner == i].mean(0) for i in recordings])
    label = np.array([int(test.stretches[i].target[0]) for i in recordings])
    speaker = np.array([test.stretches[i].group for i in recordings])
    metrics = []
    for subset, said, right, groups in (
        ("test, segments", chance, truth, speaker[owner]),
        ("test, recordings", whole, label, speaker),
    ):
        unit = f"{len(np.unique(groups))} speakers, none of whom was trained on"
        best = said.argmax(1)
        for name, metric in (("accuracy (WAR)", accuracy), ("recall (UAR)", balanced_accuracy), ("macro-F1", macro_f1)):
            metrics.append(Metric.of(name, bootstrap_ci(metric, right, best, groups=groups), len(right), subset, unit))
    metrics.append(Metric.of("ECE", bootstrap_ci(ece, label, whole, groups=speaker), len(label), "test, recordings"))
    plot = reliability_plot(reliability(label, whole, "likeliest emotion, test recordings"))
    return _card(config, corpus, net, tuple(metrics), plot)


def _corpus(data: Path) -> Corpus:
    corpus = names(data)
    require_splits(corpus.sources[0].name, corpus.parts)
    return corpus


@torch.inference_mode()
def _logits(net: LflbNet, sets: Segments, device: str) -> Tensor:
    """(S, classes) of all segments, on the CPU."""
    return torch.cat([net(sets[i][0].to(device))[0].float().cpu() for i in range(len(sets))])


def fit_temperature(logits: Tensor, owner: NDArray[np.int64], label: NDArray[np.int64]) -> float:
    """The temperature that makes recordings likeliest to be what they are: of each, its segments' probabilities are averaged.

    Args:
        logits: (S, classes) of segments. owner: (S,) the recording of each. label: (S,) its class.
    """
    recordings, first = np.unique(owner, return_index=True)

    def loss(log_temperature: float) -> float:
        chance = probabilities(logits, math.exp(log_temperature)).numpy()
        right = [chance[owner == i, label[at]].mean() for i, at in zip(recordings, first, strict=True)]
        return -float(np.log(np.maximum(right, 1e-12)).mean())

    return float(math.exp(minimize_scalar(loss, bounds=(-2.0, 2.0), method="bounded").x))


def _card(config: dict[str, Any], corpus: Corpus, net: LflbNet, metrics: tuple[Metric, ...], plot: Plot) -> Card:
    return raw_card(
        LflbTraining,
        config,
        corpus,
        metrics,
        id=LFLB,
        licence="free for use with citation (EmoDB)",
        title="1D-SER: the emotion's name from raw speech",
        task=f"Tells {', '.join(net.config.classes)} apart in a second of raw speech at 16 kHz.",
        architecture="four local feature learning blocks, LSTM"
        + (", additive attention, LSTM" if net.config.variant == "attention" else ""),
        parameters=trainable(net),
        calibration={
            "method": "temperature scaling on the validation recordings (Guo et al. 2017), each the mean of its segments",
            "temperature": f"{float(config.get('temperature', 1.0)):.4f}",
        },
        plots=(plot,),
        limits=(
            "The public implementation's figures (61 %, with attention 66 to 70 %) are of a split in which speakers, and "
            "segments of one recording, are on both sides; these are of speakers that were never heard, and lower.",
            "Acted emotion: spontaneous speech is milder.",
        ),
    )
