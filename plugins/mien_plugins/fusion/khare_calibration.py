"""The calibration of the nets of Khare et al.: of each label's sigmoid, on held-out rows, for every subset of what is there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.training.card import load_model, save_model
from mien_plugins.fusion import sigmoids
from mien_plugins.fusion.khare_model import Floats, Said, StreamModel
from mien_plugins.fusion.khare_streams import MODALITIES, Sequences
from mien_plugins.fusion.scaling import STAND_INS, Missing, named, subsets

Bools = npt.NDArray[np.bool_]


def calibrate(model: Path, samples: Sequence[Sequences], truth: npt.NDArray[np.floating[Any]], device: str) -> None:
    """Fit the calibration of the model in a folder and write it into its config.json; the weights stay as they are.

    Args:
        samples: N held-out stretches; truth (N, K) zeros and ones, of each label.
    """
    read = StreamModel.load(model, device)
    said = read.read(samples)
    readings: list[dict[tuple[Missing, str], tuple[Any, Bools, int]]] = [{} for _ in read.labels]
    for kind in subsets(len(MODALITIES)):
        # A row that lacks some of it tells of a smaller subset.
        rows = np.flatnonzero((said.present & kind).sum(1) == kind.sum())
        if rows.size:
            way = STAND_INS[read.imputer is not None and not kind.all()]
            odds, yes = read.log_odds(by_subset(said, kind)[rows]), truth[rows] > 0.5
            for k, label in enumerate(readings):
                label[way, named(MODALITIES, kind)] = odds[:, k], yes[:, k], rows.size
    weights, config = load_model(model)
    fitted = {name: sigmoids.calibrate(parts) for name, parts in zip(read.labels, readings, strict=True)}
    save_model(model, weights, config | {"calibration": fitted})


def by_subset(said: Said, kind: Bools) -> Floats:
    """(N, K) what the net says of N rows from one subset (3,) alone, where they have all of it."""
    exactly = (said.present == kind).all(1)[:, None]
    part: Floats = said.probability
    if kind.sum() == 1:
        part = said.alone[:, int(kind.argmax())]
    elif not kind.all():
        part = said.without[:, int(kind.argmin())]
    chosen: Floats = np.where(exactly, said.probability, part)
    return chosen
