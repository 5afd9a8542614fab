"""One thread for what would make the window wait: the database, files, thumbnails. Answers come back as signals."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, Signal, Slot

from mien.errors import MienError

_log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class _Task:
    work: Callable[[], Any]
    done: Callable[[Any], None]
    failed: Callable[[str], None]


class Background(QObject):
    """Runs callables one after the other in a thread of its own; what they return arrives in the GUI's thread.

    Signals:
        failed: one sentence on a task that nobody else hears of.
    """

    failed = Signal(str)
    _answered = Signal(object, object)

    def __init__(self, name: str = "mien-background", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._closed = False
        self._answered.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def run(
        self,
        work: Callable[[], T],
        done: Callable[[T], None] | None = None,
        failed: Callable[[str], None] | None = None,
    ) -> None:
        """Call `work` in the thread, then `done` with its result (or `failed` with one sentence) in this one."""
        if not self._closed:
            self._tasks.put(_Task(work, done or (lambda _: None), failed or self.failed.emit))

    def close(self) -> None:
        """Finish what has been asked for, then end the thread; nothing is delivered any more."""
        if not self._closed:
            self._closed = True
            self._tasks.put(None)
            self._thread.join()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                result = task.work()
            except MienError as error:
                self._answered.emit(task.failed, str(error))
            except Exception as error:  # noqa: BLE001 - the thread must outlive whatever a task raises
                _log.exception("a background task failed")
                self._answered.emit(task.failed, f"{type(error).__name__}: {error}; details are in the log.")
            else:
                self._answered.emit(task.done, result)

    @Slot(object, object)
    def _deliver(self, then: Callable[[Any], None], result: Any) -> None:
        if not self._closed:
            then(result)
