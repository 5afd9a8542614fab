"""The events as rows: what their cells say, their order and their filter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QRectF,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QIcon,
    QPainter,
    QPen,
    QPixmap,
)

from mien_desktop.events.model import Event
from mien_desktop.look.icons import icon
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import literal
from mien_desktop.transcript.script import stamp

COLUMNS: Final = ("State", "Time", "Length", "Source", "Score", "Label", "Note")
STATE, TIME, LENGTH, SOURCE, SCORE, LABEL, NOTE = range(len(COLUMNS))
ORDER = Qt.ItemDataRole.UserRole
_STATES = {"open": 0, "corrected": 1, "accepted": 2, "rejected": 3}
_ICONS = {"accepted": "accept", "rejected": "reject", "corrected": "edit", "open": ""}
_Index = QModelIndex | QPersistentModelIndex


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


def cell(event: Event, column: int) -> str:
    """What a cell shows."""
    if column == SCORE:
        return number(event.score) if event.score == event.score else "–"
    return (
        event.state, stamp(event.start), f"{event.length:.1f} s", event.source_title, "", event.label, event.note,
    )[column]  # fmt: skip


def number(value: float) -> str:
    """Two digits behind the point, with a true minus sign."""
    return f"{value:z.2f}".replace("-", "−")


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
