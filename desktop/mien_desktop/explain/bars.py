"""Named bars: shares from 0 to 1, or contributions to either side of a middle line."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from mien_desktop.look.palette import Palette


@dataclass(frozen=True)
class Bar:
    """One line.

    Args:
        name: what it is about; value: its length, NaN for what was not weighed; text: the value in words.
        colour: as `#rrggbb`; at: a moment in s that a click leads to, or None.
        note: said below the line.
    """

    name: str
    value: float
    text: str
    colour: str
    at: float | None = None
    note: str = ""


class Bars(QWidget):
    """Signals:
    clicked(float): the moment of the line that was chosen.
    """

    clicked = Signal(float)

    def __init__(self, palette: Palette, name: str) -> None:
        super().__init__()
        self._palette = palette
        self._bars: tuple[Bar, ...] = ()
        self._chosen = 0
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._palette = palette
        self.update()

    def show_bars(self, bars: tuple[Bar, ...]) -> None:
        """Replace all lines."""
        self._bars, self._chosen = bars, 0
        self.setAccessibleDescription("; ".join(f"{b.name}: {b.text} {b.note}".strip() for b in bars))
        self.setVisible(bool(bars))
        self.setToolTip("")
        self.updateGeometry()
        self.update()

    @property
    def bars(self) -> tuple[Bar, ...]:
        """What is shown."""
        return self._bars

    def sizeHint(self) -> QSize:
        """As high as its lines."""
        return QSize(280, max(1, len(self._bars)) * self._line())

    def _line(self) -> int:
        return round(self.fontMetrics().height() * (2.6 if any(b.note for b in self._bars) else 1.7))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Names at the left, bars in the middle, values at the right."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            metrics, line = self.fontMetrics(), self._line()
            noted = any(b.note for b in self._bars)
            upper = round(metrics.height() * 1.5) if noted else line  # of a line with a note below it
            left = max((metrics.horizontalAdvance(b.name) for b in self._bars), default=0) + 12
            right = max((metrics.horizontalAdvance(b.text) for b in self._bars), default=0) + 12
            room = max(20.0, self.width() - left - right)
            signed = any(b.value < 0 for b in self._bars)
            largest = max((abs(b.value) for b in self._bars if not math.isnan(b.value)), default=1.0) or 1.0
            scale = room / (2 * largest) if signed else room / max(1.0, largest)
            middle = left + (room / 2 if signed else 0.0)
            for row, bar in enumerate(self._bars):
                top = row * line
                if self.hasFocus() and row == self._chosen and bar.at is not None:
                    painter.setPen(QColor(self._palette.focus))
                    painter.setBrush(Qt.BrushStyle.NoBrush)
                    painter.drawRoundedRect(QRectF(0.5, top + 0.5, self.width() - 1, line - 1), 4, 4)
                painter.setPen(QColor(self._palette.text))
                painter.drawText(QRectF(4, top, left, upper), Qt.AlignmentFlag.AlignVCenter, bar.name)
                painter.setPen(QColor(self._palette.dim))
                end = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
                painter.drawText(QRectF(self.width() - right, top, right - 4, upper), end, bar.text)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(self._palette.raised))
                height = metrics.height() * 0.7
                ground = QRectF(left, top + (upper - height) / 2, room, height)
                painter.drawRoundedRect(ground, 3, 3)
                if not math.isnan(bar.value) and bar.value:
                    length = abs(bar.value) * scale
                    painter.setBrush(QColor(bar.colour))
                    begin = middle if bar.value > 0 else middle - length
                    painter.drawRoundedRect(QRectF(begin, ground.top(), max(2.0, length), height), 3, 3)
                if bar.note:
                    painter.setPen(QColor(self._palette.dim))
                    room_below = QRectF(left, top + upper, self.width() - left - 4, metrics.height())
                    note = metrics.elidedText(bar.note, Qt.TextElideMode.ElideRight, int(room_below.width()))
                    painter.drawText(room_below, Qt.AlignmentFlag.AlignVCenter, note)
            if signed:
                painter.setPen(QColor(self._palette.faint))
                painter.drawLine(QPointF(middle, 0), QPointF(middle, len(self._bars) * line))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Go to the moment of a line."""
        self._choose(int(event.position().y() // self._line()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows choose a line, Return goes to its moment."""
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
        if step is not None and self._bars:
            self._chosen = min(max(0, self._chosen + step), len(self._bars) - 1)
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._choose(self._chosen)
        else:
            super().keyPressEvent(event)

    def _choose(self, row: int) -> None:
        if 0 <= row < len(self._bars):
            self._chosen = row
            at = self._bars[row].at
            if at is not None:
                self.clicked.emit(at)
            self.update()
