"""The media, sorted and filtered, with what was found beneath each: one flat list for a view."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from mien.exchange.text import clock
from mien_desktop.library.catalogue import PEAKS, Answer, Card, Line, signed
from mien_desktop.look.parts import literal

ROW: Final = Qt.ItemDataRole.UserRole + 1
"""The `Card`, `Line` or `More` itself."""

SHOWN_LINES: Final = 6
"""Places shown beneath a medium until more are asked for."""

_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class More:
    """A line that stands for the places not shown."""

    medium: str
    count: int


Row = Card | Line | More


def key_of(row: Row) -> tuple[object, ...]:
    """By what a row is known again when the list was read anew."""
    if isinstance(row, Card):
        return (row.id,)
    return (row.medium, row.start, row.end, row.text) if isinstance(row, Line) else (row.medium, "more")


def _peak(reading: str) -> Callable[[Card], float]:
    def key(card: Card) -> float:
        value = card.peaks.get(reading)
        return float("inf") if value is None else -value

    return key


ORDERS: dict[str, tuple[str, Callable[[Card], Any]]] = {
    "added": ("Date added", lambda card: -card.added.timestamp()),
    "name": ("Name", lambda card: card.title.casefold()),
    "duration": ("Duration", lambda card: -(card.seconds or 0.0)),
    **{reading: (f"Peak of {reading}", _peak(reading)) for reading in PEAKS},
}
"""How media can be sorted: id → what it is called, and the key."""


class MediaModel(QAbstractListModel):
    """Rows are media; after a search each is followed by its places."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cards: dict[str, Card] = {}
        self._rows: list[Row] = []
        self._answer: Answer | None = None
        self._order = "added"
        self._hidden: frozenset[str] = frozenset()
        self._expanded: set[str] = set()

    @property
    def cards(self) -> dict[str, Card]:
        """Every medium by id, shown or not."""
        return self._cards

    @property
    def answer(self) -> Answer | None:
        """What the last query found; None while all media are shown."""
        return self._answer

    @property
    def shown(self) -> list[Card]:
        """The media that are listed, in order."""
        return [row for row in self._rows if isinstance(row, Card)]

    @property
    def found(self) -> int:
        """How many places were found in the media listed."""
        if self._answer is None:
            return 0
        return sum(len(self._answer.lines.get(card.id, ())) for card in self.shown)

    def set_cards(self, cards: Iterable[Card]) -> None:
        """Other media."""
        self._cards = {card.id: card for card in cards}
        self._build()

    def update_cards(self, cards: Iterable[Card]) -> None:
        """More is known of some of them; those that are not listed any more are left out."""
        changed = {card.id: card for card in cards if card.id in self._cards}
        self._cards |= changed
        if self._order in PEAKS:
            self._build()
            return
        for n, row in enumerate(self._rows):
            if isinstance(row, Card) and row.id in changed:
                self._rows[n] = changed[row.id]
                self.dataChanged.emit(self.index(n), self.index(n))

    def set_answer(self, answer: Answer | None) -> None:
        """Show what a query found; None shows all media. The same query anew leaves unfolded what is."""
        if answer is None or self._answer is None or answer.query != self._answer.query:
            self._expanded.clear()
        self._answer = answer
        self._build()

    def set_order(self, order: str) -> None:
        """Sort by one of `ORDERS`."""
        self._order = order
        self._build()

    def hide(self, media: Collection[str]) -> None:
        """Leave these out for now."""
        if frozenset(media) != self._hidden:
            self._hidden = frozenset(media)
            self._build()

    def drop(self, media: Collection[str]) -> None:
        """These are gone."""
        self.set_cards(card for card in self._cards.values() if card.id not in media)

    def expand(self, medium: str) -> None:
        """Show all places of a medium."""
        self._expanded.add(medium)
        self._build()

    def touch(self, medium: str) -> None:
        """A medium is to be drawn anew."""
        at = self.row_of(medium)
        if at is not None:
            self.dataChanged.emit(self.index(at), self.index(at))

    def row_of(self, medium: str) -> int | None:
        """Where a medium stands."""
        return next((n for n, row in enumerate(self._rows) if isinstance(row, Card) and row.id == medium), None)

    def row(self, index: _Index) -> Row | None:
        """What stands there."""
        return self._rows[index.row()] if index.isValid() and index.row() < len(self._rows) else None

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        """How many rows there are."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The row itself, or what is said of it."""
        row = self.row(index)
        if row is None:
            return None
        if role == ROW:
            return row
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return told(row)
        if role == Qt.ItemDataRole.ToolTipRole:
            return literal(tip(row))
        return None

    def _build(self) -> None:
        self.beginResetModel()
        # Of equal ones the one added last stands first, whatever they are sorted by.
        cards = sorted(self._cards.values(), key=ORDERS["added"][1])
        cards.sort(key=ORDERS[self._order][1])
        self._rows = []
        for card in cards:
            if card.id in self._hidden or (self._answer is not None and card.id not in self._answer.lines):
                continue
            self._rows.append(card)
            lines = self._answer.lines[card.id] if self._answer is not None else ()
            whole = card.id in self._expanded or len(lines) <= SHOWN_LINES + 1
            self._rows.extend(lines if whole else lines[:SHOWN_LINES])
            if not whole:
                self._rows.append(More(card.id, len(lines) - SHOWN_LINES))
        self.endResetModel()


def told(row: Row) -> str:
    """A row as a sentence, for those who hear the page."""
    if isinstance(row, More):
        return f"{row.count} more places in this medium"
    if isinstance(row, Line):
        return f"{clock(row.start)}: {row.text}"
    peaks = [f"{name} {signed(v, PEAKS[name])}" for name, v in row.peaks.items() if v is not None]
    parts = [
        row.title,
        duration(row.seconds),
        f"added {when(row)}",
        *(["highest " + ", ".join(peaks)] if peaks else []),
    ]
    return ", ".join([*parts, *states(row)])


def tip(row: Row) -> str:
    """What is said of a row under the pointer."""
    if isinstance(row, Card):
        lines = [str(row.path)]
        if row.missing:
            lines.append("The file is not there any more, its readings are: Enter lets you locate it.")
        if row.partial:
            lines.append(f"Not all of it could be read: {row.partial}")
        if row.damaged:
            lines.append("What the library says of it is damaged: analyze it again.")
        return "\n".join(lines)
    if isinstance(row, Line):
        return f"{clock(row.start)} to {clock(row.end)}: open here with Enter"
    return "Show them with Enter"


def states(card: Card) -> list[str]:
    """What is not as it should be with a medium, in a word or two each."""
    found = (("file missing", card.missing), ("damaged", card.damaged), ("partial", card.partial))
    return [state for state, so in found if so]


def duration(seconds: float | None) -> str:
    """A length for reading: `1:02:10`, `0:09`, or a dash."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


def folder_of(path: Path) -> str:
    """The folder that a file lies in, with the user's own as `~`."""
    home = Path.home()
    return str(Path("~") / path.parent.relative_to(home)) if path.is_relative_to(home) else str(path.parent)


def when(card: Card) -> str:
    """The day on which it was added."""
    return f"{card.added.day} {card.added:%b %Y}"
