"""The summary of the queue, in a thread of its own: told how far it is, stopped at any moment before it is written."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, SignalInstance

from mien.batch.rank import ranks_to_offer
from mien.batch.sum_up import Order, sum_up
from mien.batch.survey import asked_of
from mien.engine.choice import Choice
from mien.engine.registry import Registry
from mien.errors import Cancelled, MienError, UsageError, shown
from mien.library.readings import known_readings
from mien.tracks import Quantity
from mien_desktop.work.single import SingleJob, pace

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ranks:
    """What media can be ranked by: the readings that there will be, by their names, and ranks that make sense of them."""

    readings: Mapping[str, Quantity]
    offered: Sequence[str]


class SummaryJob(SingleJob):
    """Signals (in the GUI's thread):
    known(Ranks): what can be ranked by.
    progressed(float): the share that is done, from 0 to 1.
    written(list): paths of the page and the tables.
    failed(str): why not, a sentence.
    stopped: it was cancelled, and nothing was written.
    """

    known = Signal(object)
    progressed = Signal(float)
    written = Signal(list)
    failed = Signal(str)
    stopped = Signal()
    _reported = Signal(object, float)
    _answered = Signal(object, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._writes = False
        self._reported.connect(self._tell, Qt.ConnectionType.QueuedConnection)
        self._answered.connect(self._finish, Qt.ConnectionType.QueuedConnection)

    @property
    def writes(self) -> bool:
        """Whether a summary is being made."""
        return self.runs and self._writes

    def look(self, choice: Choice, registry: Registry) -> None:
        """Find out what can be ranked by; nothing happens while something runs."""
        self._begin(lambda _: _ranks(choice, registry), self.known, writes=False)

    def start(self, order: Order, registry: Registry) -> None:
        """Write a summary; nothing happens while something runs."""
        self._begin(lambda stop: self._sum_up(order, registry, stop), self.written, writes=True)

    def _begin(self, work: Callable[[threading.Event], Any], answer: SignalInstance, *, writes: bool) -> None:
        if self._thread is not None:
            return
        self._writes = writes
        stop = self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, args=(work, answer, stop), name="mien-summary", daemon=True)
        self._thread.start()

    def _work(self, work: Callable[[threading.Event], Any], answer: SignalInstance, stop: threading.Event) -> None:
        try:
            self._answered.emit(stop, answer, work(stop))
        except Cancelled:
            self._answered.emit(stop, self.stopped, None)
        except MienError as error:
            self._answered.emit(stop, self.failed, str(error))
        except Exception as error:  # noqa: BLE001 - it is logged, and told in the dialog
            _log.exception("a summary failed")
            self._answered.emit(stop, self.failed, f"{type(error).__name__}: {error}; details are in the log.")

    def _sum_up(self, order: Order, registry: Registry, stop: threading.Event) -> list[Any]:
        if order.out.is_file():
            raise UsageError(f"This is a file; name a folder for the summary: {shown(order.out)}")
        due = pace(stop)

        def watch(share: float) -> None:
            if due(share >= 1):
                self._reported.emit(stop, share)

        return list(sum_up(order, registry, watch, stop.is_set))

    def _tell(self, stop: threading.Event, share: float) -> None:
        if self._is_current(stop):
            self.progressed.emit(share)

    def _finish(self, stop: threading.Event, answer: Any, told: Any) -> None:
        if not self._ended(stop):
            return
        answer.emit(*[told] * (told is not None))


def _ranks(choice: Choice, registry: Registry) -> Ranks:
    tracks = asked_of(choice, registry).readings()
    return Ranks(known_readings(tracks), ranks_to_offer(tracks))
