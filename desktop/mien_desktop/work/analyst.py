"""The engine's worker process, as the window sees it: jobs go in, events come out as signals."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from mien.engine.choice import Choice
from mien.engine.events import Event, MediumFailed
from mien.engine.worker import LAST, Worker
from mien.errors import MienError, WorkerError

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """One medium to analyse; or, with a plugin and a moment in s, one reading of it to explain.

    of, person: which of several readings, and whose face; see `mien.engine.explain`.
    """

    number: int
    path: Path
    choice: Choice
    plugin: str = ""
    at: float = 0.0
    of: str = ""
    person: int | None = None


class Analyst(QObject):
    """Runs one job after the other in the worker process.

    Signals (all delivered in the GUI's thread):
        began(Job): it is this job's turn.
        happened(Job, object): an event of `mien.engine.events`.
        ended(Job): its last event has been told, whatever it was.
        died(Job, str): the worker process died over it; the next job starts a new one.
    """

    began = Signal(object)
    happened = Signal(object, object)
    ended = Signal(object)
    died = Signal(object, str)

    def __init__(self, library: str, log_file: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = Worker(library, log_file)
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._cancelled: set[int] = set()
        self._current: Job | None = None
        self._count = 0
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="mien-analyst", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """The worker's process id while it lives."""
        return self._worker.pid

    def submit(self, path: Path, choice: Choice) -> Job:
        """Queue a medium."""
        self._count += 1
        job = Job(self._count, path, choice)
        self._jobs.put(job)
        return job

    def explain(
        self, path: Path, plugin: str, at: float, choice: Choice, of: str = "", person: int | None = None
    ) -> Job:
        """Queue the explanation of a reading; its last event is `Explained` or `MediumFailed`."""
        self._count += 1
        job = Job(self._count, path, choice, plugin, at, of, person)
        self._jobs.put(job)
        return job

    def cancel(self, job: Job) -> None:
        """Stop a job, running or waiting; its last event is a `MediumFailed` of kind Cancelled."""
        with self._lock:
            self._cancelled.add(job.number)
            if self._current is not None and self._current.number == job.number:
                self._worker.cancel()

    def warm_up(self) -> None:
        """Start the process before the first job, so that the first reading comes sooner."""
        self._jobs.put(Job(0, Path(), Choice()))

    def close(self) -> None:
        """End the worker and the thread, whatever they are doing."""
        if self._closing:
            return
        self._closing = True
        self._jobs.put(None)
        with self._lock:
            if self._current is not None:
                self._worker.cancel()
        self._thread.join()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None and not self._closing:
            if job.number == 0:
                self._worker.start()
                continue
            self._run(job)
        self._worker.close()

    def _events(self, job: Job) -> Iterator[Event]:
        if job.plugin:
            return self._worker.explain(job.path, job.plugin, job.at, job.choice, job.of, job.person)
        return self._worker.analyze(job.path, job.choice)

    def _run(self, job: Job) -> None:
        self.began.emit(job)
        with self._lock:
            self._current = job if job.number not in self._cancelled else None
        try:
            if self._current is None:
                self.happened.emit(job, MediumFailed(str(job.path), "The analysis was cancelled.", 130, "Cancelled"))
                return
            for event in self._events(job):
                self.happened.emit(job, event)
                if isinstance(event, LAST):
                    break
                if self._closing or job.number in self._cancelled:
                    self._worker.cancel()
        except WorkerError as error:
            if not self._closing:
                self.died.emit(job, str(error))
        except MienError as error:
            self.happened.emit(job, MediumFailed(str(job.path), str(error), error.exit_code, type(error).__name__))
        except Exception as error:  # noqa: BLE001 - the thread must outlive whatever a task raises
            _log.exception("the analyst failed")
            self.died.emit(job, f"The analysis stopped with {type(error).__name__}; details are in the log.")
        finally:
            with self._lock:
                self._current = None
                self._cancelled.discard(job.number)
            self.ended.emit(job)
