"""Curves: several channels over their extents, the second run's dashed beside them; and one channel with its area filled."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mien.tracks import Quantity
from mien_desktop.timeline.lanes.base import Badge
from mien_desktop.timeline.lanes.gathered import SECOND, GatheredLane
from mien_desktop.timeline.lanes.thresholds import Threshold
from mien_desktop.timeline.pyramid import FloatArray
from mien_desktop.timeline.raster import Raster, dashes
from mien_desktop.timeline.readings import Reading, Readings, extent_text, figure
from mien_desktop.timeline.series import Columns
from mien_desktop.timeline.window import Window

MARGIN = 4.0
"""Logical pixels that a curve keeps from the lane's upper and lower edge."""
DASH = 6


class CurvesLane(GatheredLane):
    """Channels of a Curve as lines.

    Args:
        channels: which channels, by name; None takes all.
        person: whose rows; None takes all.
        filled: fill the area under the first channel.
    """

    waiting = "Curves appear here as soon as they are read"

    def __init__(
        self,
        lane_id: str,
        title: str,
        *,
        height: int = 64,
        about: str = "",
        channels: Sequence[str] | None = None,
        person: int | None = None,
        filled: bool = False,
    ) -> None:
        super().__init__(lane_id, title, height=height, about=about, person=person)
        self._channels = None if channels is None else tuple(channels)
        self._filled = filled
        self._spoken_of: dict[str, tuple[float, float]] = {}

    def clear(self) -> None:
        """Forget both runs."""
        self._spoken_of.clear()
        super().clear()

    def _shown(self, readings: Readings) -> list[tuple[int, Quantity]]:
        """Numbers and quantities of the channels shown."""
        return [
            (number, quantity)
            for number, quantity in enumerate(readings.quantities)
            if self._channels is None or quantity.name in self._channels
        ]

    def _measure(self) -> None:
        """Find the extent of quantities that do not state one."""
        for readings in (self._readings, self._other):
            for number, quantity in self._shown(readings):
                if (quantity.low is None or quantity.high is None) and len(readings.series):
                    start, end = readings.series.extent
                    low, high = readings.series.between(start, end + 1e-6, number)
                    if not math.isnan(low):
                        known = self._spoken_of.get(quantity.name, (math.inf, -math.inf))
                        self._spoken_of[quantity.name] = min(known[0], low), max(known[1], high)

    def extent(self, quantity: Quantity) -> tuple[float, float]:
        """What the lane's lower and upper edge stand for."""
        low, high = self._spoken_of.get(quantity.name, (0.0, 1.0))
        low, high = (
            quantity.low if quantity.low is not None else low,
            quantity.high if quantity.high is not None else high,
        )
        return (low, high) if high > low else (low - 0.5, low + 0.5)

    def colour(self, quantity: Quantity, number: int) -> str:
        """Colour of a channel."""
        return self.palette.quantity(quantity.name, number)

    def y(self, values: FloatArray, quantity: Quantity, raster: Raster) -> FloatArray:
        """Values as heights in the picture."""
        low, high = self.extent(quantity)
        margin = min(MARGIN * raster.scale, raster.height / 6)
        unit = (raster.height - 2 * margin) / (high - low)
        heights = values * np.float32(-unit)
        heights += np.float32(raster.height - margin + low * unit)
        return heights

    def thresholds(self, height: float) -> Sequence[Threshold]:
        margin = min(MARGIN, height / 6) / height
        shown = {q.name: (n, q) for n, q in self._shown(self._readings)}
        found = []
        for channel, value in self._levels.items():
            if channel in shown:
                number, quantity = shown[channel]
                low, high = self.extent(quantity)
                colour = self.colour(quantity, number) if len(shown) > 1 else self.palette.bad
                value = min(max(value, low), high)
                found.append(Threshold(channel, value, low, high, margin, 1 - margin, colour))
        return found

    def badges(self) -> Sequence[Badge]:
        """The value of each threshold, beside its line."""
        height = self.height + self.extra
        return [Badge(one.share(), figure(one.value), one.colour) for one in self.thresholds(height)]

    def draw(self, raster: Raster, window: Window) -> None:
        shown = self._shown(self._readings)
        self.draw_thresholds(raster, window)
        self._zero(raster, shown or self._shown(self._other))
        if self._readings:
            lines = self._readings.lines(window)
            if self._filled and shown:
                number, quantity = shown[0]
                self.fill(raster, lines[number], quantity, number)
            for number, quantity in shown:
                colour = self.colour(quantity, number)
                if len(shown) == 1 or raster.height < 2 or not _crowded(lines[number], self, quantity, raster):
                    self._line(raster, lines[number], quantity, colour)
                else:
                    self._line(raster, lines[number], quantity, raster.tint(colour, 0.85))
        if self._other:
            self._compare(raster, window)

    def _zero(self, raster: Raster, shown: list[tuple[int, Quantity]]) -> None:
        """A faint line at nought where the extent has both signs."""
        if shown and all(self.extent(q)[0] < 0 < self.extent(q)[1] for _, q in shown):
            y = self.y(np.zeros(1, np.float32), shown[0][1], raster)[0]
            raster.level(float(y), raster.tint(self.palette.faint, 0.35))

    def fill(self, raster: Raster, columns: Columns, quantity: Quantity, number: int) -> None:
        """Fill the area under a channel."""
        top = self.y(columns.high, quantity, raster)
        bottom = np.where(np.isnan(top), np.nan, np.float32(raster.height))
        raster.band(top, bottom, raster.tint(self.colour(quantity, number), 0.3))

    def _line(self, raster: Raster, columns: Columns, quantity: Quantity, colour: str, width: float = 1.6) -> None:
        sides = (None if side is None else self.y(side, quantity, raster) for side in (columns.left, columns.right))
        left, right = sides
        drawn = Columns(columns.low, columns.high, left, right)
        raster.line(drawn, self.y(columns.high, quantity, raster), self.y(columns.low, quantity, raster), colour, width)

    def _compare(self, raster: Raster, window: Window) -> None:
        lines = self._other.lines(window)
        off = ~dashes(window.width, window.first, round(DASH * raster.scale))
        for number, quantity in self._shown(self._other):
            columns = lines[number]
            low, high = columns.low.copy(), columns.high.copy()
            low[off] = high[off] = np.nan
            colour = raster.tint(self.colour(quantity, number), 0.75)
            self._line(raster, Columns(low, high, columns.left, columns.right), quantity, colour, 1.2)

    def values_at(self, time: float) -> list[Reading]:
        said = []
        for readings, suffix in ((self._readings, ""), (self._other, SECOND)):
            if readings:
                values = readings.at(time)
                said += [
                    Reading(q.name + suffix, float(values[n]), q.unit, extent_text(q), self.colour(q, n))
                    for n, q in self._shown(readings)
                    if not math.isnan(values[n])
                ]
        return said

    def legend(self) -> Sequence[tuple[str, str]]:
        shown = self._shown(self._readings)
        return [(q.name, self.colour(q, n)) for n, q in shown] if len(shown) > 1 else []


def _crowded(columns: Columns, lane: CurvesLane, quantity: Quantity, raster: Raster) -> bool:
    """Whether a channel covers much of the lane, so that what lies below should be guessed at."""
    low, high = lane.extent(quantity)
    wide = (columns.high - columns.low)[~np.isnan(columns.low)]
    return bool(wide.size) and float(np.median(wide)) > 0.3 * (high - low)


class FilledLane(CurvesLane):
    """One channel with the area under it filled, such as conflict."""

    def __init__(
        self, lane_id: str, title: str, *, height: int = 48, about: str = "", person: int | None = None
    ) -> None:
        super().__init__(lane_id, title, height=height, about=about, person=person, filled=True)
