"""The local engine: several workers, each a process of its own with a thread here that talks to it."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mien.batch.devices import Slot
from mien.batch.workers import Said, analysed, stalled
from mien.engine.choice import Choice
from mien.engine.events import Done, Event, MediumFailed, Piece
from mien.engine.worker import Worker


class Pool:
    """Analyses media on all workers at once.

    Args:
        library: place of the library that readings go to.
        log_file: where the workers log.
        slots: one for each worker; its process starts with its first medium.
        choice: what is computed; device and threads are the slots'.
        patience: s without a sign of life after which a medium is given up, None for never.
    """

    def __init__(
        self, library: str, log_file: Path | None, slots: Sequence[Slot], choice: Choice, patience: float | None = None
    ) -> None:
        self._tasks: queue.SimpleQueue[tuple[int, Path] | None] = queue.SimpleQueue()
        self._said: queue.Queue[Said] = queue.Queue(1000)
        self._patience = patience
        self._running = 0
        self._closed = threading.Event()
        self._seats = [
            _Seat(Worker(library, log_file), replace(choice, device=s.device, threads=s.threads)) for s in slots
        ]
        self._threads = [
            threading.Thread(target=self._serve, args=(seat,), name="mien-seat", daemon=True) for seat in self._seats
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def free(self) -> int:
        """How many workers have nothing to do."""
        return len(self._seats) - self._running

    @property
    def busy(self) -> int:
        """How many media are being analysed."""
        return self._running

    def submit(self, number: int, path: Path) -> None:
        """Analyse a medium as soon as a worker is free."""
        self._running += 1
        self._tasks.put((number, path))

    def next(self, timeout: float = 0.2) -> Said | None:
        """The next event, or None after a moment without one. Pieces are left out: they are in the library."""
        self._watch()
        try:
            number, event = self._said.get(timeout=timeout)
        except queue.Empty:
            return None
        if isinstance(event, Done | MediumFailed):
            self._running -= 1
        return number, event

    def cancel(self) -> None:
        """Stop what runs; each ends with `MediumFailed` within two seconds. To be called until nothing is busy."""
        for seat in self._seats:
            if seat.path is not None:
                seat.worker.cancel()

    def close(self) -> None:
        """End all workers."""
        self._closed.set()
        for _ in self._threads:
            self._tasks.put(None)
        deadline = time.monotonic() + 10.0
        for thread in self._threads:
            while thread.is_alive() and time.monotonic() < deadline:
                self.cancel()  # again: a job may just have been on its way
                self._drain()
                thread.join(0.05)

    def _drain(self) -> None:
        while not self._said.empty():
            self._said.get_nowait()

    def _watch(self) -> None:
        """Give up what has shown no sign of life for too long."""
        if self._patience is None:
            return
        now = time.monotonic()
        for seat in self._seats:
            if seat.path is not None and not seat.stalled and now - seat.heard > self._patience:
                seat.stalled = True
                seat.worker.cancel()

    def _serve(self, seat: _Seat) -> None:
        with seat.worker:
            while (task := self._tasks.get()) is not None and not self._closed.is_set():
                number, path = task
                seat.begin(path)
                try:
                    for event in analysed(seat.worker, path, seat.choice):
                        seat.heard = time.monotonic()
                        if not isinstance(event, Piece):
                            self._said.put((number, self._told(seat, event)))
                finally:
                    seat.path = None

    def _told(self, seat: _Seat, event: Event) -> Event:
        if seat.stalled and isinstance(event, MediumFailed):
            assert seat.path is not None
            assert self._patience is not None
            return stalled(seat.path, self._patience)
        return event


class _Seat:
    """A worker and what it does at the moment."""

    def __init__(self, worker: Worker, choice: Choice) -> None:
        self.worker, self.choice = worker, choice
        self.path: Path | None = None
        self.heard = 0.0
        self.stalled = False

    def begin(self, path: Path) -> None:
        self.heard, self.stalled, self.path = time.monotonic(), False, path
