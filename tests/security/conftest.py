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


@pytest.fixture
def poisoned(tmp_path: Path) -> Callable[..., Any]:
    """`poisoned(text)` → an analysis, every text of which is that text, and whose numbers are below zero."""
    import datetime as dt

    import numpy as np

    from mien.sdk.correction import Correction
    from mien.sdk.media import MediaInfo
    from mien.sdk.protocols import Analysis
    from mien.tracks import Boxes, Curve, Provenance, Spans
    from mien.tracks.quantity import HOSTILITY, Quantity

    def make(text: str) -> Analysis:
        made = Provenance(text, text, {text: text}, {text: text, "threshold": 0.5}, text, {text: text})
        times = np.arange(0.0, 5.0)
        odd = Quantity(text or "x", text, -1.0, 1.0, text, text)
        rows = [(n, n + 0.9, text, text, 0.9, text) for n in range(4)]
        tracks = [
            *(Spans.of(name, rows, made) for name in ("speech.transcript", "speech.words", "text.hate", "text.words")),
            Spans.of("text.offence", [(n, n + 0.9, "offensive", text, 0.9, text) for n in range(4)], made),
            Spans.of("fusion.verdicts", rows, made),
            Spans.of(f"odd.{text}", rows, made),
            Curve("fusion.score", times, np.full((5, 1), 0.9, np.float32), (HOSTILITY,), None, made),
            Curve("fusion.weights", times, np.full((5, 1), 1.0, np.float32), (odd,), None, made),
            Curve(f"{text}.curve", times, np.full((5, 1), -0.5, np.float32), (odd,), None, made),
            Curve("three.shares", times, np.full((5, 3), 1 / 3, np.float32),
                  tuple(Quantity(f"{n}{text}", text, 0.0, 1.0) for n in range(3)), None, made),
            Boxes("face.boxes", times, np.zeros(5, np.int32), np.full((5, 4), 9.0, np.float32), np.ones(5, np.float32),
                  None, made),
        ]  # fmt: skip
        said = Correction(
            f"odd.{text}", 0.0, 1.0, None, text, {"event": {"channel": text, "label": text, "score": 0.5}},
            {"label": text, "state": "corrected", text: text}, text, text, dt.datetime(2026, 1, 1, tzinfo=dt.UTC), text, text,
        )  # fmt: skip
        name = text.replace("/", "_").replace("\0", "")[:60] + ".mp4"
        media = MediaInfo(tmp_path / name, 5.0, True, False, 0, 0, 0.0, 16_000, 1)
        return Analysis(media, {t.name: t for t in tracks}, text, {text: [text]}, text, (said,))

    return make


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Exports in one format; the file or folder."""
    from mien.exchange import info
    from mien.exchange.write import export

    def write(analysis: Any, name: str, **params: object) -> Path:
        every = {entry.id: entry for entry in info.ALL}
        return export(analysis, [name], tmp_path / "out", every, {name: params})[0]

    return write
