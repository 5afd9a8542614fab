"""Attacks are made on a process of their own, whose memory, time and sockets are watched (`victim.py`)."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

MIB = 1 << 20
PATIENCE = 120.0
"""s on the wall after which a file counts as one that hangs; each takes a fraction of a second."""


@dataclass(frozen=True)
class Outcome:
    """What became of an attack.

    Args:
        value: what the victim made of the file, None when it refused it.
        error: the class and sentence that it refused it with, or empty.
        mien: whether that error is of our own tree.
        memory: bytes by which the victim grew meanwhile.
        seconds: of its processor.
    """

    value: Any
    error: str
    mien: bool
    memory: int
    seconds: float

    def refused(self, *words: str) -> None:
        """It was refused with one sentence that has these words."""
        assert self.mien, self.error or f"not refused: {self.value!r:.200}"
        assert "\n" not in self.error
        assert len(self.error) < 700
        for word in words:
            assert word in self.error

    def bounded(self, mib: float = 200.0, seconds: float = 10.0) -> None:
        """It took no more than that, and ended in a value or in a sentence."""
        assert self.memory < mib * MIB, f"{self.memory / MIB:.0f} MiB"
        assert self.seconds < seconds, f"{self.seconds:.1f} s"
        assert self.mien or not self.error, self.error


class Victim:
    """The process; started anew when an attack has killed it."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.trapped = False
        self._process: subprocess.Popen[str] | None = None

    def __call__(self, what: str, *arguments: object) -> Outcome:
        process = self._process or self._start()
        assert process.stdin is not None
        process.stdin.write(json.dumps([what, *(a if isinstance(a, int) else str(a) for a in arguments)]) + "\n")
        process.stdin.flush()
        answer = self._line(process, f"{what} {arguments}")
        return Outcome(**answer)

    def _start(self) -> subprocess.Popen[str]:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", str(Path(__file__).with_name("victim.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "MIEN_HOME": str(self._home), "OMP_NUM_THREADS": "1"},
        )
        self.trapped = self._line(self._process, "start")
        return self._process

    def _line(self, process: subprocess.Popen[str], what: str) -> Any:
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
        line = process.stdout.readline() if ready else ""
        if not line:
            process.kill()
            code = process.wait()
            self.close()
            raise AssertionError(f"hung or died ({code}): {what}")
        return json.loads(line)

    def close(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
            self._process = None


@pytest.fixture(scope="session")
def _victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    victim = Victim(tmp_path_factory.mktemp("victim"))
    yield victim
    victim.close()


@pytest.fixture
def attack(_victim: Victim) -> Callable[..., Outcome]:
    """`attack("medium", path)` lets the victim read a file, and tells what it took."""
    if sys.platform != "linux":
        pytest.skip("memory is read from /proc")
    return _victim


@pytest.fixture
def victim(_victim: Victim) -> Victim:
    """The process itself."""
    return _victim
