"""Many media analysed at once, as the window sees it: the code of `mien scan` in a thread, its workers in processes."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal, Slot

from mien.batch.devices import Slot as Place
from mien.batch.devices import slots
from mien.batch.find import Found, look_again
from mien.batch.finish import Finish
from mien.batch.journal import Journal
from mien.batch.pool import Pool
from mien.batch.scan import Pace, Scan
from mien.batch.survey import Item, Surveyor
from mien.engine.choice import Choice
from mien.engine.registry import Registry
from mien.errors import MienError
from mien.library.library import Library
from mien_desktop.work.background import Background

_log = logging.getLogger(__name__)
IDLE = 60.0
"""s without work after which the worker processes, and the models in them, are let go of."""
_OFTEN = 0.05  # s between two words on how far media are
PATIENCE = 1800.0
"""s without a sign of life after which a medium is given up, as by `mien scan`."""


@dataclass(frozen=True)
class Course:
    """How far one medium is: `progress` from 0 to 1, `left` in s, None while that cannot be told."""

    path: Path
    progress: float
    left: float | None


@dataclass(frozen=True)
class _Go:
    items: tuple[Item, ...]
    choice: Choice
    workers: int | None


@dataclass(frozen=True)
class _Drop:
    item: Item


@dataclass(frozen=True)
class _Hold:
    pass


@dataclass(frozen=True)
class _Close:
    pass


_Order = _Go | _Drop | _Hold | _Close


class Scanner(QObject):
    """Looks into files, and analyses those that are given to it on all workers; what is in the library is taken from there.

    Signals (all delivered in the GUI's thread):
        surveyed(Item): what is to be done with a file: `todo`, or `done` or `failed` already.
        unsurveyed(str): why no file can be looked into, a sentence.
        began(Path): a medium is at work.
        moved(list, object): a `Course` for each medium at work, and s that all will take yet or None.
        ended(Item): it is `done` or has `failed`.
        rested(str): nothing is at work any more; what keeps all from going on, or empty.

    Args:
        library: place of the library.
        registry: asked for the plugins that there are whenever something begins.
    """

    surveyed = Signal(object)
    unsurveyed = Signal(str)
    began = Signal(object)
    moved = Signal(object, object)
    ended = Signal(object)
    rested = Signal(str)
    _rest = Signal(int, str)

    def __init__(
        self,
        library: str,
        registry: Callable[[], Registry],
        log_file: Path | None = None,
        parent: QObject | None = None,
        idle: float = IDLE,
    ) -> None:
        super().__init__(parent)
        self.place, self._registry, self._log_file, self._idle = library, registry, log_file, idle
        self._orders: queue.SimpleQueue[_Order] = queue.SimpleQueue()
        self._pool: Pool | None = None
        self._known: Registry | None = None  # to the pool's workers
        self._given = self._taken = 0  # orders to go
        self._busy = self._closing = False
        self._thread: threading.Thread | None = None
        self._looking = Background("mien-survey", self)
        self._rest.connect(self._rested, Qt.ConnectionType.QueuedConnection)

    # -- for the window -----------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether something is at work, or its stopping is not through yet."""
        return self._busy

    @property
    def registry(self) -> Registry:
        """The plugins that there are by now."""
        return self._registry()

    @property
    def pids(self) -> list[int]:
        """The workers' process ids."""
        pool = self._pool
        return pool.pids if pool is not None else []

    def survey(self, paths: Sequence[Path], choice: Choice) -> None:
        """Look into files, in processes of their own; each is told as it is known."""
        self._looking.run(lambda: self._survey(paths, choice), None, self.unsurveyed.emit)

    def go(self, items: Sequence[Item], choice: Choice, workers: int | None) -> None:
        """Analyse these too. With another choice than before, what is at work ends first and all else follows with it.

        Args:
            workers: per device, None for what is sensible; from now on.
        """
        if self._closing:
            return
        self._given += 1
        self._busy = True
        self._orders.put(_Go(tuple(items), choice, workers))
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="mien-scan", daemon=True)
            self._thread.start()

    def drop(self, item: Item) -> None:
        """Leave one out; nothing more is told of it."""
        self._orders.put(_Drop(item))

    def hold(self) -> None:
        """Stop everything; what was not through is to be given again."""
        self._orders.put(_Hold())

    def close(self) -> None:
        """End the threads and the processes, whatever they are doing."""
        if self._closing:
            return
        self._closing = True
        self._orders.put(_Close())
        self._looking.close()
        if self._thread is not None:
            self._thread.join()

    @Slot(int, str)
    def _rested(self, taken: int, reason: str) -> None:
        if not self._closing and taken == self._given:
            self._busy = False
            self.rested.emit(reason)

    # -- in the thread that looks into files --------------------------------------------------------------------

    def _survey(self, paths: Sequence[Path], choice: Choice) -> None:
        files = [] if self._closing else [look_again(Found(path, path.parent, -1, "")) for path in paths]
        if files:
            with Library(self.place) as library, Journal(library.place) as journal:
                surveyor = Surveyor(choice, self.registry, library, journal)
                surveyor.survey(files, self.surveyed.emit, lambda: self._closing)

    # -- in the thread that scans -------------------------------------------------------------------------------

    def _work(self) -> None:
        following: _Go | None = None
        try:
            while not isinstance(order := following or self._wait(), _Close):
                self._taken += isinstance(order, _Go) and following is None
                following = self._go(order) if isinstance(order, _Go) else None
        finally:
            self._dismiss()

    def _wait(self) -> _Order:
        """The next order; workers that have had nothing to do for long are ended, and hold no models then."""
        try:
            return self._orders.get(timeout=self._idle)
        except queue.Empty:
            self._dismiss()
            return self._orders.get()

    def _go(self, go: _Go) -> _Go | None:
        """Work until all is done or somebody wants it to end; what is to follow with another choice, if there is any."""
        following, reason = None, ""
        try:
            following = self._pass(go)
        except MienError as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001 - the thread must outlive whatever happens
            _log.exception("the scan failed")
            reason = f"The queue stopped with {type(error).__name__}; details are in the log."
        if following is None:
            self._rest.emit(self._taken, reason)
        return following

    def _pass(self, go: _Go) -> _Go | None:
        with Library(self.place) as library, Journal(library.place) as journal:
            surveyor = Surveyor(go.choice, self.registry, library, journal)
            pool = self._pool_for(go, library.where)
            with Scan(library, surveyor, None, pool, _Teller(self)) as scan:
                following: _Go | None = None
                _give(scan, go.items)
                while scan.goes_on:
                    try:
                        order = self._orders.get_nowait()
                    except queue.Empty:
                        scan.step()
                        continue
                    if isinstance(order, _Hold | _Close):
                        scan.stop()
                        if isinstance(order, _Close):
                            self._orders.put(order)
                        return None
                    if isinstance(order, _Drop):
                        scan.drop(order.item)
                    else:
                        self._taken += 1
                    if isinstance(order, _Go) and following is None and order.choice == go.choice:
                        pool.resize(_slots(order))
                        _give(scan, order.items)
                    elif isinstance(order, _Go):
                        before = following.items if following is not None else tuple(scan.give_back())
                        following = replace(order, items=before + order.items)
                    elif following is not None:
                        kept = tuple(item for item in following.items if item is not order.item)
                        following = replace(following, items=kept)
                if scan.stopped_by is not None:
                    raise scan.stopped_by
        return following

    def _pool_for(self, go: _Go, place: str) -> Pool:
        """The workers that there are, or new ones; those of before plugins were loaded anew do not know them."""
        if self._known is not self.registry:
            self._dismiss()
        if self._pool is None:
            self._known = self.registry
            self._pool = Pool(place, self._log_file, _slots(go), go.choice, PATIENCE)
        else:
            self._pool.resize(_slots(go), go.choice)
        return self._pool

    def _dismiss(self) -> None:
        if self._pool is not None:
            self._pool.close()
            self._pool = None


class _Teller:
    """Tells the window how a scan goes on."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._told = 0.0
        self._running: list[Path] = []

    def begun(self, item: Item) -> None:
        self._scanner.began.emit(item.path)

    def moved(self, pace: Pace) -> None:
        running = [file.item.path for file in pace.running]
        now = time.monotonic()
        if running == self._running and now - self._told < _OFTEN:
            return
        self._told, self._running = now, running
        self._scanner.moved.emit([Course(f.item.path, f.progress, f.left) for f in pace.running], pace.left)

    def ended(self, item: Item, finish: Finish) -> None:
        self._scanner.ended.emit(replace(item))

    def noted(self, text: str) -> None:
        _log.info("%s", text)


def _slots(go: _Go) -> list[Place]:
    return slots(go.choice.device, go.choice.precision, go.workers, go.choice.threads)


def _give(scan: Scan, items: Sequence[Item]) -> None:
    for item in items:
        item.attempts = 0  # what was stopped by hand was not tried
    scan.add(items)
