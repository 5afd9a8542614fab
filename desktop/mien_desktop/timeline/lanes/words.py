"""The words of the transcript, written where there is room, and shaded by what they score."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from mien.tracks import Spans
from mien_desktop.timeline.colours import mixed, table
from mien_desktop.timeline.lanes.gathered import SECOND
from mien_desktop.timeline.lanes.spans import SpansLane, blocks, owners
from mien_desktop.timeline.lanes.stretches import Stretches
from mien_desktop.timeline.raster import Raster
from mien_desktop.timeline.readings import Reading
from mien_desktop.timeline.window import Window

CROWD = 600
"""With more words in sight than this none would be legible."""
LEGIBLE = 0.5
"""Where fewer of the words have room than this, none is written: a short word here and there says nothing."""


class WordsLane(SpansLane):
    """Words: the ground of each is coloured by the score of a second track (offence, evidence), its ink by how sure the
    recogniser was of it.
    """

    lettered = True
    waiting = "The words appear here as they are transcribed"

    def __init__(self, lane_id: str, title: str, *, height: int = 26, about: str = "", score: str = "offence") -> None:
        super().__init__(lane_id, title, height=height, about=about)
        self._score = score
        self._shades, self._other_shades = Stretches(), Stretches()

    def clear(self) -> None:
        """Forget words and scores."""
        self._shades = Stretches()
        super().clear()

    def set_scores(self, track: Spans | None) -> None:
        """Colour the words by the scores of these spans; None takes the colours away."""
        self._shades = Stretches()
        if track is not None:
            self._shades.append(track)
        self.touch()

    def append_scores(self, piece: Spans) -> None:
        """Add a piece of scores behind those that are there."""
        if self._shades.append(piece):
            self.touch()

    def set_comparison_scores(self, track: Spans) -> None:
        """Colour the second run's words, in a row below; where it has none of its own, those that were scored are shown."""
        self._other_shades = Stretches()
        self._other_shades.append(track)
        if not len(self.others):
            self.set_comparison(track)
        self.touch()

    def compare_nothing(self) -> None:
        self._other_shades = Stretches()
        super().compare_nothing()

    def draw(self, raster: Raster, window: Window) -> None:
        height = self.first_row(raster.height)
        margin = 4 * raster.scale
        self._cells(raster, window, self.stretches, self._shades, margin, height - margin)
        if self.compares:
            self._cells(raster, window, self.others, self._other_shades, height, raster.height - margin)

    def _cells(
        self, raster: Raster, window: Window, words: Stretches, shades: Stretches, top: float, bottom: float
    ) -> None:
        """One run's words between two heights, coloured by their scores."""
        apart = max(1, round(raster.scale))
        rows = words.within(window.start, window.end)
        owner = owners(words, rows, window, apart)
        plain = np.array([table(self.palette.panel, self.palette.raised, 2)[1]], np.uint32)
        blocks(raster, top, bottom, np.minimum(owner, 0), plain)
        self._fit_corners(raster, top, bottom, owner)
        rows = shades.within(window.start, window.end)
        score = np.nan_to_num(shades.score[rows])
        shown = np.flatnonzero(score > 0.02)
        if shown.size:
            order = shown[np.argsort(score[shown], kind="stable")]
            colours = table(self.palette.raised, self.palette.quantity(self._score))
            ground = colours[(np.clip(0.1 + 0.75 * score, 0, 1) * 255).astype(np.uint8)]
            blocks(raster, top, bottom, owners(shades, rows, window, apart, order), ground)

    def _fit_corners(self, raster: Raster, top: float, bottom: float, owner: np.ndarray) -> None:
        """Part words that touch, by a column of the lane's ground."""
        parted = np.flatnonzero((owner[1:] != owner[:-1]) & (owner[1:] >= 0) & (owner[:-1] >= 0))
        if 0 < parted.size < raster.width // 6:
            raster.pixels[raster.rows(top, bottom), parted] = table(raster.ground, raster.ground, 2)[0]

    def letter(self, painter: QPainter, window: Window, width: float, height: float) -> None:
        first = self.first_row(height)
        self._write(painter, window, width, self.stretches, self._shades, 0.0, first)
        if self.compares:
            # The row below begins where the one above has its margin.
            self._write(painter, window, width, self.others, self._other_shades, first - 4, height)

    def _write(
        self,
        painter: QPainter,
        window: Window,
        width: float,
        words: Stretches,
        shades: Stretches,
        top: float,
        bottom: float,
    ) -> None:
        """One run's words, in the middle between two heights."""
        rows = words.within(window.start, window.end)
        count = rows.stop - rows.start
        if not count or count > CROWD:
            return
        metrics = QFontMetricsF(painter.font())
        scale = window.width / width
        starts = (words.start[rows] / window.step - window.first) / scale
        ends = (words.end[rows] / window.step - window.first) / scale
        base = (top + bottom + metrics.ascent() - metrics.descent()) / 2
        writing: list[tuple[QPointF, str, QColor]] = []
        deep = _deep(words, shades, rows)
        pens = [QColor(self.palette.faint), QColor(self.palette.dim), QColor(self.palette.text)]
        for i in range(count):
            text = words.text[rows.start + i]
            room = ends[i] - starts[i]
            if room < 8 or not text:
                continue
            advance = metrics.horizontalAdvance(text)
            following = starts[i + 1] if i + 1 < count else math.inf
            if advance > min(room + 3, following - starts[i] - 1):
                continue
            sure = words.score[rows.start + i]
            # Upon a deep ground weak ink is not to be read.
            pen = pens[2 if math.isnan(sure) or sure >= 0.6 or deep[i] else 1 if sure >= 0.3 else 0]
            writing.append((QPointF(starts[i] + max(0.5, (room - advance) / 2), base), text, pen))
        if len(writing) < count * LEGIBLE:
            return
        for at, text, pen in writing:
            painter.setPen(pen)
            painter.drawText(at, text)

    def values_at(self, time: float) -> list[Reading]:
        said = []
        strong = mixed(self.palette.panel, self.palette.quantity(self._score), 1.0)
        for words, shades, suffix in ((self.stretches, self._shades, ""), (self.others, self._other_shades, SECOND)):
            for row in words.at(time):
                sure = float(words.score[row])
                extent = "" if math.isnan(sure) else f"confidence {sure:.2f}"
                said.append(Reading("word" + suffix, words.text[row], "", extent, self.palette.text))
            for row in shades.at(time):
                value = float(shades.score[row])
                if not math.isnan(value):
                    said.append(Reading(self._score + suffix, value, "", "0 … +1", strong))
        return said


def _deep(words: Stretches, shades: Stretches, rows: slice) -> np.ndarray:
    """(n,) whether the ground of a word is coloured so much that its ink has to stand out from it."""
    deep = np.zeros(rows.stop - rows.start, bool)
    if len(shades):
        middle = (words.start[rows] + words.end[rows]) / 2
        at = np.clip(np.searchsorted(shades.start, middle, "right") - 1, 0, None)
        deep = (shades.start[at] <= middle) & (shades.end[at] > middle) & (shades.score[at] > 0.1)
    return deep
