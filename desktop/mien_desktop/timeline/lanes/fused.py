"""The fused reading: its curve, the threshold that can be dragged, and what lies over it shaded."""

from __future__ import annotations

import numpy as np

from mien_desktop.timeline.lanes.base import Badge
from mien_desktop.timeline.lanes.curves import MARGIN, CurvesLane
from mien_desktop.timeline.pyramid import FloatArray
from mien_desktop.timeline.raster import Raster
from mien_desktop.timeline.readings import Reading, figure
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

    def share_of(self, value: float, height: float) -> float:
        """Where a value lies, as a share of the height from the top."""
        low, high = self.limits
        margin = min(MARGIN, height / 6)
        return (height - margin - (value - low) / (high - low) * (height - 2 * margin)) / height

    def value_at_share(self, share: float, height: float) -> float:
        """The inverse of `share_of`, kept within the limits."""
        low, high = self.limits
        margin = min(MARGIN, height / 6)
        value = low + (height - margin - share * height) / (height - 2 * margin) * (high - low)
        return min(max(value, low), high)

    def draw(self, raster: Raster, window: Window) -> None:
        bad = self.palette.bad
        if self._readings:
            over = self._over(self._readings.lines(window)[0].high)
            raster.wash(slice(0, raster.height), over, bad, 0.2)
        y = self.share_of(self._threshold, raster.height / raster.scale) * raster.height
        raster.level(y, raster.tint(bad, 0.9), dash=5, first=window.first)
        super().draw(raster, window)

    def _over(self, high: FloatArray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            return np.asarray(high >= self._threshold)

    def values_at(self, time: float) -> list[Reading]:
        said = super().values_at(time)
        return [*said, Reading("threshold", self._threshold, "", "", self.palette.bad)] if said else []

    def badge(self) -> Badge:
        """The threshold's value, beside its line."""
        return Badge(self.share_of(self._threshold, self.height), figure(self._threshold), self.palette.bad)
