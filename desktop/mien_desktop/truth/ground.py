"""Paints the ground of the scatter: plane, regions, axes, all dots and the regions' names. No widget."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPixmap, QPolygonF

from mien_desktop.look.palette import Palette
from mien_desktop.truth.marks import draw_mark, kind_colour
from mien_desktop.truth.plot import Axis, Dots, Region

_TINT = 26  # of 255: how strongly regions are tinted
_MANY = 5000  # dots of a kind; beyond that, those that later ones cover are not painted
_CELL = 2.0  # px


@dataclass(frozen=True)
class Plane:
    """Where values lie in the widget.

    Args:
        rect: the plane, px.
    """

    rect: QRectF
    dots: Dots

    def across(self, x: npt.NDArray[np.float64] | float) -> npt.NDArray[np.float64]:
        """px of values on the horizontal axis."""
        axis: Axis = self.dots.across
        return np.asarray(self.rect.left() + (np.asarray(x) - axis.low) / (axis.high - axis.low) * self.rect.width())

    def up(self, y: npt.NDArray[np.float64] | float) -> npt.NDArray[np.float64]:
        """px of values on the vertical axis; those beyond its ends lie at them."""
        axis: Axis = self.dots.up
        share = (np.clip(np.asarray(y), axis.low, axis.high) - axis.low) / (axis.high - axis.low)
        return np.asarray(self.rect.bottom() - share * self.rect.height())

    def point(self, x: float, y: float) -> QPointF:
        """px of one place."""
        return QPointF(float(self.across(x)), float(self.up(y)))

    def places(self) -> npt.NDArray[np.float64]:
        """px (N, 2) of all dots."""
        return np.stack([self.across(self.dots.x), self.up(self.dots.y)], 1)


class GroundPainter:
    """Paints a plane in the colours of a palette.

    Args:
        at: places of the dots (N, 2), px; shown: which of them are to be seen (N,).
        ratio: device pixels by px.
    """

    def __init__(
        self,
        painter: QPainter,
        plane: Plane,
        palette: Palette,
        at: npt.NDArray[np.float64],
        shown: npt.NDArray[np.bool_],
        ratio: float,
    ) -> None:
        self._painter, self._plane, self._palette = painter, plane, palette
        self._at, self._shown, self._ratio = at, shown, ratio

    def paint(self) -> None:
        """All of it."""
        painter, dots = self._painter, self._plane.dots
        painter.setPen(Qt.PenStyle.NoPen)
        for region in dots.regions:
            tint = kind_colour(self._palette, region.kind, region.name)
            tint.setAlpha(_TINT)
            painter.setBrush(tint)
            for outline in region.outlines:
                painter.drawPolygon(QPolygonF([self._plane.point(x, y) for x, y in outline]))
        self._paint_axes(painter, dots)
        self._paint_dots(painter, dots)
        for region in dots.regions:
            if region.name:
                self._paint_name(painter, region)
        for x, y, count in dots.cells:
            corner = self._plane.point(x + 0.5, y + 0.5)
            self._paint_pill(painter, str(count), QPointF(corner.x() - 2, corner.y() + 2), (1, 1))

    def _paint_axes(self, painter: QPainter, dots: Dots) -> None:
        plane, metrics = self._plane.rect, QFontMetricsF(painter.font())
        painter.setPen(QPen(QColor(self._palette.faint), 1))
        for x1, y1, x2, y2 in dots.lines:
            painter.drawLine(self._plane.point(x1, y1), self._plane.point(x2, y2))
        if dots.diagonal:
            low, high = max(dots.across.low, dots.up.low), min(dots.across.high, dots.up.high)
            painter.setPen(QPen(QColor(self._palette.dim), 1, Qt.PenStyle.DashLine))
            painter.drawLine(self._plane.point(low, low), self._plane.point(high, high))
        painter.setPen(QColor(self._palette.dim))
        line, free = metrics.height(), plane.left()
        room_each = plane.width() / max(1, len(dots.across.ticks)) - 4
        for value, whole in dots.across.ticks:
            at = self._plane.point(value, dots.up.low)
            text = metrics.elidedText(whole, Qt.TextElideMode.ElideRight, room_each) if dots.cells else whole
            width = metrics.horizontalAdvance(text)
            left = min(max(at.x() - width / 2, plane.left()), plane.right() - width)
            if left >= free or dots.cells:
                painter.drawText(QRectF(left, plane.bottom() + 3, width + 1, line), Qt.AlignmentFlag.AlignLeft, text)
                free = left + width + 6
        for value, text in dots.up.ticks:
            at = self._plane.point(dots.across.low, value)
            top = min(max(at.y() - line / 2, plane.top() - 2), plane.bottom() - line + 2)
            room = QRectF(line, top, plane.left() - line - 6, line)
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room.width())
            painter.drawText(room, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, shown)
        self._paint_titles(painter, dots, metrics)

    def _paint_titles(self, painter: QPainter, dots: Dots, metrics: QFontMetricsF) -> None:
        plane, line = self._plane.rect, metrics.height()
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

    def _paint_dots(self, painter: QPainter, dots: Dots) -> None:
        """Each kind is one small picture that is copied to all its places."""
        radius = 4.2 if dots.x.size < 1500 else 3.0
        size = 2 * radius + 4
        for kind, name in enumerate(dots.names):
            rows = np.flatnonzero(self._shown & (dots.kinds == kind))
            if not rows.size:
                continue
            stamp = QPixmap(QSize(round(size * self._ratio), round(size * self._ratio)))
            stamp.setDevicePixelRatio(self._ratio)
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
        at = self._plane.point(*region.at)
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


def in_sight(at: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Those of many places (N, 2) in px that can be seen: of dots within 2 px of each other the last covers the rest."""
    if len(at) <= _MANY:
        return at
    cell = np.floor((at - at.min(0)) / _CELL).astype(np.int64)
    _, last = np.unique((cell[:, 0] * (cell[:, 1].max() + 1) + cell[:, 1])[::-1], return_index=True)
    return np.asarray(at[np.sort(len(at) - 1 - last)])
