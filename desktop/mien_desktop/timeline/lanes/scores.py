"""Spans with scores, such as offence and hate: bars as high as the score, a row for each track."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mien.tracks import Spans
from mien_desktop.timeline.colours import table
from mien_desktop.timeline.lanes.gathered import SECOND
from mien_desktop.timeline.lanes.levels import LevelledLane
from mien_desktop.timeline.lanes.spans import owners
from mien_desktop.timeline.lanes.stretches import Stretches
from mien_desktop.timeline.lanes.thresholds import Threshold
from mien_desktop.timeline.pyramid import FloatArray
from mien_desktop.timeline.raster import Raster, dashes
from mien_desktop.timeline.readings import Reading
from mien_desktop.timeline.window import Window

FAINTEST = 0.03
"""A score below this is drawn as a bar of this height, so that the span can be seen."""

DASH = 6
"""Logical pixels of a dash of a second run."""


class ScoresLane(LevelledLane):
    """Spans of one or several tracks by their scores from 0 to 1.

    Args:
        names: track name → quantity it scores (`{"text.offence": "offence"}`), from the top row down.
    """

    waiting = "Scores appear here as soon as something is said"

    def __init__(self, lane_id: str, title: str, names: dict[str, str], *, height: int = 48, about: str = "") -> None:
        super().__init__(lane_id, title, height=height, about=about)
        self._names = dict(names)
        self._tracks = {name: Stretches() for name in names}
        self._others: dict[str, Stretches] = {}  # of a second run

    @property
    def empty(self) -> bool:
        return not any(len(s) for s in (*self._tracks.values(), *self._others.values()))

    def clear(self) -> None:
        """Forget all tracks."""
        self._tracks, self._others = {name: Stretches() for name in self._names}, {}
        self.touch()

    def set_track(self, track: Spans) -> None:
        """Show this track instead of the one of its name.

        Raises:
            ValueError: the lane does not show tracks of that name.
        """
        self._take(track, self._tracks)
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

    @property
    def compares(self) -> bool:
        return any(len(stretches) for stretches in self._others.values())

    def compare_nothing(self) -> None:
        if self._others:
            self._others = {}
            self.touch()

    def set_comparison(self, track: Spans) -> None:
        """Show a second run's track of that name as well, each span as a dashed line as high as its score.

        Raises:
            ValueError: the lane does not show tracks of that name.
        """
        self._take(track, self._others)
        self.touch()

    def _take(self, track: Spans, into: dict[str, Stretches]) -> None:
        self._row(track.name)
        into[track.name] = Stretches()
        into[track.name].append(track)

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
        for number, (name, stretches) in enumerate(self._tracks.items()):
            top, bottom = self._ends(number, raster.height, raster.scale)
            colour = self.palette.quantity(self._names[name], number)
            raster.level(bottom + raster.scale / 2, raster.tint(self.palette.line, 0.8), thick=1)
            held = _held(stretches, window, max(1, round(raster.scale)))
            if held is not None:
                self._bars(raster, held, top, bottom, colour)
            held = _held(self._others.get(name), window, max(1, round(raster.scale)))
            if held is not None:
                held[~dashes(window.width, window.first, round(DASH * raster.scale))] = np.nan
                y = np.float32(bottom) - held * np.float32(bottom - top)
                half = np.float32(0.8 * raster.scale)
                raster.band(y - half, y + half, colour)
        self.draw_thresholds(raster, window)

    def _ends(self, number: int, height: float, scale: float) -> tuple[float, float]:
        """Where one and nought lie in a row."""
        margin = 3 * scale
        room = (height - 2 * margin) / len(self._tracks)
        bottom = margin + (number + 1) * room - scale
        return bottom - (room - 2 * scale), bottom

    def _bars(self, raster: Raster, held: FloatArray, top: float, bottom: float, colour: str) -> None:
        """Columns as high as what they hold."""
        there = ~np.isnan(held)
        foot = np.full(held.size, bottom, np.float32)
        first, cover = raster.coverage(foot - held * np.float32(bottom - top), np.where(there, foot, np.nan))
        if cover is None:
            return
        # The stronger, the fuller the colour: height and colour say the same.
        shades = table(raster.ground, colour)[(np.nan_to_num(0.35 + 0.6 * held) * 255).astype(np.uint8)]
        share = cover.astype(np.float32) / 255
        solid = share >= 0.5
        np.copyto(raster.pixels[first], np.broadcast_to(shades, solid.shape), where=solid)

    def thresholds(self, height: float) -> Sequence[Threshold]:
        """Each across the row of its track."""
        names = list(self._tracks)
        found = []
        for name, value in self._levels.items():
            if name in names and len(self._tracks[name]):
                top, bottom = (y / height for y in self._ends(names.index(name), height, 1.0))
                found.append(Threshold(name, min(max(value, 0.0), 1.0), 0.0, 1.0, top, bottom, self.palette.dim))
        return found

    def values_at(self, time: float) -> list[Reading]:
        said = []
        for tracks, suffix in ((self._tracks, ""), (self._others, SECOND)):
            for name, stretches in tracks.items():
                quantity = self._names[name]
                scores = [float(stretches.score[row]) for row in stretches.at(time)]
                scores = [score for score in scores if not math.isnan(score)]
                if scores:
                    colour = self.palette.quantity(quantity, list(self._names).index(name))
                    said.append(Reading(quantity + suffix, max(scores), "", "0 … +1", colour))
        if said:
            lines = self.thresholds(self.height)
            said += [Reading(f"{self._names[one.channel]} threshold", one.value, "", "", one.colour) for one in lines]
        return said

    def legend(self) -> Sequence[tuple[str, str]]:
        if len(self._names) < 2:
            return []
        return [(q, self.palette.quantity(q, n)) for n, q in enumerate(self._names.values())]


def _held(stretches: Stretches | None, window: Window, apart: int) -> FloatArray | None:
    """(W,) the highest score in each column, NaN where there is none; None where nothing lies in the window."""
    rows = slice(0, 0) if stretches is None else stretches.within(window.start, window.end)
    if stretches is None or rows.start == rows.stop:
        return None
    score = np.clip(np.nan_to_num(stretches.score[rows]), FAINTEST, 1)
    owner = owners(stretches, rows, window, apart, np.argsort(score, kind="stable"))
    return np.where(owner >= 0, score[np.maximum(owner, 0)], np.nan).astype(np.float32)
