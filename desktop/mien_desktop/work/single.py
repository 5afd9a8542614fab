"""One long job at a time in a thread of its own: begun, stopped at any moment, and told at a bearable pace."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from PySide6.QtCore import QObject

from mien.errors import Cancelled

_TELL = 0.05  # s between two words on progress


def pace(stop: threading.Event) -> Callable[[bool], bool]:
    """What a job calls at every step, with whether this is the last one: is another word on progress due?

    It raises Cancelled as soon as the job is to stop.
    """
    told = 0.0

    def due(last: bool) -> bool:
        nonlocal told
        if stop.is_set():
            raise Cancelled("Stopped.")
        now = time.monotonic()
        if now - told < _TELL and not last:
            return False
        told = now
        return True

    return due


class SingleJob(QObject):
    """What jobs have in common. Each gets an Event of its own, by which answers of one that was closed are told apart.

    Args:
        patience: s that closing waits for the thread; None waits until it has ended.
    """

    def __init__(self, parent: QObject | None = None, patience: float | None = None) -> None:
        super().__init__(parent)
        self._patience = patience
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def runs(self) -> bool:
        """Whether a job runs."""
        return self._thread is not None

    def cancel(self) -> None:
        """Stop what runs as soon as it looks up."""
        self._stop.set()

    def close(self) -> None:
        """Stop what runs and wait for it; nothing is told any more."""
        self._stop.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(self._patience)

    def _is_current(self, stop: threading.Event) -> bool:
        """Whether the job with this Event is the one that runs."""
        return self._thread is not None and stop is self._stop

    def _ended(self, stop: threading.Event) -> bool:
        """Another may begin, if it was the one that runs; False when that one was closed meanwhile."""
        if self._thread is None or stop is not self._stop:
            return False
        self._thread.join()
        self._thread = None
        return True
