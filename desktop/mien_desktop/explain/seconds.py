"""The seconds of a window as bars over its time: those that raised a reading stand up, those that lowered it hang down."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from mien.exchange.text import clock
from mien.sdk.protocols import Explanation
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import literal


class Seconds(QWidget):
    """Signals:
    clicked(float): the moment of the bar that was chosen, s.
    """

    clicked = Signal(float)

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette = palette
        self._parts: tuple[tuple[float, float, float], ...] = ()
        self._at = 0.0
        self._unit = ""
        self._chosen = -1
        self.setAccessibleName("Seconds that made the reading")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setVisible(False)

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._palette = palette
        self.update()

    def show_parts(self, found: Explanation | None, at: float = 0.0) -> None:
        """Show an explanation of the moment `at` (s), or none."""
        rows = () if found is None else tuple((s, e, score) for s, e, _, _, score, _ in found.parts.rows())
        self._parts, self._at, self._chosen = rows, at, -1
        self._unit = "" if found is None else found.unit
        told = "; ".join(self._told(row) for row in rows)
        self.setAccessibleDescription(told)
        self.setVisible(bool(rows))
        self.update()

    @property
    def parts(self) -> tuple[tuple[float, float, float], ...]:
        """What is shown: start and end in s, and what each contributed (NaN: not weighed)."""
        return self._parts

    def sizeHint(self) -> QSize:
        """Seven lines high."""
        return QSize(280, 7 * self.fontMetrics().height())

    def _told(self, row: tuple[float, float, float]) -> str:
        start, end, score = row
        what = "not weighed" if math.isnan(score) else f"{score:+z.3f}".replace("-", "−") + f" {self._unit}".rstrip()
        return f"{clock(start)} – {clock(end)}: {what}"

    def _plot(self) -> QRectF:
        text = self.fontMetrics().height()
        return QRectF(8.0, 4.0, max(20.0, self.width() - 16.0), max(10.0, self.height() - text - 12.0))

    def _x(self, time: float) -> float:
        plot, start, end = self._plot(), self._parts[0][0], self._parts[-1][1]
        return plot.left() + plot.width() * (time - start) / max(1e-9, end - start)

    def bar(self, row: int) -> QRectF:
        """Where a part lies, over the whole height."""
        plot = self._plot()
        left, right = self._x(self._parts[row][0]), self._x(self._parts[row][1])
        return QRectF(left, plot.top(), right - left, plot.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Bars about a middle line, the moment, and when the window begins and ends."""
        if not self._parts:
            return
        p, plot = self._palette, self._plot()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(p.raised))
            painter.drawRoundedRect(plot, 4, 4)
            middle = plot.center().y()
            largest = max((abs(score) for *_, score in self._parts if not math.isnan(score)), default=0.0) or 1.0
            for row, (_, _, score) in enumerate(self._parts):
                place = self.bar(row).adjusted(1, 0, -1, 0)
                if row == self._chosen:
                    painter.setPen(Qt.PenStyle.NoPen)
                    painter.setBrush(QColor(p.hover))
                    painter.drawRect(place)
                if math.isnan(score):
                    painter.setPen(QPen(QColor(p.faint), 1, Qt.PenStyle.DotLine))
                    painter.drawLine(QPointF(place.left(), middle), QPointF(place.right(), middle))
                    continue
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(p.series[1] if score > 0 else p.series[0]))
                length = max(1.5, (plot.height() / 2 - 4) * abs(score) / largest)
                painter.drawRoundedRect(
                    QRectF(place.left(), middle - length if score > 0 else middle, place.width(), length), 2, 2
                )
            painter.setPen(QPen(QColor(p.faint), 1))
            painter.drawLine(QPointF(plot.left(), middle), QPointF(plot.right(), middle))
            start, end = self._parts[0][0], self._parts[-1][1]
            if start <= self._at <= end:
                painter.setPen(QPen(QColor(p.playhead), 1.5, Qt.PenStyle.DashLine))
                painter.drawLine(QPointF(self._x(self._at), plot.top()), QPointF(self._x(self._at), plot.bottom()))
            painter.setPen(QColor(p.dim))
            below = QRectF(plot.left(), plot.bottom() + 2, plot.width(), self.fontMetrics().height() + 2)
            painter.drawText(below, Qt.AlignmentFlag.AlignLeft, clock(start))
            painter.drawText(below, Qt.AlignmentFlag.AlignRight, clock(end))
            painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, "raised it above the line, lowered it below")
            if self.hasFocus():
                painter.setPen(QPen(QColor(p.focus), 1))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(plot.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)

    def _under(self, x: float) -> int:
        return next((n for n in range(len(self._parts)) if self.bar(n).left() <= x < self.bar(n).right()), -1)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Mark the bar under the pointer."""
        self._mark(self._under(event.position().x()))

    def leaveEvent(self, event: QEvent) -> None:
        """Mark none."""
        self._mark(-1)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Go to a bar's moment."""
        self._go(self._under(event.position().x()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows choose a bar, Return goes to its moment."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is not None and self._parts:
            self._mark(min(max(0, self._chosen + step), len(self._parts) - 1))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._go(self._chosen)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Tell what is under the pointer."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            row = self._under(event.pos().x())
            QToolTip.showText(event.globalPos(), literal(self._told(self._parts[row])) if row >= 0 else "", self)
            return True
        return super().event(event)

    def _mark(self, row: int) -> None:
        if row != self._chosen:
            self._chosen = row
            self.update()

    def _go(self, row: int) -> None:
        if 0 <= row < len(self._parts):
            self._mark(row)
            self.clicked.emit(self._parts[row][0])
