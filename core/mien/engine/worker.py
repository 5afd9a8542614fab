"""The worker: a process that analyses, so that the one that shows stays alive whatever a plugin does.

The front end sends jobs over a pipe and gets events back. To cancel, it sends a word; if the worker does not stop in time
it is ended, which also frees a GPU, and the next job starts a new one.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from mien.engine.choice import Choice
from mien.engine.events import Done, Event, Explained, MediumFailed, Progress
from mien.errors import MienError, WorkerError
from mien.tracks.track import Boxes

LAST = (Done, Explained, MediumFailed)
"""With one of these a job ends."""
GRACE = 1.5
"""Seconds that a cancelled worker has to stop by itself before it is ended."""


class Worker:
    """A worker process, started with the first job and kept for the next ones.

    Args:
        library: path or URL of the library that readings go to, None for the user's own.
        log_file: where the worker logs, None for nowhere.
        stopped: asked ten times a second while a job runs: is it to be cancelled? For a front end in another thread, whose
            `cancel` might come before the job has been sent.
    """

    def __init__(
        self, library: str | None = None, log_file: Path | None = None, stopped: Callable[[], bool] = lambda: False
    ) -> None:
        self._library = library
        self._stopped = stopped
        self._log_file = log_file
        self._process: Any = None
        self._pipe: Connection | None = None
        self._cancelled_at: float | None = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The process' id while it lives."""
        return self._process.pid if self._process is not None and self._process.is_alive() else None

    def start(self) -> None:
        """Start the process now, so that it loads while the caller does something else."""
        self._ensure()

    def analyze(self, path: Path, choice: Choice) -> Iterator[Event]:
        """Analyse one medium. Ends with `Done` or `MediumFailed`; closing the iterator cancels.

        Raises:
            WorkerError: the process died; the next call starts a new one.
        """
        return self._ask(("analyze", path, choice))

    def explain(
        self, path: Path, plugin: str, at: float, choice: Choice, of: str = "", person: int | None = None
    ) -> Iterator[Event]:
        """Explain one reading (see `mien.engine.explain`), faces as the library has them.

        `Progress` may come; ends with `Explained` or `MediumFailed`; closing it cancels.

        Raises:
            WorkerError: the process died; the next call starts a new one.
        """
        return self._ask(("explain", path, plugin, at, choice, of, person))

    def _ask(self, job: tuple[Any, ...]) -> Iterator[Event]:
        pipe = self._ensure()
        self._cancelled_at = None
        self._send(job)
        finished = False
        try:
            while True:
                event = self._receive(pipe)
                if self._stopped():
                    self.cancel()
                if event is None:
                    continue
                finished = isinstance(event, LAST)
                yield event
                if finished:
                    return
        finally:
            if not finished:
                self.cancel()
                self._drain()

    def cancel(self) -> None:
        """Ask the running job to stop; it is ended by force if it does not within `GRACE`."""
        if self._cancelled_at is None and self._process is not None:
            self._cancelled_at = time.monotonic()
            self._send(("cancel",))

    def dismiss(self) -> None:
        """Say that there are no more jobs, without waiting for the process to end; `close` does."""
        self._send(("quit",))

    def close(self) -> None:
        """End the process."""
        if self._process is None:
            return
        self.dismiss()
        self._process.join(GRACE)
        self._end()

    def _ensure(self) -> Connection:
        if self._process is None or not self._process.is_alive() or self._pipe is None:
            self._end()
            context = multiprocessing.get_context("spawn")
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(
                target=_main, args=(theirs, self._library, self._log_file), name="mien-worker", daemon=False
            )
            try:
                self._process.start()
            except OSError as error:
                self._process = None  # there is nothing to join
                self._end()
                raise WorkerError(f"The worker process cannot be started: {error.strerror or error}") from error
            finally:
                theirs.close()
        return self._pipe

    def _receive(self, pipe: Connection) -> Event | None:
        """The next event, or None after a moment without one."""
        try:
            if pipe.poll(0.1):
                event: Event = pipe.recv()
                return event
        except (EOFError, OSError):
            raise self._died() from None
        if self._cancelled_at is not None and time.monotonic() - self._cancelled_at > GRACE:
            self._end()
            return MediumFailed("", "The analysis was cancelled.", 130, "Cancelled")
        if not self._process.is_alive() and not pipe.poll(0):
            raise self._died()
        return None

    def _drain(self) -> None:
        """After a cancel: wait for the job's last word, so that the next job does not read it."""
        while self._process is not None and self._pipe is not None:
            try:
                if isinstance(self._receive(self._pipe), LAST):
                    return
            except WorkerError:
                return

    def _died(self) -> WorkerError:
        self._process.join(1)
        code = self._process.exitcode
        self._end()
        how = f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit code {code}"
        return WorkerError(f"The worker process died ({how}); what was read before is in the library, try again.")

    def _send(self, message: tuple[Any, ...]) -> None:
        if self._pipe is not None:
            with contextlib.suppress(OSError):
                self._pipe.send(message)

    def _end(self) -> None:
        if self._process is not None:
            if self._process.is_alive():
                self._process.terminate()
                self._process.join(0.2)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
            self._process.close()
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None


def _main(pipe: Connection, library: str | None, log_file: Path | None) -> None:
    """What the process does: wait for jobs, one after the other."""
    _quiet(log_file)
    # Branches, recognisers and whatever else runs share the cores. OpenMP threads that spin while they wait for each other
    # then take the core from the one they wait for: measured, 20 faces took 1.25 s instead of 0.09 s. Read when torch loads.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    from mien.engine.explain import explain
    from mien.engine.registry import Registry
    from mien.engine.run import analyze_medium
    from mien.library.library import Library

    cancel = threading.Event()
    jobs: list[tuple[Any, ...]] = []
    news = threading.Condition()
    quitting = threading.Event()
    speaking = threading.Lock()

    def listen() -> None:
        while True:
            try:
                message = pipe.recv()
            except (EOFError, OSError):
                message = ("quit",)  # the front end is gone
            with news:
                if message[0] in ("analyze", "explain"):
                    cancel.clear()
                    jobs.append(message)
                else:
                    cancel.set()
                    if message[0] == "quit":
                        quitting.set()
                news.notify()
            if quitting.is_set():
                # A plugin that does not come back must not keep the process alive behind a front end that has gone.
                last = threading.Timer(GRACE, os._exit, (1,))
                last.daemon = True
                last.start()
                return

    def emit(event: Event) -> None:
        with speaking, contextlib.suppress(OSError):
            pipe.send(event)

    threading.Thread(target=listen, name="mien-listen", daemon=True).start()
    registry = Registry.load()
    while True:
        with news:
            news.wait_for(lambda: jobs or quitting.is_set())
            if quitting.is_set():
                # Everything is on disk; taking the interpreter and its libraries down in order takes most of a second.
                logging.shutdown()
                os._exit(0)
            job = jobs.pop(0)
        path = job[1]
        try:
            if job[0] == "explain":
                _, _, plugin, at, choice, of, person = job
                found = explain(
                    path, plugin, at, choice, registry, cancel, of=of, person=person,
                    boxes=partial(_boxes, library, path), progress=partial(_tell, emit, plugin),
                )  # fmt: skip
                emit(Explained(plugin, at, found))
                continue
            _, _, choice = job
            with Library(library) as opened:
                analyze_medium(path, choice, registry, opened, emit, cancel)
        except MienError as error:
            emit(MediumFailed(str(path), str(error), error.exit_code, type(error).__name__))
        except Exception as error:  # the front end must hear of it, whatever it is
            logging.getLogger(__name__).exception("the engine failed")
            text = f"The analysis failed with {type(error).__name__}; details are in the log: {path}"
            emit(MediumFailed(str(path), text, 9, "WorkerError"))


def _tell(emit: Callable[[Event], None], plugin: str, fraction: float) -> None:
    emit(Progress(plugin, fraction))


def _boxes(place: str | None, path: Path, track: str) -> Boxes | None:
    """The faces that the library holds of a medium."""
    from mien.library.library import Library

    with Library(place) as library:
        medium = library.find_medium(path)
        found = medium.tracks().get(track) if medium is not None else None
    return found if isinstance(found, Boxes) and len(found) else None


def _quiet(log_file: Path | None) -> None:
    """Libraries and plugins print; none of it may reach the user's terminal. Ctrl-C is the front end's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from mien.engine.log import log_to

    log_to(log_file)
    target = os.open(log_file if log_file is not None else os.devnull, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream in (1, 2):
        os.dup2(target, stream)
    os.close(target)
