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
    """Analyses media on all workers at once. Used from one thread.

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
        self._library, self._log_file, self._choice = library, log_file, choice
        self._said: queue.Queue[Said] = queue.Queue(1000)
        self._patience = patience
        self._closed = threading.Event()
        self._seats: list[_Seat] = []
        self._threads: list[threading.Thread] = []
        self.resize(slots)

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def free(self) -> int:
        """How many workers have nothing to do."""
        return sum(seat.task is None and not seat.leaving for seat in self._seats)

    @property
    def busy(self) -> int:
        """How many media are being analysed."""
        return sum(seat.task is not None for seat in self._seats)

    @property
    def pids(self) -> list[int]:
        """The process ids of the workers that have been started."""
        return [pid for seat in self._seats if (pid := seat.worker.pid) is not None]

    def resize(self, slots: Sequence[Slot], choice: Choice | None = None) -> None:
        """Have these workers from now on: one that is too many ends after its medium, new ones begin with their first.

        Args:
            choice: what is computed of media that are begun from now on, None for the same as before.
        """
        self._choice = choice or self._choice
        wanted = list(slots)
        for seat in sorted(self._seats, key=lambda seat: seat.task is None):  # who works stays first
            slot = next((slot for slot in wanted if slot.device == seat.choice.device and not seat.leaving), None)
            if slot is not None:
                wanted.remove(slot)
                seat.choice = replace(self._choice, device=slot.device, threads=slot.threads)
            elif not seat.leaving:
                seat.leaving = True
                seat.tasks.put(None)
        for slot in wanted:
            choice = replace(self._choice, device=slot.device, threads=slot.threads)
            seat = _Seat(Worker(self._library, self._log_file, holds_models=True), choice)
            self._seats.append(seat)
            self._threads.append(threading.Thread(target=self._serve, args=(seat,), name="mien-seat", daemon=True))
            self._threads[-1].start()

    def submit(self, number: int, path: Path) -> None:
        """Analyse a medium; only to be called while somebody is free."""
        seat = next(seat for seat in self._seats if seat.task is None and not seat.leaving)
        seat.task = number
        seat.tasks.put((number, path))

    def next(self, timeout: float = 0.2) -> Said | None:
        """The next event, or None after a moment without one. Pieces are left out: they are in the library."""
        self._watch()
        try:
            number, event = self._said.get(timeout=timeout)
        except queue.Empty:
            return None
        if isinstance(event, Done | MediumFailed):
            for seat in self._seats:
                if seat.task == number:
                    seat.task = None
            self._seats = [seat for seat in self._seats if seat.task is not None or not seat.leaving]
        return number, event

    def cancel(self, number: int | None = None) -> None:
        """Stop what runs, or one of them; each ends with `MediumFailed` within two seconds. To be called until it has."""
        for seat in self._seats:
            if seat.path is not None and number in (None, seat.task):
                seat.worker.cancel()

    def close(self) -> None:
        """End all workers."""
        self._closed.set()
        for seat in self._seats:
            seat.tasks.put(None)
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
            while (task := seat.tasks.get()) is not None and not self._closed.is_set():
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
        self.tasks: queue.SimpleQueue[tuple[int, Path] | None] = queue.SimpleQueue()
        self.task: int | None = None  # what it was given and has not told the end of
        self.leaving = False  # ends after its task
        self.path: Path | None = None
        self.heard = 0.0
        self.stalled = False

    def begin(self, path: Path) -> None:
        self.heard, self.stalled, self.path = time.monotonic(), False, path
