"""Small painted things, in the colours of Qt's own palette: check marks (Fusion's outline vanishes on a dark ground), the
arrow of a list, marks of change and of error. No style sheets: each costs all widgets under it."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QPen, QPolygonF, QWheelEvent
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QLineEdit,
    QRadioButton,
    QScrollArea,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionButton,
    QStyleOptionViewItem,
    QWidget,
)

from mien_desktop.look.parts import Chooser


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


class Combo(Chooser):
    """A list of choices that does not change under the wheel of somebody who scrolls, and can say that it is wrong."""

    wrong = False

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Only where the keyboard is."""
        super().wheelEvent(event) if self.hasFocus() else event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Qt's own, and the border of what is refused."""
        super().paintEvent(event)
        if self.wrong:
            paint_wrong(self)


class Line(QLineEdit):
    """A line of text whose border tells that what it holds is refused."""

    wrong = False

    def paintEvent(self, event: QPaintEvent) -> None:
        """Qt's own, and the border."""
        super().paintEvent(event)
        if self.wrong:
            paint_wrong(self)


class Mark(QWidget):
    """A bar beside what was changed, in the accent; its room is kept while it is off."""

    def __init__(self) -> None:
        super().__init__()
        self._on = False
        self.setFixedWidth(3)

    def set_on(self, on: bool) -> None:
        """Show it, or not."""
        if on != self._on:
            self._on = on
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The bar."""
        if self._on:
            painter = QPainter(self)
            painter.fillRect(self.rect().adjusted(0, 3, 0, -3), self.palette().color(QPalette.ColorRole.Highlight))
            painter.end()


class Rule(QWidget):
    """A thin line between two parts."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(1)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The line."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.palette().color(QPalette.ColorRole.Button))
        painter.end()


def paint_wrong(widget: QWidget) -> None:
    """A border in the colour of errors (`BrightText` of the window's palette)."""
    painter = QPainter(widget)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QApplication.palette().color(QPalette.ColorRole.BrightText), 1.2))
    painter.drawRoundedRect(QRectF(widget.rect()).adjusted(0.6, 0.6, -0.6, -0.6), 5, 5)
    painter.end()


def scrolling(inside: QWidget) -> QScrollArea:
    """Room that scrolls up and down over the ground of whatever it lies on."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(inside)
    inside.setAutoFillBackground(False)
    area.viewport().setAutoFillBackground(False)
    return area


class CheckDelegate(QStyledItemDelegate):
    """The same for the rows of a list, which get some air."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """A little higher than Qt's own."""
        return super().sizeHint(option, index) + QSize(0, 8)

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
