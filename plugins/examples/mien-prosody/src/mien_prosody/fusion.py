"""Agitation: how fast, how high, how heated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mien.sdk import Aligned, Context, Fused, Params
from mien_prosody.info import AGITATION, AgitationParams


class Agitation:
    """A weighted mean over what is there; what is absent leaves the others' ratio as it is."""

    def prepare(self, tracks: Sequence[str], params: Params, ctx: Context) -> None:
        """Keep the parameters."""
        assert isinstance(params, AgitationParams)
        self._scales = {
            "prosody.rate": ("rate", params.slow, params.fast, params.rate_weight),
            "prosody.pitch": ("pitch", params.low, params.high, params.pitch_weight),
            "conflict.intensity": ("conflict", -1.0, 1.0, params.conflict_weight),
        }

    def fuse(self, grid: Aligned) -> Fused:
        """The mean at each step of the grid."""
        names = [name for name in self._scales if name in grid.values]
        said = np.full((grid.times.size, len(names)), np.nan)
        raw = np.zeros((grid.times.size, len(names)))
        for column, name in enumerate(names):
            _, low, high, weight = self._scales[name]
            there = grid.mask[name]
            said[there, column] = ((grid.values[name][there, 0] - low) / (high - low)).clip(0, 1)
            raw[there, column] = weight
        total = raw.sum(axis=1, keepdims=True)
        weights = np.divide(raw, total, out=np.zeros_like(raw), where=total > 0)
        score = np.where(total[:, 0] > 0, (weights * np.nan_to_num(said)).sum(axis=1), np.nan)
        modalities = tuple(self._scales[name][0] for name in names)
        parts = (a.astype(np.float32) for a in (score, weights, said))
        score, weights, said = parts
        return Fused(score, weights, modalities, said, AGITATION)
