"""What of the timeline lies in a rectangle, drawn: pictures of lanes first, then what moves over them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPen, QPolygonF

from mien_desktop.timeline import axis, titles
from mien_desktop.timeline.viewport import HEAD
from mien_desktop.timeline.window import Range, Window

if TYPE_CHECKING:
    from mien_desktop.timeline.view import TimelineView

NOTHING = (
    "No timeline yet",
    "Waveform, words and every reading appear here, one lane each, as soon as it is known how long the medium is.",
)


class Painter:
    """Draws a `TimelineView`; keeps the ruler's picture and those of the titles."""

    def __init__(self, view: TimelineView) -> None:
        self._view = view
        self._ruler: tuple[object, QImage] | None = None
        self._heads = titles.Titles()

    def clear(self) -> None:
        """Draw ruler and titles anew."""
        self._ruler = None
        self._heads.clear()

    def paint(self, painter: QPainter, dirty: QRect) -> None:
        """Draw what lies in a rectangle."""
        view = self._view
        painter.setClipRect(dirty)
        window, within = view.window_shown, view.range
        if window is None or within is None:
            self._nothing(painter, dirty)
            return
        plot, area = view.plot, view.ruler
        if dirty.intersects(area):
            self._draw_ruler(painter, area, window, within)
        if dirty.intersects(plot):
            self._lanes(painter, dirty, plot, window)
            self._over(painter, plot, window)
        if dirty.left() < plot.left():
            self._titles(painter, dirty)
        self._playhead(painter, window)
        readout = view.readout
        if readout is not None and view.readout_rect.intersects(QRectF(dirty)):
            readout.paint(painter, view.readout_rect, view.palette_worn)
        if view.ringed:
            painter.setPen(QPen(QColor(view.palette_worn.focus), 1))
            painter.drawRect(QRectF(view.rect()).adjusted(0.5, 0.5, -0.5, -0.5))

    def _nothing(self, painter: QPainter, dirty: QRect) -> None:
        view, palette = self._view, self._view.palette_worn
        painter.fillRect(dirty, QColor(palette.panel))
        bold = QFont(view.font())
        bold.setWeight(QFont.Weight.DemiBold)
        room = QRectF(view.rect()).adjusted(24, 12, -24, -12)
        height = QFontMetricsF(view.font()).height()
        painter.setFont(bold)
        painter.setPen(QColor(palette.dim))
        head = room.adjusted(0, 0, 0, -room.height() / 2)
        painter.drawText(head, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom, NOTHING[0])
        painter.setFont(view.font())
        painter.setPen(QColor(palette.faint))
        rest = room.adjusted(0, room.height() / 2 + height * 0.4, 0, 0)
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
        painter.drawText(rest, flags, NOTHING[1])

    def _draw_ruler(self, painter: QPainter, area: QRect, window: Window, within: Range) -> None:
        view = self._view
        scale = view.devicePixelRatioF()
        key = (window, within, area.size(), scale, view.palette_worn, view.font().key())
        if self._ruler is None or self._ruler[0] != key:
            image = QImage(round(area.width() * scale), round(area.height() * scale), QImage.Format.Format_RGB32)
            image.setDevicePixelRatio(scale)
            drawn = QPainter(image)
            drawn.setFont(view.small_font)
            whole = QRectF(0, 0, area.width(), area.height())
            axis.paint(drawn, whole, window, view.ticks, within, view.palette_worn)
            drawn.end()
            self._ruler = key, image
        painter.drawImage(area.topLeft(), self._ruler[1])
        corner = QRect(0, 0, area.left(), area.height())
        painter.fillRect(corner, QColor(view.palette_worn.panel))
        painter.fillRect(QRect(0, area.height() - 1, area.left(), 1), QColor(view.palette_worn.line))
        selection = view.selection
        if selection is not None:
            colour = QColor(view.palette_worn.selection)
            colour.setAlphaF(0.55)
            left, right = (area.left() + view.offset(t) for t in selection)
            painter.save()
            painter.setClipRect(area, Qt.ClipOperation.IntersectClip)
            painter.fillRect(QRectF(left, area.bottom() - 5, right - left, 5), colour)
            painter.restore()

    def _lanes(self, painter: QPainter, dirty: QRect, plot: QRect, window: Window) -> None:
        view, palette = self._view, self._view.palette_worn
        scale = view.devicePixelRatioF()
        painter.save()
        painter.setClipRect(plot, Qt.ClipOperation.IntersectClip)
        bottom = plot.top()
        small = view.small_font
        for slot in view.slots:
            top = plot.top() + slot.top - view.scrolled
            bottom = top + slot.height
            if bottom <= max(dirty.top(), plot.top()) or top > min(dirty.bottom(), plot.bottom()):
                continue
            first, last = round(top * scale), round(bottom * scale)
            image = view.pictures.of(slot.lane, window, last - first, scale, palette, view.ticks, small)
            painter.drawImage(QPointF(plot.left(), first / scale), image)
            if slot.lane.empty:
                painter.setFont(small)
                painter.setPen(QColor(palette.faint))
                row = QRectF(plot.left() + 12, top, plot.width() - 24, slot.height - 1)
                told = painter.fontMetrics().elidedText(
                    slot.lane.waiting, Qt.TextElideMode.ElideRight, int(row.width())
                )
                painter.drawText(row, Qt.AlignmentFlag.AlignVCenter, told)
        if bottom <= plot.bottom():
            painter.fillRect(
                QRect(plot.left(), bottom, plot.width(), plot.bottom() - bottom + 1), QColor(palette.panel)
            )
            if not view.slots:
                painter.setPen(QColor(palette.faint))
                text = "All lanes are hidden; right-click shows them" if view.lanes else "Readings appear here"
                painter.drawText(plot, Qt.AlignmentFlag.AlignCenter, text)
        painter.restore()

    def _over(self, painter: QPainter, plot: QRect, window: Window) -> None:
        """Selection, the line under the pointer, the ring round the threshold that is dragged."""
        view, palette = self._view, self._view.palette_worn
        painter.save()
        painter.setClipRect(plot, Qt.ClipOperation.IntersectClip)
        if view.selection is not None:
            left, right = (plot.left() + view.offset(t) for t in view.selection)
            colour = QColor(palette.selection)
            colour.setAlphaF(0.22 if palette.dark else 0.14)
            painter.fillRect(QRectF(left, plot.top(), right - left, plot.height()), colour)
            colour.setAlphaF(0.9)
            for x in (left, right):
                painter.fillRect(QRectF(x - 0.5, plot.top(), 1, plot.height()), colour)
        if view.hovered is not None:
            colour = QColor(palette.dim)
            colour.setAlphaF(0.55)
            painter.fillRect(QRectF(view.hovered.x(), plot.top(), 1, plot.height()), colour)
        target = view.drop_at
        if target is not None:
            painter.fillRect(QRect(0, plot.top() + target - view.scrolled - 1, view.width(), 2), QColor(palette.accent))
        painter.restore()

    def _titles(self, painter: QPainter, dirty: QRect) -> None:
        view, palette = self._view, self._view.palette_worn
        plot = view.plot
        column = QRect(0, plot.top(), plot.left(), plot.height())
        painter.save()
        painter.setClipRect(column, Qt.ClipOperation.IntersectClip)
        painter.fillRect(column, QColor(palette.panel))
        for slot in view.slots:
            top = plot.top() + slot.top - view.scrolled
            if top + slot.height <= dirty.top() or top > dirty.bottom():
                continue
            self._heads.draw(
                painter,
                QRect(0, top, plot.left() - 1, slot.height),
                slot,
                palette,
                view.font(),
                current=slot.lane is view.current,
                hovered=slot.lane is view.title_hovered,
                focused=view.hasFocus(),
            )
        painter.fillRect(QRect(plot.left() - 1, plot.top(), 1, plot.height()), QColor(palette.line))
        if view.drop_at is not None:
            painter.fillRect(
                QRect(0, plot.top() + view.drop_at - view.scrolled - 1, plot.left(), 2), QColor(palette.accent)
            )
        painter.restore()

    def _playhead(self, painter: QPainter, window: Window) -> None:
        view = self._view
        plot, area = view.plot, view.ruler
        scale = view.devicePixelRatioF()
        x = plot.left() + math.floor(window.x(view.playhead)) / scale
        if not plot.left() - HEAD <= x <= plot.right() + HEAD:
            return
        painter.save()
        colour = QColor(view.palette_worn.playhead)
        wide = max(1.0, round(1.5 * scale) / scale)
        if plot.left() <= x <= plot.right():
            painter.fillRect(QRectF(x, area.bottom() - 3, wide, plot.bottom() - area.bottom() + 4), colour)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.setClipRect(area, Qt.ClipOperation.IntersectClip)
        x += wide / 2
        foot = area.bottom() + 1
        painter.drawPolygon(QPolygonF([QPointF(x - 6, foot - 10), QPointF(x + 6, foot - 10), QPointF(x, foot - 1)]))
        painter.restore()
