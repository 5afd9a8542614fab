"""What stands on a node of a Ray cluster: an actor with a worker process of its own. No Ray is imported here."""

from __future__ import annotations

import contextlib
import os
import platform
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import mien
from mien.batch.workers import analysed
from mien.engine.choice import Choice
from mien.engine.events import Event, MediumFailed, Piece
from mien.engine.worker import Worker
from mien.errors import MienError, shown

UNSEEN = "Unseen"
"""The kind of `MediumFailed` that says: this node cannot see the file."""
_APPEARS = 3.0  # s; a shared file system may show a new file a moment later


@dataclass(frozen=True)
class Terms:
    """What a node must have to take part.

    Args:
        readings: digest of the keys that a medium's readings get (`WholePlan`): plugins, versions, parameters, models.
        choice: checked.
        library: place of the library that readings go to.
        file: what tells the library's file from all others (`file_mark`), None for a database on a server.
        environ: variables that the actor takes over.
    """

    readings: str
    choice: Choice
    library: str
    file: tuple[Any, ...] | None = None
    environ: Mapping[str, str] = field(default_factory=dict)


def terms_of(choice: Choice, readings: str, library: str) -> Terms:
    """The terms of a scan that is started in this process. `MIEN_PLUGINS` and `MIEN_OFFLINE` count on the nodes too."""
    environ = {name: os.environ[name] for name in ("MIEN_PLUGINS", "MIEN_OFFLINE") if name in os.environ}
    file = None if "://" in library else file_mark(library)
    return Terms(readings, choice, library, file, environ)


class Seat:
    """The actor. Calls are answered by several threads: while one waits for news, another may cancel.

    Args:
        host: the node's name, for what users read.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        self._worker: Worker | None = None
        self._choice = Choice()
        self._news = threading.Condition()
        self._number = -1
        self._events: list[Event] = []
        self._dropped = 0  # how many of this medium's events were fetched
        self._alive = time.monotonic()

    def take_part(self, version: str, terms: Terms) -> tuple[str, str]:
        """Whether this node can serve the scan: empty texts, or the kind of the error (`mien.errors`) and its sentence."""
        if version != mien.__version__:
            return "ClusterError", (
                f"The node {self._host} has Mien {mien.__version__} and this computer {version}; install the same on both."
            )
        os.environ.update(terms.environ)
        try:
            wrong = self._wrong(terms)
        except MienError as error:
            return type(error).__name__, f"On the node {self._host}: {error}"
        if any(wrong):
            return wrong
        from mien.config import log_dir

        self._choice = terms.choice
        self._worker = Worker(terms.library, log_dir() / "mien.log", holds_models=True)
        self._worker.start()  # it loads while the first file is chosen
        return "", ""

    def begin(self, number: int, path: Path, size: int, device: str, threads: int) -> None:
        """Begin with a medium.

        Args:
            number: of the task.
            size: bytes that the file has where the scan was started.
        """
        with self._news:
            self._number, self._events, self._dropped, self._alive = number, [], 0, time.monotonic()
        choice = replace(self._choice, device=device, threads=threads)
        threading.Thread(target=self._analyse, args=(path, size, choice), name="mien-seat", daemon=True).start()

    def hear(self, number: int, have: int, wait: float) -> tuple[list[Event], float]:
        """Events of a task after the first `have` of them, as soon as there are some, or none after `wait` s;
        and how many s ago it gave the last sign of life."""
        with self._news:
            self._news.wait_for(lambda: number == self._number and self._dropped + len(self._events) > have, wait)
            if number != self._number:
                return [], 0.0
            # What was fetched is not asked for again; it is kept until then, for an answer may be lost on its way.
            del self._events[: have - self._dropped]
            self._dropped = have
            return list(self._events), time.monotonic() - self._alive

    def cancel(self) -> None:
        """Ask what runs to stop; it is ended by force if it does not."""
        if self._worker is not None:
            self._worker.cancel()

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.close()

    def _wrong(self, terms: Terms) -> tuple[str, str]:
        from mien.batch.survey import asked_of
        from mien.engine.registry import Registry
        from mien.library.library import Library

        if terms.file is not None and file_mark(terms.library) != terms.file:
            return "LibraryError", (
                f"The node {self._host} cannot open this library's file, which serves one computer only; "
                f"for several name a database, --library postgresql://…: {shown(terms.library)}"
            )
        if terms.file is None:
            with Library(terms.library):
                pass  # its server can be reached from here
        if asked_of(terms.choice, Registry.load()).digest != terms.readings:
            return "ClusterError", (
                f"The node {self._host} has other plugins or models than this computer, so its readings would differ; "
                "install the same on both (see: mien plugins, mien models list)."
            )
        return "", ""

    def _analyse(self, path: Path, size: int, choice: Choice) -> None:
        assert self._worker is not None
        if not _is_here(path, size):
            reason = f"The node {self._host} cannot see this file; media must lie in a folder that all nodes share: {shown(path)}"
            return self._tell(MediumFailed(str(path), reason, 9, UNSEEN))
        for event in analysed(self._worker, path, choice):
            self._tell(event)
        return None

    def _tell(self, event: Event) -> None:
        with self._news:
            self._alive = time.monotonic()
            if not isinstance(event, Piece):  # those are in the library
                self._events.append(event)
                self._news.notify_all()


def file_mark(place: str) -> tuple[Any, ...] | None:
    """What tells a library's file from every other, on this computer and on all others; None if it is not there."""
    boot = platform.node()
    with contextlib.suppress(OSError):  # not on every system; the same in all containers of one
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    try:
        about = os.stat(place)
    except OSError:
        return None
    return boot, about.st_dev, about.st_ino


def _is_here(path: Path, size: int) -> bool:
    deadline = time.monotonic() + _APPEARS
    while True:
        with contextlib.suppress(OSError):
            if path.stat().st_size == size:
                return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
