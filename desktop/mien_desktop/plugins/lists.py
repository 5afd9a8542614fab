"""A list of things with one of them in full beside it: how plugins, formats and models are shown."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHeaderView, QSplitter, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from mien_desktop.look.parts import explain, panel, text_scale
from mien_desktop.plugins.checks import CheckDelegate


def item_list(name: str, tip: str) -> QTreeWidget:
    """A list of two columns, the first as wide as there is room, whose headings cannot be folded.

    Args:
        name, tip: what it is called for screen readers, and what can be done with it.
    """
    made = QTreeWidget()
    made.setColumnCount(2)
    made.setHeaderHidden(True)
    made.setRootIsDecorated(False)
    made.setItemsExpandable(False)
    made.setIndentation(10)
    made.setUniformRowHeights(True)
    made.setItemDelegate(CheckDelegate(made))
    explain(made, name, tip)
    header = made.header()
    header.setStretchLastSection(False)
    header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
    return made


def add_heading(items: QTreeWidget, title: str) -> QTreeWidgetItem:
    """A heading at the end of a list; it cannot be chosen, and what belongs to it is put under it."""
    heading = QTreeWidgetItem(items, [title])
    heading.setFlags(Qt.ItemFlag.ItemIsEnabled)
    heading.setFirstColumnSpanned(True)
    font = heading.font(0)
    font.setBold(True)
    heading.setFont(0, font)
    return heading


def framed(inside: QWidget) -> QFrame:
    """A panel that a widget fills up to its edge."""
    ground = panel()
    box = QVBoxLayout(ground)
    box.setContentsMargins(1, 1, 1, 1)
    box.addWidget(inside)
    return ground


def beside(left: QWidget, right: QWidget, sizes: tuple[int, int], shares: tuple[int, int] = (0, 1)) -> QSplitter:
    """Two parts side by side, neither of which can be pushed shut.

    Args:
        sizes: how wide they are at first, in logical pixels.
        shares: how much of a change of the whole width each takes.
    """
    made = _Beside(sizes)
    for number, widget in enumerate((left, right)):
        made.addWidget(widget)
        made.setStretchFactor(number, shares[number])
    scale = text_scale(made)
    made.setSizes([round(size * scale) for size in sizes])
    return made


class _Beside(QSplitter):
    """Where there is less room than both parts ask for, as where text is larger, each has its share of it, until somebody moves
    the handle."""

    def __init__(self, sizes: tuple[int, int]) -> None:
        super().__init__()
        self.setChildrenCollapsible(False)
        self._asked = sizes
        self._moved = False
        self.splitterMoved.connect(self._keep)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        room, asked = sum(self.sizes()), sum(self._asked)
        if not self._moved and room < asked * text_scale(self):
            left = round(room * self._asked[0] / asked)
            self.setSizes([left, room - left])

    def _keep(self) -> None:
        self._moved = True
