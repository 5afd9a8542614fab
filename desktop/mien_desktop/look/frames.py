"""What holds parts of a window together and paints itself: a style sheet on it would reach all that lies in it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QColor, QEnterEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QFrame, QSplitter, QSplitterHandle

from mien_desktop.look.palette import Palette


class Ground(QFrame):
    """The ground of a panel, as `parts.panel` has it from the style sheet."""

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette = palette

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._palette = palette
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A rounded field with a line round it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self._palette.line), 1.0))
        painter.setBrush(QColor(self._palette.panel))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        painter.end()


class Splitter(QSplitter):
    """Its handles are empty, and filled under the pointer."""

    def createHandle(self) -> QSplitterHandle:
        return _Handle(self.orientation(), self)


class _Handle(QSplitterHandle):
    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.testAttribute(Qt.WidgetAttribute.WA_UnderMouse):
            painter = QPainter(self)
            painter.fillRect(self.rect(), self.palette().color(QPalette.ColorRole.Button))
            painter.end()
