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
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from mien_desktop.look.palette import Palette
from mien_desktop.truth.marks import draw_mark, kind_colour
from mien_desktop.truth.plot import Axis, Dots, Region, told

_NEAR = 10.0  # px around the pointer in which a dot is met
_TINT = 26  # of 255: how strongly regions are tinted
_MANY = 5000  # dots of a kind; beyond that, those that later ones cover are not painted
_CELL = 2.0  # px
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
        if dots is not None:
            x = self._across(dots.across, dots.x)
            y = self._up(dots.up, dots.y)
            self._at = np.stack([x, y], 1)
        else:
            self._at = np.zeros((0, 2))
        self.update()

    def _across(self, axis: Axis, x: npt.NDArray[np.float64] | float) -> npt.NDArray[np.float64]:
        return np.asarray(
            self._plane.left() + (np.asarray(x) - axis.low) / (axis.high - axis.low) * self._plane.width()
        )

    def _up(self, axis: Axis, y: npt.NDArray[np.float64] | float) -> npt.NDArray[np.float64]:
        share = (np.clip(np.asarray(y), axis.low, axis.high) - axis.low) / (axis.high - axis.low)
        return np.asarray(self._plane.bottom() - share * self._plane.height())

    def _point(self, x: float, y: float) -> QPointF:
        assert self._dots is not None
        return QPointF(float(self._across(self._dots.across, x)), float(self._up(self._dots.up, y)))

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
            self._paint_ground(ground, ratio)
            ground.end()
        painter = QPainter(self)
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

    def _paint_ground(self, painter: QPainter, ratio: float) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._palette.raised))
        painter.drawRoundedRect(self._plane, 4, 4)
        dots = self._dots
        if dots is None:
            return
        for region in dots.regions:
            tint = kind_colour(self._palette, region.kind, region.name)
            tint.setAlpha(_TINT)
            painter.setBrush(tint)
            for outline in region.outlines:
                painter.drawPolygon(QPolygonF([self._point(x, y) for x, y in outline]))
        self._paint_axes(painter, dots)
        self._paint_dots(painter, dots, ratio)
        for region in dots.regions:
            if region.name:
                self._paint_name(painter, region)
        for x, y, count in dots.cells:
            corner = self._point(x + 0.5, y + 0.5)
            self._paint_pill(painter, str(count), QPointF(corner.x() - 2, corner.y() + 2), (1, 1))

    def _paint_axes(self, painter: QPainter, dots: Dots) -> None:
        plane, metrics = self._plane, QFontMetricsF(painter.font())
        painter.setPen(QPen(QColor(self._palette.faint), 1))
        for x1, y1, x2, y2 in dots.lines:
            painter.drawLine(self._point(x1, y1), self._point(x2, y2))
        if dots.diagonal:
            low, high = max(dots.across.low, dots.up.low), min(dots.across.high, dots.up.high)
            painter.setPen(QPen(QColor(self._palette.dim), 1, Qt.PenStyle.DashLine))
            painter.drawLine(self._point(low, low), self._point(high, high))
        painter.setPen(QColor(self._palette.dim))
        line, free = metrics.height(), plane.left()
        room_each = plane.width() / max(1, len(dots.across.ticks)) - 4
        for value, whole in dots.across.ticks:
            at = self._point(value, dots.up.low)
            text = metrics.elidedText(whole, Qt.TextElideMode.ElideRight, room_each) if dots.cells else whole
            width = metrics.horizontalAdvance(text)
            left = min(max(at.x() - width / 2, plane.left()), plane.right() - width)
            if left >= free or dots.cells:
                painter.drawText(QRectF(left, plane.bottom() + 3, width + 1, line), Qt.AlignmentFlag.AlignLeft, text)
                free = left + width + 6
        for value, text in dots.up.ticks:
            at = self._point(dots.across.low, value)
            top = min(max(at.y() - line / 2, plane.top() - 2), plane.bottom() - line + 2)
            room = QRectF(line, top, plane.left() - line - 6, line)
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room.width())
            painter.drawText(room, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, shown)
        self._paint_titles(painter, dots, metrics)

    def _paint_titles(self, painter: QPainter, dots: Dots, metrics: QFontMetricsF) -> None:
        plane, line = self._plane, metrics.height()
        below = QRectF(plane.left(), plane.bottom() + line + 6, plane.width(), line)
        painter.setPen(QColor(self._palette.text))
        middle = metrics.elidedText(dots.across.title, Qt.TextElideMode.ElideMiddle, plane.width())
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, middle)
        ends = (dots.across.low_means, dots.across.high_means)
        used = metrics.horizontalAdvance(middle) + 2 * max(map(metrics.horizontalAdvance, ends)) + 60
        if all(ends) and used < plane.width():
            painter.setPen(QColor(self._palette.faint))
            painter.drawText(below, Qt.AlignmentFlag.AlignLeft, f"← {ends[0]}")
            painter.drawText(below, Qt.AlignmentFlag.AlignRight, f"{ends[1]} →")
        painter.save()
        painter.translate(0, plane.center().y())
        painter.rotate(-90)
        painter.setPen(QColor(self._palette.text))
        title = metrics.elidedText(dots.up.title, Qt.TextElideMode.ElideMiddle, plane.height())
        painter.drawText(QRectF(-plane.height() / 2, 0, plane.height(), line), Qt.AlignmentFlag.AlignHCenter, title)
        painter.restore()

    def _paint_dots(self, painter: QPainter, dots: Dots, ratio: float) -> None:
        """Each kind is one small picture that is copied to all its places."""
        radius = 4.2 if dots.x.size < 1500 else 3.0
        size = 2 * radius + 4
        for kind, name in enumerate(dots.names):
            rows = np.flatnonzero(self._shown & (dots.kinds == kind))
            if not rows.size:
                continue
            stamp = QPixmap(QSize(round(size * ratio), round(size * ratio)))
            stamp.setDevicePixelRatio(ratio)
            stamp.fill(Qt.GlobalColor.transparent)
            brush = QPainter(stamp)
            brush.setRenderHint(QPainter.RenderHint.Antialiasing)
            colour = kind_colour(self._palette, kind, name)
            edge = QColor(self._palette.panel)
            colour.setAlpha(225)
            brush.setPen(QPen(edge, 0.8))
            brush.setBrush(colour)
            draw_mark(brush, kind, size / 2, size / 2, radius)
            brush.end()
            for x, y in (in_sight(self._at[rows]) - size / 2).tolist():
                painter.drawPixmap(QPointF(x, y), stamp)

    def _paint_name(self, painter: QPainter, region: Region) -> None:
        at = self._point(*region.at)
        inside = QPointF(at.x() - 6 * region.corner[0], at.y() + 6 * region.corner[1])
        colour = kind_colour(self._palette, region.kind, region.name)
        self._paint_pill(painter, f"{region.name} {region.count}", inside, region.corner, colour)

    def _paint_pill(
        self, painter: QPainter, text: str, at: QPointF, corner: tuple[int, int], edge: QColor | None = None
    ) -> None:
        """Text upon a ground, with that corner (or its middle) at a place."""
        metrics = QFontMetricsF(painter.font())
        width, height = metrics.horizontalAdvance(text) + 12, metrics.height() + 2
        left = at.x() - width * (1 + corner[0]) / 2
        top = at.y() - height * (1 - corner[1]) / 2
        ground = QColor(self._palette.panel)
        ground.setAlpha(200)
        painter.setPen(QPen(edge, 1) if edge is not None else Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        box = QRectF(left, top, width, height)
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(QColor(self._palette.text))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

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


def in_sight(at: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Those of many places (N, 2) in px that can be seen: of dots within 2 px of each other the last covers the rest."""
    if len(at) <= _MANY:
        return at
    cell = np.floor((at - at.min(0)) / _CELL).astype(np.int64)
    _, last = np.unique((cell[:, 0] * (cell[:, 1].max() + 1) + cell[:, 1])[::-1], return_index=True)
    return np.asarray(at[np.sort(len(at) - 1 - last)])
