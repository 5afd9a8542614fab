"""Thesis Table 5.4: one modality of CMU-MOSI, without context, with a bi-GRU, with transformer layers on top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from mien.training.reproduction import Figure, Results
from mien_plugins.colearning import mosi
from mien_plugins.colearning.sequences import Scale, Sequences
from mien_plugins.colearning.systems import KINDS, System
from mien_plugins.colearning.tables import (
    DIGITS,
    MODALITIES,
    SHARED,
    TRIED,
    WHOLE,
    measured,
    on_all,
    protocol,
    run_system,
)

__all__ = ["DIGITS", "FIGURES", "SHARED", "TASKS", "notes", "run", "settings"]

_NAMES = {"dense": "classifier", "gru": "bi-GRU + classifier", "transformer": "bi-GRU + transformer + classifier"}
_PAPER = {
    "text": {"dense": (74.9, 75.2), "gru": (76.7, 77.2), "transformer": (80.3, 80.1)},
    "acoustic": {"dense": (54.7, 55.2), "gru": (56.6, 56.3), "transformer": (61.0, 60.0)},
    "visual": {"dense": (51.5, 52.2), "gru": (59.6, 59.3), "transformer": (60.8, 59.7)},
}
_ASKED = {("text", "transformer"): 80.3}
_SYSTEMS = (
    *(System(modality, kind) for modality in MODALITIES for kind in KINDS),
    *(System(modality, whole=True) for modality in MODALITIES),
)
_ALL = {system.name: system for system in _SYSTEMS}
FLOOR = "floor"
_COLUMNS, _KEYS = ("accuracy", "weighted F1"), ("accuracy", "weighted_f1")


def _figures() -> tuple[Figure, ...]:
    figures = []
    for name, system in _ALL.items():
        paper = _PAPER[system.modality][system.kind]
        row = f"{system.modality}: {_NAMES[system.kind]}{WHOLE if system.whole else ''}"
        asked = None if system.whole else _ASKED.get((system.modality, system.kind))
        for column, key, number, least in zip(_COLUMNS, _KEYS, paper, (asked, None), strict=True):
            figures.append(Figure(row, column, name, key, number, least))
    for who in (*MODALITIES, "always positive"):
        row = who if who == "always positive" else f"{who}: logistic regression"
        for column, key in zip(_COLUMNS, _KEYS, strict=True):
            figures.append(Figure(row, column, FLOOR, f"{who} {key}"))
    return tuple(figures)


FIGURES = _figures()
TASKS = (FLOOR, *_ALL)


def settings(task: str) -> Mapping[str, Any]:
    """What a result depends on."""
    return {"floor": 1} if task == FLOOR else _ALL[task].settings()


def run(
    task: str,
    data: Path,
    seed: int,
    *,
    work: Path,
    device: str,
    threads: int | None,
    options: Mapping[str, str],
) -> Mapping[str, Any]:
    """Train one net with one seed and measure it."""
    del options
    if task == FLOOR:
        return {"values": floor(data)}
    return run_system(_ALL[task], data, seed, work=work, device=device, threads=threads)


def floor(data: Path) -> dict[str, float]:
    """What an L2 logistic regression reads off single utterances after all 62 videos (SEEDS §14), and the constant answer."""
    splits = mosi.read(data)
    names = sorted((*splits.train.names, *splits.valid.names))
    both = Sequences(
        mosi.CORPUS,
        tuple(names),
        {m: tuple(_of(splits, name).features[m][0] for name in names) for m in MODALITIES},
        tuple(_of(splits, name).labels[0] for name in names),
    )
    scale = Scale.of(both)
    train, test = scale(both), scale(splits.test)
    values: dict[str, float] = {}
    for modality in MODALITIES:
        model = LogisticRegression(C=1.0, max_iter=5000)
        model.fit(np.concatenate(train.features[modality]), train.truth())
        read = model.predict_proba(np.concatenate(test.features[modality]))[:, 1]
        values |= {f"{modality} {key}": value for key, value in measured(test.truth(), read).items()}
    constant = measured(test.truth(), np.ones(test.steps()))
    return values | {f"always positive {key}": value for key, value in constant.items()}


def _of(splits: mosi.Splits, name: str) -> Sequences:
    return (splits.train if name in splits.train.names else splits.valid).take([name])


def notes(results: Results) -> Sequence[str]:
    """Below the table."""
    return [
        protocol(),
        "The classifier is the two dense layers on single utterances; the logistic regression (a floor, trained on all 62 "
        "videos) agrees with it and with the thesis' row, so the features are the same. A constant “positive” has 62.1 % "
        f"accuracy: judge the weak modalities by weighted F1. {on_all()} Where ours is lower than the paper's: the thesis "
        "names neither its validation videos nor its dropout, epochs and stopping rule, and on these features a choice by "
        f"validation cannot find what does best on new videos. {TRIED}",
    ]
