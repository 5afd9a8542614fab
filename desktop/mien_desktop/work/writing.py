"""A job that writes files, in a thread of its own: told how far it is, stopped at any moment."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, SignalInstance

from mien.errors import Cancelled, MienError
from mien_desktop.work.single import SingleJob, pace

_log = logging.getLogger(__name__)
Watch = Callable[[float], None]
"""Called with the share that is done; raises Cancelled as soon as the job is to stop."""
Stopped = Callable[[], bool]
"""Whether it is to stop."""


class WritingJob(SingleJob):
    """What the jobs that write have in common.

    Signals (in the GUI's thread):
        progressed(float): the share that is done, from 0 to 1.
        written(list): paths of what was written.
        failed(str): why not, a sentence.
        stopped: it was cancelled.

    Args:
        name: of the thread.
    """

    progressed = Signal(float)
    written = Signal(list)
    failed = Signal(str)
    stopped = Signal()
    _reported = Signal(object, float)
    _answered = Signal(object, object, object)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._reported.connect(self._tell, Qt.ConnectionType.QueuedConnection)
        self._answered.connect(self._finish, Qt.ConnectionType.QueuedConnection)

    def _begin(self, work: Callable[[Watch, Stopped], Any], answer: SignalInstance) -> bool:
        """Have `work` done, and its result told by `answer`; False, and nothing happens, while something runs."""
        if self._thread is not None:
            return False
        stop = self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, args=(work, answer, stop), name=self._name, daemon=True)
        self._thread.start()
        return True

    def _work(self, work: Callable[[Watch, Stopped], Any], answer: SignalInstance, stop: threading.Event) -> None:
        due = pace(stop)

        def watch(share: float) -> None:
            if due(share >= 1):
                self._reported.emit(stop, share)

        try:
            told = work(watch, stop.is_set)
        except Cancelled:
            self._answered.emit(stop, self.stopped, None)
        except MienError as error:
            self._answered.emit(stop, self.failed, str(error))
        except Exception as error:  # noqa: BLE001 - it is logged, and told in the dialog
            _log.exception("%s failed", self._name)
            self._answered.emit(stop, self.failed, f"{type(error).__name__}: {error}; details are in the log.")
        else:
            self._answered.emit(stop, answer, told)

    def _tell(self, stop: threading.Event, share: float) -> None:
        if self._is_current(stop):
            self.progressed.emit(share)

    def _finish(self, stop: threading.Event, answer: Any, told: Any) -> None:
        if self._ended(stop):
            answer.emit(*[told] * (told is not None))
