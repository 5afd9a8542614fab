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
from mien.engine.events import LAST, Event, MediumFailed
from mien.engine.worker import Worker
from mien.errors import MienError, WorkerError
from mien_desktop.work.aside import Aside

_log = logging.getLogger(__name__)
IDLE = 60.0
"""s without work after which the second worker process is ended."""

SETTLE = 0.06
"""s that the first job waits: a process that starts takes the cores from a window that draws the medium just opened."""


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
    """Runs one job after the other in the worker process. What is small and asked for meanwhile need not wait for a long
    job: it may be done aside, in a second process that is started when it is needed and ended when it has long been idle.

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
        self._count = 0
        self._closing = False
        self._main = _Desk(self, "mien-analyst", library, log_file)
        self._aside = _Desk(self, "mien-analyst-aside", library, log_file, idle=IDLE)

    @property
    def pid(self) -> int | None:
        """The worker's process id while it lives."""
        return self._main.worker.pid

    @property
    def pid_aside(self) -> int | None:
        """That of the second process."""
        return self._aside.worker.pid

    def submit(self, path: Path, choice: Choice, aside: bool = False) -> Job:
        """Queue a medium. aside: do not wait for what the worker does just now."""
        return self._give(Job(self._number(), path, choice), aside)

    def explain(
        self, path: Path, plugin: str, at: float, choice: Choice, of: str = "", person: int | None = None
    ) -> Job:
        """Explain a reading, aside where the worker is busy; its last event is `Explained` or `MediumFailed`."""
        return self._give(Job(self._number(), path, choice, plugin, at, of, person), aside=True)

    def cancel(self, job: Job) -> None:
        """Stop a job, running or waiting; its last event is a `MediumFailed` of kind Cancelled."""
        for desk in (self._main, self._aside):
            desk.cancel(job)

    def warm_up(self, path: Path | None = None, choice: Choice | None = None) -> None:
        """Start the process before the first job, and have it load meanwhile what another fusion of this medium needs."""
        if not self._closing:
            self._main.put(Job(0, path or Path(), choice or Choice()))

    def renew(self) -> None:
        """Plugins were loaded anew: the next job has a process that knows them."""
        for desk in (self._main, self._aside):
            desk.renew()

    def close(self) -> None:
        """End the workers and the threads, whatever they are doing."""
        if self._closing:
            return
        self._closing = True
        for desk in (self._main, self._aside):
            desk.dismiss()
        for desk in (self._main, self._aside):
            desk.join()

    def _number(self) -> int:
        self._count += 1
        return self._count

    def _give(self, job: Job, aside: bool) -> Job:
        (self._aside if aside and self._main.busy else self._main).put(job)
        return job


class _Desk:
    """A worker process, the jobs that wait for it, and the thread that talks with it.

    Args:
        idle: s without a job after which the process is ended; None keeps it.
    """

    def __init__(
        self, analyst: Analyst, name: str, library: str, log_file: Path | None, idle: float | None = None
    ) -> None:
        self.worker = Worker(library, log_file, self._stopped)
        self._analyst, self._name, self._idle = analyst, name, idle
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._waiting: dict[int, Job] = {}
        self._cancelled: set[int] = set()
        self._current: Job | None = None
        self._closing = self._outdated = False
        self._settled = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether a job runs or waits."""
        with self._lock:
            return bool(self._waiting)

    def put(self, job: Job) -> None:
        """Queue a job."""
        with self._lock:
            if job.number:
                self._waiting[job.number] = job
        self._jobs.put(job)
        if self._thread is None:
            self._thread = Aside(target=self._work, name=self._name, daemon=True)
            self._thread.start()

    def renew(self) -> None:
        """End the process before the next job."""
        self._outdated = True

    def cancel(self, job: Job) -> None:
        """Stop a job, if it is one of these."""
        with self._lock:
            if job.number not in self._waiting:
                return
            self._cancelled.add(job.number)
            if self._current is not None and self._current.number == job.number:
                self.worker.cancel()

    def dismiss(self) -> None:
        """Stop everything without waiting."""
        self._closing = True
        self._settled.set()
        self._jobs.put(None)
        with self._lock:
            if self._current is not None:
                self.worker.cancel()

    def join(self) -> None:
        """Wait for the end of the thread and the process."""
        if self._thread is not None:
            self._thread.join()

    def _stopped(self) -> bool:
        """Asked by the worker's pipe while it waits: is the job that runs to be stopped?"""
        current = self._current
        return self._closing or (current is not None and current.number in self._cancelled)

    def _work(self) -> None:
        self._settled.wait(SETTLE)
        while not self._closing:
            try:
                job = self._jobs.get(timeout=self._idle)
            except queue.Empty:
                self.worker.close()
                job = self._jobs.get()
            if job is None or self._closing:
                break
            if self._outdated:
                self._outdated = False
                self.worker.close()
            if job.number == 0:
                self._start(job)
            else:
                self._run(job)
        self.worker.close()

    def _start(self, job: Job) -> None:
        try:
            self.worker.load_ahead(job.path, job.choice)
        except MienError as error:
            _log.warning("the worker was not started ahead: %s", error)  # the first job tells it

    def _events(self, job: Job) -> Iterator[Event]:
        if job.plugin:
            return self.worker.explain(job.path, job.plugin, job.at, job.choice, job.of, job.person)
        return self.worker.analyze(job.path, job.choice)

    def _run(self, job: Job) -> None:
        tell = self._analyst
        tell.began.emit(job)
        with self._lock:
            self._current = job if job.number not in self._cancelled else None
        try:
            if self._current is None:
                tell.happened.emit(job, MediumFailed(str(job.path), "The analysis was cancelled.", 130, "Cancelled"))
                return
            for event in self._events(job):
                tell.happened.emit(job, event)
                if isinstance(event, LAST):
                    break
        except WorkerError as error:
            if not self._closing:
                tell.died.emit(job, str(error))
        except MienError as error:
            tell.happened.emit(job, MediumFailed(str(job.path), str(error), error.exit_code, type(error).__name__))
        except Exception as error:  # noqa: BLE001 - the thread must outlive whatever a task raises
            _log.exception("the analyst failed")
            tell.died.emit(job, f"The analysis stopped with {type(error).__name__}; details are in the log.")
        finally:
            with self._lock:
                self._current = None
                self._cancelled.discard(job.number)
                self._waiting.pop(job.number, None)
            tell.ended.emit(job)
