"""What a net of Khare et al. reads of a manifest's test rows, with and without each modality, and the card that says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.errors import CorpusError, shown
from mien.evaluation.metrics import balanced_accuracy, bootstrap_ci, ece, weighted_f1
from mien.training.card import Card, DataSource, Metric
from mien.training.checks import require_splits
from mien.training.job import command
from mien.training.manifest_file import read_manifest
from mien.training.reliability import Reliability, reliability, reliability_plot
from mien_plugins.fusion.khare_data import Corpus, Extractor, sequences, targets
from mien_plugins.fusion.khare_model import StreamModel
from mien_plugins.fusion.khare_streams import MODALITIES
from mien_plugins.fusion.sigmoids import described

Floats = npt.NDArray[np.float32]
REPEATS = 1000
"""Draws of each interval."""
MISSING: dict[str, tuple[str, ...]] = {
    "all that is there": (),
    "video missing": ("video",),
    "text missing": ("text",),
    "audio alone": ("video", "text"),
}
"""Subset → what is taken away from each test row."""
SILENT: dict[str, tuple[str, ...]] = {
    "audio missing": ("audio",),
    "video alone": ("audio", "text"),
    "text alone": ("audio", "video"),
}
"""Those of the baseline besides, which lays nothing onto the sound."""
TITLES = {
    "khare": "Cross-modal transformer of audio, video and text",
    "bigru": "Late fusion of bidirectional GRUs over audio, video and text",
}


def measure(model: Path, data: Path, extractor: Extractor, device: str) -> Card:
    """Read the test rows of a manifest with the model in a folder, and describe it.

    Raises:
        CorpusError: there are no test rows, they lack the labels, or their features have other widths.
    """
    read = StreamModel.load(model, device)
    config = read.config
    manifest = read_manifest(data)
    test = manifest.labelled(*config["columns"]).part("test")
    require_splits(manifest.source, {"test": test})
    truth, called = targets(test, config["columns"])
    if called != read.labels:
        raise CorpusError(
            f"The manifest tells {', '.join(called)} apart, the model {', '.join(read.labels)}: {shown(manifest.source)}"
        )
    needs_sound = config["kind"] == "khare"
    corpus = Corpus.make(test, extractor, float(config["longest"]), sound=needs_sound)
    corpus.widths()  # nothing is there, or not alike
    everything = sequences(corpus, range(len(corpus)))
    groups = np.array([row.speaker or row.path for row in test.rows])
    metrics: list[Metric] = []
    diagrams: list[Reliability] = []
    for subset, gone in (MISSING if needs_sound else MISSING | SILENT).items():
        samples = [{name: rows for name, rows in sample.items() if name not in gone} for sample in everything]
        left = np.flatnonzero([bool(sample) for sample in samples])
        if not len(left):
            continue
        try:
            heard = read.read([samples[row] for row in left])
        except ValueError as error:
            raise CorpusError(f"The test rows do not fit the model: {error}: {shown(manifest.source)}") from error
        said, likely = heard.probability, read.calibrated(heard).probability
        metrics += _averages(f"test, {subset}", truth[left], said, config["thresholds"], groups[left])
        if not gone:
            metrics += _each(truth, said, called, config["thresholds"], groups)
            diagrams = [reliability(truth[:, k].astype(int), likely[:, k], f"P({x})") for k, x in enumerate(called)]
        metrics += _calibration(f"test, {subset}", truth[left], likely, called, groups[left])
    return Card(
        id=config["id"],
        title=TITLES[config["kind"]],
        task=f"Reads {', '.join(called)} from audio, video and text (Khare et al. 2020); "
        f"{'audio must be there' if needs_sound else 'any of them may be missing'}.",
        licence="as the data it was trained on allows",
        data=(
            DataSource("the user's own manifest", "the user's to know", f"{len(manifest)} rows, {len(test)} to test"),
        ),
        split="as the manifest has it; no speaker, group or medium on two sides. Thresholds and epoch were chosen on valid, and "
        "what is said calibrated on it.",
        seeds=(int(config["seed"]),),
        metrics=tuple(metrics),
        limits=(
            "Made from one user's data: nothing is known of any other.",
            "A missing modality has weight zero" + ("; without audio there is no reading." if needs_sound else "."),
        ),
        command=command(
            config["id"], data="DIR", out="DIR", quick=config["quick"], seed=config["seed"], options=config["options"]
        ),
        architecture=_architecture(config),
        parameters=sum(p.numel() for p in read.net.parameters()),
        calibration=_calibrated(config),
        plots=(reliability_plot(*diagrams),),
        notes=(
            "WA is the mean of the recalls of an emotion's presence and absence (balanced accuracy), F1 is weighted by support, "
            "each at the threshold that was best for it on validation, as in the paper; averages are over the emotions.",
            f"Best epoch {config['best_epoch']}, random start {config['init']}.",
        ),
    )


def _averages(
    subset: str, truth: Floats, said: Floats, thresholds: Mapping[str, list[float]], groups: npt.NDArray[np.str_]
) -> Iterator[Metric]:
    for name, key, of in _METRICS:
        decided = (said >= np.array(thresholds[key])).astype(int)
        interval = bootstrap_ci(partial(_mean, of), truth.astype(int), decided, groups=groups, repeats=REPEATS)
        yield Metric.of(f"{name}, mean of the emotions", interval, len(truth), subset)


def _each(
    truth: Floats,
    said: Floats,
    called: tuple[str, ...],
    thresholds: Mapping[str, list[float]],
    groups: npt.NDArray[np.str_],
) -> Iterator[Metric]:
    for k, label in enumerate(called):
        for name, key, of in _METRICS:
            decided = (said[:, k] >= thresholds[key][k]).astype(int)
            interval = bootstrap_ci(of, truth[:, k].astype(int), decided, groups=groups, repeats=REPEATS)
            yield Metric.of(f"{name}, {label}", interval, len(truth), "test, all that is there")


def _calibration(
    subset: str, truth: Floats, likely: Floats, called: tuple[str, ...], groups: npt.NDArray[np.str_]
) -> Iterator[Metric]:
    for k, label in enumerate(called):
        interval = bootstrap_ci(ece, truth[:, k].astype(int), likely[:, k], groups=groups, repeats=REPEATS)
        yield Metric.of(f"ECE, {label}", interval, len(truth), subset, "15 bins; as in the application")


def _calibrated(config: Mapping[str, Any]) -> dict[str, str]:
    """One line for each subset, with every label's function."""
    found: dict[str, list[str]] = {}
    for label in config["labels"]:
        for subset, function in described(config.get("calibration", {}).get(label, {}), MODALITIES).items():
            found.setdefault(subset, []).append(f"{label} {function}")
    method = {
        "method": "the training's weights are taken back, and a logistic function of what remains fitted on the validation rows "
        "(Platt 1999), for each label and each subset of what is there"
    }
    return (method if found else {}) | {subset: "; ".join(each) for subset, each in found.items()}


def _mean(of: Callable[..., float], truth: Any, decided: Any) -> float:
    return float(np.mean([of(truth[:, k], decided[:, k]) for k in range(truth.shape[1])]))


_METRICS = (("WA", "wa", balanced_accuracy), ("F1 weighted", "f1", weighted_f1))


def _architecture(config: Mapping[str, Any]) -> str:
    net = config["net"]
    inputs = f"audio {net['audio']}, video {net['video']}, text {net['text']} numbers a step"
    if config["kind"] == "khare":
        return (
            f"{inputs}; three stacks of {net['layers']} encoder layers {net['width']} wide, {net['heads']} heads, of which "
            "video's and text's attend from audio to their source; mean of the three, mean over time, one sigmoid per emotion"
        )
    return (
        f"{inputs}; per modality {net['layers']} layers of bidirectional GRU of {net['width']} each way, last states laid "
        f"together, dense layer of {net['dense']}, one sigmoid per emotion"
    )
