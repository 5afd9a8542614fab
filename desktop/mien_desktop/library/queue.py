"""The queue of media to be analysed one after the other: what waits, what runs, what failed and why. No widgets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal, SignalInstance

from mien.batch.course import Course
from mien.engine.choice import Choice
from mien.engine.events import Done, Event, Failed, Finished, MediumFailed, Progress, Started
from mien.errors import DeviceError, LibraryError, MienError, ModelError, UsageError, shown
from mien_desktop.library import item as kept
from mien_desktop.library.candidates import Found, find_media, look
from mien_desktop.library.item import QueueItem
from mien_desktop.work.analyst import Analyst, Job
from mien_desktop.work.background import Background

_AT_ONCE = 8  # files that are probed before anything else gets its turn
_USUAL = 60.0  # s; taken for a duration that is not known
_NOT_ITS_OWN = {error.exit_code for error in (UsageError, DeviceError, ModelError, LibraryError)}
"""Failures that every other medium would meet too: the queue pauses instead of failing them all."""


class Queue(QObject):
    """Media in order; one is analysed at a time. What is in the library already is taken from there.

    It is kept in a file with every change. A queue that is read from there with something left to do is paused: nothing
    is computed before somebody asks for it.

    Signals:
        added(list): items at the end.
        changed(int, QueueItem): the item in that row.
        removed(list): rows, the last first.
        standing: overall progress, time left or whether it is paused.
        finished(Path): readings of that medium are in the library.
        trouble(str): one sentence on what keeps the queue from going on.

    Args:
        analyst: runs the jobs; others may use it too. It is closed by who made it, after `shutdown`.
        choice: asked for what is to be computed whenever a medium's turn comes.
        place: the file it is kept in, None for the user's own.
    """

    added = Signal(object)
    changed = Signal(int, object)
    removed = Signal(object)
    standing = Signal()
    finished = Signal(object)
    trouble = Signal(str)

    def __init__(
        self,
        analyst: Analyst,
        choice: Callable[[], Choice],
        place: Path | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._analyst, self._choice = analyst, choice
        self._place = place or kept.path()
        self._background = Background("mien-queue", self)
        self._items = kept.load(self._place)
        self._rows = {item.path: row for row, item in enumerate(self._items)}
        self._paused = any(item.open for item in self._items)
        self._looking = self._keeping = self._again = self._closed = False
        self._unknown = [item.path for item in self._items if item.open and item.seconds is None]
        self._job: Job | None = None
        self._course = Course()
        self._last = ""  # why a medium failed
        self._spent = self._covered = 0.0  # s of work, s of media
        self._listen()

    def use(self, analyst: Analyst) -> None:
        """Let another analyst run the jobs from now on (its library is another one); only while nothing runs.

        Raises:
            ValueError: a job runs, or is still being stopped.
        """
        if self.busy:
            raise ValueError("the queue is busy")
        for signal, slot in self._signals():
            signal.disconnect(slot)
        self._analyst = analyst
        self._listen()
        self._next()

    def _signals(self) -> tuple[tuple[SignalInstance, Callable[..., None]], ...]:
        analyst = self._analyst
        return (
            (analyst.began, self._began),
            (analyst.happened, self._happened),
            (analyst.died, self._died),
            (analyst.ended, self._ended),
        )

    def _listen(self) -> None:
        for signal, slot in self._signals():
            signal.connect(slot)

    # -- what it holds ------------------------------------------------------------------------------------------

    @property
    def items(self) -> tuple[QueueItem, ...]:
        """All of them, in order."""
        return tuple(self._items)

    @property
    def paused(self) -> bool:
        """Whether nothing is begun until `resume`."""
        return self._paused

    @property
    def busy(self) -> bool:
        """Whether a medium is being analysed, or its cancelling is not through yet."""
        return self._job is not None

    @property
    def progress(self) -> float:
        """From 0 to 1, by the lengths of the media; those that failed are left out."""
        items = [item for item in self._items if item.state != "failed"]
        whole = sum(_length(item) for item in items)
        return sum(_length(item) * item.progress for item in items) / whole if whole else 0.0

    @property
    def left(self) -> float | None:
        """s that all of it will take yet, from how fast it went so far; None while that is not known."""
        running = next((item for item in self._items if item.state == "running"), None)
        spent, covered = self._spent, self._covered
        if running is not None and running.left is not None:
            spent, covered = spent + self._course.spent, covered + running.progress * _length(running)
        if covered <= 0.0:
            return None
        todo = sum(_length(item) * (1.0 - item.progress) for item in self._items if item.open and item is not running)
        own = 0.0 if running is None else running.left
        if own is None and running is not None:
            own = _length(running) * spent / covered
        return (own or 0.0) + todo * spent / covered

    # -- what is asked of it ------------------------------------------------------------------------------------

    def add(self, paths: Iterable[Path]) -> None:
        """Put files, and the media in folders, at the end. One that is there already and not open runs again."""
        wanted = list(paths)
        if not self._closed:
            self._background.run(
                lambda: find_media(wanted, lambda: self._closed), lambda found: self._take(wanted, found), self._tell
            )

    def pause(self) -> None:
        """Stop at once; what was read of the running medium by plugins that are through is kept."""
        if self._paused:
            return
        self._paused = True
        if self._job is not None:
            self._analyst.cancel(self._job)
            row = self._row(self._job.path)
            if row is not None:
                self._set(row, state="paused", left=None)
        self.standing.emit()

    def resume(self) -> None:
        """Go on."""
        self._paused = False
        self.standing.emit()
        self._next()

    def retry(self, paths: Iterable[Path] | None = None) -> None:
        """Let those that failed wait again, or these."""
        wanted = set(paths) if paths is not None else {item.path for item in self._items if item.state == "failed"}
        for row, item in enumerate(self._items):
            if item.path in wanted and not item.open:
                self._set(row, state="waiting", reason="", progress=0.0, left=None, seconds=None)
                self._unknown.append(item.path)
        self._look()
        self._next()

    def remove(self, paths: Iterable[Path]) -> None:
        """Take them out; one that runs is stopped. Files and readings stay."""
        wanted = set(paths)
        rows = [row for row, item in reversed(list(enumerate(self._items))) if item.path in wanted]
        if self._job is not None and self._job.path in wanted:
            self._analyst.cancel(self._job)
        self._items = [item for item in self._items if item.path not in wanted]
        self._rows = {item.path: row for row, item in enumerate(self._items)}
        self.removed.emit(rows)
        self._keep()
        self.standing.emit()

    def shutdown(self) -> None:
        """Stop what runs, keep the list, and let go of the thread."""
        if self._closed:
            return
        self._closed = True
        if self._job is not None:
            self._analyst.cancel(self._job)
        self._background.close()
        kept.save(self._items, self._place)

    # -- adding -------------------------------------------------------------------------------------------------

    def _take(self, wanted: Sequence[Path], found: Sequence[Path]) -> None:
        if not found:
            self._tell(f"There is no video or sound file in it: {', '.join(shown(path) for path in wanted)}")
            return
        again = [path for path in found if path in self._rows]
        fresh = [QueueItem(path) for path in found if path not in self._rows]
        self._rows |= {item.path: row for row, item in enumerate(fresh, len(self._items))}
        self._items += fresh
        self._unknown += [item.path for item in fresh]
        if fresh:
            self.added.emit(fresh)
        self._keep()
        self.standing.emit()
        self.retry(again)

    def _look(self) -> None:
        """Probe what is not known yet, a few at a time."""
        if self._looking or self._closed or not self._unknown:
            return
        self._looking = True
        now, self._unknown = self._unknown[:_AT_ONCE], self._unknown[_AT_ONCE:]
        self._background.run(lambda: [look(path) for path in now], self._looked, self._tell)

    def _looked(self, found: Sequence[Found]) -> None:
        self._looking = False
        for one in found:
            row = self._row(one.path)
            if row is None:
                continue
            if one.reason and self._items[row].state == "waiting":
                self._set(row, state="failed", reason=one.reason)
            elif self._items[row].seconds is None and one.seconds is not None:
                self._set(row, seconds=one.seconds)
        self.standing.emit()
        self._look()

    # -- the worker ---------------------------------------------------------------------------------------------

    def _next(self) -> None:
        if self._closed or self._paused or self._job is not None:
            return
        row = self._first("paused")
        row = self._first("waiting") if row is None else row
        if row is None:
            self.standing.emit()
            return
        try:
            choice = self._choice()
        except MienError as error:
            self._hold(str(error))
            return
        self._course = Course()
        self._set(row, state="running", reason="", progress=0.0, left=None)
        self._job = self._analyst.submit(self._items[row].path, choice)
        self.standing.emit()

    def _mine(self, job: Job) -> int | None:
        """The row of that job's item; None when it is not the queue's, or its item was taken out."""
        if self._closed or self._job is None or job.number != self._job.number:
            return None
        return self._row(job.path)

    def _began(self, job: Job) -> None:
        if self._mine(job) is not None:
            self._course = Course()  # it may have waited for a job of somebody else

    def _happened(self, job: Job, event: Event) -> None:
        row = self._mine(job)
        if row is None:
            return
        self._course.take(event)
        if isinstance(event, Done):
            self._done(row, event)
        elif isinstance(event, MediumFailed):
            self._failed(row, event)
        elif isinstance(event, Started | Progress | Finished | Failed) and self._items[row].state == "running":
            seconds = self._items[row].seconds
            seconds = event.media.duration or seconds if isinstance(event, Started) else seconds
            self._set(row, progress=self._course.progress, left=self._course.left, seconds=seconds)
            self.standing.emit()

    def _done(self, row: int, done: Done) -> None:
        reason = "; ".join(
            [f"{plugin}: {why}" for plugin, why in done.failed.items()] + [done.partial] * bool(done.partial)
        )
        if done.failed and not done.runs:
            self._set(row, state="failed", reason=reason, left=None)
            return
        if self._course.computes:
            self._spent += self._course.spent
            self._covered += done.duration
        self._set(row, state="done", reason=reason, progress=1.0, left=None, seconds=done.duration)
        self.finished.emit(self._items[row].path)

    def _failed(self, row: int, event: MediumFailed) -> None:
        if event.kind == "Cancelled":
            self._set(row, state="paused" if self._paused else "waiting", left=None)
        elif self._concerns_all(event):
            self._set(row, state="paused", left=None)
            self._hold(event.reason)
        else:
            self._set(row, state="failed", reason=event.reason, left=None)

    def _concerns_all(self, event: MediumFailed) -> bool:
        """Whether the next medium would meet the same."""
        last, self._last = self._last, event.reason
        if event.exit_code not in _NOT_ITS_OWN or event.kind == "ParameterError":  # it may lack a stream
            return False
        # A library that cannot be used says the same twice; what it says of one medium it says of that one only.
        return event.kind != LibraryError.__name__ or event.reason == last

    def _died(self, job: Job, reason: str) -> None:
        row = self._mine(job)
        if row is not None:
            self._set(row, state="failed", reason=reason, left=None)

    def _ended(self, job: Job) -> None:
        if self._job is not None and job.number == self._job.number:
            self._job = None
            self._next()

    def _hold(self, reason: str) -> None:
        self._paused = True
        self._tell(reason)
        self.standing.emit()

    # -- rows ---------------------------------------------------------------------------------------------------

    def _row(self, path: Path) -> int | None:
        return self._rows.get(path)

    def _first(self, state: str) -> int | None:
        return next((row for row, item in enumerate(self._items) if item.state == state), None)

    def _set(self, row: int, **changes: object) -> None:
        before = self._items[row]
        item = self._items[row] = replace(before, **changes)  # type: ignore[arg-type]
        self.changed.emit(row, item)
        if item.state != before.state:
            self._keep()

    def _keep(self) -> None:
        """Write the list, once more when it has changed meanwhile."""
        if self._keeping or self._closed:
            self._again = True
            return
        self._keeping, self._again = True, False
        items, place = tuple(self._items), self._place
        self._background.run(lambda: kept.save(items, place), lambda _: self._was_kept(), self._tell)

    def _was_kept(self) -> None:
        self._keeping = False
        if self._again:
            self._keep()

    def _tell(self, sentence: str) -> None:
        self.trouble.emit(sentence)


def _length(item: QueueItem) -> float:
    return item.seconds if item.seconds else _USUAL
