"""The queue as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from mien.exchange.text import one_line
from mien_desktop.library.item import QueueItem
from mien_desktop.library.model import duration
from mien_desktop.library.queue import Queue
from mien_desktop.look.parts import literal

ITEM: Final = Qt.ItemDataRole.UserRole + 1
"""The `QueueItem` itself."""

MEDIUM, STATE, PROGRESS, LEFT = range(4)
TITLES: Final = ("Medium", "State", "Progress", "Time left")
_PIECES = 20
_Index = QModelIndex | QPersistentModelIndex


class QueueModel(QAbstractTableModel):
    """A row for each item, in the queue's order."""

    def __init__(self, queue: Queue, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._items = list(queue.items)
        queue.added.connect(self._add)
        queue.changed.connect(self._change)
        queue.removed.connect(self._remove)

    def item(self, row: int) -> QueueItem:
        """What stands in that row."""
        return self._items[row]

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        """How many items there are."""
        return 0 if parent.isValid() else len(self._items)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        """Medium, state, progress, time left."""
        return 0 if parent.isValid() else len(TITLES)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What the columns are called."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return TITLES[section]
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The item, or what is said of it in that column."""
        if not index.isValid() or index.row() >= len(self._items):
            return None
        item = self._items[index.row()]
        if role == ITEM:
            return item
        if role == Qt.ItemDataRole.DisplayRole:
            return _shown(item, index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return literal("\n".join([one_line(str(item.path)), *([item.reason] if item.reason else [])]))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            text = _shown(item, index.column())
            return f"{text}, {item.reason}" if index.column() == MEDIUM and item.reason else text
        return None

    def _add(self, items: Sequence[QueueItem]) -> None:
        self.beginInsertRows(QModelIndex(), len(self._items), len(self._items) + len(items) - 1)
        self._items += items
        self.endInsertRows()

    def _change(self, row: int, item: QueueItem) -> None:
        self._items[row] = item
        self.dataChanged.emit(self.index(row, 0), self.index(row, len(TITLES) - 1))

    def _remove(self, rows: Sequence[int]) -> None:
        """Rows that lie together go at once; what would go in many pieces, each of which every view follows, is built anew."""
        pieces: list[list[int]] = []
        for row in rows:
            if pieces and row == pieces[-1][-1] - 1:
                pieces[-1].append(row)
            else:
                pieces.append([row])
        if len(pieces) > _PIECES:
            gone = set(rows)
            self.beginResetModel()
            self._items = [item for row, item in enumerate(self._items) if row not in gone]
            self.endResetModel()
            return
        for piece in pieces:
            self.beginRemoveRows(QModelIndex(), piece[-1], piece[0])
            del self._items[piece[-1] : piece[0] + 1]
            self.endRemoveRows()


def _shown(item: QueueItem, column: int) -> str:
    if column == MEDIUM:
        return one_line(item.path.name)
    if column == STATE:
        return state(item)
    if column == PROGRESS:
        return f"{item.progress:.0%}" if item.open and item.progress else ""
    return left(item.left) if item.state == "running" else ""


def state(item: QueueItem) -> str:
    """Its state in a word or three."""
    return "Done, with gaps" if item.state == "done" and item.reason else item.state.capitalize()


def left(seconds: float | None) -> str:
    """A time that something will take, as roughly as it is known."""
    if seconds is None:
        return "…"
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 3600 else f"{duration(round(seconds / 60) * 60)[:-3]} h"
