"""The media of the queue in order, with what is known of each, and the file that keeps them. No widgets."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from mien.batch.find import Found, Unread
from mien.batch.scan import USUAL
from mien_desktop.library import item as kept
from mien_desktop.library.item import Kept, QueueItem
from mien_desktop.work.background import Background

Folders = Mapping[Path, tuple[Unread, ...]]
"""Folders that could not be read, by the folders that were named."""


class Entries(QObject):
    """The list, and the folders that could not be read.

    Signals:
        added(list): items at the end.
        changed(int, QueueItem): the item in that row.
        removed(list): rows, the last first.
        altered: something is other than what is kept.
    """

    added = Signal(object)
    changed = Signal(int, object)
    removed = Signal(object)
    altered = Signal()

    def __init__(self, items: Iterable[QueueItem], unread: Folders, parent: QObject) -> None:
        super().__init__(parent)
        self._items, self._unread = list(items), dict(unread)
        self._rows = {item.path: row for row, item in enumerate(self._items)}

    def __iter__(self) -> Iterator[QueueItem]:
        return iter(self._items)

    def __getitem__(self, row: int) -> QueueItem:
        return self._items[row]

    def row(self, path: Path) -> int | None:
        """Where a medium stands; None when it is not here."""
        return self._rows.get(path)

    @property
    def unread(self) -> Folders:
        """The folders that could not be read when they were looked into last."""
        return self._unread

    @property
    def open(self) -> bool:
        """Whether something is still to be done."""
        return any(item.open for item in self._items)

    @property
    def progress(self) -> float:
        """From 0 to 1, by the lengths of the media; those that failed are left out."""
        items = [item for item in self._items if item.state != "failed"]
        whole = sum(_length(item) for item in items)
        return sum(_length(item) * item.progress for item in items) / whole if whole else 0.0

    def is_news(self, found: Found) -> bool:
        """Whether a file is not here yet, or is another than the one that was done."""
        row = self.row(found.path)
        return row is None or (not self._items[row].open and self._items[row].mark != mark_of(found))

    def set(self, row: int, **changes: object) -> None:
        """Change fields of an item."""
        before = self._items[row]
        item = self._items[row] = replace(before, **changes)  # type: ignore[arg-type]
        self.changed.emit(row, item)
        if item.state != before.state:
            self.altered.emit()

    def append(self, files: Sequence[Found]) -> list[Path]:
        """Put files at the end; those that are here already, as they are."""
        again = [found.path for found in files if found.path in self._rows]
        fresh = [QueueItem(found.path, root=found.root) for found in files if found.path not in self._rows]
        self._rows |= {item.path: row for row, item in enumerate(fresh, len(self._items))}
        self._items += fresh
        if fresh:
            self.added.emit(fresh)
            self.altered.emit()
        return again

    def remove(self, paths: Collection[Path]) -> None:
        """Take them out."""
        rows = [row for row, item in reversed(list(enumerate(self._items))) if item.path in paths]
        roots = {self._items[row].root for row in rows}
        self._items = [item for item in self._items if item.path not in paths]
        self._rows = {item.path: row for row, item in enumerate(self._items)}
        # What could not be read goes with the last that came from the same folder.
        gone = roots - {item.root for item in self._items} if self._items else self._unread.keys()
        self._unread = {root: folders for root, folders in self._unread.items() if root not in gone}
        self.removed.emit(rows)
        self.altered.emit()

    def take_unread(self, seen: Folders) -> None:
        """What could not be read at a look; an empty entry says that it can be now."""
        unread = {root: folders for root, folders in (self._unread | dict(seen)).items() if folders}
        if unread != self._unread:
            self._unread = unread
            self.altered.emit()


class Keeper:
    """Writes the queue's file in the background, once more when it has changed meanwhile.

    Args:
        everything: asked for what is to be kept.
        tell: gets one sentence on what went wrong.
    """

    def __init__(
        self, background: Background, place: Path, everything: Callable[[], Kept], tell: Callable[[str], None]
    ) -> None:
        self._background, self._place, self._everything, self._tell = background, place, everything, tell
        self._keeping = self._again = self._closed = False

    def keep(self) -> None:
        """Write the list soon."""
        if self._keeping or self._closed:
            self._again = True
            return
        self._keeping, self._again = True, False
        everything, place = self._everything(), self._place
        self._background.run(lambda: kept.save(everything, place), lambda _: self._was_kept(), self._tell)

    def close(self) -> None:
        """End the background, and write the list for the last time."""
        self._closed = True
        self._background.close()
        kept.save(self._everything(), self._place)

    def _was_kept(self) -> None:
        self._keeping = False
        if self._again:
            self.keep()


def mark_of(found: Found) -> str:
    """By which a file is known again: its size and date, and its subtitles'."""
    return f"{found.signature}/{found.side_cars}" if found.signature else ""


def _length(item: QueueItem) -> float:
    return item.seconds if item.seconds else USUAL
