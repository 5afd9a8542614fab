"""Threads that the window begins without waiting for them.

`threading.Thread.start` returns when the new thread has run its first lines. On cores that an analysis keeps busy that takes
some 10 ms for each, and a medium that is opened begins half a dozen.
"""

from __future__ import annotations

import logging
import queue
import threading
import time

_log = logging.getLogger(__name__)
NAME = "mien-starter"


class Aside(threading.Thread):
    """A thread whose `start` returns at once; it counts as alive from then on."""

    _in_hand: threading.Event | None = None

    def start(self) -> None:
        """Have it started by another thread."""
        self._in_hand = threading.Event()
        _starter.put(self)

    def begin(self) -> None:
        """Start it here: for the starter alone."""
        try:
            super().start()
        except RuntimeError:  # the system gives no more threads
            _log.exception("%s could not be started", self.name)
        finally:
            assert self._in_hand is not None
            self._in_hand.set()

    def is_alive(self) -> bool:
        """Whether it runs or is about to."""
        return self._in_hand is not None and (not self._in_hand.is_set() or super().is_alive())

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end, at most `timeout` s."""
        until = None if timeout is None else time.monotonic() + timeout
        if self._in_hand is None:
            raise RuntimeError("it was never started")
        if self._in_hand.wait(timeout) and self.ident is not None:
            super().join(None if until is None else max(0.0, until - time.monotonic()))


class _Starter:
    """Starts threads in one of its own, which stays."""

    def __init__(self) -> None:
        self._asked: queue.SimpleQueue[Aside] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._runs = False

    def put(self, thread: Aside) -> None:
        self._asked.put(thread)
        with self._lock:
            if not self._runs:
                self._runs = True
                threading.Thread(target=self._work, name=NAME, daemon=True).start()

    def _work(self) -> None:
        while True:
            self._asked.get().begin()


_starter = _Starter()
