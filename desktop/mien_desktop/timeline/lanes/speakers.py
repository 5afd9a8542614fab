"""Who speaks when: one row a speaker, in order of appearance."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from mien.tracks import Spans
from mien_desktop.timeline.colours import pixel
from mien_desktop.timeline.lanes.gathered import SECOND
from mien_desktop.timeline.lanes.spans import SpansLane, blocks, owners
from mien_desktop.timeline.lanes.stretches import Stretches
from mien_desktop.timeline.raster import Raster
from mien_desktop.timeline.readings import Reading
from mien_desktop.timeline.window import Window


class SpeakersLane(SpansLane):
    """Turns of speakers. A span is its speaker's, or, where none is named, its label's."""

    lettered = True
    waiting = "Turns appear here as soon as somebody speaks"

    def __init__(self, lane_id: str, title: str, *, height: int = 32, about: str = "") -> None:
        super().__init__(lane_id, title, height=height, about=about)
        self._turns: dict[str, Stretches] = {}
        self._other_turns: dict[str, Stretches] = {}

    def clear(self) -> None:
        """Forget the turns."""
        self._turns = {}
        super().clear()

    def set_comparison(self, track: Spans) -> None:
        self._other_turns = {}
        _sort(track, self._other_turns)
        super().set_comparison(track)

    def compare_nothing(self) -> None:
        self._other_turns = {}
        super().compare_nothing()

    def set_track(self, track: Spans | None) -> None:
        self._turns = {}
        if track is not None:
            _sort(track, self._turns)
        super().set_track(track)

    def append(self, piece: Spans) -> None:
        _sort(piece, self._turns)
        super().append(piece)

    @property
    def speakers(self) -> tuple[str, ...]:
        """Who there is, in order of appearance; those that only a second run tells of come last."""
        return tuple(dict.fromkeys((*self._turns, *self._other_turns)))

    def colour(self, speaker: str) -> str:
        """The colour of a speaker."""
        people = self.palette.people
        return people[self.speakers.index(speaker) % len(people)]

    def _rows(self, height: float, scale: float) -> Iterator[tuple[str, Stretches, float, float, bool]]:
        """Each speaker's turns and the heights between which they lie; those of a second run below, and that they are."""
        margin, first = 4 * scale, self.first_row(height)
        parts = [(self._turns, margin, first - margin)]
        if self.compares:
            parts.append((self._other_turns, first, height - margin))
        for turns, top, bottom in parts:
            room = (bottom - top) / max(1, len(turns))
            between = scale if len(turns) > 1 else 0
            for number, (name, stretches) in enumerate(turns.items()):
                upper = top + number * room
                yield name, stretches, upper, upper + room - between, turns is self._other_turns

    def draw(self, raster: Raster, window: Window) -> None:
        for name, turns, top, bottom, second in self._rows(raster.height, raster.scale):
            rows = turns.within(window.start, window.end)
            owner = owners(turns, rows, window, max(1, round(raster.scale)))
            ground = np.array([pixel(raster.tint(self.colour(name), 0.45 if second else 0.8))], np.uint32)
            blocks(raster, top, bottom, _parity(owner), np.repeat(ground, 2))

    def letter(self, painter: QPainter, window: Window, width: float, height: float) -> None:
        scale = window.width / width
        for name, turns, top, bottom, second in self._rows(height, 1.0):
            font = painter.font()
            font.setPixelSize(max(1, min(11, int(bottom - top) - 1)))
            rows = turns.within(window.start, window.end)
            if font.pixelSize() < 8 or rows.stop - rows.start > 300:
                continue
            painter.save()
            painter.setFont(font)
            painter.setPen(QColor(self.palette.text if second else self.palette.panel))
            metrics = QFontMetricsF(font)
            first, last = (edge / scale for edge in turns.columns(rows, window))
            base = (top + bottom + metrics.ascent() - metrics.descent()) / 2
            for start, end in zip(first, last, strict=True):
                if end - max(start, 0) > metrics.horizontalAdvance(name) + 10:
                    painter.drawText(QPointF(max(start, 0) + 5, base), name)
            painter.restore()

    def values_at(self, time: float) -> list[Reading]:
        return [
            Reading("speaker" + suffix, name, "", "", self.colour(name))
            for all_turns, suffix in ((self._turns, ""), (self._other_turns, SECOND))
            for name, turns in all_turns.items()
            if turns.at(time).size
        ]


def _sort(piece: Spans, into: dict[str, Stretches]) -> None:
    """Add turns to those of who speaks."""
    names = np.array([s or label for s, label in zip(piece.speaker, piece.label, strict=True)], object)
    for name in dict.fromkeys(names):
        into.setdefault(name, Stretches()).append(piece.take(names == name))


def _parity(owner: np.ndarray) -> np.ndarray:
    """Neighbours told apart by 0 and 1; −1 stays."""
    return np.where(owner >= 0, owner % 2, -1)
