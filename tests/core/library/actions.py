"""What the tests do to a library from other processes. Run as: actions.py ACTION LIBRARY [ARGUMENTS].

All is imported before the first fork: a child begins in milliseconds and can be killed at any moment of its
work.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import sys
import time
from pathlib import Path

import alembic.command  # noqa: F401
import numpy as np

from mien.errors import MienError
from mien.library.library import Library
from mien.tracks import AROUSAL, Curve, Spans


class Facts:
    """The least that the library asks of a medium."""

    def __init__(self, path: str) -> None:
        self.path, self.duration, self.size_bytes = Path(path), None, 0


def piece(i: int, rows: int = 3) -> Curve:
    """The i-th piece of a run; its values are its times."""
    times = np.arange(i * rows, (i + 1) * rows, dtype=np.float64)
    return Curve("emotion.attributes", times, times[:, None].astype(np.float32), (AROUSAL,))


def write_for_ever(place: str, acknowledged: int) -> None:
    """Open, enter a medium and write runs; every piece is told to the pipe once `write` has returned."""
    with Library(place) as library:
        library.add_medium(Facts("clip.mp4"), "h")
        while True:
            run = library.begin_run("h", key=f"k{time.time_ns()}", analyzer="a", version="1")
            for i in range(random.randint(1, 12)):
                run.write(piece(i))
                os.write(acknowledged, f"{run.run_id} {i + 1} piece\n".encode())
                run.write(Spans.of("speech.transcript", [(i, i + 1, "x", f"word{i} of {run.run_id}")]))
            run.complete()
            os.write(acknowledged, f"{run.run_id} {i + 1} complete\n".encode())


def write(place: str, log: str) -> None:
    """Write until the library cannot be reached; print why."""
    try:
        write_for_ever(place, os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND))
    except MienError as error:
        print(type(error).__name__, flush=True)


def kill() -> None:
    """For each [library, log, moment, delay] of the input, kill a writer a delay after that moment."""
    for line in sys.stdin:
        place, log, moment, delay = json.loads(line)
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        told = os.fstat(file).st_size
        child = os.fork()
        if child == 0:
            write_for_ever(place, file)
        while moment == "writing" and os.fstat(file).st_size == told:
            time.sleep(0.002)
            assert os.waitpid(child, os.WNOHANG) == (0, 0), "the writer died by itself"
        os.close(file)
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        print("killed", flush=True)


def crowd(place: str, writers: str, pieces: str) -> None:
    """Several processes that make the library and write at once; each prints what went wrong."""
    children = []
    for writer in range(int(writers)):
        child = os.fork()
        children.append(child)
        if child == 0:
            try:
                with Library(place) as library:
                    library.add_medium(Facts(f"{writer}.mp4"), str(writer % 2))
                    run = library.begin_run(str(writer % 2), key=f"k{writer}", analyzer=f"a{writer}", version="1")
                    for i in range(int(pieces)):
                        run.write(piece(i))
                        run.write(Spans.of("speech.transcript", [(i, i + 1, "x", f"word{i} by{writer}")]))
                    run.complete()
            except MienError as error:
                os.write(1, f"{error}\n".encode())
                os._exit(1)
            os._exit(0)
    sys.exit(any(os.waitpid(child, 0)[1] for child in children))


def fill(place: str, limit: str) -> None:
    """Write until the file may not grow any more; print how many pieces there are and the error."""
    done = 0
    rng = np.random.default_rng(0)
    with Library(place) as library:
        library.add_medium(Facts("clip.mp4"), "h")
        run = library.begin_run("h", key="k", analyzer="a", version="1")
        if int(limit):
            resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        try:
            for i in range(1000):
                values = rng.random((2000, 8), dtype=np.float32)
                quantities = tuple(type(AROUSAL)(f"q{c}") for c in range(8))
                run.write(Curve("e", i * 2000 + np.arange(2000.0), values, quantities))
                done = i + 1
        except MienError as error:
            print(done, type(error).__name__, error, flush=True)
            os._exit(0)  # as a program would that is killed now: no tidying up
    os._exit(1)


def as_nobody(place: str) -> None:
    """Open the library without any rights."""
    os.setgroups([])
    os.setegid(65534)
    os.seteuid(65534)
    as_self(place)


def as_self(place: str) -> None:
    """Open the library and enter a medium; print the error if there is one."""
    try:
        with Library(place) as library:
            library.add_medium(Facts("other.mp4"), "other")
            print("written", flush=True)
    except MienError as error:
        print(type(error).__name__, error, flush=True)


if __name__ == "__main__":
    actions = {"write": write, "kill": kill, "crowd": crowd, "fill": fill, "as_nobody": as_nobody, "as_self": as_self}
    actions[sys.argv[1]](*sys.argv[2:])
