"""Looks into files in processes of their own: what damages the reader or keeps it for ever costs one file, not the scan."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from mien.errors import MienError, WorkerError, shown
from mien.sdk.media import MediaInfo

PATIENCE = 30.0
"""s without a sign of life after which a file is given up."""
_SPEED = 20e6  # bytes/s that every disk gives
_START = 120.0  # s that a process may take to start, on a machine that is busy


@dataclass(frozen=True)
class Look:
    """A file to be looked into.

    Args:
        number: whatever the caller knows it by.
        audio_stream: as in `Choice`.
        identify: also hash its content, which reads all of it.
        size: bytes; a file that does not say how long it is has to be read through, and a large one takes its time.
    """

    number: int
    path: Path
    audio_stream: int | str | None = None
    identify: bool = False
    size: int = 0


@dataclass(frozen=True)
class Looked:
    """What a file is, or in `reason` why it is no medium.

    Args:
        medium: the hash of its content, empty if it was not asked for.
        problems: what is wrong with it though it can be read, one sentence each.
    """

    number: int
    media: MediaInfo | None = None
    medium: str = ""
    problems: tuple[str, ...] = ()
    reason: str = ""
    exit_code: int = 0


def look_into(
    looks: Iterable[Look], processes: int = 1, patience: float = PATIENCE, stopped: Callable[[], bool] = lambda: False
) -> Iterator[Looked]:
    """Look into files, several at once; answers come as they are ready.

    Args:
        processes: how many at once.
        patience: s without a sign of life after which a file is given up.
        stopped: asked five times a second; once it says so the processes are ended and nothing more comes.

    Raises:
        WorkerError: no process can be started.
    """
    todo = iter(looks)
    free = [_Looker() for _ in range(processes)]
    busy: list[_Looker] = []
    try:
        while not stopped():
            while free and (look := next(todo, None)) is not None:
                busy.append(free.pop())
                busy[-1].ask(look)
            if not busy:
                return
            wait([looker.pipe for looker in busy if looker.pipe is not None], timeout=0.2)
            for looker in list(busy):
                answer = looker.answer(patience)
                if answer is not None:
                    busy.remove(looker)
                    free.append(looker)
                    yield answer
    finally:
        for looker in free + busy:
            looker.close()


class _Looker:
    """One process, started when it is needed."""

    def __init__(self) -> None:
        self.pipe: Connection | None = None
        self._process: Any = None
        self._look: Look | None = None
        self._heard = 0.0
        self._ready = False

    def ask(self, look: Look) -> None:
        if self.pipe is None:
            self._start()
        assert self.pipe is not None
        self._look, self._heard = look, time.monotonic()
        with contextlib.suppress(OSError):  # it died in between: `answer` will see that
            self.pipe.send(look)

    def answer(self, patience: float) -> Looked | None:
        """What it found, None while it still looks."""
        assert self.pipe is not None
        assert self._look is not None
        try:
            while self.pipe.poll(0):
                said = self.pipe.recv()
                self._heard, self._ready = time.monotonic(), True
                if isinstance(said, Looked):
                    return said
        except (EOFError, OSError):
            self._process.join(1.0)
            code = self._process.exitcode
            how = f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit code {code}"
            return self._lost(f"The file ended the process that looked into it ({how}); it is damaged")
        patience += max(0, self._look.size) / _SPEED
        if time.monotonic() - self._heard > patience + (0.0 if self._ready else _START):
            return self._lost(f"Looking into the file took longer than {patience:.0f} s; it or its disk is damaged")
        return None

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
            self._process = None
        if self.pipe is not None:
            self.pipe.close()
            self.pipe = None

    def _lost(self, sentence: str) -> Looked:
        assert self._look is not None
        self.close()
        return Looked(self._look.number, reason=f"{sentence}: {shown(self._look.path)}", exit_code=3)

    def _start(self) -> None:
        self._ready = False
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_main, args=(theirs,), name="mien-look", daemon=True)
        try:
            self._process.start()
        except OSError as error:
            self._process = None
            self.close()
            raise WorkerError(
                f"The process that looks into files cannot be started: {error.strerror or error}"
            ) from error
        finally:
            theirs.close()


def _main(pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the front end's to handle
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    asked: queue.SimpleQueue[Look] = queue.SimpleQueue()

    def listen() -> None:
        while True:
            try:
                asked.put(pipe.recv())
            except (EOFError, OSError):
                os._exit(0)  # the front end is gone, and this process may hang in a file

    threading.Thread(target=listen, name="mien-listen", daemon=True).start()
    import mien.engine.run  # noqa: F401 - takes its time, which is no file's fault

    with contextlib.suppress(OSError):
        pipe.send(None)
    while True:
        look = asked.get()
        answer = _look(look, pipe)
        with contextlib.suppress(OSError):
            pipe.send(answer)


def _look(look: Look, pipe: Connection) -> Looked:
    from mien.engine.choice import Choice
    from mien.engine.run import open_medium
    from mien.media.identity import content_id

    def alive(_: float) -> None:
        with contextlib.suppress(OSError):
            pipe.send(None)

    try:
        medium, media = open_medium(look.path, Choice(audio_stream=look.audio_stream))
        identity = content_id(look.path, _sometimes(alive)) if look.identify else ""
        return Looked(look.number, media, identity, medium.problems)
    except MienError as error:
        return Looked(look.number, reason=str(error), exit_code=error.exit_code)
    except Exception as error:  # noqa: BLE001 - whatever a file makes the reader raise is said of that file
        text = f"The file cannot be looked into ({type(error).__name__}): {shown(look.path)}"
        return Looked(look.number, reason=text, exit_code=3)


def _sometimes(tell: Any, every: float = 1.0) -> Any:
    """Tells at most once a second."""
    told = time.monotonic()

    def maybe(fraction: float) -> None:
        nonlocal told
        if time.monotonic() - told >= every:
            told = time.monotonic()
            tell(fraction)

    return maybe
