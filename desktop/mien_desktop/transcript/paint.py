"""How one utterance is drawn."""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from typing import Self

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from mien_desktop.look.palette import Palette
from mien_desktop.transcript.layout import Layout
from mien_desktop.transcript.script import Script, stamp

_MARGIN = 10.0
_GUESS, _DOUBT = 0.5, 0.75
"""Words heard with less confidence than this are drawn faint, and dimmed."""
_DEEPEST = 0.62
"""Opacity behind the word that is the whole score: text upon it keeps a contrast of 4.5 : 1 in both palettes."""


@dataclass(frozen=True)
class Look:
    """Colours, fonts and sizes (px) of the transcript."""

    ground: QColor
    text: QColor
    dim: QColor
    faint: QColor
    accent: QColor
    on_accent: QColor
    focus: QColor
    bad: QColor
    warn: QColor
    attention: QColor
    people: tuple[QColor, ...]
    font: QFont
    small: QFont
    bold: QFont
    line: float
    ascent: float
    descent: float
    space: float
    pad: float

    @classmethod
    def of(cls, palette: Palette, font: QFont) -> Self:
        """Everything from a palette and the widget's font."""
        small, bold, metrics = QFont(font), QFont(font), QFontMetricsF(font)
        if font.pixelSize() > 0:
            small.setPixelSize(max(font.pixelSize() - 1, 8))
        else:
            small.setPointSizeF(max(font.pointSizeF() - 0.75, 6.0))
        bold.setBold(True)
        return cls(
            ground=QColor(palette.panel),
            text=QColor(palette.text),
            dim=QColor(palette.dim),
            faint=QColor(palette.faint),
            accent=QColor(palette.accent),
            on_accent=QColor(palette.on_accent),
            focus=QColor(palette.focus),
            bad=QColor(palette.bad),
            warn=QColor(palette.warn),
            attention=QColor(palette.quantity("attention")),
            people=tuple(map(QColor, palette.people)),
            font=font,
            small=small,
            bold=bold,
            line=round(metrics.height() * 1.5),
            ascent=metrics.ascent(),
            descent=metrics.descent(),
            space=metrics.horizontalAdvance(" ") + 4.0,
            pad=round(metrics.height() * 0.32),
        )


@dataclass(frozen=True)
class Marks:
    """What stands out: the row and word at the playhead, the keyboard's word, the selection (first, last), search hits."""

    row: int
    word: int
    cursor: int
    selection: tuple[int, int]
    hits: list[tuple[int, int]]
    hit: int
    time_width: float


def paint_row(
    painter: QPainter, script: Script, layout: Layout, look: Look, marks: Marks, row: int, box: QRectF, column: float
) -> None:
    """Draw utterance `row` into `box`; its words begin at `column` px."""
    painter.setPen(Qt.PenStyle.NoPen)
    if row == marks.row:
        painter.setBrush(_faded(look.accent, 0.16))
        painter.drawRoundedRect(box.adjusted(2, 0, -2, 0), 5, 5)
    middle = box.top() + look.pad + look.line / 2
    baseline = middle + (look.ascent - look.descent) / 2
    painter.setFont(look.small)
    painter.setPen(look.text if row == marks.row else look.dim)
    time = stamp(float(script.start[row]))
    width = QFontMetricsF(look.small).horizontalAdvance(time)
    painter.drawText(QPointF(_MARGIN + marks.time_width - width, baseline), time)
    who = int(script.speaker[row])
    if who >= 0:
        painter.setFont(look.bold)
        painter.setPen(look.people[who % len(look.people)])
        painter.drawText(QPointF(_MARGIN + marks.time_width + 12.0, baseline), script.initials[who])
    painter.setFont(look.font)
    hits = _hits(script, marks, row)
    for line in range(int(layout.first_line[row]), int(layout.first_line[row + 1])):
        top = box.top() + look.pad + (line - int(layout.first_line[row])) * look.line
        last = min(int(layout.line_start[line + 1]), int(script.first[row + 1]))
        for word in range(int(layout.line_start[line]), last):
            place = QRectF(column + float(layout.x[word]), top, float(layout.width[word]), look.line)
            _paint_word(painter, script, look, marks, word, place, hits.get(word, 0))


def _paint_word(
    painter: QPainter, script: Script, look: Look, marks: Marks, word: int, place: QRectF, found: int
) -> None:
    plate = place.adjusted(-3.5, 2.0, 3.5, -2.0)
    spoken = word == marks.word
    share = float(script.share[word])
    if spoken:
        _plate(painter, plate, look.accent)
    elif share > 0.02:
        # The square root keeps a share of a tenth visible beside one of a half.
        _plate(painter, plate, _faded(look.bad, _DEEPEST * share**0.5))
    if marks.selection[0] <= word <= marks.selection[1]:
        joined = plate.adjusted(-1, 0, look.space - 6 if word < marks.selection[1] else 1, 0)
        painter.fillRect(joined, _faded(look.accent, 0.38))
    if found:
        painter.setBrush(_faded(look.warn, 0.4 if found == 2 else 0.18))
        painter.setPen(QPen(look.warn, 2.0 if found == 2 else 1.0))
        painter.drawRoundedRect(plate.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
    painter.setPen(look.on_accent if spoken else _ink(look, float(script.confidence[word]), share))
    painter.drawText(QPointF(place.left(), place.center().y() + (look.ascent - look.descent) / 2), script.words[word])
    if script.driver[word]:
        painter.fillRect(
            QRectF(place.left(), plate.bottom() - 2.5, place.width(), 2.0), look.on_accent if spoken else look.bad
        )
    if script.attention[word] > 0:
        paint_attention(painter, look, place, float(script.looked_at[word]))
    if word == marks.cursor:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(look.focus, 1.5))
        painter.drawRoundedRect(plate.adjusted(-0.5, -0.5, 0.5, 0.5), 4, 4)


def paint_attention(painter: QPainter, look: Look, place: QRectF, strength: float) -> None:
    """A line over a word, the stronger the more of its attention a network paid it; strength in [0, 1]."""
    painter.fillRect(QRectF(place.left(), place.top(), place.width(), 3.0), _faded(look.attention, strength))


def _hits(script: Script, marks: Marks, row: int) -> dict[int, int]:
    """Words of a row that were found: 1, or 2 for the present hit."""
    first, last = int(script.first[row]), int(script.first[row + 1])
    found: dict[int, int] = {}
    at = bisect.bisect_left(marks.hits, (first,))
    while at < len(marks.hits) and marks.hits[at][0] < last:
        for word in range(marks.hits[at][0], marks.hits[at][1] + 1):
            found[word] = max(found.get(word, 0), 2 if at == marks.hit else 1)
        at += 1
    return found


def _ink(look: Look, confidence: float, share: float) -> QColor:
    """How strongly a word is drawn: what was only guessed is weak; upon a deep ground weak is not to be read."""
    if share > 0.25 or not confidence < _DOUBT:
        return look.text
    return look.faint if confidence < _GUESS else look.dim


def _plate(painter: QPainter, place: QRectF, colour: QColor) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawRoundedRect(place, 3.5, 3.5)


def _faded(colour: QColor, opacity: float) -> QColor:
    faded = QColor(colour)
    faded.setAlphaF(min(max(opacity, 0.0), 1.0))
    return faded
