"""The table of events: rows, order, filter, and the keys that act on what is chosen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QRectF,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QIcon,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractItemDelegate, QAbstractItemView, QHeaderView, QMenu, QTableView, QWidget

from mien_desktop.events import menu
from mien_desktop.events.ledger import Key
from mien_desktop.events.model import Event
from mien_desktop.look.icons import icon
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import literal
from mien_desktop.look.rows import selection_of
from mien_desktop.transcript.script import stamp

COLUMNS: Final = ("State", "Time", "Length", "Source", "Score", "Label", "Note")
STATE, TIME, LENGTH, SOURCE, SCORE, LABEL, NOTE = range(len(COLUMNS))
ORDER = Qt.ItemDataRole.UserRole
_STATES = {"open": 0, "corrected": 1, "accepted": 2, "rejected": 3}
_ICONS = {"accepted": "accept", "rejected": "reject", "corrected": "edit", "open": ""}
_Index = QModelIndex | QPersistentModelIndex
KEYS: Final = {
    Qt.Key.Key_N: "next", Qt.Key.Key_P: "previous", Qt.Key.Key_A: "accept", Qt.Key.Key_R: "reject",
    Qt.Key.Key_C: "correct", Qt.Key.Key_L: "label", Qt.Key.Key_M: "note", Qt.Key.Key_E: "explain",
    Qt.Key.Key_Delete: "delete", Qt.Key.Key_Return: "seek", Qt.Key.Key_Enter: "seek",
}  # fmt: skip
"""What plain keys do to the chosen events."""


class EventTable(QAbstractTableModel):
    """Events as rows.

    Signals:
        edited(object, str, str): event, field (`label` or `note`) and what was typed.
    """

    edited = Signal(object, str, str)

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self.events: tuple[Event, ...] = ()
        self.wear(palette)

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._palette = palette
        colours = {"accepted": palette.good, "rejected": palette.bad, "corrected": palette.focus, "open": palette.faint}
        self._icons: dict[str, QIcon] = {
            state: icon(name, palette, colours[state]) if name else _ring(colours[state])
            for state, name in _ICONS.items()
        }
        self._retouch()

    def show_events(self, events: Sequence[Event]) -> bool:
        """Show these; returns whether rows have come, gone or moved (else only their cells changed)."""
        same = [e.key for e in events] == [e.key for e in self.events]
        if same:
            self.events = tuple(events)
            self._retouch()
        else:
            self.beginResetModel()
            self.events = tuple(events)
            self.endResetModel()
        return not same

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.events)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            # The arrow of the order stands at the right edge, upon what is aligned there.
            return COLUMNS[section] + ("\u2003" if _alignment(section) & Qt.AlignmentFlag.AlignRight else "")
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        event, column = self.events[index.row()], index.column()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return cell(event, column)
        if role == ORDER:
            return _order(event, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.DecorationRole and column == STATE:
            return self._icons[event.state]
        if role == Qt.ItemDataRole.ForegroundRole:
            weak = (
                event.state == "rejected" or column in (LENGTH, SOURCE) or (column == STATE and event.state == "open")
            )
            return QColor(self._palette.dim if weak else self._palette.text)
        if role == Qt.ItemDataRole.ToolTipRole:
            return literal(told(event) if column == STATE else cell(event, column))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{COLUMNS[column]} {cell(event, column)}"
        return None

    def flags(self, index: _Index) -> Qt.ItemFlag:
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() in (LABEL, NOTE) else flags

    def setData(self, index: _Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Ask for a change; the cell shows it once it lies in the library."""
        if role != Qt.ItemDataRole.EditRole or index.column() not in (LABEL, NOTE):
            return False
        self.edited.emit(self.events[index.row()], "label" if index.column() == LABEL else "note", str(value).strip())
        return True

    def _retouch(self) -> None:
        if self.events:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.events) - 1, len(COLUMNS) - 1))


class EventFilter(QSortFilterProxyModel):
    """Rows of one state, and rows that hold some words."""

    def __init__(self, table: EventTable) -> None:
        super().__init__()
        self._table = table
        self._state, self._words = "", ""
        self.setSourceModel(table)
        self.setSortRole(ORDER)
        self.setSortCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.sort(TIME, Qt.SortOrder.AscendingOrder)

    def found(self, row: int) -> Event:
        """The event in a row as it is shown."""
        return self._table.events[self.mapToSource(self.index(row, 0)).row()]

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Order by a column. Events are in order of time already: to compare thousands of them would hold the window up."""
        super().sort(-1 if column == TIME and order == Qt.SortOrder.AscendingOrder else column, order)

    def narrow(self, state: str, words: str) -> None:
        """Show only events of `state` (empty for all) whose label, note, source or author holds every word."""
        self._state, self._words = state, words.casefold()
        self.invalidate()

    def filterAcceptsRow(self, row: int, parent: _Index) -> bool:
        if not self._state and not self._words:
            return True
        event = self._table.events[row]
        text = f"{event.label} {event.note} {event.source_title} {event.author}".casefold()
        return (not self._state or event.state == self._state) and all(word in text for word in self._words.split())


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
            painter = QPainter(self.viewport())
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            area = self.viewport().rect().adjusted(24, 18, -24, -12)
            painter.drawText(area, Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap, self._said)
            painter.end()

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


def cell(event: Event, column: int) -> str:
    """What a cell shows."""
    if column == SCORE:
        return number(event.score) if event.score == event.score else "–"
    return (
        event.state, stamp(event.start), f"{event.length:.1f} s", event.source_title, "", event.label, event.note,
    )[column]  # fmt: skip


def number(value: float) -> str:
    """Two digits behind the point, with a true minus sign."""
    return f"{value:.2f}".replace("-", "−")


def told(event: Event) -> str:
    """Who decided what, and when; where a person set something else, what was predicted."""
    if event.made is None:
        return "open: nobody has decided yet"
    text = f"{event.state} by {event.author}, {event.made.astimezone():%d %b %Y %H:%M}"
    found = event.predicted
    if found is not None and (found.start, found.end, found.label) != (event.start, event.end, event.label):
        text += f"; predicted {stamp(found.start)}–{stamp(found.end)} {found.label}"
    return text


def _ring(colour: str) -> QIcon:
    """What nobody has decided: an open ring, as wide as the other states' icons."""
    made = QIcon()
    for ratio in (1.0, 2.0):
        picture = QPixmap(round(18 * ratio), round(18 * ratio))
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(colour), 1.3))
        painter.drawEllipse(QRectF(5.5, 5.5, 7, 7))
        painter.end()
        made.addPixmap(picture)
    return made


def _order(event: Event, column: int) -> Any:
    if column == SCORE:
        return event.score if event.score == event.score else -1e9
    return _ORDERS[column](event)


_ORDERS: Final[dict[int, Callable[[Event], Any]]] = {
    STATE: lambda event: _STATES[event.state],
    TIME: lambda event: event.start,
    LENGTH: lambda event: event.length,
    SOURCE: lambda event: event.source_title,
    LABEL: lambda event: event.label,
    NOTE: lambda event: event.note,
}
"""Only what a column is ordered by: a title is put together from words, and thousands are compared."""


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column in (TIME, LENGTH, SCORE) else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
