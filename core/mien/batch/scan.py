"""Goes through all files of a scan: what is to be done is analysed on all workers, each file once, whatever happens to one."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, Self

from mien.batch.course import Course
from mien.batch.find import Found, look_again
from mien.batch.finish import Finish, Finisher
from mien.batch.survey import Item, Surveyor
from mien.batch.workers import Workers
from mien.engine.analyze import failure
from mien.engine.events import Done, Event, MediumFailed, Started
from mien.errors import (
    ClusterError,
    DeviceError,
    LibraryError,
    MediaError,
    MienError,
    ModelError,
    ParameterError,
    StorageError,
    UsageError,
    WorkerError,
    shown,
)
from mien.library.holdings import discard
from mien.library.library import Library
from mien.media.identity import content_id

USUAL = 60.0
"""s; taken for a duration that is not known."""
_ATTEMPTS = {"died": 2, "changed": 3, "lost": 4}
"""How often a file is begun whose worker died (the cause may have been another's memory), that changed meanwhile, or whose
node of a cluster was lost (for which no file is to blame)."""
_WAITING = 8  # files that may wait for their exports before the next is begun


class Watcher(Protocol):
    """Who shows how a scan goes on."""

    def begun(self, item: Item) -> None:
        """A file is being analysed."""

    def moved(self, pace: Pace) -> None:
        """Something went on."""

    def ended(self, item: Item, finish: Finish) -> None:
        """A file is done or has failed; also told of files that were done before."""

    def noted(self, text: str) -> None:
        """Something happened that is no file's fault, in one sentence."""


class Running(NamedTuple):
    """A file at work: its progress from 0 to 1, and how many s it will take yet, None while that cannot be told."""

    item: Item
    progress: float
    left: float | None


@dataclass
class Pace:
    """How far a scan is.

    Args:
        files: how many there are to be analysed, and `done` how many of them were or failed.
        todo: s of media that were to be analysed.
        covered: s of them that were.
        running: the files at work.
    """

    files: int = 0
    done: int = 0
    todo: float = 0.0
    covered: float = 0.0
    running: list[Running] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)

    @property
    def progress(self) -> float:
        """From 0 to 1, by the lengths of the media."""
        return min(1.0, self._reached / self.todo) if self.todo else 1.0

    @property
    def left(self) -> float | None:
        """s that it will take yet at the pace so far; None while that cannot be told."""
        spent, reached = time.monotonic() - self.begun, self._reached
        if reached <= 0.0 or spent < 1.0 or self.progress < 0.005:
            return None
        return max(0.0, self.todo - reached) * spent / reached

    @property
    def _reached(self) -> float:
        return self.covered + sum(length(file.item) * file.progress for file in self.running)


@dataclass
class _Task:
    """A file at work."""

    item: Item
    begun: float
    course: Course
    started: Started | None = None
    dropped: bool = False


class Scan:
    """One pass over files that were surveyed. `run` goes through them; who has more to do meanwhile uses it as a context and
    calls `add` and `step` itself. All in one thread.

    Args:
        library: open; workers write into the same.
        finisher: None to write and sum up nothing.
        pool: those who analyse, here or on a cluster.
        watcher: told what happens, in this thread.
    """

    def __init__(
        self, library: Library, surveyor: Surveyor, finisher: Finisher | None, pool: Workers, watcher: Watcher
    ) -> None:
        self._library, self._surveyor, self._finisher = library, surveyor, finisher
        self._pool, self._watcher = pool, watcher
        self._waiting: deque[Item] = deque()
        self._tasks: dict[int, _Task] = {}
        self._finishing: dict[Future[Finish], Item] = {}
        self._executor = ThreadPoolExecutor(1, "mien-finish")  # its thread starts with the first work
        self._numbers = 0
        self._last = ""  # why a medium failed
        self._pace = Pace()
        self.stopped_by: MienError | None = None
        """What every other file would meet too; the scan ended with it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown()

    @property
    def goes_on(self) -> bool:
        """Whether something is still to be done, and nothing keeps it from that."""
        return self.stopped_by is None and bool(self._waiting or self._pool.busy or self._finishing)

    def run(self, items: Sequence[Item]) -> None:
        """Analyse what is to be done. Ctrl-C (KeyboardInterrupt) ends what runs; what was done is kept.

        What is wrong with a file is told by its item. What is wrong with all ends the scan: see `stopped_by`.

        Raises:
            KeyboardInterrupt: after everything was ended in order.
        """
        with self:
            try:
                self.add(items)
                while self.goes_on:
                    self.step()
            except KeyboardInterrupt:
                self.stop()
                raise

    def add(self, items: Sequence[Item]) -> None:
        """Take these too, behind those that wait."""
        todo = [item for item in items if item.state == "todo"]
        self._waiting += todo
        self._pace.files += len(todo)
        self._pace.todo += sum(length(item) for item in todo)
        with self._all_concerned():
            for item in items:
                if item.state == "done":
                    self._finish(item)
                elif item.state == "failed":
                    self._watcher.ended(item, Finish())

    def step(self) -> None:
        """Begin what can be begun, and hear what there is to hear, for 0.2 s at most."""
        with self._all_concerned():
            self._begin()
            for number, task in self._tasks.items():
                if task.dropped:
                    self._pool.cancel(number)
            said = self._pool.next()
            if said is not None:
                self._hear(*said)
            self._collect()

    def give_back(self, item: Item | None = None) -> list[Item]:
        """Let go of what waits, or of one file; what is at work goes on."""
        given = [one for one in self._waiting if item is None or one is item]
        self._waiting = deque(one for one in self._waiting if item is not None and one is not item)
        self._pace.files -= len(given)
        self._pace.todo -= sum(length(one) for one in given)
        return given

    def drop(self, item: Item) -> None:
        """Leave one out; if it is at work, that is stopped, and nothing more is told of it."""
        self.give_back(item)
        for task in self._tasks.values():
            task.dropped = task.dropped or task.item is item

    def stop(self) -> None:
        """End what runs; what was complete by then is kept."""
        while self._pool.busy:
            self._pool.cancel()
            try:
                said = self._pool.next()
            except MienError:  # a cluster is lost; what ran there will be told of nevertheless
                continue
            if said is not None and isinstance(said[1], Done | MediumFailed):
                self._tasks.pop(said[0], None)
        for future in self._finishing:
            future.cancel()
        self._pace.running = []
        if self.stopped_by is None:
            self._finishing = {future: item for future, item in self._finishing.items() if not future.cancelled()}
            self._collect(wait=True)

    @contextlib.contextmanager
    def _all_concerned(self) -> Iterator[None]:
        """What concerns all ends the scan in order."""
        try:
            yield
        except MienError as error:
            self.stopped_by = error
        if self.stopped_by is not None:
            self.stop()

    def _begin(self) -> None:
        """Give free workers something to do. Files of one content wait for each other: the second has nothing to compute."""
        busy = {task.item.medium for task in self._tasks.values()} - {""}
        for item in list(self._waiting) if self._pool.free and len(self._finishing) < _WAITING else ():
            if item.medium in busy:
                continue
            self._waiting.remove(item)
            busy |= {item.medium} - {""}
            item.attempts += 1
            item.found = look_again(item.found)
            self._numbers += 1
            self._tasks[self._numbers] = _Task(item, time.time(), Course())
            self._pool.submit(self._numbers, item.path)
            self._watcher.begun(item)
            if not self._pool.free:
                return

    def _hear(self, number: int, event: Event) -> None:
        task = self._tasks[number]
        task.course.take(event)
        if isinstance(event, Started):
            task.started = event
        elif isinstance(event, Done | MediumFailed):
            del self._tasks[number]
            if task.dropped:
                self._count(task.item)
            elif isinstance(event, Done):
                self._done(task, event)
            else:
                self._failed(task, event)
        self._pace.running = [Running(t.item, t.course.progress, t.course.left) for t in self._tasks.values()]
        self._watcher.moved(self._pace)

    def _done(self, task: _Task, done: Done) -> None:
        item, before = task.item, task.item.found
        now = look_again(before)
        if now.signature and (now.signature, now.side_cars) != (before.signature, before.side_cars):
            item.found = now
            same = _is_still(now, done.medium)
            if not same:
                # What was read may be of neither the old content nor the new.
                discard(self._library, done.medium, list(done.runs.values()), task.begun)
            if not same or now.side_cars != before.side_cars:
                if not self._again(item, "changed"):
                    self._lose(
                        item, f"The file kept changing while it was analysed; scan again later: {shown(item.path)}"
                    )
                return
        assert task.started is not None
        try:
            self._surveyor.conclude(item, task.started, done)
        except LibraryError as error:
            if isinstance(error, StorageError):
                raise
            if not self._again(item, "died"):
                self._lose(item, str(error), error.exit_code)
            return
        self._finish(item)

    def _failed(self, task: _Task, event: MediumFailed) -> None:
        item, before = task.item, task.item.found
        last, self._last = self._last, event.reason
        error = _error(event)
        if _concerns_all(error, event.reason == last):
            self.stopped_by = error
            return
        now = look_again(before)
        changed = now.signature and now.signature != before.signature
        lost = isinstance(error, ClusterError)
        died = isinstance(error, WorkerError | LibraryError) and not lost
        whys = [why for why, so in {"changed": changed, "died": died, "lost": lost}.items() if so]
        if not any(self._again(item, why) for why in whys):
            self._lose(item, event.reason, event.exit_code)

    def _again(self, item: Item, why: str) -> bool:
        """Put a file at the end, unless it was tried often enough."""
        if item.attempts >= _ATTEMPTS[why]:
            return False
        self._waiting.append(item)
        return True

    def _lose(self, item: Item, reason: str, exit_code: int = MediaError.exit_code) -> None:
        item.state, item.reason, item.exit_code = "failed", reason, exit_code
        self._count(item)
        self._watcher.ended(item, Finish())

    def _count(self, item: Item) -> None:
        if not item.earlier and item.attempts:
            self._pace.done += 1
            self._pace.covered += length(item)

    def _finish(self, item: Item) -> None:
        known = self._finisher.known(item) if self._finisher is not None else Finish()
        self._count(item)
        if known is None:
            assert self._finisher is not None
            self._finishing[self._executor.submit(self._finisher.work, item)] = item
        else:
            self._end(item, known)

    def _collect(self, wait: bool = False) -> None:
        """Take what was finished meanwhile."""
        for future in [f for f in self._finishing if wait or f.done()]:
            item = self._finishing.pop(future)
            try:
                finish = future.result()
            except StorageError:
                raise
            except MienError as error:
                finish = Finish(error=error)
            if self._finisher is not None:
                self._finisher.keep(item, finish)
            self._end(item, finish)

    def _end(self, item: Item, finish: Finish) -> None:
        item.written, item.standing = finish.written, finish.standing
        if finish.error is not None:
            item.reason, item.exit_code = str(finish.error), finish.error.exit_code
        self._watcher.ended(item, finish)


def length(item: Item) -> float:
    """A file's duration in s, a usual one where it is not known."""
    return item.seconds if item.seconds else USUAL


def _is_still(found: Found, medium: str) -> bool:
    try:
        return content_id(found.path) == medium
    except MediaError:
        return False


def _error(event: MediumFailed) -> MienError:
    """The error that a worker told of."""
    error = failure(event)
    if event.exit_code == StorageError.exit_code and not isinstance(error, LibraryError | StorageError):
        return StorageError(event.reason)  # the library's own kind of it
    return error


def _concerns_all(error: MienError, twice: bool) -> bool:
    """Whether every other file would meet the same."""
    if isinstance(error, ParameterError):
        return False  # it may lack a stream
    if isinstance(error, UsageError | DeviceError | ModelError | StorageError):
        return True
    # A library that cannot be used says the same twice; what it says of one medium it says of that one only.
    return isinstance(error, LibraryError) and twice
