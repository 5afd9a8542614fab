"""Heat strips: one row a channel, the stronger its value the more of its colour. Expressions, modality weights."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mien.tracks import Quantity
from mien_desktop.timeline.colours import table
from mien_desktop.timeline.lanes.gathered import SECOND, GatheredLane
from mien_desktop.timeline.lanes.thresholds import Threshold
from mien_desktop.timeline.raster import Raster, dashes
from mien_desktop.timeline.readings import Reading, Readings, extent_text
from mien_desktop.timeline.window import Window

DASH = 6
"""Logical pixels of a dash of a second run."""


class StripsLane(GatheredLane):
    """Channels of a Curve as stacked strips of colour.

    Args:
        person: whose rows; None takes all.
    """

    waiting = "Strips of colour appear here as soon as something is read"

    def __init__(
        self, lane_id: str, title: str, *, height: int = 72, about: str = "", person: int | None = None
    ) -> None:
        super().__init__(lane_id, title, height=height, about=about, person=person)

    def draw(self, raster: Raster, window: Window) -> None:
        count = len(self._shown.quantities)
        if self._readings:
            rows = [_row(n, count, raster.height, raster.scale) for n in range(count)]
            # A second run has the lower half of each row, dashed as everywhere.
            upper = [(top, (top + bottom) / 2 if self.compares else bottom) for top, bottom in rows]
            self._strips(raster, window, self._readings, upper)
        if self.compares:
            rows = [_row(n, count, raster.height, raster.scale) for n in range(len(self._other.quantities))]
            dashed = dashes(window.width, window.first, round(DASH * raster.scale))
            self._strips(raster, window, self._other, [((top + bottom) / 2, bottom) for top, bottom in rows], dashed)
        self.draw_thresholds(raster, window)

    @property
    def _shown(self) -> Readings:
        return self._readings if self._readings.quantities else self._other

    def _strips(
        self,
        raster: Raster,
        window: Window,
        readings: Readings,
        rows: Sequence[tuple[float, float]],
        where: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        """One strip a channel between the heights of its row, `where` there is a dash."""
        for number, values in enumerate(readings.held(window)):
            quantity = readings.quantities[number]
            low, high = _extent(quantity)
            there = ~np.isnan(values)
            if where is not None:
                there &= where
            shade = np.clip(np.nan_to_num((values - low) / (high - low)), 0, 1)
            colours = table(raster.tint(self.palette.line, 0.35), self.palette.quantity(quantity.name, number))
            raster.cells(raster.rows(*rows[number]), colours[(shade * 255).astype(np.uint8)], there)

    def thresholds(self, height: float) -> Sequence[Threshold]:
        """Each across the row of its channel, which is as high as the extent."""
        channels = {q.name: (n, q) for n, q in enumerate(self._readings.quantities)}
        found = []
        for channel, value in self._levels.items():
            if channel in channels:
                number, quantity = channels[channel]
                top, bottom = (y / height for y in _row(number, len(channels), height, 1.0))
                low, high = _extent(quantity)
                value = min(max(value, low), high)
                found.append(Threshold(channel, value, low, high, top, bottom, self.palette.dim))
        return found

    def values_at(self, time: float) -> list[Reading]:
        said = []
        for readings, suffix in ((self._readings, ""), (self._other, SECOND)):
            if readings:
                said += [
                    Reading(q.name + suffix, float(v), q.unit, extent_text(q), self.palette.quantity(q.name, n))
                    for n, (q, v) in enumerate(zip(readings.quantities, readings.at(time), strict=True))
                    if not math.isnan(v)
                ]
        if said:
            lines = self.thresholds(self.height)
            said += [Reading(f"{one.channel} threshold", one.value, "", "", one.colour) for one in lines]
        return said

    def legend(self) -> Sequence[tuple[str, str]]:
        return [(q.name, self.palette.quantity(q.name, n)) for n, q in enumerate(self._shown.quantities)]


def _row(number: int, count: int, height: float, scale: float) -> tuple[float, float]:
    """Upper and lower end of a channel's row."""
    margin, between = round(2 * scale), round(scale)
    room = (height - 2 * margin) / count
    top = margin + number * room
    return top, max(top + 1, margin + (number + 1) * room - between)


def _extent(quantity: Quantity) -> tuple[float, float]:
    """What no colour and the whole of it stand for."""
    return 0.0 if quantity.low is None else quantity.low, 1.0 if quantity.high is None else quantity.high
