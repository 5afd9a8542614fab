"""Draws the library's rows: a medium with its picture and peaks, and beneath it the places that were found."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from mien.exchange.text import clock
from mien_desktop.library.catalogue import PEAKS, Card, Line, signed
from mien_desktop.library.model import ROW, More, Row, duration, folder_of, states, when
from mien_desktop.library.thumbs import Thumbnails
from mien_desktop.look.icons import pixmap
from mien_desktop.look.palette import Palette

_Index = QModelIndex | QPersistentModelIndex
COLOURS = {"fused": "hostility"}
"""What the palette calls a reading where it is not its own name."""

_PEAK = 116  # px of a peak's column at 100 %
_PEAK_LINES = 1.75  # height of one in a card, in lines
_MARGIN = 12
_AFTER = 8  # px below the last place of a medium


class MediaDelegate(QStyledItemDelegate):
    """Draws `MediaModel`; as rows, or as cards of a grid."""

    def __init__(self, thumbnails: Thumbnails, palette: Palette, parent: QWidget) -> None:
        super().__init__(parent)
        self._thumbnails, self._palette = thumbnails, palette
        self.grid = False

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._palette = palette

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        """Heights follow the text size."""
        line = option.fontMetrics.height()
        row = index.data(ROW)
        if not isinstance(row, Card):
            return QSize(320, round(1.7 * line) + (_AFTER if _is_last(index) else 0))
        if self.grid:
            return QSize(
                _grid_width(line),
                _picture_size(_grid_width(line) - 16).height() + round((3.9 + len(PEAKS) / 2 * _PEAK_LINES) * line),
            )
        return QSize(480, max(64, 4 * line) + 12)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Draw one row."""
        row: Row | None = index.data(ROW)
        if row is None:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(option.font)
        if not isinstance(row, Card) and _is_last(index):
            option.rect.adjust(0, 0, 0, -_AFTER)
        self._ground(painter, option, row)
        if isinstance(row, Card):
            (self._card if self.grid else self._medium)(painter, option, row)
        elif isinstance(row, Line):
            self._line(painter, option, row)
        else:
            self._more(painter, option, row)
        painter.restore()

    # -- grounds ------------------------------------------------------------------------------------------------

    def _ground(self, painter: QPainter, option: QStyleOptionViewItem, row: Row) -> None:
        p = self._palette
        state = option.state
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        under = bool(state & QStyle.StateFlag.State_MouseOver)
        box = QRectF(option.rect).adjusted(4, 1, -4, -1)
        painter.setPen(Qt.PenStyle.NoPen)
        if chosen or under:
            colour = QColor(p.hover)
            colour.setAlphaF(1.0 if chosen else 0.5)
            painter.setBrush(colour)
            painter.drawRoundedRect(box, 6, 6)
        if chosen and state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(QColor(p.focus), 1.2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        elif isinstance(row, Card) and not self.grid and not (chosen or under):
            painter.setPen(QPen(QColor(p.grid), 1))
            painter.drawLine(option.rect.topLeft() + QPoint(_MARGIN, 0), option.rect.topRight() - QPoint(_MARGIN, 0))

    # -- media --------------------------------------------------------------------------------------------------

    def _medium(self, painter: QPainter, option: QStyleOptionViewItem, card: Card) -> None:
        rect = option.rect.adjusted(_MARGIN, 6, -_MARGIN, -6)
        size = _picture_size(round((rect.height()) * 16 / 9))
        self._picture(painter, QRect(rect.topLeft(), size), card)
        line = option.fontMetrics.height()
        left = rect.left() + size.width() + _MARGIN
        column = round(_PEAK * max(1.0, line / 16))
        # Peaks give way to the title where the page is narrow, the last one first.
        shown = max(0, min(len(PEAKS), (rect.right() - left - 15 * line) // column))
        right = rect.right() - shown * column
        for n, reading in enumerate(list(PEAKS)[:shown]):
            middle = rect.center().y() - round(0.75 * line)
            self._peak(painter, option, QRect(right + n * column + 18, middle, column - 18, 2 * line), card, reading)
        words = QRect(left, rect.center().y() - round(1.25 * line), right - left - 4, round(2.6 * line))
        self._words(painter, option, words, card)

    def _card(self, painter: QPainter, option: QStyleOptionViewItem, card: Card) -> None:
        line = option.fontMetrics.height()
        rect = option.rect.adjusted(8, 8, -8, -8)
        size = _picture_size(rect.width())
        self._picture(painter, QRect(rect.topLeft(), size), card)
        top = rect.top() + size.height() + 6
        self._words(painter, option, QRect(rect.left() + 2, top, rect.width() - 4, round(2.4 * line)), card)
        top += round(2.7 * line)
        column = rect.width() // 2
        for n, reading in enumerate(PEAKS):
            left, down = rect.left() + 2 + n % 2 * column, round(n // 2 * _PEAK_LINES * line)
            self._peak(painter, option, QRect(left, top + down, column - 10, 2 * line), card, reading)

    def _words(self, painter: QPainter, option: QStyleOptionViewItem, rect: QRect, card: Card) -> None:
        p = self._palette
        line = option.fontMetrics.height()
        bold = QFont(option.font)
        bold.setWeight(QFont.Weight.DemiBold)
        painter.setFont(bold)
        painter.setPen(QColor(p.dim if card.missing else p.text))
        title = QFontMetrics(bold).elidedText(card.title, Qt.TextElideMode.ElideMiddle, rect.width())
        painter.drawText(QRect(rect.left(), rect.top(), rect.width(), line), Qt.AlignmentFlag.AlignVCenter, title)
        painter.setFont(option.font)
        left, top = rect.left(), rect.top() + round(1.3 * line)
        for state in states(card):
            left = self._pill(painter, option, left, top, state, p.warn if state == "partial" else p.bad)
        facts = [duration(card.seconds), when(card), *([] if self.grid else [folder_of(card.path)])]
        painter.setPen(QColor(p.dim))
        room = rect.right() - left
        text = option.fontMetrics.elidedText("  ·  ".join(facts), Qt.TextElideMode.ElideMiddle, room)
        painter.drawText(QRect(left, top, room, line), Qt.AlignmentFlag.AlignVCenter, text)

    def _pill(
        self, painter: QPainter, option: QStyleOptionViewItem, left: int, top: int, text: str, colour: str
    ) -> int:
        width = option.fontMetrics.horizontalAdvance(text)
        box = QRectF(left, top, width + 12, option.fontMetrics.height())
        ground = QColor(colour)
        ground.setAlphaF(0.16)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(QColor(colour))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        return left + width + 20

    def _picture(self, painter: QPainter, rect: QRect, card: Card) -> None:
        p = self._palette
        clip = QPainterPath()
        clip.addRoundedRect(QRectF(rect), 4, 4)
        painter.save()
        painter.setClipPath(clip)
        picture = self._thumbnails.of(card)
        painter.fillRect(rect, QColor(p.raised))
        if picture is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            if card.missing:
                painter.setOpacity(0.45)
            # Filled, what is too much cut off evenly: a list of pictures of one size is quicker to look through.
            size = picture.size().scaled(rect.size(), Qt.AspectRatioMode.KeepAspectRatioByExpanding)
            centre = rect.center()
            top = centre.y() - size.height() // 2
            if size.height() > rect.height():
                top = rect.top() - (size.height() - rect.height()) // 3  # faces are in the upper half
            painter.drawPixmap(QRect(QPoint(centre.x() - size.width() // 2, top), size), picture)
        else:
            side = round(min(rect.height() * 0.42, 40))
            icon = pixmap("film" if card.video else "wave", p.faint, side, painter.device().devicePixelRatio())
            painter.drawPixmap(rect.center() - QPoint(side // 2, side // 2), icon)
        painter.restore()

    def _peak(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        rect: QRect,
        card: Card,
        reading: str,
    ) -> None:
        """A reading's highest value: its name, the number, and a bar over its extent (from zero where it has both signs)."""
        p = self._palette
        quantity, value = PEAKS[reading], card.peaks.get(reading)
        line = option.fontMetrics.height()
        colour = QColor(p.quantity(COLOURS.get(reading, reading)))
        head = QRect(rect.left(), rect.top(), rect.width(), line)
        painter.setPen(QColor(p.dim if value is not None else p.faint))
        painter.drawText(head, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, reading)
        shown = signed(value, quantity) if value is not None else ("–" if card.complete else "…")
        painter.setPen(QColor(p.text if value is not None else p.faint))
        painter.drawText(head, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, shown)
        bar = QRectF(rect.left(), rect.top() + line + 5, rect.width(), 4)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(p.line))
        painter.drawRoundedRect(bar, 2, 2)
        if value is None:
            return
        low, high = quantity.low or 0.0, quantity.high or 1.0
        share = min(max((value - low) / (high - low), 0.0), 1.0)
        zero = (0.0 - low) / (high - low)
        start, end = sorted((share, zero))
        painter.setBrush(colour)
        painter.drawRoundedRect(
            QRectF(bar.left() + start * bar.width(), bar.top(), max((end - start) * bar.width(), 2.0), 4), 2, 2
        )
        if zero > 0.0:
            painter.setBrush(QColor(p.faint))
            painter.drawRect(QRectF(bar.left() + zero * bar.width() - 0.5, bar.top() - 1.5, 1, 7))

    # -- places -------------------------------------------------------------------------------------------------

    def _line(self, painter: QPainter, option: QStyleOptionViewItem, row: Line) -> None:
        p = self._palette
        rect = self._beneath(option)
        metrics = option.fontMetrics
        time = clock(row.start) if row.said else f"{clock(row.start)} – {clock(row.end)}"
        width = metrics.horizontalAdvance("00:00.0 ") if row.said else metrics.horizontalAdvance("00:00.0 – 00:00.0 ")
        width = max(width, metrics.horizontalAdvance(time + " "))
        painter.setPen(QColor(p.dim))
        painter.drawText(QRect(rect.left(), rect.top(), width, rect.height()), Qt.AlignmentFlag.AlignVCenter, time)
        left = rect.left() + width + 6
        for text, found in row.parts:
            room = rect.right() - left
            if room <= metrics.averageCharWidth():
                break
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
            long = metrics.horizontalAdvance(shown)
            if found and row.said:
                mark = QColor(p.accent)
                mark.setAlphaF(0.42 if p.dark else 0.18)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(mark)
                height = metrics.height()
                painter.drawRoundedRect(QRectF(left - 2, rect.center().y() - height / 2 + 1, long + 4, height), 3, 3)
            painter.setPen(QColor(p.text if found or row.said else p.dim))
            painter.drawText(QRect(left, rect.top(), long + 2, rect.height()), Qt.AlignmentFlag.AlignVCenter, shown)
            left += long

    def _more(self, painter: QPainter, option: QStyleOptionViewItem, row: More) -> None:
        painter.setPen(QColor(self._palette.focus))
        text = f"{row.count} more in this medium"
        painter.drawText(self._beneath(option), Qt.AlignmentFlag.AlignVCenter, text)

    @staticmethod
    def _beneath(option: QStyleOptionViewItem) -> QRect:
        """The place of a line: under the title of its medium."""
        height = max(64, 4 * option.fontMetrics.height())
        indent = _picture_size(round(height * 16 / 9)).width() + 2 * _MARGIN
        return option.rect.adjusted(indent, 0, -_MARGIN, 0)


def _is_last(index: _Index) -> bool:
    """Whether another medium, or nothing, follows a place."""
    below = index.sibling(index.row() + 1, 0).data(ROW)
    return below is None or isinstance(below, Card)


def _picture_size(width: int) -> QSize:
    return QSize(width, round(width * 9 / 16))


def _grid_width(line: int) -> int:
    return round(15.5 * line)
