"""Hard majority vote: hostile where more than half of the modalities that are present vote so (SEEDS §10: two of three)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from mien.sdk import Aligned, Context, Fused
from mien.tracks.quantity import Quantity
from mien_plugins.fusion.calibration import Calibration
from mien_plugins.fusion.info import MajorityParams

SCORE: Final = Quantity(
    "hostility", "", 0.0, 1.0, "no majority", "hostile",
    "A vote, not a probability: 1 where more than half of the modalities that are present say hostile, else 0.",
)  # fmt: skip


class MajorityFusion:
    """Each modality that is present has one vote; a tie is no majority."""

    def prepare(self, tracks: Sequence[str], params: MajorityParams, ctx: Context) -> None:
        """Load the modalities' calibrations."""
        self._params = params
        self._calibration = Calibration(tuple(tracks), ctx)

    def fuse(self, grid: Aligned) -> Fused:
        """1 where the majority says hostile, 0 where it does not, NaN where nobody is there."""
        modalities, said = self._calibration.probabilities(grid)
        there = ~np.isnan(said)
        present = there.sum(1)
        votes = (np.nan_to_num(said, nan=-1.0) >= self._params.vote).sum(1)
        score = np.where(present > 0, (2 * votes > present).astype(np.float32), np.nan)
        weights = np.divide(there, present[:, None], out=np.zeros(said.shape), where=present[:, None] > 0)
        return Fused(score.astype(np.float32), weights.astype(np.float32), modalities, said.astype(np.float32), SCORE)
