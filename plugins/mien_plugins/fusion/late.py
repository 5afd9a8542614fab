"""Weighted late fusion: s = Σ w_m p_m / Σ w_m over the modalities m that have a reading at that moment.

The p_m are calibrated probabilities; their mean s is an index and nowhere called a probability, for no corpus has all modalities
of real talk with labels of hostility that it could be calibrated on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from mien.sdk import Aligned, Context, Fused
from mien.tracks.quantity import Quantity
from mien_plugins.fusion.calibration import Calibration
from mien_plugins.fusion.info import LateParams

SCORE: Final = Quantity(
    "hostility", "", 0.0, 1.0, "peaceful", "hostile",
    "An index, not a probability: the weighted mean of the modalities' calibrated probabilities of hostility.",
)  # fmt: skip


class LateFusion:
    """Mean of calibrated probabilities. An absent modality has weight zero and leaves the others' ratio as it is."""

    def prepare(self, tracks: Sequence[str], params: LateParams, ctx: Context) -> None:
        """Load the modalities' calibrations."""
        self._params = params
        self._calibration = Calibration(tuple(tracks), ctx)

    def fuse(self, grid: Aligned) -> Fused:
        """The weighted mean at each step of the grid."""
        modalities, said = self._calibration.probabilities(grid)
        there = ~np.isnan(said)
        prior = np.array([getattr(self._params, m) for m in modalities], np.float64)
        raw = there * prior
        total = raw.sum(1, keepdims=True)
        weights = np.divide(raw, total, out=np.zeros_like(raw), where=total > 0)
        score = np.where(total[:, 0] > 0, (weights * np.nan_to_num(said)).sum(1), np.nan)
        return Fused(score.astype(np.float32), weights.astype(np.float32), modalities, said.astype(np.float32), SCORE)
