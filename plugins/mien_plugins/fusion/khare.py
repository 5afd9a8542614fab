"""`fusion.khare` and `fusion.bigru`: emotions from sound, faces and words, by a net that the user trained.

The grid is cut into windows; each is one sequence per modality, as in training. A modality's weight is found by occlusion: how
far the score moves when the modality has weight zero. The score is that of anger (or of hate) where the net was trained to
tell it, else of a column's yes or of the first of its labels; all of them are a curve of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from mien.sdk import Aligned, Context, Fused, FusedCurve
from mien.tracks.quantity import probability
from mien_plugins.fusion.hostile import measures, scored
from mien_plugins.fusion.khare_info import BIGRU, KHARE, TRACKS, StreamParams
from mien_plugins.fusion.khare_model import Said, StreamModel
from mien_plugins.fusion.khare_streams import MODALITIES

FIRST = ("angry", "anger", "ang", "hate", "hateful", "hostile", "offensive")
"""Names of labels that come before others that speak of hostility: the score is that of one label."""
SHOWN = {"audio": "sound", "video": "face", "text": "text"}
"""Modality → what the heat strip calls it."""
VIDEO_STEP = 0.2
"""s between faces, as the face analyzer looks at pictures; the grid repeats them in between."""

Floats = npt.NDArray[np.float32]


class KhareFusion:
    """Reads windows of the grid. Without the sound's filterbanks there is no reading: all else is laid onto audio."""

    model: ClassVar[str] = KHARE
    needs: ClassVar[frozenset[str]] = frozenset({"audio"})
    """Modalities without which there is no reading."""

    def prepare(self, tracks: Sequence[str], params: StreamParams, ctx: Context) -> None:
        """Load the net."""
        self._params, self._ctx = params, ctx
        self._model = StreamModel.load(ctx.model(self.model), ctx.device)
        labels, columns = self._model.labels, tuple(map(str, self._model.config.get("columns", ())))
        column = columns[0] if len(columns) == 1 else ""
        named = (at for at, name in enumerate(labels) if name.casefold() in FIRST)
        self._place = next(named, scored(labels, column)[0])
        self._quantity = measures((self._place,), labels, column)
        if TRACKS["audio"] not in tracks:
            ctx.note(
                "This fusion reads the sound's filterbanks, which were not made: add the analyzer fusion.filterbank."
                if self.needs
                else "The sound was left out: its filterbanks were not made; the analyzer fusion.filterbank makes them."
            )

    def fuse(self, grid: Aligned) -> Fused:
        """The emotion's probability and each modality's weight, the same for all steps that are nearest to a window's middle."""
        read = tuple(name for name in MODALITIES if self._reads(name, grid))
        columns = [MODALITIES.index(name) for name in read]
        labels = len(self._model.labels)
        score = np.full(grid.times.size, np.nan, np.float32)
        every = np.zeros((grid.times.size, labels), np.float32)
        weights = np.zeros((grid.times.size, len(read)), np.float32)
        alone = np.full((grid.times.size, len(read)), np.nan, np.float32)
        windows = self._windows(grid) if read and self.needs <= set(read) else []
        kept = [(steps, sample) for steps, whole in windows if (sample := self._sample(grid, read, whole))]
        if kept:
            raw = self._model.read([sample for _, sample in kept], self._ctx.check_cancelled)
            said = self._model.calibrated(raw)
            shares, place = occlusion(said, self._place), self._place
            for row, (steps, _) in enumerate(kept):
                score[steps], every[steps] = said.probability[row, place], said.probability[row]
                weights[steps] = shares[row, columns]
                there = said.present[row, columns]
                alone[steps] = np.where(there, said.alone[row, columns, place], np.nan)
        names = tuple(SHOWN[name] for name in read)
        curve = FusedCurve("emotions", every, tuple(probability(name) for name in self._model.labels))
        return Fused(score, weights, names, alone, self._quantity, (curve,))

    def _reads(self, name: str, grid: Aligned) -> bool:
        if TRACKS[name] not in grid.values:
            return False
        found, wanted = int(grid.values[TRACKS[name]].shape[1]), self._model.widths[name]
        if found != wanted:
            self._ctx.note(
                f"{SHOWN[name]} was left out: it has {found} numbers a step, and the net was trained on {wanted}."
            )
        return found == wanted

    def _windows(self, grid: Aligned) -> list[tuple[slice, slice]]:
        """For each reading: the steps that it holds for, and the steps of its window."""
        each = max(1, round(self._params.step / grid.hop))
        beside = max(0, round((self._params.window - self._params.step) / grid.hop / 2))
        size = grid.times.size
        return [
            (slice(first, min(first + each, size)), slice(max(0, first - beside), min(first + each + beside, size)))
            for first in range(0, size, each)
        ]

    def _sample(self, grid: Aligned, read: Sequence[str], whole: slice) -> Mapping[str, Floats]:
        """The sequences of one window, empty where nothing is there, or not what the net needs."""
        found = {}
        for name in read:
            there = np.flatnonzero(grid.mask[TRACKS[name]][whole])
            rows = np.asarray(grid.values[TRACKS[name]][whole], np.float32)[there]
            if name == "video":
                rows = rows[:: max(1, round(VIDEO_STEP / grid.hop))]
            elif name == "text":
                rows = unrepeated(rows)
            if len(rows):
                found[name] = rows
        return found if self.needs <= found.keys() else {}


class BiGruFusion(KhareFusion):
    """The baseline, read in the same way, whatever is there: it lays nothing onto the sound."""

    model = BIGRU
    needs = frozenset()


def unrepeated(rows: Floats) -> Floats:
    """Rows without those that repeat the one before: an utterance's vector stands on all of its steps."""
    if len(rows) < 2:
        return rows
    new = np.concatenate([[True], (rows[1:] != rows[:-1]).any(axis=1)])
    return np.asarray(rows[new], np.float32)


def occlusion(said: Said, label: int) -> Floats:
    """(N, 3) how far a label's probability moves without each modality, as shares: rows sum to 1 where anything is present."""
    moved = np.abs(said.probability[:, None, label] - said.without[:, :, label]) * said.present
    only = said.present.sum(1) == 1
    still = moved.sum(1) < 1e-9
    moved = np.where((only | still)[:, None], said.present.astype(np.float64), moved)
    total = moved.sum(1, keepdims=True)
    shares: Floats = np.divide(moved, total, out=np.zeros_like(moved), where=total > 0).astype(np.float32)
    return shares
