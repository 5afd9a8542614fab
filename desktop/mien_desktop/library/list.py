"""The list of media and places, and what keys do in it."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QAbstractItemView, QListView

from mien_desktop.library.catalogue import Card
from mien_desktop.library.delegate import MediaDelegate
from mien_desktop.library.model import ROW, MediaModel, More, key_of
from mien_desktop.look.rows import selection_of


@dataclass(frozen=True)
class AtHand:
    """Where somebody is in the list: keys (`key_of`) of the keyboard's row and of those selected, and how far down, px."""

    current: tuple[object, ...] | None
    chosen: frozenset[tuple[object, ...]]
    scrolled: int


class MediaList(QListView):
    """Signals:
    opened(QModelIndex): Enter, or a double click (a single one on “more”).
    removed: the key Delete.
    """

    opened = Signal(QModelIndex)
    removed = Signal()

    def __init__(self, model: MediaModel, delegate: MediaDelegate) -> None:
        super().__init__()
        self._delegate = delegate
        self.setModel(model)
        self.setItemDelegate(delegate)
        self.setMouseTracking(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setMovement(QListView.Movement.Static)
        self.setAccessibleName("Media of the library")
        self.setAccessibleDescription(
            "Enter opens, Delete removes from the library, the menu key shows what else can be done"
        )
        self.doubleClicked.connect(self.opened)

    def set_grid(self, grid: bool) -> None:
        """Cards in a grid, or rows."""
        self._delegate.grid = grid
        self.setViewMode(QListView.ViewMode.IconMode if grid else QListView.ViewMode.ListMode)
        self.setMovement(QListView.Movement.Static)  # icon mode lets cards be dragged about otherwise
        self.setSpacing(6 if grid else 0)
        self.setUniformItemSizes(grid)
        self.scheduleDelayedItemsLayout()

    def at_hand(self) -> AtHand:
        """Where somebody is, before the rows come anew."""
        current = self.currentIndex().data(ROW)
        chosen = frozenset(key_of(index.data(ROW)) for index in self.selectedIndexes())
        return AtHand(None if current is None else key_of(current), chosen, self.verticalScrollBar().value())

    def take_up(self, hand: AtHand) -> None:
        """Go on there, as far as the rows are still listed."""
        selection, flags, model = self.selectionModel(), QItemSelectionModel.SelectionFlag, self.model()
        if hand.chosen or hand.current is not None:
            keys = [key_of(model.index(row, 0).data(ROW)) for row in range(model.rowCount())]
            rows = (row for row, key in enumerate(keys) if key in hand.chosen)
            selection.select(selection_of(model, rows), flags.Select)
            if hand.current in keys:
                selection.setCurrentIndex(model.index(keys.index(hand.current), 0), flags.NoUpdate)
        self.executeDelayedItemsLayout()
        self.verticalScrollBar().setValue(hand.scrolled)

    def chosen(self) -> list[Card]:
        """The media that are selected, in order."""
        rows = (index.data(ROW) for index in sorted(self.selectedIndexes(), key=lambda i: i.row()))
        return [row for row in rows if isinstance(row, Card)]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter opens, Delete removes."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.opened.emit(self.currentIndex())
        elif event.key() == Qt.Key.Key_Delete and self.chosen():
            self.removed.emit()
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A single click shows what “more” stands for."""
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and isinstance(index.data(ROW), More):
            self.opened.emit(index)
