"""The table of the queue's window, and what stands there while it is empty."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QVBoxLayout, QWidget

from mien_desktop.library.queue_delegate import QueueDelegate
from mien_desktop.library.queue_model import LEFT, MEDIUM, PROGRESS, STATE, QueueModel
from mien_desktop.look.icons import pixmap
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import explain, label

WIDTHS = {STATE: 9.5, PROGRESS: 11.0, LEFT: 6.0}
"""Widths of columns in heights of a line."""


class QueueTable(QTableView):
    """Signals:
    opened: Enter, or a double click.
    removed: the key Delete.
    """

    opened = Signal()
    removed = Signal()

    def __init__(self, model: QueueModel, delegate: QueueDelegate) -> None:
        super().__init__()
        self.setModel(model)
        self.setItemDelegate(delegate)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(MEDIUM, QHeaderView.ResizeMode.Stretch)
        self.fit()
        explain(self, "Media of the queue", "Enter opens, Delete removes, the menu key shows what else can be done")
        self.setToolTip("")  # the rows have their own
        self.doubleClicked.connect(lambda _: self.opened.emit())

    def fit(self) -> None:
        """Rows and columns as high and wide as their text asks for."""
        line = self.fontMetrics().height()
        self.verticalHeader().setDefaultSectionSize(round(2.9 * line))
        for column, width in WIDTHS.items():
            self.horizontalHeader().resizeSection(column, round(width * line))

    def changeEvent(self, event: QEvent) -> None:
        """Another size of text, another room for it."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter opens, Delete removes."""
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit()
        elif key == Qt.Key.Key_Delete:
            self.removed.emit()
        else:
            super().keyPressEvent(event)


class QueueEmpty(QWidget):
    """What stands there before anything was added."""

    def __init__(self) -> None:
        super().__init__()
        self._picture = label()
        title, detail = label("Drop files or folders here", "heading"), label(kind="dim", wrap=True)
        detail.setText(
            "They are analysed in order, also while this window is closed. "
            "What is in the library already is taken from there."
        )
        box = QVBoxLayout(self)
        box.addStretch(2)
        for part in (self._picture, title, detail):
            part.setAlignment(Qt.AlignmentFlag.AlignCenter)
            box.addWidget(part)
        box.addStretch(3)

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._picture.setPixmap(pixmap("film", palette.faint, 44, self.devicePixelRatioF()))
