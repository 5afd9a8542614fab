"""What holds parts of a window together and paints itself: a style sheet on it would reach all that lies in it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QEnterEvent, QPainter, QPaintEvent, QPalette, QPen, QShowEvent
from PySide6.QtWidgets import QFrame, QLayout, QScrollArea, QSplitter, QSplitterHandle, QTabWidget, QWidget

from mien_desktop.look.palette import Palette

LARGEST = QSize(600, 300)
"""px that a page of tabs claims for itself: the width that its rows are made for, and as much height at most."""


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


class Rolling(QScrollArea):
    """Room for a page of tabs: what is in it scrolls up and down where text is too large for the window."""

    def __init__(self, inside: QWidget) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._inside = inside
        self.setWidget(inside)
        for ground in (inside, self.viewport()):
            ground.setAutoFillBackground(False)

    def minimumSizeHint(self) -> QSize:
        """All of it, as long as that leaves room for the rest of a small window."""
        return QSize(LARGEST.width(), min(self._inside.minimumSizeHint().height(), LARGEST.height()))


class Tabs(QTabWidget):
    """Needs the room that its largest page does, whichever is shown: to turn to another page moves nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self._again = False

    def showEvent(self, event: QShowEvent) -> None:
        """Measure what has never been seen."""
        super().showEvent(event)
        if not event.spontaneous():
            self.measure()

    def measure(self) -> None:
        """Find out what each page needs, now and once more when what is on its way has arrived, another font perhaps."""
        self._measure()
        if not self._again:
            self._again = True
            QTimer.singleShot(0, self, self._once_more)

    def _once_more(self) -> None:
        self._again = False
        self._measure()

    def _measure(self) -> None:
        """Qt does so when a page is seen, and not again while it is hidden."""
        parts = self.findChildren(QWidget)
        for part in parts:
            part.ensurePolished()
        for layout in self.findChildren(QLayout):  # those within others are not reached from the widget
            layout.invalidate()
        for part in reversed(parts):  # from within
            part.updateGeometry()
        self.updateGeometry()
