"""What of the queue is looked into, given to the workers and under way. No widgets."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, SignalInstance

from mien.batch.survey import Item
from mien.engine.choice import Choice
from mien.errors import MienError
from mien_desktop.library.item import Known, State
from mien_desktop.library.queue_entries import Entries, mark_of
from mien_desktop.work.scanner import Course, Scanner

QUIET = 60.0
"""s without progress after which a medium's worker may hang, as in the window (`shell/patience.py`)."""
SILENT = "Nothing was heard of it for a minute: its worker may hang. Restart begins it anew."
_LOOK = 1000  # ms; from one look for workers that hang to the next
_SOON = 100  # ms; files that were looked into are given to the workers together


class Work(QObject):
    """Has every open medium of the list looked into and, unless it is paused, analysed.

    Signals:
        standing: overall progress, time left or whether it is paused.
        finished(Path): readings of that medium are in the library.
        trouble(str): one sentence on what keeps the queue from going on.

    Args:
        choice: asked for what is to be computed whenever a medium is begun or through.
        workers: how many media at once on each device, None for what is sensible.
    """

    standing = Signal()
    finished = Signal(object)
    trouble = Signal(str)

    def __init__(
        self,
        entries: Entries,
        scanner: Scanner,
        choice: Callable[[], Choice],
        workers: int | None,
        paused: bool,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self.scanner, self.workers, self.paused = scanner, workers, paused
        self.left: float | None = None
        """s that all of it will take yet, from how fast it went so far; None while that is not known."""
        self._entries, self._choice = entries, choice
        self._closed = False
        self._holding = False  # what runs is being stopped
        self._asked: set[Path] = set()  # being looked into
        self._known: dict[Path, Item] = {}  # looked into, and to be analysed
        self._given: dict[Path, Item] = {}  # handed to the workers
        self._running: dict[Path, float] = {}  # at work there, and when (s) there was progress last
        self._terms: tuple[Choice, int | None] | None = None  # what they were given with
        self._soon = QTimer(self, singleShot=True, interval=_SOON)
        self._soon.timeout.connect(self.go_on)
        self._watch = QTimer(self, interval=_LOOK)
        self._watch.timeout.connect(self._look_for_silence)
        self._listen()

    def use(self, scanner: Scanner) -> None:
        """Let another scanner do the work from now on; raises ValueError while something runs or is being stopped."""
        if self.scanner.busy:
            raise ValueError("the queue is busy")
        for signal, slot in self._signals():
            signal.disconnect(slot)
        self.scanner = scanner
        self._asked, self._known = set(), {}  # what the other library has is not known
        self._listen()
        self.go_on()

    def _signals(self) -> tuple[tuple[SignalInstance, Callable[..., None]], ...]:
        scanner = self.scanner
        return (
            (scanner.surveyed, self._surveyed),
            (scanner.unsurveyed, self._unsurveyed),
            (scanner.began, self._began),
            (scanner.moved, self._moved),
            (scanner.ended, self._ended),
            (scanner.rested, self._rested),
        )

    def _listen(self) -> None:
        for signal, slot in self._signals():
            signal.connect(slot)

    # -- what is asked of it ------------------------------------------------------------------------------------

    def go_on(self) -> None:
        """Have looked into what is not known, and give the workers what is."""
        if self._closed:
            return
        terms = self._wanted_terms()
        if terms is None:
            return
        unknown = [i.path for i in self._entries if i.open and i.path not in self._known and i.path not in self._asked]
        if unknown:
            self._asked.update(unknown)
            self.scanner.survey(unknown, terms[0])
        if self.paused or self._holding:
            return
        fresh = [
            item for item in self._entries if item.open and item.path in self._known and item.path not in self._given
        ]
        fresh.sort(key=lambda item: item.state != "paused")  # those go first, all others in their order
        if fresh or (self._given and terms != self._terms):
            self._terms = terms
            self._given |= {item.path: self._known[item.path] for item in fresh}
            self.scanner.go([self._known[item.path] for item in fresh], *terms)
        self.standing.emit()

    def stop(self) -> None:
        """Stop at once; what was read of the running media by plugins that are through is kept."""
        self.paused, self._holding = True, self.scanner.busy
        self.scanner.hold()
        self._settle("paused")

    def resume(self) -> None:
        """Begin again what was stopped, and go on."""
        self.paused = False
        self.standing.emit()
        self.go_on()

    def forget(self, path: Path) -> None:
        """Have a medium looked into anew."""
        self._known.pop(path, None)

    def drop(self, path: Path) -> None:
        """A medium leaves the list; if it runs, it is stopped."""
        self.forget(path)
        if (given := self._given.pop(path, None)) is not None:
            self.scanner.drop(given)

    def close(self) -> None:
        """Stop what runs; nothing is heard of it any more."""
        self._closed = True
        self._soon.stop()
        self._watch.stop()
        self.scanner.hold()

    def _wanted_terms(self) -> tuple[Choice, int | None] | None:
        try:
            return self._choice(), self.workers
        except MienError as error:
            if self._entries.open:
                self._hold(str(error))
            return None

    def _hold(self, reason: str) -> None:
        self.stop()
        self.trouble.emit(reason)
        self.standing.emit()

    # -- looking into files -------------------------------------------------------------------------------------

    def _surveyed(self, item: Item) -> None:
        self._asked.discard(item.path)
        row = self._entries.row(item.path)
        if self._closed or row is None or not self._entries[row].open:
            return
        if item.state == "todo":
            self._known[item.path] = item
            self._entries.set(row, seconds=item.seconds, known=Known(item.medium, item.side_car))
            if not self._soon.isActive():
                self._soon.start()
        else:
            self._end(row, item)

    def _unsurveyed(self, sentence: str) -> None:
        self._asked.clear()
        if not self._closed:
            self._hold(sentence)

    # -- the workers --------------------------------------------------------------------------------------------

    def _began(self, path: Path) -> None:
        row = self._mine(path)
        if row is not None:
            self._running[path] = time.monotonic()
            self._watch.start()
            state = "paused" if self.paused else "running"
            self._entries.set(row, state=state, reason="", progress=0.0, left=None)
            self.standing.emit()

    def _moved(self, courses: Sequence[Course], left: float | None) -> None:
        if self._closed or self.paused:
            return
        at_work = {course.path: course for course in courses}
        for path in list(self._running):
            row = self._mine(path)
            if row is None or self._entries[row].state != "running":
                continue
            course = at_work.get(path)
            if course is None:  # it is to be begun once more
                self._running.pop(path, None)
                self._entries.set(row, state="waiting", reason="", progress=0.0, left=None)
            elif (course.progress, course.left) != (self._entries[row].progress, self._entries[row].left):
                if course.progress != self._entries[row].progress:
                    self._running[path] = time.monotonic()
                    self._entries.set(row, reason="")
                self._entries.set(row, progress=course.progress, left=course.left)
        self.left = left
        self.standing.emit()

    def _look_for_silence(self) -> None:
        now = time.monotonic()
        for path in [path for path, heard in self._running.items() if now - heard > QUIET]:
            row = self._mine(path)
            if row is not None and self._entries[row].state == "running" and not self._entries[row].reason:
                self._entries.set(row, reason=SILENT)
        if not self._running:
            self._watch.stop()

    def _ended(self, item: Item) -> None:
        row = self._mine(item.path)
        self._given.pop(item.path, None)
        self.forget(item.path)
        self._running.pop(item.path, None)
        if row is not None:
            self._end(row, item)
            if not self.paused and self._given and self._wanted_terms() != self._terms:
                self.go_on()

    def _end(self, row: int, item: Item) -> None:
        """A medium is done or has failed."""
        found = {
            "mark": mark_of(item.found),
            "seconds": item.seconds,
            "known": Known(item.medium, item.side_car, dict(item.runs), dict(item.failed), item.partial),
        }
        if item.state == "failed" or (item.failed and not item.runs):
            self._entries.set(row, state="failed", reason=item.trouble, left=None, **found)
            return
        reason = "; ".join([*[item.trouble] * bool(item.trouble), *[item.partial] * bool(item.partial)])
        self._entries.set(row, state="done", reason=reason, progress=1.0, left=None, **found)
        self.standing.emit()
        self.finished.emit(item.path)

    def _rested(self, reason: str) -> None:
        if self._closed:
            return
        self._given, self._terms, self.left, self._holding = {}, None, None, False
        if reason:
            self._hold(reason)
        self._settle("paused" if self.paused else "waiting")
        self.standing.emit()
        self.go_on()

    def _settle(self, state: State) -> None:
        """Nothing runs any more."""
        for path in self._running:
            row = self._entries.row(path)
            if row is not None and self._entries[row].state == "running":
                self._entries.set(row, state=state, reason="", left=None)
        self._running = {}
        self._watch.stop()

    def _mine(self, path: Path) -> int | None:
        """The row of a medium at the workers; None when it was taken out."""
        return None if self._closed or path not in self._given else self._entries.row(path)
