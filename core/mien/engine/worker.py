"""The worker: a process that analyses, so that the one that shows stays alive whatever a plugin does.

The front end sends jobs over a pipe and gets events back. To cancel, it sends a word; if the worker does not stop in time
it is ended, which also frees a GPU, and the next job starts a new one.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.engine.worker_process import GRACE, serve
from mien.errors import WorkerError

if TYPE_CHECKING:  # the process is to start before whoever starts it has loaded numpy
    from mien.engine.choice import Choice
    from mien.engine.events import Event


class Worker:
    """A worker process, started with the first job and kept for the next ones.

    Args:
        library: path or URL of the library that readings go to, None for the user's own.
        log_file: where the worker logs, None for nowhere.
        stopped: asked ten times a second while a job runs: is it to be cancelled? For a front end in another thread, whose
            `cancel` might come before the job has been sent.
        holds_models: keep models in memory from one job to the next (`mien.models.hold`).
    """

    def __init__(
        self,
        library: str | None = None,
        log_file: Path | None = None,
        stopped: Callable[[], bool] = lambda: False,
        holds_models: bool = False,
    ) -> None:
        self._library, self._holds_models = library, holds_models
        self._stopped = stopped
        self._log_file = log_file
        self._process: Any = None
        self._pipe: Connection | None = None
        self._cancelled_at: float | None = None
        self._asked = False  # has it had a job?

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

    def load_ahead(self, path: Path, choice: Choice) -> None:
        """Have the process load, while it has nothing else to do, what a fusion of this medium needs (`mien.engine.ahead`)."""
        self._ensure()
        self._send(("ahead", path, choice))

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
        from mien.engine.events import LAST

        pipe = self._ensure()
        self._cancelled_at = None
        self._asked = True
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
        """End the process; one that has had no job is not waited for."""
        if self._process is None:
            return
        if self._asked:
            self.dismiss()
            self._process.join(GRACE)
        self._end()

    def _ensure(self) -> Connection:
        if self._process is None or not self._process.is_alive() or self._pipe is None:
            self._end()
            context = multiprocessing.get_context("spawn")
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(
                target=serve,
                args=(theirs, self._library, self._log_file, self._holds_models),
                name="mien-worker",
                daemon=False,
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
        overdue = self._cancelled_at is not None and time.monotonic() - self._cancelled_at > GRACE
        try:
            if overdue:
                said = _last_word(pipe)
                if said is not None:
                    return said
            elif pipe.poll(0.1):
                event: Event = pipe.recv()
                return event
        except (EOFError, OSError):
            raise self._died() from None
        if overdue:
            from mien.engine.events import MediumFailed

            self._end()
            return MediumFailed("", "The analysis was cancelled.", 130, "Cancelled")
        if not self._process.is_alive() and not pipe.poll(0):
            raise self._died()
        return None

    def _drain(self) -> None:
        """After a cancel: wait for the job's last word, so that the next job does not read it."""
        from mien.engine.events import LAST

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


def _last_word(pipe: Connection) -> Event | None:
    """The job's last event if it is there already; a plugin that never stops talking is not listened to for long."""
    from mien.engine.events import LAST

    until = time.monotonic() + 0.2
    while time.monotonic() < until and pipe.poll(0):
        event: Event = pipe.recv()
        if isinstance(event, LAST):
            return event
    return None
