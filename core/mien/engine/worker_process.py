"""What the worker process does. Imports nothing heavy before its environment is set, since libraries read it as they load."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.errors import MienError

if TYPE_CHECKING:
    from mien.engine.events import Event
    from mien.tracks.track import Boxes

GRACE = 1.5
"""Seconds that a cancelled worker has to stop by itself before it is ended."""


def serve(pipe: Connection, library: str | None, log_file: Path | None, holds_models: bool = False) -> None:
    """Wait for jobs on the pipe, do one after the other, send events back; ends with the word "quit" or with the front end."""
    _quiet(log_file)
    _share_cores()
    if holds_models:
        from mien.models.hold import hold_models

        hold_models()
    from mien.media import identity

    cancel = threading.Event()
    free = threading.Event()  # nothing to do, or only what can wait
    free.set()
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
                if message[0] == "ahead":
                    jobs.append(message)
                elif message[0] in ("analyze", "explain"):
                    cancel.clear()
                    if message[0] == "analyze" and free.is_set():
                        identity.begin(message[1])  # it is read while the libraries are still loaded
                    free.clear()
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
    from mien.engine.ahead import Ahead
    from mien.engine.events import Explained, MediumFailed
    from mien.engine.explain import explain
    from mien.engine.registry import Registry
    from mien.engine.run import analyze_medium
    from mien.library.library import Library

    registry = Registry.load()
    ahead = Ahead(registry, free)
    while True:
        with news:
            news.wait_for(lambda: jobs or quitting.is_set())
            if quitting.is_set():
                # Everything is on disk; taking the interpreter and its libraries down in order takes most of a second.
                logging.shutdown()
                os._exit(0)
            job = jobs.pop(0)
        path = job[1]
        if job[0] == "ahead":
            ahead.load(path, job[2])
            continue
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
        finally:
            with news:
                if not any(waiting[0] != "ahead" for waiting in jobs):
                    free.set()


def _share_cores() -> None:
    """Branches, recognisers and whatever else runs share the cores; the libraries read this when they load.

    Threads that spin while they wait for each other take the core from the one they wait for. Measured on two cores: 20 faces
    took 1.25 s instead of 0.09 s with OpenMP's own settings.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    # OpenBLAS, under numpy, knows no such policy: its threads spin. The products here are small, so it gets few of them.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // 2)))


def _tell(emit: Callable[[Event], None], plugin: str, fraction: float) -> None:
    from mien.engine.events import Progress

    emit(Progress(plugin, fraction))


def _boxes(place: str | None, path: Path, track: str) -> Boxes | None:
    """The faces that the library holds of a medium."""
    from mien.library.library import Library
    from mien.tracks.track import Boxes

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
