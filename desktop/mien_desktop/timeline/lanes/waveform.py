"""The waveform, from peaks."""

from __future__ import annotations

import math

import numpy as np

from mien_desktop.timeline.lanes.base import Lane
from mien_desktop.timeline.pyramid import Array
from mien_desktop.timeline.raster import Raster
from mien_desktop.timeline.readings import Reading
from mien_desktop.timeline.series import Columns, Series
from mien_desktop.timeline.window import Window

QUIETEST = 0.1
"""The loudest peak fills the lane, unless it is below this share of full scale."""


class WaveformLane(Lane):
    """Sound as the extent of its samples."""

    waiting = "The waveform appears here when the medium has sound"

    def __init__(
        self, lane_id: str = "waveform", title: str = "Waveform", *, height: int = 44, about: str = ""
    ) -> None:
        super().__init__(lane_id, title, height=height, about=about)
        self._series: Series | None = None
        self._full, self._peak = 1.0, 0.0

    @property
    def empty(self) -> bool:
        return self._series is None or not len(self._series)

    def clear(self) -> None:
        """Forget the sound."""
        self._series = None
        self.touch()

    def begin(self, start: float, rate: float, dtype: type[np.int16] | type[np.float32] = np.int16) -> None:
        """Sound follows whose first sample (or stretch of samples) is at `start` s, and `rate` of them come a second."""
        self._series = Series(1, start=start, step=1 / rate, dtype=dtype)
        self._full = 32768.0 if np.dtype(dtype).kind == "i" else 1.0
        self._peak = 0.0
        self.touch()

    def append(self, low: Array, high: Array | None = None) -> None:
        """Add samples, or smallest and largest samples of stretches.

        Raises:
            ValueError: `begin` was not called.
        """
        if self._series is None:
            raise ValueError("the rate of the sound is not known yet")
        self._series.append(low, high=high)
        for part in (low, low if high is None else high):
            if len(part):
                self._peak = max(self._peak, float(np.abs(np.nan_to_num(part).astype(np.float32)).max()) / self._full)
        self.touch()

    def draw(self, raster: Raster, window: Window) -> None:
        if self._series is None:
            return
        columns = self._series.lines(window)[0]
        colour = self.palette.quantity("sound")
        middle, room = np.float32(raster.height / 2), np.float32(raster.height / 2 - 2 * raster.scale)
        unit = np.float32(room / (self._full * max(self._peak, QUIETEST)))
        low, high = (middle - part * unit for part in (columns.high, columns.low))
        left, right = (None if side is None else middle - side * unit for side in (columns.left, columns.right))
        raster.level(float(middle), raster.tint(self.palette.faint, 0.4))
        raster.line(Columns(low, high, left, right), low, high, raster.tint(colour, 0.8), 1.0)

    def values_at(self, time: float) -> list[Reading]:
        if self._series is None or not len(self._series):
            return []
        low, high = self._series.between(time - 0.02, time + 0.02)
        peak = max(abs(low), abs(high)) / self._full
        if math.isnan(peak):
            return []
        level = 20 * math.log10(max(peak, 1e-5))
        return [Reading("peak", level, "dBFS", "−100 … 0", self.palette.quantity("sound"))]
