"""The calibration of the MML's sigmoid: fitted on held-out readings of every subset of text and voice."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mien.training.card import load_model, save_model
from mien_plugins.fusion import sigmoids
from mien_plugins.fusion.mml_data import Material, Pairs, hostile
from mien_plugins.fusion.mml_net import MODALITIES, Floats, Mask, Mml
from mien_plugins.fusion.scaling import STAND_INS, Missing, named, subsets


def calibrate(model: Path, text: Floats, voice: Floats, present: Mask, yes: Mask, count: int, device: str) -> None:
    """Fit the calibration of the model in a folder and write it into its config.json; the weights stay as they are.

    Args:
        text, voice: (N, D) embeddings that nothing was trained on; present (N, 2); yes (N,) whether it is what is looked for.
        count: of independent samples among the N.
    """
    read = Mml.load(model, device)
    readings: dict[tuple[Missing, str], tuple[Floats, Mask, int]] = {}
    for kind in subsets(len(MODALITIES)):
        there = present & kind
        rows = (there == kind).all(axis=1)
        if rows.any():
            way = STAND_INS[read.imputer is not None and not kind.all()]
            said = read.logits(text[rows], voice[rows], there[rows])
            readings[way, named(MODALITIES, kind)] = said, yes[rows], min(count, int(rows.sum()))
    weights, config = load_model(model)
    save_model(model, weights, config | sigmoids.calibrate(readings))


def on_pairs(model: Path, material: Material, pairs: Pairs, device: str) -> None:
    """The same on pairs of the public corpora, whose three of one text are one sample."""
    text, voice = material.said.vectors[pairs.text], material.voiced.vectors[pairs.voice]
    whole = np.ones((len(pairs), len(MODALITIES)), np.bool_)
    calibrate(model, text, voice, whole, hostile(pairs.target), len(material.said), device)
