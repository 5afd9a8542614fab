"""The card of a face net that learnt from a user's own manifest: what of it, how it was measured, what it may not do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.evaluation import metrics
from mien.tracks.quantity import EXPRESSIONS
from mien.training.card import Card, DataSource, Metric, Plot
from mien.training.job import command
from mien.training.reliability import reliability, reliability_plot
from mien_plugins.face.info import MODEL
from mien_plugins.face.measure import given, softmax
from mien_plugins.face.own_data import RATED, Corpus, Part

REPEATS = 1000
"""Draws of each interval."""
Floats = NDArray[np.float64]


def make_card(config: Mapping[str, Any], corpus: Corpus, source: str, logits: Floats, parameters: int) -> Card:
    """The card of a model.

    Args:
        corpus: its part `test` was read. source: the manifest's name.
        logits: (N, C), what the nets put out for each face of that part.
    """
    test, learnt, faces = corpus.parts["test"], config["learnt"], config["task"] == "expressions"
    found: list[Metric] = []
    plots: tuple[Plot, ...] = ()
    calibration = {}
    if faces:
        probability = softmax(logits, float(config["temperature"]))
        found += _expressions(test, probability)
        plots = (reliability_plot(reliability(test.faces.labels, probability, "highest of 7 posteriors, test faces")),)
        calibration = _calibration(config)
    else:
        found += _ratings(test, np.tanh(logits))
    shipped = config["options"]["start"] == "shipped"
    return Card(
        id=MODEL,
        title=("Facial expression" if faces else "Valence and arousal of faces as people rated them")
        + ", from a user's own data"
        + (", quick form" if config["quick"] else ""),
        task=(
            f"Which of {len(learnt['classes'])} expressions a face shows ({', '.join(learnt['classes'])})."
            if faces
            else "Valence and arousal in [-1, 1] of a face."
        ),
        licence="as the owners of the data state"
        + ("; begun from weights trained on FER2013, whose pictures are for research use" if shipped else ""),
        data=_sources(config, source, test, shipped),
        split="as the manifest has it; no speaker, group or medium is on two sides. The epoch was chosen on the validation part.",
        seeds=tuple(int(config["seed"]) + net for net in range(config["nets"])),
        metrics=tuple(found),
        limits=_limits(config),
        command=command(
            MODEL,
            data="DIR",
            out="DIR",
            quick=bool(config["quick"]),
            seed=int(config["seed"]),
            options=given(config["options"]),
        ),
        calibration=calibration,
        architecture=(
            f"{config['nets']} net(s) trained alike from different seeds, their outputs averaged; each an HRNet of three stages "
            f"(width {config['net']['hrnet']['width']}), attentional pooling per branch to {config['net']['embedding']}, "
            f"attention over the three branches, linear head{'' if faces else ', tanh'}; {config['size']}x{config['size']} grey "
            "input, standardised per picture"
        ),
        parameters=parameters,
        notes=_notes(config, corpus, shipped, faces),
        plots=plots,
    )


def _calibration(config: Mapping[str, Any]) -> dict[str, str]:
    count = config["learnt"]["faces"]["valid"]
    if not config["calibrated"]:
        return {
            "method": f"none: all {count} faces of the validation part are read rightly, so that nothing tells how sure to be"
        }
    return {
        "method": f"temperature scaling on the {count} faces of the validation part (Guo et al. 2017)",
        "temperature": f"{float(config['temperature']):.4f}",
    }


def _sources(config: Mapping[str, Any], source: str, test: Part, shipped: bool) -> tuple[DataSource, ...]:
    rows, faces = config["learnt"]["rows"], config["learnt"]["faces"]
    own = DataSource(
        source or "a manifest",
        "as its owners state",
        f"{faces['train']} faces of {rows['train']} rows to train on, {faces['valid']} of {rows['valid']} to validate, "
        f"{len(test.faces)} of {len(test.rows)} to test on",
    )
    before = DataSource(
        "FER2013",
        "research use",
        "by the weights that it begins from",
        "Goodfellow et al., Challenges in Representation Learning, ICONIP 2013",
    )
    return (own, before) if shipped else (own,)


def _limits(config: Mapping[str, Any]) -> tuple[str, ...]:
    people = config["learnt"]["people"]
    said = [
        f"Made from one user's data, {people} {'person or recording' if people == 1 else 'people or recordings'} in training: "
        "nothing is known of any other.",
        "It reads what a face shows, not what a person feels; nothing was measured by gender, age or origin.",
        "Of a row with several people the face was taken that fills most of it, whoever was meant.",
    ]
    if config["task"] == "expressions":
        missing = [name for name in EXPRESSIONS if name not in config["learnt"]["classes"]]
        if missing:
            said.append(f"Training showed no face that is {', '.join(missing)}: what it says of these means nothing.")
    return tuple(said)


def _notes(config: Mapping[str, Any], corpus: Corpus, shipped: bool, faces: bool) -> tuple[str, ...]:
    learnt, without = config["learnt"], corpus.faceless["test"]
    said = [
        f"Faces were found by {learnt['finder']} in training and by {corpus.finder} in this measurement, followed and cut out "
        f"as analyses do it: {config['options']['frames']} of a row at most, of the person whose face fills most of it. A row "
        "is read as the mean of its faces; intervals are drawn over speakers, or over groups or media where none is named.",
        "It began from the weights that come with Mien." if shipped else "It began from random weights.",
        f"Best epochs {', '.join(map(str, config['best_epochs']))} of {config['epochs']}.",
    ]
    said += [f"In training: {learnt['left_out']}"] if learnt["left_out"] else []
    if len(np.unique(corpus.parts["test"].people)) == 1:
        said.append("The test rows show one person only, so that the intervals have no width and say nothing.")
    said += [f"In {without} test rows no face was found; they are not counted."] if without else []
    if faces:
        said.append("Valence and arousal are derived from the expressions (Russell & Mehrabian 1977), not learnt.")
    model = "face-own" if faces else "face-rated"
    said.append(
        f"`mien models import {model} DIR` and `--set face.affect.model={model}` have analyses read faces with it."
    )
    return (*said, *([config["note"]] if config.get("note") else []))


def _expressions(test: Part, probability: Floats) -> Iterator[Metric]:
    """Of single faces, and of rows, whose faces' probabilities are averaged."""
    whole = _by_row(test, probability)
    for subset, truth, said, groups in (
        ("test, faces", test.faces.labels, probability, test.people[test.owner]),
        ("test, rows", test.labels, whole, test.people),
    ):
        always = np.bincount(truth).max() / len(truth)
        guess = said.argmax(1)
        for name, metric, note in (
            ("accuracy", metrics.accuracy, f"always the commonest: {always:.3f}"),
            ("macro-F1", metrics.macro_f1, ""),
            ("balanced accuracy", metrics.balanced_accuracy, ""),
        ):
            interval = metrics.bootstrap_ci(metric, truth, guess, groups=groups, repeats=REPEATS)
            yield Metric.of(name, interval, len(truth), subset, note)
        interval = metrics.bootstrap_ci(metrics.ece, truth, said, groups=groups, repeats=REPEATS)
        yield Metric.of("expected calibration error", interval, len(truth), subset, "15 bins, calibrated")


def _ratings(test: Part, said: Floats) -> Iterator[Metric]:
    """Of single faces, and of rows, whose faces' values are averaged."""
    for subset, truth, values, groups in (
        ("test, faces", test.faces.labels, said, test.people[test.owner]),
        ("test, rows", test.labels, _by_row(test, said), test.people),
    ):
        for k, output in enumerate(RATED):
            for name, metric in (("CCC", metrics.ccc), ("Pearson", metrics.pearson), ("RMSE", metrics.rmse)):
                interval = metrics.bootstrap_ci(metric, truth[:, k], values[:, k], groups=groups, repeats=REPEATS)
                yield Metric.of(f"{name} {output}", interval, len(truth), subset)


def _by_row(test: Part, values: Floats) -> Floats:
    """(R, K): the mean over each row's faces."""
    return np.stack([values[test.owner == row].mean(0) for row in range(len(test.rows))])
