"""The queue of media to be analysed: what waits, what runs, what failed and why; and the folders watched for more. No widgets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, SignalInstance

from mien.batch.find import Found, Unread, Wanted
from mien.batch.scan import USUAL
from mien.batch.survey import Item
from mien.engine.choice import Choice
from mien.engine.registry import Registry
from mien.errors import MienError, shown
from mien_desktop.library import item as kept
from mien_desktop.library.candidates import EVERY, Seen, Watched, find_media
from mien_desktop.library.item import Kept, Known, QueueItem
from mien_desktop.library.watching import Watching
from mien_desktop.work.background import Background
from mien_desktop.work.scanner import Course, Scanner

_SOON = 100  # ms; files that were looked into are given to the workers together


class Queue(QObject):
    """Media in order, analysed on all workers. What is in the library already is taken from there.

    It is kept in a file with every change. A queue that is read from there with something left to do, or with folders that
    are watched, is paused: nothing is computed before somebody asks for it.

    Signals:
        added(list): items at the end.
        changed(int, QueueItem): the item in that row.
        removed(list): rows, the last first.
        standing: overall progress, time left or whether it is paused.
        watching: which folders are watched, or whether something there still grows.
        finished(Path): readings of that medium are in the library.
        trouble(str): one sentence on what keeps the queue from going on.

    Args:
        scanner: analyses; it is closed by who made it, after `shutdown`.
        choice: asked for what is to be computed whenever a medium is begun or through.
        place: the file it is kept in, None for the user's own.
        every: s between two looks into the folders that are watched.
    """

    added = Signal(object)
    changed = Signal(int, object)
    removed = Signal(object)
    standing = Signal()
    watching = Signal()
    finished = Signal(object)
    trouble = Signal(str)

    def __init__(
        self,
        scanner: Scanner,
        choice: Callable[[], Choice],
        place: Path | None = None,
        parent: QObject | None = None,
        every: float = EVERY,
    ) -> None:
        super().__init__(parent)
        self._scanner, self._choice = scanner, choice
        self._place = place or kept.path()
        self._background = Background("mien-queue", self)
        before = kept.load(self._place)
        self._items, self._workers = list(before.items), before.workers
        self._unread = dict(before.unread)
        self._summary = before.rank, before.out
        self._rows = {item.path: row for row, item in enumerate(self._items)}
        self._paused = any(item.open for item in self._items) or bool(before.watched)
        self._keeping = self._again = self._closed = False
        self._holding = False  # what runs is being stopped
        self._asked: set[Path] = set()  # being looked into
        self._known: dict[Path, Item] = {}  # looked into, and to be analysed
        self._given: dict[Path, Item] = {}  # handed to the workers
        self._running: set[Path] = set()  # at work there
        self._terms: tuple[Choice, int | None] | None = None  # what they were given with
        self._left: float | None = None
        self._soon = QTimer(self, singleShot=True, interval=_SOON)
        self._soon.timeout.connect(self._next)
        self._watching = Watching(before.watched, self._background, every, self)
        self._watching.seen.connect(self._saw)
        self._watching.changed.connect(self._watched_changed)
        self._watching.trouble.connect(self._tell)
        self._listen()
        self._watching.begin()

    def use(self, scanner: Scanner) -> None:
        """Let another scanner do the work from now on (its library is another one); only while nothing runs.

        Raises:
            ValueError: something runs, or is still being stopped.
        """
        if self.busy:
            raise ValueError("the queue is busy")
        for signal, slot in self._signals():
            signal.disconnect(slot)
        self._scanner = scanner
        self._asked, self._known = set(), {}  # what the other library has is not known
        self._listen()
        self._next()

    def _signals(self) -> tuple[tuple[SignalInstance, Callable[..., None]], ...]:
        scanner = self._scanner
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
        """Whether media are being analysed, or their cancelling is not through yet."""
        return self._scanner.busy

    @property
    def progress(self) -> float:
        """From 0 to 1, by the lengths of the media; those that failed are left out."""
        items = [item for item in self._items if item.state != "failed"]
        whole = sum(_length(item) for item in items)
        return sum(_length(item) * item.progress for item in items) / whole if whole else 0.0

    @property
    def left(self) -> float | None:
        """s that all of it will take yet, from how fast it went so far; None while that is not known."""
        return self._left

    @property
    def workers(self) -> int | None:
        """How many media are analysed at once on each device, None for what is sensible."""
        return self._workers

    @property
    def watched(self) -> tuple[Watched, ...]:
        """The folders that are watched."""
        return self._watching.folders

    @property
    def unread(self) -> tuple[Unread, ...]:
        """Folders that could not be read when they were looked into last."""
        return tuple({folder.path: folder for folders in self._unread.values() for folder in folders}.values())

    @property
    def summary(self) -> tuple[str, str]:
        """What the summary was ranked by last, as it was written, and the folder that it went to; or empty."""
        return self._summary

    @property
    def sources(self) -> tuple[str, Registry, Choice]:
        """The library's place, the plugins that there are, and what is to be computed; raises MienError if that cannot be."""
        return self._scanner.place, self._scanner.registry, self._choice()

    @property
    def unsettled(self) -> bool:
        """Whether there is something in them that may still grow."""
        return self._watching.unsettled

    # -- what is asked of it ------------------------------------------------------------------------------------

    def add(self, paths: Iterable[Path], wanted: Wanted | None = None, watch: bool = False) -> None:
        """Put files, and the media in folders, at the end. One that is there already and not open runs again.

        Args:
            wanted: which media of folders.
            watch: go on with what is new or has changed in the folders; what is there comes once it has stopped growing.
        """
        named, wanted = [path.absolute() for path in paths], wanted or Wanted()
        if self._closed:
            return

        def look() -> tuple[list[Path], Seen]:
            folders = [path for path in named if watch and path.is_dir()]
            others = [path for path in named if path not in folders]
            return folders, find_media(others, wanted, lambda: self._closed)

        def take(found: tuple[list[Path], Seen]) -> None:
            folders, seen = found
            terms = tuple(wanted.include), tuple(wanted.exclude), wanted.follow
            if folders:
                self._watching.add([Watched(path, *terms) for path in folders])
            if len(folders) < len(named):
                self._take(named, seen)

        self._background.run(look, take, self._tell)

    def unwatch(self, watched: Watched) -> None:
        """Watch a folder no more; what of it is in the queue stays."""
        self._watching.remove(watched)

    def set_workers(self, workers: int | None) -> None:
        """How many media are to be analysed at once on each device; what runs goes on."""
        if workers != self._workers:
            self._workers = workers
            self._keep()
            if self.busy:
                self._next()

    def set_summary(self, rank: str, out: str) -> None:
        """Keep what the summary is ranked by, and the folder that it goes to."""
        if (rank, out) != self._summary:
            self._summary = rank, out
            self._keep()

    def pause(self) -> None:
        """Stop at once; what was read of the running media by plugins that are through is kept."""
        if self._paused:
            return
        self._stop()
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
                self._known.pop(item.path, None)
                self._set(row, state="waiting", reason="", progress=0.0, left=None, seconds=None, known=Known())
        self._next()

    def remove(self, paths: Iterable[Path]) -> None:
        """Take them out; what runs is stopped. Files and readings stay."""
        wanted = set(paths)
        rows = [row for row, item in reversed(list(enumerate(self._items))) if item.path in wanted]
        for path in wanted:
            self._known.pop(path, None)
            if (given := self._given.pop(path, None)) is not None:
                self._scanner.drop(given)
        roots = {self._items[row].root for row in rows}
        self._items = [item for item in self._items if item.path not in wanted]
        self._rows = {item.path: row for row, item in enumerate(self._items)}
        # What could not be read goes with the last that came from the same folder.
        gone = roots - {item.root for item in self._items} if self._items else self._unread.keys()
        self._unread = {root: folders for root, folders in self._unread.items() if root not in gone}
        self.removed.emit(rows)
        self._keep()
        self.standing.emit()

    def shutdown(self) -> None:
        """Stop what runs, keep the list, and let go of the thread."""
        if self._closed:
            return
        self._closed = True
        self._soon.stop()
        self._watching.close()
        self._scanner.hold()
        self._background.close()
        kept.save(self._all(), self._place)

    # -- adding -------------------------------------------------------------------------------------------------

    def _take(self, named: Sequence[Path], seen: Seen) -> None:
        for sentence in seen.troubles:
            self._tell(sentence)
        if not seen.files and not seen.troubles:
            links = "; links to folders are not followed" if seen.links else ""
            self._tell(f"There is no video or sound file in it that is wanted{links}: {', '.join(map(shown, named))}")
        self._take_unread(seen)
        self._append(seen.files)

    def _append(self, files: Sequence[Found]) -> None:
        again = [found.path for found in files if found.path in self._rows]
        fresh = [QueueItem(found.path, root=found.root) for found in files if found.path not in self._rows]
        self._rows |= {item.path: row for row, item in enumerate(fresh, len(self._items))}
        self._items += fresh
        if fresh:
            self.added.emit(fresh)
            self._keep()
        self.standing.emit()
        self.retry(again)

    def _take_unread(self, seen: Seen) -> None:
        unread = {root: folders for root, folders in (self._unread | seen.unread).items() if folders}
        if unread != self._unread:
            self._unread = unread
            self._keep()

    # -- watching -----------------------------------------------------------------------------------------------

    def _watched_changed(self) -> None:
        self._keep()
        self.watching.emit()

    def _saw(self, looks: Sequence[Seen]) -> None:
        for seen in looks:
            self._take_unread(seen)
        ready = [found for seen in looks for found in seen.files if self._is_news(found)]
        if ready:
            self._append(ready)

    def _is_news(self, found: Found) -> bool:
        """Whether a file is not here yet, or is another than the one that was done."""
        row = self._row(found.path)
        return row is None or (not self._items[row].open and self._items[row].mark != _mark(found))

    # -- looking into files -------------------------------------------------------------------------------------

    def _surveyed(self, item: Item) -> None:
        self._asked.discard(item.path)
        row = self._row(item.path)
        if self._closed or row is None or not self._items[row].open:
            return
        if item.state == "todo":
            self._known[item.path] = item
            self._set(row, seconds=item.seconds, known=Known(item.medium, item.side_car))
            if not self._soon.isActive():
                self._soon.start()
        else:
            self._end(row, item)

    def _unsurveyed(self, sentence: str) -> None:
        self._asked.clear()
        if not self._closed:
            self._hold(sentence)

    # -- the workers --------------------------------------------------------------------------------------------

    def _next(self) -> None:
        """Have looked into what is not known, and give the workers what is."""
        if self._closed:
            return
        terms = self._wanted_terms()
        if terms is None:
            return
        unknown = [i.path for i in self._items if i.open and i.path not in self._known and i.path not in self._asked]
        if unknown:
            self._asked.update(unknown)
            self._scanner.survey(unknown, terms[0])
        if self._paused or self._holding:
            return
        fresh = [
            item for item in self._items if item.open and item.path in self._known and item.path not in self._given
        ]
        fresh.sort(key=lambda item: item.state != "paused")  # those go first, all others in their order
        if fresh or (self._given and terms != self._terms):
            self._terms = terms
            self._given |= {item.path: self._known[item.path] for item in fresh}
            self._scanner.go([self._known[item.path] for item in fresh], *terms)
        self.standing.emit()

    def _wanted_terms(self) -> tuple[Choice, int | None] | None:
        try:
            return self._choice(), self._workers
        except MienError as error:
            if any(item.open for item in self._items):
                self._hold(str(error))
            return None

    def _began(self, path: Path) -> None:
        row = self._mine(path)
        if row is not None:
            self._running.add(path)
            self._set(row, state="paused" if self._paused else "running", reason="", progress=0.0, left=None)
            self.standing.emit()

    def _moved(self, courses: Sequence[Course], left: float | None) -> None:
        if self._closed or self._paused:
            return
        at_work = {course.path: course for course in courses}
        for path in list(self._running):
            row = self._mine(path)
            if row is None or self._items[row].state != "running":
                continue
            course = at_work.get(path)
            if course is None:  # it is to be begun once more
                self._running.discard(path)
                self._set(row, state="waiting", progress=0.0, left=None)
            elif (course.progress, course.left) != (self._items[row].progress, self._items[row].left):
                self._set(row, progress=course.progress, left=course.left)
        self._left = left
        self.standing.emit()

    def _ended(self, item: Item) -> None:
        row = self._mine(item.path)
        self._given.pop(item.path, None)
        self._known.pop(item.path, None)
        self._running.discard(item.path)
        if row is not None:
            self._end(row, item)
            if not self._paused and self._given and self._wanted_terms() != self._terms:
                self._next()

    def _end(self, row: int, item: Item) -> None:
        """A medium is done or has failed."""
        found = {
            "mark": _mark(item.found),
            "seconds": item.seconds,
            "known": Known(item.medium, item.side_car, dict(item.runs), dict(item.failed), item.partial),
        }
        if item.state == "failed" or (item.failed and not item.runs):
            self._set(row, state="failed", reason=item.trouble, left=None, **found)
            return
        reason = "; ".join([*[item.trouble] * bool(item.trouble), *[item.partial] * bool(item.partial)])
        self._set(row, state="done", reason=reason, progress=1.0, left=None, **found)
        self.standing.emit()
        self.finished.emit(item.path)

    def _rested(self, reason: str) -> None:
        if self._closed:
            return
        self._given, self._terms, self._left, self._holding = {}, None, None, False
        if reason:
            self._hold(reason)
        self._settle("paused" if self._paused else "waiting")
        self.standing.emit()
        self._next()

    def _stop(self) -> None:
        self._paused, self._holding = True, self.busy
        self._scanner.hold()
        self._settle("paused")

    def _settle(self, state: kept.State) -> None:
        """Nothing runs any more."""
        for path in self._running:
            row = self._row(path)
            if row is not None and self._items[row].state == "running":
                self._set(row, state=state, left=None)
        self._running = set()

    def _hold(self, reason: str) -> None:
        self._stop()
        self._tell(reason)
        self.standing.emit()

    # -- rows ---------------------------------------------------------------------------------------------------

    def _row(self, path: Path) -> int | None:
        return self._rows.get(path)

    def _mine(self, path: Path) -> int | None:
        """The row of a medium at the workers; None when it was taken out."""
        return None if self._closed or path not in self._given else self._row(path)

    def _set(self, row: int, **changes: object) -> None:
        before = self._items[row]
        item = self._items[row] = replace(before, **changes)  # type: ignore[arg-type]
        self.changed.emit(row, item)
        if item.state != before.state:
            self._keep()

    def _all(self) -> Kept:
        return Kept(tuple(self._items), self.watched, self._workers, self._unread, *self._summary)

    def _keep(self) -> None:
        """Write the list, once more when it has changed meanwhile."""
        if self._keeping or self._closed:
            self._again = True
            return
        self._keeping, self._again = True, False
        everything, place = self._all(), self._place
        self._background.run(lambda: kept.save(everything, place), lambda _: self._was_kept(), self._tell)

    def _was_kept(self) -> None:
        self._keeping = False
        if self._again:
            self._keep()

    def _tell(self, sentence: str) -> None:
        self.trouble.emit(sentence)


def _length(item: QueueItem) -> float:
    return item.seconds if item.seconds else USUAL


def _mark(found: Found) -> str:
    return f"{found.signature}/{found.side_cars}" if found.signature else ""
