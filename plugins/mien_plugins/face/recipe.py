"""Trains the face net on FER2013: `python -m mien_plugins.face.recipe --data DIR --out DIR [--quick]`.

Pictures grow during training (progressive resizing): FER2013 holds 48x48 pixels, so much of what there is
to learn is learnt on small, cheap pictures, and the last epochs move the net to the size it reads faces at.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset

from mien.evaluation import metrics
from mien.training.card import Card, DataSource, Metric, write_card
from mien.training.kit import RecipeBrain, Stage, load_model, save_model
from mien_plugins.face.data import Faces, batches, load_fer2013
from mien_plugins.face.net import FaceNet, FaceNetConfig, FaceReading

RECIPE = "face-affect"
TITLE = "Facial expression (HRNet-W16-small, FER2013)"
COMMAND = "python -m mien_plugins.face.recipe --data ../shared/data/face --out resources/models/face-affect"

SIZE = 64
# (epochs, picture side): most of the time goes where it is cheap.
PHASES = ((7, 48), (9, SIZE))
# (epochs, peak of the rate, power of the re-weighting): a long cycle, then a short warm restart (Loshchilov &
# Hutter 2017) in which rare expressions weigh more (deferred re-weighting, Cao et al. 2019).
CYCLES = ((12, 1.0, 0.0), (4, 0.4, 0.4))
QUICK_PHASES = ((1, 48), (1, SIZE))
QUICK_CYCLES = ((1, 1.0, 0.0), (1, 0.4, 0.4))
QUICK_FACES = 1200
BATCH = 64
PEAK_RATE = 2e-3
WARM_UP = 0.15
LABEL_SMOOTHING = 0.1
EMA = 0.99
SPLIT_SEED = 0

Batch = tuple[Tensor, Tensor]


def side_at(epoch: int, phases: tuple[tuple[int, int], ...]) -> int:
    """Side of the pictures in this epoch, counted from 1."""
    last = 0
    for epochs, side in phases:
        last += epochs
        if epoch <= last:
            return side
    return phases[-1][1]


def one_cycle(step: int, steps: int) -> float:
    """Factor on the learning rate (Smith & Topin 2019): linear warm-up, then half a cosine down to 1/1000."""
    warm = max(1, round(WARM_UP * steps))
    if step < warm:
        return 0.05 + 0.95 * step / warm
    return 0.001 + 0.999 * 0.5 * (1.0 + math.cos(math.pi * min(1.0, (step - warm) / max(1, steps - warm))))


def rate_at(step: int, per_epoch: int, cycles: tuple[tuple[int, float, float], ...]) -> float:
    """Factor on the learning rate after this many updates: one `one_cycle` after another."""
    for epochs, peak, _ in cycles:
        steps = epochs * per_epoch
        if step < steps:
            return peak * one_cycle(step, steps)
        step -= steps
    return 0.001 * cycles[-1][1]


def class_weights(labels: NDArray[np.int64], classes: int, power: float) -> Tensor:
    """Weight (classes,) of each class, (1 / frequency) ** power, with mean 1 over the faces."""
    share = np.bincount(labels, minlength=classes) / max(1, len(labels))
    weight = np.maximum(share, 1e-6) ** -power
    return torch.from_numpy(weight / (weight * share).sum()).float()


class _Pictures(IterableDataset[Batch]):
    """Batches of the brain's current epoch: shuffled and augmented for training, plain for validation."""

    def __init__(self, faces: Faces, brain: FaceBrain, training: bool) -> None:
        self.faces, self.brain, self.training = faces, brain, training

    def __iter__(self) -> Iterator[Batch]:
        epoch = self.brain.result.epochs + 1
        generator = torch.Generator().manual_seed(self.brain.seed * 1000 + epoch) if self.training else None
        return batches(self.faces, side_at(epoch, self.brain.phases), BATCH, generator)

    def __len__(self) -> int:
        return math.ceil(len(self.faces) / BATCH)


class FaceBrain(RecipeBrain):
    """Cross-entropy with label smoothing; the best epoch is the most accurate one at full size."""

    phases: tuple[tuple[int, int], ...] = PHASES
    weights: tuple[tuple[int, Tensor], ...] = ()  # last epoch of a cycle, weights of the classes in it

    def compute_forward(self, batch: Batch, stage: Stage) -> FaceReading:
        reading: FaceReading = self.modules["net"](batch[0].to(self.device))
        return reading

    def compute_objectives(self, predictions: FaceReading, batch: Batch, stage: Stage) -> Tensor:
        truth = batch[1].to(self.device)
        if stage != Stage.TRAIN:
            return functional.cross_entropy(predictions.logits, truth)
        epoch = self.result.epochs + 1
        weight = next((w.to(self.device) for last, w in self.weights if epoch <= last), None)
        return functional.cross_entropy(predictions.logits, truth, weight=weight, label_smoothing=LABEL_SMOOTHING)

    def begin(self, stage: Stage) -> None:
        self._seen: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []

    def observe(self, predictions: FaceReading, batch: Batch, stage: Stage) -> None:
        self._seen.append((batch[1].numpy(), predictions.logits.argmax(1).cpu().numpy()))

    def score(self, stage: Stage) -> dict[str, float]:
        if not self._seen:
            return {"accuracy": math.nan}
        truth, guess = (np.concatenate(column) for column in zip(*self._seen, strict=True))
        accuracy = metrics.accuracy(truth, guess)
        side = side_at(self.result.epochs + 1, self.phases)
        return {
            # Only epochs at full size may be kept: the others are means to them.
            "accuracy": accuracy if side == self.phases[-1][1] else math.nan,
            "accuracy_any_size": accuracy,
            "macro_f1": metrics.macro_f1(truth, guess),
            "side": side,
        }


def train(
    data: Path,
    out: Path,
    quick: bool = False,
    device: str = "cpu",
    seed: int = 0,
    resume: bool = True,
    threads: int | None = None,
    work: Path | None = None,
    note: str = "",
) -> Card:
    """Train, calibrate, evaluate and write model and card into `out`.

    data: folder of `fer2013.npz`. work: folder of checkpoints and log, `out/training` by default.
    quick: two epochs on a part, to see that everything works; its model is not for use. note: what else the
    card should tell of this run.
    """
    corpus = load_fer2013(data, seed=SPLIT_SEED)
    faces, valid = corpus.train, corpus.valid
    if quick:
        # The corpus is sorted by class.
        draw = np.random.default_rng(seed).permutation
        faces, valid = (
            faces.take(draw(len(faces))[:QUICK_FACES]),
            valid.take(draw(len(valid))[: QUICK_FACES // 4]),
        )
    phases = QUICK_PHASES if quick else PHASES
    epochs = sum(count for count, _ in phases)
    cycles = QUICK_CYCLES if quick else CYCLES
    per_epoch = math.ceil(len(faces) / BATCH)
    torch.manual_seed(seed)
    config = FaceNetConfig(classes=len(corpus.classes))
    brain = FaceBrain(
        {"net": FaceNet(config).to(memory_format=torch.channels_last)},  # type: ignore[call-overload]
        lambda parameters: torch.optim.AdamW(parameters, lr=PEAK_RATE, weight_decay=0.02),
        work or out / "training",
        metric="accuracy",
        mode="max",
        device=device,
        threads=threads,
        seed=seed,
        schedule=lambda step: rate_at(step, per_epoch, cycles),
        ema=EMA,
        resume=resume,
        progress=False,
    )
    brain.phases = phases
    ends = np.cumsum([count for count, _, _ in cycles]).tolist()
    brain.weights = tuple(
        (end, class_weights(faces.labels, config.classes, power))
        for end, (_, _, power) in zip(ends, cycles, strict=True)
    )
    brain.fit_best(
        epochs,
        DataLoader(_Pictures(faces, brain, True), batch_size=None),
        DataLoader(_Pictures(valid, brain, False), batch_size=None),
    )
    net = FaceNet(config)
    net.load_state_dict(brain.best_state("net"))
    temperature = fit_temperature(logits_of(net, valid), valid.labels)
    save_model(
        out,
        net.state_dict(),
        {
            "net": config.to_dict(),
            "size": SIZE,
            "classes": list(corpus.classes),
            "temperature": temperature,
            "seed": seed,
            "quick": quick,
            "note": note,
            "epochs": brain.result.epochs,
            "best_epoch": brain.result.best_epoch,
        },
    )
    card = evaluate(out, data)
    write_card(out, card)
    return card


@torch.inference_mode()
def logits_of(net: FaceNet, faces: Faces, size: int = SIZE) -> NDArray[np.float64]:
    """Logits (N, classes) as analyses read them: evaluation mode, the face averaged with its mirror image."""
    net.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return np.concatenate([net.both_ways(x).logits.double().numpy() for x, _ in batches(faces, size, BATCH)])


def fit_temperature(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """The temperature T that makes softmax(logits / T) likeliest (Guo et al. 2017), by Brent's method."""
    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        scaled = torch.from_numpy(logits / math.exp(log_temperature))
        return float(functional.cross_entropy(scaled, torch.from_numpy(labels)))

    return float(math.exp(minimize_scalar(loss, bounds=(-2.0, 2.0), method="bounded").x))


def softmax(logits: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Calibrated probabilities (N, classes)."""
    return torch.from_numpy(logits / temperature).softmax(1).numpy()


def evaluate(model: Path, data: Path) -> Card:
    """Measure a model on PublicTest (and its calibration) and describe it."""
    weights, config = load_model(model)
    net_config = FaceNetConfig.from_dict(config["net"])
    net = FaceNet(net_config)
    net.load_state_dict(weights)
    corpus = load_fer2013(data, seed=SPLIT_SEED)
    test, n = corpus.test, len(corpus.test)
    logits = logits_of(net, test, config["size"])
    probability, raw = softmax(logits, config["temperature"]), softmax(logits, 1.0)
    guess = probability.argmax(1)

    def measured(name: str, metric: Any, prediction: NDArray[Any], note: str = "") -> Metric:
        return Metric.of(name, metrics.bootstrap_ci(metric, test.labels, prediction), n, "PublicTest", note)

    found = [
        measured("accuracy", metrics.accuracy, guess, "seven classes; always 'happy' gives 0.249"),
        measured("macro-F1", metrics.macro_f1, guess),
        measured("balanced accuracy", metrics.balanced_accuracy, guess),
        measured("expected calibration error", metrics.ece, probability, "15 bins, calibrated"),
        measured("expected calibration error, uncalibrated", metrics.ece, raw, "15 bins"),
    ]
    for index, name in enumerate(corpus.classes):
        mine = test.labels == index

        def f1(truth: NDArray[Any], prediction: NDArray[Any], index: int = index) -> float:
            both = float(((truth == index) & (prediction == index)).sum())
            either = float((truth == index).sum() + (prediction == index).sum())
            return 2.0 * both / either if either else 0.0

        recall = float((guess[mine] == index).mean())
        found.append(measured(f"F1, {name}", f1, guess, f"recall {recall:.2f}, {int(mine.sum())} pictures"))

    return Card(
        id=RECIPE,
        title=TITLE if not config["quick"] else TITLE + ", quick run: not for use",
        task="Which of seven expressions a face shows; a 256-d embedding of the face's look.",
        licence="Apache-2.0 for the weights as such; trained on FER2013, whose pictures are for research use",
        data=(
            DataSource(
                "FER2013",
                "research use",
                f"{len(corpus.train)} training, {len(corpus.valid)} validation, {n} test pictures",
                "Goodfellow et al., Challenges in Representation Learning, ICONIP 2013",
            ),
        ),
        split=(
            f"PublicTest is the test set; nothing was trained on it. {len(corpus.valid)} validation "
            f"pictures were cut from Training (seed {SPLIT_SEED}) by groups of copies: "
            f"{corpus.duplicates} pictures are near-copies of another, mirrored ones included, and "
            f"stay on one side; {corpus.dropped} Training pictures that are near-copies of PublicTest "
            "pictures were left out."
        ),
        seeds=(int(config["seed"]),),
        metrics=tuple(found),
        limits=(
            "Posed and searched-for web pictures: expressions are stronger than in conversation, "
            "and 'neutral' is what remains.",
            "People agree on FER2013's labels only about two times in three (65 +- 5 %, Goodfellow et al.).",
            f"Disgust has {int((corpus.train.labels == 1).sum())} training pictures: trust it least.",
            "It reads what a face shows, not what a person feels; skin tone, age and gender were "
            "not balanced or measured.",
            "Faces under about 24 pixels and profiles beyond about 60 degrees were not part of the training.",
        ),
        command=COMMAND,
        calibration={
            "method": "temperature scaling on the validation part (Guo et al. 2017)",
            "temperature": f"{config['temperature']:.4f}",
        },
        architecture=(
            "HRNet of three stages (W16-small: 421,728 parameters), attentional pooling per branch to 256, "
            f"attention over the three branches, linear head; {config['size']}x{config['size']} grey input, "
            "standardised per picture, averaged with its mirror image"
        ),
        parameters=sum(p.numel() for p in net.parameters()),
        notes=(
            "Valence and arousal are derived: the mean of the expressions' ratings (Russell & "
            "Mehrabian 1977) under the calibrated probabilities. They were not trained or measured on "
            "rated faces.",
            f"Best epoch {config['best_epoch']} of {config['epochs']}.",
            *([config["note"]] if config.get("note") else []),
        ),
    )


def main() -> None:
    """Command line of the recipe."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of fer2013.npz")
    parser.add_argument("--out", type=Path, required=True, help="folder of the model")
    parser.add_argument("--work", type=Path, help="folder of checkpoints and log (OUT/training)")
    parser.add_argument("--quick", action="store_true", help="a small run, to see that everything works")
    parser.add_argument("--fresh", action="store_true", help="do not resume")
    parser.add_argument("--evaluate", action="store_true", help="only measure the model in OUT and write its card")
    parser.add_argument("--note", default="", help="what else the card should tell of this run")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.evaluate:
        card = evaluate(args.out, args.data)
        write_card(args.out, card)
    else:
        card = train(
            args.data, args.out, args.quick, args.device, args.seed, not args.fresh, args.threads, args.work, args.note
        )
    for metric in card.metrics:
        line = f"{metric.name}: {metric.value:.4f} [{metric.low:.4f}, {metric.high:.4f}] n={metric.n}"
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
