"""The fused reading: its curve, the threshold that can be dragged, and what lies over it shaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mien_desktop.timeline.lanes.curves import MARGIN, CurvesLane
from mien_desktop.timeline.lanes.thresholds import Threshold
from mien_desktop.timeline.pyramid import FloatArray
from mien_desktop.timeline.raster import Raster
from mien_desktop.timeline.readings import Reading
from mien_desktop.timeline.window import Window


class FusedLane(CurvesLane):
    """One channel over a threshold.

    Args:
        threshold: where it lies at first, in the curve's own unit.
    """

    waiting = "The fused reading appears here once two modalities have spoken"

    def __init__(
        self,
        lane_id: str,
        title: str,
        *,
        height: int = 72,
        about: str = "",
        threshold: float = 0.7,
        person: int | None = None,
    ) -> None:
        super().__init__(lane_id, title, height=height, about=about, person=person)
        self._threshold = threshold

    @property
    def threshold(self) -> float:
        """From which value on the curve counts."""
        return self._threshold

    @threshold.setter
    def threshold(self, threshold: float) -> None:
        low, high = self.limits
        threshold = min(max(threshold, low), high)
        if threshold != self._threshold:
            self._threshold = threshold
            self.touch()

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest threshold."""
        return self.extent(self._readings.quantities[0]) if self._readings.quantities else (0.0, 1.0)

    def thresholds(self, height: float) -> Sequence[Threshold]:
        margin = min(MARGIN, height / 6) / height
        return [Threshold("", self._threshold, *self.limits, margin, 1 - margin, self.palette.bad)]

    def show_thresholds(self, levels: Mapping[str, float]) -> None:
        """It has but one, which is drawn before anything was read, too."""
        for threshold in list(levels.values())[:1]:
            self.threshold = threshold

    def move_threshold(self, value: float, channel: str = "") -> bool:
        before, self.threshold = self._threshold, value
        return self._threshold != before

    def share_of(self, value: float, height: float) -> float:
        """Where a value lies, as a share of the height from the top."""
        return self.thresholds(height)[0].share(value)

    def draw(self, raster: Raster, window: Window) -> None:
        if self._readings:
            over = self._over(self._readings.lines(window)[0].high)
            raster.wash(slice(0, raster.height), over, self.palette.bad, 0.2)
        super().draw(raster, window)

    def _over(self, high: FloatArray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            return np.asarray(high >= self._threshold)

    def values_at(self, time: float) -> list[Reading]:
        said = super().values_at(time)
        return [*said, Reading("threshold", self._threshold, "", "", self.palette.bad)] if said else []
