"""The table of events as it is seen: what is chosen in it, and the keys that act on that."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from PySide6.QtCore import (
    QEvent,
    QItemSelectionModel,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QContextMenuEvent,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractItemDelegate, QAbstractItemView, QHeaderView, QMenu, QTableView, QWidget

from mien_desktop.events import menu
from mien_desktop.events.ledger import Key
from mien_desktop.events.model import Event
from mien_desktop.events.table import COLUMNS, LABEL, NOTE, SOURCE, STATE, TIME, EventFilter
from mien_desktop.look.rows import selection_of

KEYS: Final = {
    Qt.Key.Key_N: "next", Qt.Key.Key_P: "previous", Qt.Key.Key_A: "accept", Qt.Key.Key_R: "reject",
    Qt.Key.Key_C: "correct", Qt.Key.Key_L: "label", Qt.Key.Key_M: "note", Qt.Key.Key_E: "explain",
    Qt.Key.Key_Delete: "delete", Qt.Key.Key_Return: "seek", Qt.Key.Key_Enter: "seek",
}  # fmt: skip
"""What plain keys do to the chosen events."""

_LEAST_ROWS = 2
"""Rows that are seen however little room there is; the panel scrolls."""


class EventView(QTableView):
    """The table with its keys.

    Signals:
        acted(str): next, previous, accept, reject, correct, label, note, explain, delete, seek, undo or redo.
        typed: a cell is no longer edited; what was typed has been asked for.
    """

    acted = Signal(str)
    typed = Signal()

    def __init__(self, rows: EventFilter, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = rows
        self._said = ""
        self.setModel(rows)
        self.setSortingEnabled(True)
        self.sortByColumn(TIME, Qt.SortOrder.AscendingOrder)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.itemDelegate().closeEditor.connect(self.typed)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setStretchLastSection(True)
        header.setMinimumSectionSize(40)
        self.setAccessibleName("Events")
        self.setAccessibleDescription(
            "N next, P previous, A accept, R reject, C correct, L label, M note, E explain, Delete removes an added event"
        )
        self.fit()

    def fit(self) -> None:
        """Columns and rows as wide and high as their text asks for, in the present size of text."""
        metrics = self.fontMetrics()
        widest = ("corrected", "0:00:00.0", "000.0 s", "voice dominance", "−0.00", "hostility and more")
        wanted = []
        for column, text in enumerate(widest):
            wide = max(metrics.horizontalAdvance(text), metrics.horizontalAdvance(f"{COLUMNS[column]}\u2003"))
            wanted.append(wide + (46 if column == STATE else 20))
        # The note takes what is left; where that is little, source and label give way first.
        lacking = sum(wanted) + metrics.horizontalAdvance("a note of a few words") - self.viewport().width()
        for column in (LABEL, SOURCE):
            least = metrics.horizontalAdvance(f"{COLUMNS[column]}\u2003") + 20
            given = min(max(lacking, 0), wanted[column] - least)
            wanted[column] -= given
            lacking -= given
        for column, wide in enumerate(wanted):
            self.setColumnWidth(column, wide)
        self.verticalHeader().setDefaultSectionSize(metrics.height() + 12)
        self.setMinimumHeight(self.horizontalHeader().sizeHint().height() + _LEAST_ROWS * (metrics.height() + 12))

    def sizeHint(self) -> QSize:
        """What it needs: what it would like is no reason for the panel to scroll."""
        return QSize(super().sizeHint().width(), self.minimumHeight())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.fit()

    def changeEvent(self, event: QEvent) -> None:
        """Another size of text, another room for it."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.fit()

    def say(self, sentence: str) -> None:
        """What stands in the table while it has no rows."""
        if sentence != self._said:
            self._said = sentence
            self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._said and not self._rows.rowCount():
            with QPainter(self.viewport()) as painter:
                painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
                area = self.viewport().rect().adjusted(24, 18, -24, -12)
                painter.drawText(area, Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap, self._said)

    def event_at(self, row: int) -> Event:
        """The event in a row as it is shown."""
        return self._rows.found(row)

    def events(self) -> list[Event]:
        """What is shown, in the table's order."""
        return [self.event_at(row) for row in range(self._rows.rowCount())]

    def chosen(self) -> list[Event]:
        """The events that are selected, in the table's order."""
        return [self.event_at(row) for row in sorted(index.row() for index in self.selectionModel().selectedRows())]

    def current(self) -> Event | None:
        """The event that the keyboard is on."""
        index = self.currentIndex()
        return self.event_at(index.row()) if index.isValid() else None

    @property
    def typing(self) -> bool:
        """Whether a cell is being edited; rows that come anew would take what is typed along."""
        return self.state() == QAbstractItemView.State.EditingState

    def stop_typing(self) -> None:
        """Take what has been typed in a cell as it is."""
        at = self.currentIndex()
        for column in (LABEL, NOTE) if self.typing else ():
            editor = self.indexWidget(at.siblingAtColumn(column))
            if editor is not None:
                self.commitData(editor)
                self.closeEditor(editor, QAbstractItemDelegate.EndEditHint.NoHint)

    def go_to(self, row: int) -> None:
        """Select a row and no other."""
        flags = QItemSelectionModel.SelectionFlag
        index = self._rows.index(row, 0)
        self.selectionModel().setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
        self.scrollTo(index)

    def step(self, by: int) -> None:
        """Select the next row (1) or the one before (−1); from nowhere, the first or the last.

        Where the chosen row has just gone (it was decided on, and the filter hides it), Qt stands at the row after it,
        which is the next one.
        """
        count = self._rows.rowCount()
        if count:
            row = self.currentIndex().row()
            if by > 0 and row >= 0 and not self.selectionModel().hasSelection():
                by = 0
                self.selectionModel().clearCurrentIndex()  # or nobody would hear that it is chosen
            self.go_to(min(max(row + by, 0), count - 1) if row >= 0 else 0 if by > 0 else count - 1)

    def choose_again(self, chosen: Collection[Key], current: Event | None) -> None:
        """Select what was selected before the rows came anew."""
        selection, flags = self.selectionModel(), QItemSelectionModel.SelectionFlag
        keys = [event.key for event in self.events()]
        rows = (row for row, key in enumerate(keys) if key in chosen)
        selection.select(selection_of(self._rows, rows, len(COLUMNS)), flags.Select)
        if current is not None and current.key in keys:
            selection.setCurrentIndex(self._rows.index(keys.index(current.key), 0), flags.NoUpdate)

    def event(self, event: QEvent) -> bool:
        """The table's letters are its own while it has the focus, whatever the window uses them for."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and _plain(event)
            and Qt.Key(event.key()) in KEYS
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Undo):
            self.acted.emit("undo")
        elif event.matches(QKeySequence.StandardKey.Redo):
            self.acted.emit("redo")
        elif _plain(event) and Qt.Key(event.key()) in KEYS:
            self.acted.emit(KEYS[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    def menu(self) -> QMenu | None:
        """What can be done with the chosen events; None when none is."""
        chosen = self.chosen()
        return menu.build(self, chosen, self.acted.emit) if chosen else None

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """The menu where the pointer is; by the keyboard at the event."""
        made = self.menu()
        if made is not None:
            by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
            at = self.visualRect(self.currentIndex()).bottomLeft() if by_key else event.pos()
            made.popup(self.viewport().mapToGlobal(at))

    def keyboardSearch(self, search: str) -> None:
        """Letters act; they do not search."""


def _plain(event: QKeyEvent) -> bool:
    return event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
