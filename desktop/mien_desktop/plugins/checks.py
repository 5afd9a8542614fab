"""Check marks that are seen on both grounds: Fusion's own outline vanishes on a dark one."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QRadioButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionButton,
    QStyleOptionViewItem,
    QWidget,
)


def paint_mark(painter: QPainter, place: QRectF, palette: QPalette, *, on: bool, enabled: bool, round_: bool) -> None:
    """A box (or a ring) and what is in it, in the colours of a Qt palette."""
    side = min(place.width(), place.height())
    box = QRectF(0, 0, side, side)
    box.moveCenter(place.center())
    box.adjust(0.5, 0.5, -0.5, -0.5)
    group = QPalette.ColorGroup.Active if enabled else QPalette.ColorGroup.Disabled
    filled = (
        palette.color(group, QPalette.ColorRole.Highlight)
        if enabled
        else palette.color(QPalette.ColorRole.PlaceholderText)
    )
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(filled if on else palette.color(QPalette.ColorRole.PlaceholderText), 1.2))
    painter.setBrush(filled if on else palette.color(QPalette.ColorRole.Button))
    radius = side / 2 if round_ else side / 5
    painter.drawRoundedRect(box, radius, radius)
    if on:
        ink = palette.color(QPalette.ColorRole.HighlightedText)
        if round_:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ink)
            painter.drawEllipse(box.center(), side / 5.5, side / 5.5)
        else:
            pen = QPen(ink, side / 8)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            points = ((0.24, 0.53), (0.43, 0.72), (0.77, 0.31))
            at = [QPointF(box.x() + x * box.width(), box.y() + y * box.height()) for x, y in points]
            painter.drawPolyline(QPolygonF(at))
    painter.restore()


def _repaint(button: QCheckBox | QRadioButton, element: QStyle.SubElement, *, round_: bool) -> None:
    option = QStyleOptionButton()
    button.initStyleOption(option)
    place = QRectF(button.style().subElementRect(element, option, button))
    painter = QPainter(button)
    paint_mark(painter, place, button.palette(), on=button.isChecked(), enabled=button.isEnabled(), round_=round_)
    painter.end()


class CheckBox(QCheckBox):
    """On or off."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Qt's own, its mark painted over."""
        super().paintEvent(event)
        _repaint(self, QStyle.SubElement.SE_CheckBoxIndicator, round_=False)


class RadioButton(QRadioButton):
    """One of several."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Qt's own, its mark painted over."""
        super().paintEvent(event)
        _repaint(self, QStyle.SubElement.SE_RadioButtonIndicator, round_=True)


class CheckDelegate(QStyledItemDelegate):
    """The same for the rows of a list."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Qt's own, its mark painted over."""
        super().paint(painter, option, index)
        state = index.data(Qt.ItemDataRole.CheckStateRole)
        if state is None:
            return
        full = QStyleOptionViewItem(option)
        self.initStyleOption(full, index)
        widget: QWidget = full.widget
        place = widget.style().subElementRect(QStyle.SubElement.SE_ItemViewItemCheckIndicator, full, widget)
        enabled = bool(full.state & QStyle.StateFlag.State_Enabled)
        on = Qt.CheckState(state) == Qt.CheckState.Checked
        paint_mark(painter, QRectF(place), QApplication.palette(), on=on, enabled=enabled, round_=False)
