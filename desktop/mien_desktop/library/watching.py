"""Watches folders for the queue: looks into them again and again, in the queue's own thread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QObject, QTimer, Signal

from mien_desktop.library.candidates import Lookout, Seen, Watched
from mien_desktop.work.background import Background


class Watching(QObject):
    """Looks as soon as there is a folder, and then every few seconds.

    Signals:
        seen(list): a `Seen` for each folder that was looked into, with what is new or has changed.
        changed: which folders are watched, or whether something there still grows.
        trouble(str): why a folder cannot be looked into, a sentence; the same one once.

    Args:
        folders: that are watched.
        background: looks.
        every: s between two looks.
    """

    seen = Signal(list)
    changed = Signal()
    trouble = Signal(str)

    def __init__(self, folders: Iterable[Watched], background: Background, every: float, parent: QObject) -> None:
        super().__init__(parent)
        self._background, self._every = background, every
        self._lookouts = [Lookout(watched, every) for watched in folders]
        self._looking = self._unsettled = self._closed = False
        self._told: set[str] = set()
        self._timer = QTimer(self, interval=round(1000 * every))
        self._timer.timeout.connect(self._look)

    @property
    def folders(self) -> tuple[Watched, ...]:
        """The folders that are watched."""
        return tuple(lookout.watched for lookout in self._lookouts)

    @property
    def unsettled(self) -> bool:
        """Whether there is something in them that may still grow."""
        return self._unsettled

    def begin(self) -> None:
        """Look now if there is a folder, and from then on."""
        if self._lookouts and not self._closed:
            self._timer.start()
            self._look()

    def add(self, folders: Sequence[Watched]) -> None:
        """Watch these from now on; one that was watched before by the terms that come with it now."""
        of = {watched.folder for watched in folders}
        self._lookouts = [one for one in self._lookouts if one.watched.folder not in of]
        self._lookouts += [Lookout(watched, self._every) for watched in folders]
        self.changed.emit()
        self.begin()

    def remove(self, watched: Watched) -> None:
        """Watch a folder no more."""
        self._lookouts = [one for one in self._lookouts if one.watched != watched]
        if not self._lookouts:
            self._timer.stop()
            self._unsettled = False
        self.changed.emit()

    def close(self) -> None:
        """Look no more; the thread is ended by who made it."""
        self._closed = True
        self._timer.stop()

    def _look(self) -> None:
        """One look at a time, however long a folder takes."""
        if self._looking or self._closed:
            return
        self._looking = True
        lookouts = list(self._lookouts)
        self._background.run(
            lambda: [(one, one.look(lambda: self._closed)) for one in lookouts], self._saw, self._blind
        )

    def _saw(self, looks: Sequence[tuple[Lookout, Seen]]) -> None:
        self._looking = False
        every = [seen for lookout, seen in looks if lookout in self._lookouts]
        troubles = list(dict.fromkeys(sentence for seen in every for sentence in seen.troubles))
        for sentence in troubles:
            if sentence not in self._told:
                self.trouble.emit(sentence)
        self._told = set(troubles)
        self.seen.emit(every)
        unsettled = any(seen.unsettled for seen in every)
        if unsettled != self._unsettled:
            self._unsettled = unsettled
            self.changed.emit()

    def _blind(self, sentence: str) -> None:
        self._looking = False
        self.trouble.emit(sentence)
