"""The scatter of truth against reading: painted dots, each of which can be chosen and played."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from mien_desktop.look.palette import Palette
from mien_desktop.truth.ground import GroundPainter, Plane
from mien_desktop.truth.plot import Dots, told

_NEAR = 10.0  # px around the pointer in which a dot is met
_ARROWS = {
    Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1),
}  # fmt: skip


class Scatter(QWidget):
    """Shows `Dots`; a click or Return on a dot plays it.

    Signals:
        chosen(int): another dot is chosen, by its number; played(int): it is to be played.
    """

    chosen = Signal(int)
    played = Signal(int)

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette = palette
        self._dots: Dots | None = None
        self._shown: npt.NDArray[np.bool_] = np.zeros(0, bool)
        self._at: npt.NDArray[np.float64] = np.zeros((0, 2))
        self._plane = QRectF()
        self._ground: QPixmap | None = None
        self._chosen = self._under = -1
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(220, 170)
        self.setAccessibleName("Truth against reading")
        self.setToolTip("")
        self._describe()

    # -- what is shown ------------------------------------------------------------------------------------------

    def show_dots(self, dots: Dots | None) -> None:
        """Other dots, all of them visible."""
        self._dots = dots
        self._shown = np.ones(0 if dots is None else dots.x.size, bool)
        self._chosen = self._under = -1
        self._lay_out()
        self._describe()

    def show_only(self, shown: npt.NDArray[np.bool_]) -> None:
        """Hide the dots whose entry (N,) is False."""
        self._shown = shown
        if self._chosen >= 0 and not shown[self._chosen]:
            self._chosen = -1
        self._under = -1
        self._ground = None
        self.update()

    @property
    def current(self) -> int:
        """Number of the chosen dot, −1 for none."""
        return self._chosen

    def choose(self, number: int) -> None:
        """Mark a dot."""
        if number != self._chosen:
            self._chosen = number
            self._describe()
            self.update()
            if number >= 0:
                self.chosen.emit(number)

    def position(self, number: int) -> QPointF:
        """Where a dot is painted."""
        x, y = self._at[number].tolist()
        return QPointF(x, y)

    def dot_at(self, x: float, y: float) -> int:
        """The visible dot nearest to a place, −1 where none is near."""
        if not self._shown.any():
            return -1
        away = np.hypot(self._at[:, 0] - x, self._at[:, 1] - y)
        away[~self._shown] = np.inf
        nearest = int(away.argmin())
        return nearest if away[nearest] <= _NEAR else -1

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._palette = palette
        self._ground = None
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(420, 320)

    # -- the user -----------------------------------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell of the dot under the pointer."""
        self._hover(self.dot_at(event.position().x(), event.position().y()))

    def leaveEvent(self, event: object) -> None:
        self._hover(-1)

    def _hover(self, number: int) -> None:
        if number != self._under:
            self._under = number
            self.setCursor(Qt.CursorShape.PointingHandCursor if number >= 0 else Qt.CursorShape.ArrowCursor)
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose and play the dot under the pointer."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        number = self.dot_at(event.position().x(), event.position().y())
        if number >= 0:
            self.choose(number)
            self.played.emit(number)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows go to the next dot that way, Return or Space plays, Escape chooses none."""
        key = Qt.Key(event.key())
        if key in _ARROWS and self._shown.any():
            self.choose(self._beside(*_ARROWS[key]))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._chosen >= 0:
            self.played.emit(self._chosen)
        elif key == Qt.Key.Key_Escape and self._chosen >= 0:
            self.choose(-1)
        else:
            super().keyPressEvent(event)

    def _beside(self, right: int, down: int) -> int:
        """The nearest dot in a direction; from nowhere, the one nearest to the middle."""
        if self._chosen < 0:
            centre = np.array([self._plane.center().x(), self._plane.center().y()])
            away = np.hypot(*(self._at - centre).T)
        else:
            step = self._at - self._at[self._chosen]
            ahead = step[:, 0] * right + step[:, 1] * down
            aside = np.abs(step[:, 0] * down) + np.abs(step[:, 1] * right)
            # Dots upon each other are passed one by one, in their order.
            order = np.arange(ahead.size) - self._chosen
            same = (ahead == 0) & (aside == 0) & (order * (right + down) > 0)
            away = np.where(ahead > 0, ahead + 2 * aside, np.where(same, np.abs(order) * 1e-6, np.inf))
        away = np.where(self._shown, away, np.inf)
        nearest = int(away.argmin())
        return nearest if np.isfinite(away[nearest]) else self._chosen

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def _describe(self) -> None:
        keys = "Arrow keys choose a dot, Return plays its sample."
        if self._dots is None:
            self.setAccessibleDescription("Nothing is compared yet.")
        elif self._chosen >= 0:
            self.setAccessibleDescription(". ".join((*told(self._dots.scored, self._chosen), keys)))
        else:
            counts = ", ".join(f"{name} {self._dots.scored.count(n)}" for n, name in enumerate(self._dots.names))
            self.setAccessibleDescription(f"{self._dots.x.size} samples: {counts}. {keys}")

    # -- painting -----------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._lay_out()

    def changeEvent(self, event: QEvent) -> None:
        """Another size of text moves the axes."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._lay_out()

    def _lay_out(self) -> None:
        """Where the plane and the dots lie."""
        self._ground = None
        metrics = QFontMetricsF(self.font())
        dots = self._dots
        wide = max((metrics.horizontalAdvance(text) for _, text in dots.up.ticks), default=0.0) if dots else 0.0
        left, line = min(wide + 12, self.width() * 0.3) + metrics.height(), metrics.height()
        self._plane = QRectF(left, 8, max(10.0, self.width() - left - 10), max(10.0, self.height() - 2.4 * line - 14))
        self._at = Plane(self._plane, dots).places() if dots is not None else np.zeros((0, 2))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The ground with all dots is painted once; hovering and choosing only paint what is marked."""
        ratio = self.devicePixelRatioF()
        if self._ground is None or self._ground.devicePixelRatio() != ratio:
            self._ground = QPixmap(self.size() * ratio)
            self._ground.setDevicePixelRatio(ratio)
            self._ground.fill(Qt.GlobalColor.transparent)
            ground = QPainter(self._ground)
            ground.setFont(self.font())
            ground.setRenderHint(QPainter.RenderHint.Antialiasing)
            ground.setPen(Qt.PenStyle.NoPen)
            ground.setBrush(QColor(self._palette.raised))
            ground.drawRoundedRect(self._plane, 4, 4)
            if self._dots is not None:
                plane = Plane(self._plane, self._dots)
                GroundPainter(ground, plane, self._palette, self._at, self._shown, ratio).paint()
            ground.end()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.drawPixmap(0, 0, self._ground)
            if self.hasFocus():
                painter.setPen(QPen(QColor(self._palette.focus), 1.5))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(self._plane.adjusted(-2, -2, 2, 2), 4, 4)
            for number in {self._chosen, self._under} - {-1}:
                self._paint_ring(painter, number)
            told_of = self._under if self._under >= 0 else self._chosen
            if told_of >= 0:
                self._paint_readout(painter, told_of)

    def _paint_ring(self, painter: QPainter, number: int) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        strong = number == self._chosen
        painter.setPen(QPen(QColor(self._palette.text if strong else self._palette.dim), 2 if strong else 1.4))
        painter.drawEllipse(self.position(number), 8, 8)

    def _paint_readout(self, painter: QPainter, number: int) -> None:
        """What is known of a dot, beside it and inside the widget."""
        assert self._dots is not None
        metrics = QFontMetricsF(painter.font())
        most = self.width() - 28
        lines = [metrics.elidedText(t, Qt.TextElideMode.ElideMiddle, most) for t in told(self._dots.scored, number)]
        width, line = max(map(metrics.horizontalAdvance, lines)) + 18, metrics.height()
        height = 2 * line + 12
        at = self.position(number)
        left = min(
            max(at.x() + 14 if at.x() + 14 + width < self.width() else at.x() - 14 - width, 4), self.width() - width - 4
        )
        top = at.y() - height - 12 if at.y() - height - 12 > 2 else at.y() + 14
        box = QRectF(left, min(top, self.height() - height - 2), width, height)
        painter.setPen(QPen(QColor(self._palette.line), 1))
        painter.setBrush(QColor(self._palette.panel))
        painter.drawRoundedRect(box, 5, 5)
        for n, text in enumerate(lines):
            painter.setPen(QColor(self._palette.text if n else self._palette.dim))
            painter.drawText(QPointF(left + 9, box.top() + 6 + metrics.ascent() + n * line), text)
