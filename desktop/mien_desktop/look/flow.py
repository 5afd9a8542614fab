"""A layout of small widgets in a row that wraps."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget


class Flow(QLayout):
    """Widgets from left to right, in as many lines as they need; those that would grow share what is left of their line.

    Args:
        across: px between two widgets of a line, down: between two lines.
    """

    def __init__(self, parent: QWidget, across: int = 6, down: int = 6) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self._across = across
        self.setSpacing(down)
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._lay(QRect(0, 0, width, 0), place=False)

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        sizes = [item.minimumSize() for item in self._items]
        return QSize(max((s.width() for s in sizes), default=0), max((s.height() for s in sizes), default=0))

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        self._lay(rect, place=True)

    def _lay(self, rect: QRect, *, place: bool) -> int:
        y = rect.top()
        lines = self._lines(rect.width())
        for line in lines:
            height = max(item.sizeHint().height() for item in line)
            if place:
                self._place(line, QRect(rect.left(), y, rect.width(), height))
            y += height + self.spacing()
        return y - (self.spacing() if lines else 0) - rect.top()

    def _lines(self, width: int) -> list[list[QLayoutItem]]:
        lines: list[list[QLayoutItem]] = []
        left = 0
        for item in self._items:
            if item.isEmpty():
                continue  # hidden
            needs = item.sizeHint().width() + self._across
            if not lines or needs > left + self._across:
                lines.append([])
                left = width
            lines[-1].append(item)
            left -= needs
        return lines

    def _place(self, line: list[QLayoutItem], rect: QRect) -> None:
        """Where a widget is lower than its line, it lies in the middle."""
        widths = [min(item.sizeHint().width(), rect.width()) for item in line]
        growing = [n for n, item in enumerate(line) if item.expandingDirections() & Qt.Orientation.Horizontal]
        left = max(0, rect.width() - sum(widths) - self._across * (len(line) - 1))
        for number, n in enumerate(growing):
            widths[n] += left * (number + 1) // len(growing) - left * number // len(growing)
        x = rect.left()
        for item, width in zip(line, widths, strict=True):
            item.setGeometry(QRect(x, rect.top(), width, rect.height()))
            x += width + self._across
