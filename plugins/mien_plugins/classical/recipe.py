"""The classical pipeline of seed 003 (SEEDS §10): `mien train classical-vote --data DIR`, on a manifest with a label of two
classes.

Pictures, sound and words of a clip are each read by seven classifiers; the same classifier's three votes decide by hard
majority. What selection keeps, how features are scaled and which words count is learnt from the training rows alone.
Cross-validation over the rows of `train` and `valid`, no speaker or video in two folds, chooses the classifier that the
application uses; then all seven are fitted on these rows and the rows of `test` are read once. Precision, recall and F1 are
those of the second class (hate).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import CorpusError, shown
from mien.evaluation.metrics import bootstrap_ci
from mien.training.card import Card, DataSource, Metric, save_model, write_card
from mien.training.job import command
from mien.training.manifest import SPLITS, Label, Manifest
from mien.training.manifest_file import read_manifest
from mien.training.split import folds as folds_of
from mien_plugins.classical import models
from mien_plugins.classical.features import Counting
from mien_plugins.classical.info import MODEL
from mien_plugins.classical.material import Material, extract
from mien_plugins.classical.model import Model, Settings, load
from mien_plugins.classical.select import Selection
from mien_plugins.classical.vote import MODALITIES, majority

Votes = dict[str, NDArray[np.int64]]
"""Classifier → (N, 3) votes."""

_REPEATS = 300
_QUICK_FOLDS = 3


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
    label: str = "hate",
    rate: float = 2.0,
    selection: Selection = "rfe",
    image: int = 100,
    audio: int = 29,
    text: int = 300,
    counting: Counting = "both",
    folds: int = 5,
) -> Card:
    """Cross-validate, fit on `train` and `valid`, measure on `test`, and write weights, config and card to `out`.

    Args:
        data: a manifest, or the folder of one.
        quick: three folds.
        device: everything is computed on the CPU.
        resume: take clips' features that an earlier run has left in `work`.
        label: of two classes, the second being the one that is looked for.
        rate: pictures a second.

    Raises:
        CorpusError: the manifest or a recording is not what it should be; parts share speakers, or lack a class.
    """
    manifest, truth = _labelled(data, label)
    own = work or out / "work"
    if not resume:
        for old in own.glob("features-*.npz"):
            old.unlink()
    material = extract(manifest, rate, own, progress)
    settings = Settings(selection, image, audio, text, counting, seed)
    learn = _places(manifest, "train", "valid")
    held = cross_validate(
        manifest.take(learn), material.take(learn), truth[learn], settings, _QUICK_FOLDS if quick else folds, label
    )
    scores = {name: prf(truth[learn], majority(votes))[2] for name, votes in held.items()}
    chosen = max(scores, key=lambda name: scores[name])
    model = Model.fit(material.take(learn), truth[learn], settings)
    groups = _groups(manifest.take(learn))
    options = {"label": label, "rate": rate, "selection": selection, "image": image, "audio": audio, "text": text}
    options |= {"counting": counting, "folds": folds}
    config = {
        "id": MODEL,
        "label": label,
        "classes": list(manifest.label(label).classes),
        "chosen": chosen,
        "classifiers": list(model.names),
        "modalities": list(model.readers),
        "terms": list(model.vocabulary.terms),
        "counting": counting,
        "rate": rate,
        "seed": seed,
        "quick": quick,
        "settings": asdict(settings),
        "options": {name: value for name, value in options.items() if value != _DEFAULTS[name]},
        "rows": {part: len(manifest.part(part)) for part in ("train", "valid", "test")},
        "cross_validation": [asdict(metric) for metric in table(truth[learn], held, groups, "cross-validation")],
    }
    _save(out, model, config)
    card = _measured(model, config, manifest, material, truth)
    write_card(out, card)
    return card


_DEFAULTS = {
    "label": "hate",
    "rate": 2.0,
    "selection": "rfe",
    "image": 100,
    "audio": 29,
    "text": 300,
    "counting": "both",
    "folds": 5,
}


def evaluate(model: Path, data: Path, *, device: str = "cpu") -> Card:
    """Read the test rows of a manifest, which needs no others, with the model in a folder, and describe it."""
    fitted, config = load(model)
    label = str(config["label"])
    manifest, _ = _labelled(data, label, ("test",))
    material = extract(manifest, float(config["rate"]))
    return _measured(fitted, config, manifest, material, manifest.codes(label, config["classes"]))


def cross_validate(
    manifest: Manifest, material: Material, truth: NDArray[np.int64], settings: Settings, count: int, label: str
) -> Votes:
    """Each classifier's votes on every row, by a model that has seen no row of its speaker or video."""
    votes: Votes = {name: np.full((len(manifest), len(MODALITIES)), -1, np.int64) for name in models.NAMES}
    for learn, measure in folds_of(manifest, count, settings.seed, label):
        fitted = Model.fit(material.take(learn), truth[learn], settings)
        part = material.take(measure)
        for name in models.NAMES:
            votes[name][measure] = fitted.votes(name, part)
    return votes


def table(truth: NDArray[np.int64], votes: Votes, groups: NDArray[Any], subset: str) -> list[Metric]:
    """Precision, recall and F1 of each classifier by each modality and by the vote, with 95 % intervals over speakers."""
    found: list[Metric] = []
    for name, given in votes.items():
        columns = {modality: given[:, at] for at, modality in enumerate(MODALITIES)} | {"vote": majority(given)}
        for modality, said in columns.items():
            there = said >= 0
            if not there.any():
                continue
            for at, what in enumerate(("precision", "recall", "F1")):
                interval = bootstrap_ci(
                    lambda y, p, at=at: prf(y, p)[at], truth[there], said[there], groups=groups[there], repeats=_REPEATS
                )
                found.append(Metric.of(f"{what}, {name}, {modality}", interval, int(there.sum()), subset))
    return found


def prf(truth: NDArray[np.int64], said: NDArray[np.int64]) -> tuple[float, float, float]:
    """Precision, recall and F1 of class 1; 0 where undefined. Rows of which nothing is said (-1) count as 0."""
    hit = float(((truth == 1) & (said == 1)).sum())
    precision = hit / max(1.0, float((said == 1).sum()))
    recall = hit / max(1.0, float((truth == 1).sum()))
    return precision, recall, 2 * precision * recall / (precision + recall) if hit else 0.0


def _labelled(data: Path, label: str, splits: Sequence[str] = SPLITS) -> tuple[Manifest, NDArray[np.int64]]:
    """The rows that have the label and one of the splits, and their classes."""
    manifest = read_manifest(data)
    if len(manifest.label(label).classes) != 2:
        raise CorpusError(
            f"The pipeline tells two classes apart, and {manifest.label(label).heading} has others; "
            f"choose a label such as hate{{no|yes}}: {shown(manifest.source)}"
        )
    manifest.check(labels=(label,), splits=splits)
    manifest = manifest.labelled(label).take(lambda row: row.split in splits)
    return manifest, manifest.codes(label)


def _places(manifest: Manifest, *splits: str) -> NDArray[np.int64]:
    return np.array([at for at, row in enumerate(manifest.rows) if row.split in splits], np.int64)


def _groups(manifest: Manifest) -> NDArray[Any]:
    return np.array([row.units[-1] for row in manifest.rows])


def _save(out: Path, model: Model, config: dict[str, Any]) -> None:
    import torch

    save_model(
        out, {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in model.tensors().items()}, config
    )


def _measured(
    model: Model, config: dict[str, Any], manifest: Manifest, material: Material, truth: NDArray[np.int64]
) -> Card:
    test = _places(manifest, "test")
    votes = {name: model.votes(name, material.take(test)) for name in model.names}
    metrics = table(truth[test], votes, _groups(manifest.take(test)), "test")
    metrics += [Metric(**metric) for metric in config["cross_validation"]]
    return _card(model, config, metrics, manifest.label(str(config["label"])))


def _card(model: Model, config: dict[str, Any], metrics: list[Metric], label: Label) -> Card:
    rows, chosen = config["rows"], config["chosen"]
    numbers = sum(value.size for value in model.tensors().values())
    return Card(
        id=MODEL,
        title="Classical classifiers of picture, sound and words, hard majority vote",
        task=f"Says whether a clip is “{label.classes[1]}” ({label.name}): each of seven classifiers reads picture, sound and "
        f"words, and two of three decide. The application uses {models.NAMES[chosen]}, which was best in cross-validation.",
        architecture=f"{', '.join(models.NAMES.values())}; {config['settings']['selection']} of "
        + ", ".join(f"{len(reader.places)} {modality}" for modality, reader in model.readers.items())
        + " features",
        parameters=numbers,
        licence="bound by that of the clips it was trained on",
        data=(
            DataSource(
                "the manifest's clips",
                "their owner's",
                f"{rows['train']} and {rows['valid']} to learn from (cross-validated), {rows['test']} to test on",
            ),
        ),
        split="As the manifest says; no speaker or video on two sides, in cross-validation neither.",
        seeds=(int(config["seed"]),),
        metrics=tuple(metrics),
        limits=(
            "Reads what its training clips had in common, be it a studio or a voice; clips of another kind may be misread.",
            "A vote is yes or no: it has no probability.",
        ),
        notes=(
            f"Precision, recall and F1 are those of the class “{label.classes[1]}”.",
            f"Pictures: {config['rate']:g} a second (the paper: 30), 50×50 grey; each is classified with its clip's label, and "
            "the majority counts.",
        ),
        command=command(
            MODEL,
            data="DIR",
            out="OUT",
            quick=bool(config["quick"]),
            seed=int(config["seed"]),
            options=config["options"],
        ),
    )
