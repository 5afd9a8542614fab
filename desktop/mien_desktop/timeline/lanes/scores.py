"""Spans with scores, such as offence and hate: bars as high as the score, a row for each track."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mien.tracks import Spans
from mien_desktop.timeline.colours import table
from mien_desktop.timeline.lanes.base import Lane
from mien_desktop.timeline.lanes.spans import owners
from mien_desktop.timeline.lanes.stretches import Stretches
from mien_desktop.timeline.raster import Raster
from mien_desktop.timeline.readings import Reading
from mien_desktop.timeline.window import Window

FAINTEST = 0.03
"""A score below this is drawn as a bar of this height, so that the span can be seen."""


class ScoresLane(Lane):
    """Spans of one or several tracks by their scores from 0 to 1.

    Args:
        names: track name → quantity it scores (`{"text.offence": "offence"}`), from the top row down.
    """

    waiting = "Scores appear here as soon as something is said"

    def __init__(self, lane_id: str, title: str, names: dict[str, str], *, height: int = 48, about: str = "") -> None:
        super().__init__(lane_id, title, height=height, about=about)
        self._names = dict(names)
        self._tracks = {name: Stretches() for name in names}

    @property
    def empty(self) -> bool:
        return not any(len(s) for s in self._tracks.values())

    def clear(self) -> None:
        """Forget all tracks."""
        self._tracks = {name: Stretches() for name in self._names}
        self.touch()

    def set_track(self, track: Spans) -> None:
        """Show this track instead of the one of its name.

        Raises:
            ValueError: the lane does not show tracks of that name.
        """
        self._row(track.name)
        self._tracks[track.name] = Stretches()
        self._tracks[track.name].append(track)
        self.credit(track.provenance)
        self.touch()

    def append(self, piece: Spans) -> None:
        """Add a piece behind what is there of its track.

        Raises:
            ValueError: the lane does not show tracks of that name, or it lies before what is there.
        """
        if self._row(piece.name).append(piece):
            self.credit(piece.provenance)
            self.touch()

    def stretch_at(self, time: float) -> tuple[float, float] | None:
        for stretches in self._tracks.values():
            rows = stretches.at(time)
            if rows.size:
                return float(stretches.start[rows[-1]]), float(stretches.end[rows[-1]])
        return None

    def _row(self, name: str) -> Stretches:
        if name not in self._tracks:
            raise ValueError(f"this lane shows {', '.join(self._names)}, not {name}")
        return self._tracks[name]

    def draw(self, raster: Raster, window: Window) -> None:
        margin = 3 * raster.scale
        room = (raster.height - 2 * margin) / len(self._tracks)
        for number, (name, stretches) in enumerate(self._tracks.items()):
            bottom = margin + (number + 1) * room - raster.scale
            foot = np.full(window.width, bottom, np.float32)
            rows = stretches.within(window.start, window.end)
            colour = self.palette.quantity(self._names[name], number)
            raster.level(bottom + raster.scale / 2, raster.tint(self.palette.line, 0.8), thick=1)
            if rows.start == rows.stop:
                continue
            score = np.clip(np.nan_to_num(stretches.score[rows]), FAINTEST, 1)
            owner = owners(stretches, rows, window, max(1, round(raster.scale)), np.argsort(score, kind="stable"))
            there = owner >= 0
            held = np.where(there, score[np.maximum(owner, 0)], np.nan).astype(np.float32)
            top = foot - held * np.float32(room - 2 * raster.scale)
            first, cover = raster.coverage(top, np.where(there, foot, np.nan))
            if cover is None:
                continue
            # The stronger, the fuller the colour: height and colour say the same.
            shades = table(raster.ground, colour)[(np.nan_to_num(0.35 + 0.6 * held) * 255).astype(np.uint8)]
            share = cover.astype(np.float32) / 255
            solid = share >= 0.5
            np.copyto(raster.pixels[first], np.broadcast_to(shades, solid.shape), where=solid)

    def values_at(self, time: float) -> list[Reading]:
        said = []
        for number, (name, stretches) in enumerate(self._tracks.items()):
            quantity = self._names[name]
            scores = [float(stretches.score[row]) for row in stretches.at(time)]
            scores = [score for score in scores if not math.isnan(score)]
            if scores:
                said.append(Reading(quantity, max(scores), "", "0 … +1", self.palette.quantity(quantity, number)))
        return said

    def legend(self) -> Sequence[tuple[str, str]]:
        if len(self._names) < 2:
            return []
        return [(q, self.palette.quantity(q, n)) for n, q in enumerate(self._names.values())]
