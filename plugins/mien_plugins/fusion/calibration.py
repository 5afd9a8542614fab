"""What each modality says of hostility, as a calibrated probability.

- text: the score is a calibrated probability of offence already.
- face: the seven expressions are a calibrated distribution, so P(angry or disgust) is the sum of the two.
- conflict, by a model that a user has trained on rated conversations: its analyzer writes the probability itself.
- voice, conflict: the model's `config.json` holds a logistic calibration that its recipe fitted on speakers it was not trained
  on, `"hostility": {"channels": [...], "coef": [...], "intercept": b}` with p = σ(b + Σ coef · channel). A channel's square, or
  the product of two, is a term of its own: `"valence*arousal"`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien.errors import ModelError, PluginError
from mien.sdk import Aligned, Context

SOURCES = {
    "text": ("text.offence", ""),
    "voice": ("emotion.attributes", "emotion-mtl"),
    "face": ("face.expression", ""),
    "conflict": ("conflict.intensity", "conflictnet"),
}
"""Modality → the track it is read from and the model whose logistic calibration applies, or none."""

INSTEAD = {"conflict": "conflict.hostility"}
"""Modality → a track that is read instead where it is there: the probability by the calibration of the model that read."""

HOSTILE = {
    "text.offence": ("score",),
    "face.expression": ("angry", "disgust"),
    "conflict.hostility": ("hostility",),
}
"""Tracks of probabilities → the channels that add up to the probability of hostility."""


@dataclass(frozen=True)
class Logistic:
    """p = σ(intercept + Σ coef · term); a term is a channel, or several multiplied: "arousal", "valence*arousal"."""

    terms: tuple[str, ...]
    coef: tuple[float, ...]
    intercept: float

    @classmethod
    def read(cls, folder: Path) -> Logistic:
        """From a model's `config.json`; raises ModelError when there is none, or its numbers fit no reading."""
        from mien.models.damage import UNREADABLE

        try:
            return cls.of(json.loads((folder / "config.json").read_text(encoding="utf-8"))["hostility"])
        except UNREADABLE as error:
            raise ModelError(f"The model has no calibration for fusion; evaluate it anew: {folder}") from error

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Logistic:
        """From what `config.json` says of it; raises KeyError, TypeError or ValueError where that is none."""
        terms, coef = tuple(map(str, fields.get("channels") or fields["of"])), tuple(map(float, fields["coef"]))
        intercept = float(fields["intercept"])
        if not terms or len(coef) != len(terms) or not np.isfinite([*coef, intercept]).all():
            raise ValueError(f"{len(coef)} finite coefficients are needed for {len(terms)} terms")
        return cls(terms, coef, intercept)

    @property
    def channels(self) -> tuple[str, ...]:
        """All channels that its terms are made of."""
        return tuple(dict.fromkeys(name for term in self.terms for name in term.split("*")))

    def __call__(self, values: Any, channels: tuple[str, ...]) -> Any:
        """(T,) probabilities from (T, C) values, all of its own channels among them."""
        z = np.full(len(values), self.intercept)
        for term, coef in zip(self.terms, self.coef, strict=True):
            columns = [channels.index(name) for name in term.split("*")]
            z += coef * values[:, columns].astype(np.float64).prod(axis=1)
        return 1 / (1 + np.exp(-np.clip(z, -60, 60)))


class Calibration:
    """The calibrations of all modalities, loaded once per fusion."""

    def __init__(self, tracks: tuple[str, ...], ctx: Context) -> None:
        self._logistic = {
            modality: Logistic.read(ctx.model(model))
            for modality, (track, model) in SOURCES.items()
            if model and track in tracks
        }

    def probabilities(self, grid: Aligned) -> tuple[tuple[str, ...], np.ndarray]:
        """What each modality says at each step of the grid.

        Returns:
            The M modalities that have a track, and (T, M) probabilities, NaN where one has no reading.

        Raises:
            PluginError: a track, as another plugin wrote it, lacks a channel that is read.
        """
        modalities, columns = [], []
        for modality, (usual, _) in SOURCES.items():
            instead = INSTEAD.get(modality, "")
            track = instead if instead in grid.values else usual
            if track not in grid.values:
                continue
            logistic = self._logistic.get(modality) if track == usual else None
            if logistic is not None:
                said = logistic(_read(grid, track, logistic.channels), logistic.channels)
            else:
                said = _read(grid, track, HOSTILE[track]).sum(1)
            modalities.append(modality)
            columns.append(np.where(grid.mask[track], said, np.nan))
        table = np.stack(columns, 1) if columns else np.empty((grid.times.size, 0))
        return tuple(modalities), table


def _read(grid: Aligned, track: str, wanted: tuple[str, ...]) -> Any:
    """(T, C) values of some channels of a track, in that order."""
    channels = grid.channels[track]
    lacking = [name for name in wanted if name not in channels]
    if lacking:
        raise PluginError(
            f"The fusion reads {', '.join(lacking)} from the track {track}, which has only "
            f"{', '.join(channels) or 'no channel'}; analyse with another plugin for it, or fuse without it."
        )
    return grid.values[track][:, [channels.index(name) for name in wanted]]
