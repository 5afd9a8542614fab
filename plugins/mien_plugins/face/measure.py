"""What a trained face net is measured by: calibrated posteriors on PublicTest, and the card they make."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from mien.evaluation import metrics
from mien.training.card import Card, DataSource, Metric, load_model
from mien.training.job import command
from mien.training.reliability import reliability, reliability_plot
from mien_plugins.face.data import Faces, Fer2013, batches, load_fer2013
from mien_plugins.face.info import MODEL, FaceTraining
from mien_plugins.face.net import FaceNet
from mien_plugins.face.views import FaceEnsemble

SPLIT_SEED = 0
SAMPLE = 300
"""So many faces of PublicTest, drawn with seed 0, are measured apart: tests measure them again."""
BATCH = 64

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def corpus(data: Path) -> Fer2013:
    """FER2013 in a folder of corpora, split as all recipes and cards split it."""
    return load_fer2013(data / "face", seed=SPLIT_SEED)


def load_ensemble(model: Path, device: str = "cpu") -> tuple[FaceEnsemble, dict[str, Any]]:
    """A model's nets, ready to read on a device, and its configuration."""
    weights, config = load_model(model)
    ensemble = FaceEnsemble.from_config(config)
    ensemble.load_state_dict(weights)
    return ensemble.to(device), config


@torch.inference_mode()
def logits_of(ensemble: FaceEnsemble, faces: Faces, size: int, device: str = "cpu") -> Floats:
    """Logits (N, classes) as analyses read them: evaluation mode, several views averaged."""
    ensemble.eval().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    parts = (ensemble(x.to(device)).logits.double().cpu().numpy() for x, _ in batches(faces, size, BATCH))
    return np.concatenate(list(parts))


def fit_temperature(logits: Floats, labels: Integers) -> float:
    """The temperature T that makes softmax(logits / T) likeliest (Guo et al. 2017), by Brent's method."""
    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        scaled = torch.from_numpy(logits / math.exp(log_temperature))
        return float(functional.cross_entropy(scaled, torch.from_numpy(labels)))

    return float(math.exp(minimize_scalar(loss, bounds=(-2.0, 2.0), method="bounded").x))


def softmax(logits: Floats, temperature: float) -> Floats:
    """Calibrated probabilities (N, classes)."""
    return torch.from_numpy(logits / temperature).softmax(1).numpy()


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Of a training's options those that are not as they are by default."""
    usual = FaceTraining().model_dump()
    return {name: value for name, value in options.items() if name in usual and value != usual[name]}


def sample_order(count: int) -> Integers:
    """Positions of the sampled faces in a test part of `count`."""
    return np.random.default_rng(0).permutation(count)[:SAMPLE]


def evaluate(model: Path, data: Path, *, device: str = "cpu") -> Card:
    """Measure a model on PublicTest (and its calibration) and describe it; writes nothing.

    data: folder that holds `face/fer2013.npz`. Raises FileNotFoundError without it, ValueError if model or corpus is
    damaged.
    """
    ensemble, config = load_ensemble(model, device)
    parts = corpus(data)
    logits = logits_of(ensemble, parts.test, config["size"], device)
    probability = softmax(logits, config["temperature"])
    name = f"highest of {len(parts.classes)} posteriors, PublicTest"
    diagram = reliability(parts.test.labels, probability, name)
    return _card(ensemble, config, parts, _measured(parts, logits, config["temperature"]), reliability_plot(diagram))


def _measured(parts: Fer2013, logits: Floats, temperature: float) -> tuple[Metric, ...]:
    test = parts.test
    probability, raw = softmax(logits, temperature), softmax(logits, 1.0)
    guess, always = probability.argmax(1), np.bincount(test.labels).max() / len(test)

    def on(name: str, metric: Any, prediction: NDArray[Any], note: str = "") -> Metric:
        return Metric.of(name, metrics.bootstrap_ci(metric, test.labels, prediction), len(test), "PublicTest", note)

    found = [
        on("accuracy", metrics.accuracy, guess, f"{len(parts.classes)} classes; always the commonest: {always:.3f}"),
        on("macro-F1", metrics.macro_f1, guess),
        on("balanced accuracy", metrics.balanced_accuracy, guess),
        on("expected calibration error", metrics.ece, probability, "15 bins, calibrated"),
        on("expected calibration error, uncalibrated", metrics.ece, raw, "15 bins"),
    ]
    for index, name in enumerate(parts.classes):
        mine = test.labels == index
        recall = float((guess[mine] == index).mean())
        found.append(on(f"F1, {name}", _F1(index), guess, f"recall {recall:.2f}, {int(mine.sum())} pictures"))
    order = sample_order(len(test))
    apart = metrics.bootstrap_ci(metrics.accuracy, test.labels[order], guess[order])
    return (*found, Metric.of("accuracy", apart, len(order), "PublicTest, sample", "drawn with seed 0"))


class _F1:
    """F1 of one class."""

    def __init__(self, index: int) -> None:
        self.index = index

    def __call__(self, truth: NDArray[Any], guess: NDArray[Any]) -> float:
        both = float(((truth == self.index) & (guess == self.index)).sum())
        either = float((truth == self.index).sum() + (guess == self.index).sum())
        return 2.0 * both / either if either else 0.0


def _card(ensemble: FaceEnsemble, config: dict[str, Any], parts: Fer2013, found: tuple[Metric, ...], plot: Any) -> Card:
    net = ensemble.nets[0]
    assert isinstance(net, FaceNet)
    train, valid, test = len(parts.train), len(parts.valid), len(parts.test)
    hrnet, side = net.config.hrnet, config["size"]
    backbone = sum(p.numel() for p in net.backbone.parameters())
    rarest = int(np.bincount(parts.train.labels).argmin())
    return Card(
        id=MODEL,
        title=f"Facial expression (HRNet-W{hrnet.width}, FER2013)" + (", quick form" if config["quick"] else ""),
        task=f"Which of {len(parts.classes)} expressions a face shows; a {net.config.embedding}-d embedding of its look.",
        licence="Apache-2.0 for the weights as such; trained on FER2013, whose pictures are for research use",
        data=(
            DataSource(
                "FER2013",
                "research use",
                f"{train} training, {valid} validation, {test} test pictures",
                "Goodfellow et al., Challenges in Representation Learning, ICONIP 2013",
            ),
        ),
        split=(
            f"PublicTest is the test set; nothing was trained on it. {valid} validation "
            f"pictures were cut from Training (seed {SPLIT_SEED}) by groups of copies: {parts.duplicates} pictures are "
            "near-copies of another, mirrored ones included, and stay on one side; "
            f"{parts.dropped} Training pictures that are near-copies of PublicTest pictures were left out."
        ),
        seeds=tuple(int(config["seed"]) + net for net in range(config["nets"])),
        metrics=found,
        limits=(
            "Posed and searched-for web pictures: expressions are stronger than in conversation, "
            "and 'neutral' is what remains.",
            "People agree on FER2013's labels only about two times in three (65 ± 5 %, Goodfellow et al.).",
            f"'{parts.classes[rarest]}' has {int((parts.train.labels == rarest).sum())} training pictures: trust it least.",
            "It reads what a face shows, not what a person feels. FER2013 names no gender, age or origin of its "
            "people, so nothing is measured by group, and nothing was balanced.",
            "Faces under about 24 pixels and profiles beyond about 60 degrees were not part of the training.",
        ),
        command=command(
            MODEL, quick=bool(config["quick"]), seed=int(config["seed"]), options=given(config.get("options", {}))
        ),
        calibration={
            "method": "temperature scaling on the validation part (Guo et al. 2017)",
            "temperature": f"{config['temperature']:.4f}",
        },
        architecture=(
            f"{config['nets']} net(s) trained alike from different seeds, their logits averaged; each an HRNet of three "
            f"stages (width {hrnet.width}, finest branch at 1/{math.prod(hrnet.strides)} of the side: "
            f"{backbone:,} parameters), attentional pooling per branch to {net.config.embedding}, attention over the "
            f"three branches, linear head; {side}x{side} grey input, standardised per picture; views, each with its mirror image "
            "averaged: " + ", ".join(f"net {net} at {zoom:g} times the side" for net, zoom in config["views"])
        ),
        parameters=sum(p.numel() for p in ensemble.parameters()),
        notes=_notes(config),
        plots=(plot,),
    )


def _notes(config: dict[str, Any]) -> tuple[str, ...]:
    valid = config.get("valid", {})
    said = [
        "Valence and arousal are derived: the mean of the expressions' ratings (Russell & Mehrabian 1977) under the "
        "calibrated probabilities. They were not trained or measured on rated faces.",
        f"Best epochs {', '.join(map(str, config['best_epochs']))} of {config['epochs']}, chosen on the validation part.",
    ]
    if valid:
        said.append(
            f"On the validation part, as analyses read faces: accuracy {valid['accuracy']:.3f}, "
            f"macro-F1 {valid['macro_f1']:.3f}."
        )
    return (*said, *([config["note"]] if config.get("note") else []))
