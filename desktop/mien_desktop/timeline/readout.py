"""The panel beside the pointer: time, lane, and every value there with its unit and extent."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter

from mien_desktop.look.palette import Palette
from mien_desktop.timeline.axis import clock
from mien_desktop.timeline.lanes.base import Lane
from mien_desktop.timeline.readings import figure

PADDING, AWAY, DOT = 9.0, 14.0, 7.0
MOST = 16
WIDEST = 360.0


@dataclass(frozen=True)
class _Row:
    name: str
    value: str
    colour: str


class Readout:
    """What the panel says and where it stands; logical pixels.

    Args:
        lane: whose values are told.
        time: s.
        font: to write with.
        hours: whether times are written with hours.
    """

    def __init__(self, lane: Lane, time: float, font: QFont, *, hours: bool = False) -> None:
        found = lane.values_at(time)
        self.heading = clock(time, digits=3, hours=hours)
        self.title = lane.title
        self.rows = [_Row(r.name, figure(r.value, r.unit, signed="−" in r.extent[:1]), r.colour) for r in found[:MOST]]
        extents = list(dict.fromkeys(r.extent for r in found if r.extent))
        self.notes = extents if len(extents) <= 2 else []
        if len(extents) > 2 and len({_ends(e) for e in extents}) == 1:
            self.notes = [_ends(extents[0])]
        elif len(extents) > 2:
            self.notes = [f"{r.name}: {r.extent}" for r in found[:MOST] if r.extent]
        if not found:
            self.notes = ["no reading here"]
        elif lane.source:
            self.notes.append(lane.source)
        if lane.note:
            self.notes.append(lane.note)
        self._font = font
        self._bold = QFont(font)
        self._bold.setWeight(QFont.Weight.DemiBold)
        self._metrics, self._wide = QFontMetricsF(font), QFontMetricsF(self._bold)

    @property
    def text(self) -> str:
        """All of it, as words."""
        values = ", ".join(f"{row.name} {row.value}" for row in self.rows)
        return " · ".join(part for part in (self.heading, self.title, values, *self.notes) if part)

    def rect(self, pointer: QPointF, area: QRectF) -> QRectF:
        """Where it stands: right below the pointer, or on the other side where there is no room."""
        m = self._metrics
        left = max((m.horizontalAdvance(row.name) for row in self.rows), default=0.0)
        right = max((self._wide.horizontalAdvance(row.value) for row in self.rows), default=0.0)
        values = DOT + 8 + left + 18 + right if self.rows else 0.0
        head = self._wide.horizontalAdvance(self.heading) + 14 + m.horizontalAdvance(self.title)
        width = max(values, head, *(m.horizontalAdvance(note) for note in self.notes), 0.0)
        width = min(width + 2, WIDEST) + 2 * PADDING
        height = self._line * (1 + len(self.rows) + len(self.notes)) + 2 * PADDING + 3
        x, y = pointer.x() + AWAY, pointer.y() + AWAY
        if x + width > area.right() - 4:
            x = pointer.x() - AWAY - width
        if y + height > area.bottom() - 4:
            y = pointer.y() - AWAY - height
        x = min(max(x, area.left() + 4), max(area.left() + 4, area.right() - width - 4))
        return QRectF(round(x), round(max(y, area.top() + 4)), round(width), round(height))

    @property
    def _line(self) -> float:
        return float(round(self._metrics.height() + 3))

    def paint(self, painter: QPainter, rect: QRectF, palette: Palette) -> None:
        """Draw it."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = QColor(palette.window)
        ground.setAlphaF(0.95)
        painter.setPen(QColor(palette.line))
        painter.setBrush(ground)
        painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        inside = rect.adjusted(PADDING, PADDING, -PADDING, -PADDING)
        base = inside.top() + self._metrics.ascent() + 1
        painter.setFont(self._bold)
        painter.setPen(QColor(palette.text))
        painter.drawText(QPointF(inside.left(), base), self.heading)
        painter.setFont(self._font)
        painter.setPen(QColor(palette.dim))
        after = inside.left() + self._wide.horizontalAdvance(self.heading) + 14
        painter.drawText(QPointF(after, base), self._cut(self.title, inside.right() - after))
        base += self._line + 3
        for row in self.rows:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(row.colour))
            middle = base - self._metrics.capHeight() / 2
            painter.drawEllipse(QPointF(inside.left() + DOT / 2, middle), DOT / 2, DOT / 2)
            painter.setPen(QColor(palette.dim))
            name_room = inside.width() - DOT - 8
            painter.drawText(QPointF(inside.left() + DOT + 8, base), self._cut(row.name, name_room))
            painter.setFont(self._bold)
            painter.setPen(QColor(palette.text))
            painter.drawText(QPointF(inside.right() - self._wide.horizontalAdvance(row.value), base), row.value)
            painter.setFont(self._font)
            base += self._line
        painter.setPen(QColor(palette.faint if self.rows else palette.dim))
        for note in self.notes:
            painter.drawText(QPointF(inside.left(), base), self._cut(note, inside.width()))
            base += self._line
        painter.restore()

    def _cut(self, text: str, room: float) -> str:
        return self._metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(0.0, room))


def _ends(extent: str) -> str:
    """The figures of an extent without what they mean."""
    parts = [part.strip().split(" ")[0] for part in extent.split("…")]
    return " … ".join(parts)
