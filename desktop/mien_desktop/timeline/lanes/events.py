"""Events, and what the reviewer made of them: open, accepted, rejected, corrected. Told by shape as well as by colour."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from mien.tracks import Spans
from mien_desktop.timeline.colours import pixel
from mien_desktop.timeline.lanes.spans import SpansLane, blocks, owners
from mien_desktop.timeline.raster import Raster
from mien_desktop.timeline.readings import Reading
from mien_desktop.timeline.window import Window

State = Literal["open", "accepted", "rejected", "corrected"]
SIGNS: dict[State, str] = {"open": "", "accepted": "✓", "rejected": "✕", "corrected": "✎"}


class EventsLane(SpansLane):
    """Spans over a threshold, each with a state."""

    lettered = True
    waiting = "Events appear here where the fused reading lies over its threshold"

    def __init__(self, lane_id: str, title: str, *, height: int = 30, about: str = "") -> None:
        super().__init__(lane_id, title, height=height, about=about)
        self._states: dict[int, State] = {}
        self.held: tuple[int, float, float] | None = None
        """Row, start and end of the event whose edge is being dragged, or was until its correction arrives."""

    def clear(self) -> None:
        """Forget events and states."""
        self._states, self.held = {}, None
        super().clear()

    def set_track(self, track: Spans | None) -> None:
        """Show these events and no others, all of them open."""
        self._states, self.held = {}, None
        super().set_track(track)

    def set_states(self, states: Mapping[int, State]) -> None:
        """What the reviewer made of events, by their row; those not named are open."""
        self._states = dict(states)
        self.touch()

    def state(self, row: int) -> State:
        """What the reviewer made of an event."""
        return self._states.get(row, "open")

    def hold(self, row: int, start: float, end: float) -> None:
        """Show an event with another extent, in s, what it had as a ghost; nothing is changed by it."""
        self.held = row, start, end
        self.touch()

    def let_go(self) -> None:
        """Show all events as they are."""
        if self.held is not None:
            self.held = None
            self.touch()

    def edge_near(self, time: float, reach: float) -> tuple[int, int] | None:
        """Row and edge (0 start, 1 end) of the event that begins or ends nearest to a time, at most `reach` s off."""
        rows = self.stretches.within(time - reach, time + reach)
        if rows.start == rows.stop:
            return None
        off = np.abs(np.stack([self.stretches.start[rows], self.stretches.end[rows]]) - time)
        # Where one event ends as the next begins, the pointer's side tells which is meant.
        inside = (self.stretches.start[rows] <= time) & (self.stretches.end[rows] >= time)
        edge, row = np.unravel_index(int(np.argmin(off - 1e-6 * inside)), off.shape)
        return (rows.start + int(row), int(edge)) if off[edge, row] <= reach else None

    def colour(self, state: State) -> str:
        """The colour of a state."""
        p = self.palette
        return {"open": p.warn, "accepted": p.good, "rejected": p.bad, "corrected": p.accent}[state]

    def draw(self, raster: Raster, window: Window) -> None:
        rows = self.stretches.within(window.start, window.end)
        if rows.start == rows.stop:
            self._draw_held(raster, window, 5 * raster.scale, raster.height - 5 * raster.scale)
            return
        count = rows.stop - rows.start
        owner = owners(self.stretches, rows, window, max(1, round(raster.scale)))
        states = [self.state(rows.start + i) for i in range(count)]
        fill = {state: pixel(raster.tint(self.colour(state), 0.12 if state == "rejected" else 0.85)) for state in SIGNS}
        edge = {state: pixel(raster.tint(self.colour(state), 0.9)) for state in SIGNS}
        top, bottom = 5 * raster.scale, raster.height - 5 * raster.scale
        filled = np.array([fill[state] for state in states], np.uint32)
        if self.held is not None and rows.start <= self.held[0] < rows.stop:
            # A ghost of what the event was stays until what it shall be is on the disk.
            was = self.held[0] - rows.start
            filled[was] = pixel(raster.tint(self.colour(states[was]), 0.12))
        rim = np.array([edge[state] for state in states], np.uint32)
        # A rejected event is hollow: the rim is painted whole, then the inside.
        blocks(raster, top, bottom, owner, rim)
        line = max(1, round(raster.scale))
        inside = owner.copy()
        parted = np.flatnonzero(np.diff(owner))
        for shift in range(line):
            inside[np.maximum(parted - shift, 0)] = -1
            inside[np.minimum(parted + 1 + shift, inside.size - 1)] = -1
        raster.cells(raster.rows(top + line, bottom - line), filled[np.maximum(inside, 0)], inside >= 0)
        self._draw_held(raster, window, top, bottom)

    def _draw_held(self, raster: Raster, window: Window, top: float, bottom: float) -> None:
        if self.held is None:
            return
        row, start, end = self.held
        first = min(max(round(window.x(start)), 0), window.width)
        last = min(max(round(window.x(end)), first), window.width)
        owner = np.full(window.width, -1, np.int64)
        owner[first:last] = 0
        blocks(
            raster, top, bottom, owner, np.array([pixel(raster.tint(self.colour(self.state(row)), 0.95))], np.uint32)
        )

    def letter(self, painter: QPainter, window: Window, width: float, height: float) -> None:
        rows = self.stretches.within(window.start, window.end)
        if rows.stop - rows.start > 300 or height < 22:
            return
        scale = window.width / width
        metrics = QFontMetricsF(painter.font())
        first, last = (edge / scale for edge in self.stretches.columns(rows, window))
        base = (height + metrics.ascent() - metrics.descent()) / 2
        for i in range(rows.stop - rows.start):
            state = self.state(rows.start + i)
            score = float(self.stretches.score[rows.start + i])
            words = [SIGNS[state], "" if math.isnan(score) else f"{score:.2f}"]
            start = max(first[i], 0.0)
            if self.held is not None and self.held[0] == rows.start + i:
                continue
            for text in (" ".join(w for w in words if w), words[0] or words[1]):
                advance = metrics.horizontalAdvance(text)
                if text and last[i] - start > advance + 8:
                    ink = self.palette.text if state == "rejected" else self._ink(state)
                    painter.setPen(QColor(ink))
                    painter.drawText(QPointF(start + 5, base), text)
                    break

    def _ink(self, state: State) -> str:
        """Dark or light, whichever stands out more from the state's colour."""
        ground = QColor(self.colour(state))
        grey = 0.2126 * ground.redF() ** 2.2 + 0.7152 * ground.greenF() ** 2.2 + 0.0722 * ground.blueF() ** 2.2
        choices = sorted((self.palette.window, self.palette.text), key=lambda c: QColor(c).lightnessF())
        return choices[0] if grey > 0.18 else choices[1]

    def values_at(self, time: float) -> list[Reading]:
        said = []
        for row in self.stretches.at(time):
            state = self.state(int(row))
            name = self.stretches.label[row] or "event"
            said.append(Reading(name, float(self.stretches.score[row]), "", state, self.colour(state)))
        return said
