"""Heat strips: one row a channel, the stronger its value the more of its colour. Expressions, modality weights."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mien_desktop.timeline.colours import table
from mien_desktop.timeline.lanes.gathered import GatheredLane
from mien_desktop.timeline.raster import Raster
from mien_desktop.timeline.readings import Reading, extent_text
from mien_desktop.timeline.window import Window


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
        if not self._readings:
            return
        quantities = self._readings.quantities
        margin, between = round(2 * raster.scale), round(raster.scale)
        room = raster.height - 2 * margin
        for number, values in enumerate(self._readings.held(window)):
            quantity = quantities[number]
            low = 0.0 if quantity.low is None else quantity.low
            high = 1.0 if quantity.high is None else quantity.high
            there = ~np.isnan(values)
            shade = np.clip(np.nan_to_num((values - low) / (high - low)), 0, 1)
            colours = table(raster.tint(self.palette.line, 0.35), self.palette.quantity(quantity.name, number))
            top = margin + number * room / len(quantities)
            bottom = max(top + 1, margin + (number + 1) * room / len(quantities) - between)
            raster.cells(raster.rows(top, bottom), colours[(shade * 255).astype(np.uint8)], there)

    def values_at(self, time: float) -> list[Reading]:
        if not self._readings:
            return []
        values = self._readings.at(time)
        return [
            Reading(q.name, float(v), q.unit, extent_text(q), self.palette.quantity(q.name, n))
            for n, (q, v) in enumerate(zip(self._readings.quantities, values, strict=True))
            if not math.isnan(v)
        ]

    def legend(self) -> Sequence[tuple[str, str]]:
        return [(q.name, self.palette.quantity(q.name, n)) for n, q in enumerate(self._readings.quantities)]
