"""Draws the queue's rows: the medium with its folder or what went wrong beneath, its state, and a bar."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from mien.exchange.text import one_line
from mien_desktop.library.item import QueueItem
from mien_desktop.library.queue_model import ITEM, MEDIUM, PROGRESS, STATE
from mien_desktop.look.palette import Palette

_Index = QModelIndex | QPersistentModelIndex
_MIDDLE = Qt.AlignmentFlag.AlignVCenter


class QueueDelegate(QStyledItemDelegate):
    """For all columns of `QueueModel`."""

    def __init__(self, palette: Palette, parent: QWidget) -> None:
        super().__init__(parent)
        self._palette = palette

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._palette = palette

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        """Two lines of text."""
        return QSize(80, round(2.9 * option.fontMetrics.height()))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Draw one cell."""
        item: QueueItem = index.data(ITEM)
        p = self._palette
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(option.font)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.fillRect(option.rect, QColor(p.hover if chosen else p.panel))
        if index.row():
            painter.setPen(QPen(QColor(p.grid), 1))
            painter.drawLine(option.rect.topLeft(), option.rect.topRight())
        if index.column() == MEDIUM and option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(QColor(p.focus), 2))
            painter.drawLine(option.rect.topLeft(), option.rect.bottomLeft())
        rect = option.rect.adjusted(7, 0, -8, 0)  # as the header's
        if index.column() == MEDIUM:
            self._medium(painter, option, rect, item)
        elif index.column() == STATE:
            self._state(painter, option, rect, index.data(), item)
        elif index.column() == PROGRESS:
            self._bar(painter, option, rect, index.data(), item)
        else:
            painter.setPen(QColor(p.dim))
            painter.drawText(rect, _MIDDLE | Qt.AlignmentFlag.AlignLeft, index.data())
        painter.restore()

    def _medium(self, painter: QPainter, option: QStyleOptionViewItem, rect: QRect, item: QueueItem) -> None:
        p = self._palette
        line = option.fontMetrics.height()
        top = rect.center().y() - round(1.15 * line)
        bold = QFont(option.font)
        bold.setWeight(QFont.Weight.DemiBold)
        painter.setFont(bold)
        painter.setPen(QColor(p.text))
        name = QFontMetrics(bold).elidedText(one_line(item.path.name), Qt.TextElideMode.ElideMiddle, rect.width())
        painter.drawText(QRect(rect.left(), top, rect.width(), line), _MIDDLE, name)
        painter.setFont(option.font)
        bad = p.bad if item.state == "failed" else p.warn
        painter.setPen(QColor(bad if item.reason else p.dim))
        text = item.reason or one_line(str(item.path.parent))
        side = Qt.TextElideMode.ElideRight if item.reason else Qt.TextElideMode.ElideMiddle
        shown = option.fontMetrics.elidedText(text, side, rect.width())
        painter.drawText(QRect(rect.left(), top + round(1.2 * line), rect.width(), line), _MIDDLE, shown)

    def _state(self, painter: QPainter, option: QStyleOptionViewItem, rect: QRect, text: str, item: QueueItem) -> None:
        p = self._palette
        colours = {"running": p.accent, "paused": p.warn, "failed": p.bad, "done": p.warn if item.reason else p.good}
        dot = QRectF(rect.left(), rect.center().y() - 3, 8, 8)
        if item.state == "waiting":  # a ring: the state is told by shape and word too, not by colour alone
            painter.setPen(QPen(QColor(p.faint), 1.4))
        else:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours[item.state]))
        painter.drawEllipse(dot)
        painter.setPen(QColor(p.dim if item.state == "waiting" else p.text))
        painter.drawText(rect.adjusted(16, 0, 0, 0), _MIDDLE, text)

    def _bar(self, painter: QPainter, option: QStyleOptionViewItem, rect: QRect, text: str, item: QueueItem) -> None:
        if item.state not in ("running", "paused"):
            return
        p = self._palette
        room = option.fontMetrics.horizontalAdvance("100 %") + 4
        bar = QRectF(rect.left(), rect.center().y() - 2, max(8, rect.width() - room - 6), 6)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(p.line))
        painter.drawRoundedRect(bar, 3, 3)
        painter.setBrush(QColor(p.accent if item.state == "running" else p.warn))
        if item.progress > 0.0:
            painter.drawRoundedRect(QRectF(bar.left(), bar.top(), max(6.0, bar.width() * item.progress), 6), 3, 3)
        painter.setPen(QColor(p.dim))
        painter.drawText(
            QRect(rect.right() - room, rect.top(), room, rect.height()), _MIDDLE | Qt.AlignmentFlag.AlignRight, text
        )
