"""`fusion.mml`: hostility from the embeddings of what is said and of how it is said, by a trained net (Rana & Jha 2022).

A modality's weight is found by occlusion: how far the score moves when its embedding is taken away, as a share of both
movements. What a modality says is what the net reads from it alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from mien.models.files import read_json
from mien.sdk import Aligned, Context, Fused
from mien.tracks.quantity import HOSTILITY, Quantity
from mien_plugins.fusion.hostile import measures
from mien_plugins.fusion.mml_info import ENCODERS, MODEL, OWN_MODEL, TRACKS, MmlParams
from mien_plugins.fusion.mml_net import MODALITIES, Floats, Mask, Mml


class MmlFusion:
    """Reads the net at each step of the grid; text, voice or both may be there."""

    model: ClassVar[str] = MODEL

    def prepare(self, tracks: Sequence[str], params: MmlParams, ctx: Context) -> None:
        """Load the net."""
        self._ctx = ctx
        self._model = Mml.load(ctx.model(self.model), ctx.device)
        self._quantity = _measured(self._model.config)
        _note_other_encoders(self._model.config.get("encoders", {}), ctx)

    def fuse(self, grid: Aligned) -> Fused:
        """The score, and how much each modality counted, at each step of the grid."""
        vectors: dict[str, Floats] = {}
        columns: list[Mask] = []
        read = [modality for modality in MODALITIES if self._reads(modality, grid)]
        for modality in MODALITIES:
            vectors[modality], there = self._embedding(modality, grid, modality in read)
            columns.append(there)
        present = np.stack(columns, 1)
        score = self._model.read(vectors["text"], vectors["voice"], present)
        alone = np.stack([self._alone(m, vectors, present) for m in range(len(MODALITIES))], 1)
        kept = [MODALITIES.index(modality) for modality in read]
        weights = occlusion(score, alone, present)[:, kept]
        return Fused(score, weights, tuple(read), alone[:, kept], self._quantity)

    def _alone(self, modality: int, vectors: Mapping[str, Floats], present: Mask) -> Floats:
        only = np.zeros_like(present)
        only[:, modality] = present[:, modality]
        return self._model.read(vectors["text"], vectors["voice"], only)

    def _width(self, modality: str) -> int:
        net = self._model.net.config
        return net.text if modality == "text" else net.speech

    def _reads(self, modality: str, grid: Aligned) -> bool:
        """Whether there is a track of that modality, of the embeddings that the net was trained on."""
        if TRACKS[modality] not in grid.values:
            return False
        found, wanted = int(grid.values[TRACKS[modality]].shape[1]), self._width(modality)
        if found != wanted:
            self._ctx.note(
                f"The {modality} was left out: its embedding has {found} numbers, and this fusion was trained on {wanted}."
            )
        return found == wanted

    def _embedding(self, modality: str, grid: Aligned, read: bool) -> tuple[Floats, Mask]:
        """(T, D) vectors and where there are any."""
        if not read:
            return np.zeros((grid.times.size, self._width(modality)), np.float32), np.zeros(grid.times.size, np.bool_)
        track = TRACKS[modality]
        return np.asarray(grid.values[track], np.float32), np.asarray(grid.mask[track], np.bool_)


class OwnMmlFusion(MmlFusion):
    """The same as it was trained on a user's own clips."""

    model = OWN_MODEL


def occlusion(score: Floats, alone: Floats, present: Mask) -> Floats:
    """How much each of two modalities counts, by how far the score moves when it is taken away.

    Args:
        score: (T,) from all that is present.
        alone: (T, 2) from each modality alone, which is what the other's absence leaves.
        present: (T, 2).

    Returns:
        (T, 2) whose rows sum to 1, or to 0 where nothing is present. Where both are there and neither moves the score they
        share alike.
    """
    both: Mask = np.logical_and(present[:, 0], present[:, 1])
    apart = np.nan_to_num(np.abs(score[:, None] - alone[:, ::-1])).astype(np.float64)
    moved = np.where(both[:, None], apart, present.astype(np.float64))
    still = both & (moved.sum(1) < 1e-9)
    moved[still] = 1.0
    total = moved.sum(1, keepdims=True)
    shares: Floats = np.divide(moved, total, out=np.zeros_like(moved), where=total > 0).astype(np.float32)
    return shares


def _measured(config: Mapping[str, Any]) -> Quantity:
    """Hostility, unless it was trained on a user's own column that speaks of something else."""
    classes = config.get("classes")
    if not isinstance(classes, list) or len(classes) != 2:
        return HOSTILITY
    return measures((1,), list(map(str, classes)), str(config.get("label", "")))


def _note_other_encoders(trained_on: Mapping[str, str], ctx: Context) -> None:
    for name in ENCODERS:
        wanted = trained_on.get(name)
        if wanted and read_json(ctx.model(name) / "config.json").get("sha256") != wanted:
            ctx.note(
                f"This fusion was trained on the embeddings of another {name}; its readings may be off until it is trained "
                "again (mien train fusion-mml)."
            )
