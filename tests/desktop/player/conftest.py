"""Players that are closed after the test, true frame times, and a sound device that keeps time but has no loudspeaker."""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt, QTimer
from pytestqt.qtbot import QtBot

from mien.media.decode import Decoder
from mien_desktop.player.output import NO_DEVICE, Output
from mien_desktop.player.player import Player
from mien_desktop.player.ring import Ring


@lru_cache(maxsize=64)
def true_times(path: Path) -> tuple[float, ...]:
    """Presentation times of all frames, as the analysis has them."""
    with Decoder(path, audio=None) as decoder:
        return tuple(piece.time for piece in decoder)  # type: ignore[union-attr]


def shown_at(path: Path, moment: float) -> float:
    """Time of the frame whose interval contains a moment."""
    times = true_times(path)
    return times[max(0, bisect_right(times, moment + 1e-6) - 1)]


class Loudspeakerless:
    """Reads the ring in real time like a sound card does, in periods of 10 ms, and keeps what it read."""

    rate = 48_000

    def __init__(self) -> None:
        self.runs: list[list[np.ndarray]] = []
        self._halt = threading.Event()
        self._thread: threading.Thread | None = None
        self._begun: float | None = None
        self.broken = False

    def start(self, ring: Ring) -> None:
        self.stop()
        self._halt = threading.Event()
        self.runs.append([])
        self._begun = time.monotonic()
        self._thread = threading.Thread(target=self._run, args=(ring, self._halt, self.runs[-1]), name="card")
        self._thread.start()

    def _run(self, ring: Ring, halt: threading.Event, kept: list[np.ndarray]) -> None:
        done = 0
        while not halt.wait(0.005):
            due = int((time.monotonic() - (self._begun or 0.0)) * self.rate) + 480
            kept.append(ring.read(due - done))
            done = due

    def stop(self) -> None:
        if self._thread is not None:
            self._halt.set()
            self._thread.join()
            self._thread = None

    def heard(self) -> float | None:
        return None if self.broken else time.monotonic() - (self._begun or 0.0)

    def close(self) -> None:
        self.stop()

    def sound(self, run: int = -1) -> np.ndarray:
        """(n, 2) what was read in a run."""
        return np.concatenate([*self.runs[run], np.zeros((0, 2), np.float32)])


@pytest.fixture
def card() -> Loudspeakerless:
    """A sound device."""
    return Loudspeakerless()


MakePlayer = Callable[..., Player]


@pytest.fixture
def make_player(qtbot: QtBot) -> Iterator[MakePlayer]:
    """A function that opens a file in a player and waits until its first picture is there."""
    players: list[Player] = []

    def make(path: Path, output: Output | None = None, audio: int | None = None) -> Player:
        player = Player(output=lambda: (output, "" if output else NO_DEVICE))
        players.append(player)
        with qtbot.waitSignal(player.opened, timeout=10_000):
            player.open(path, audio)
        if player.has_picture:
            qtbot.waitUntil(lambda: player.frame is not None, timeout=10_000)
        return player

    yield make
    for player in players:
        player.close()
        player.deleteLater()


class Heartbeat:
    """Measures for how long the thread of the windows was away at most, s: `busy` by its own work, `worst` whatever
    the reason, which on a crowded machine is mostly that others had the cores.
    """

    def __init__(self) -> None:
        self.timer = QTimer(interval=10, timerType=Qt.TimerType.PreciseTimer)
        self.timer.timeout.connect(self._beat)
        self.start()

    def start(self) -> None:
        """Begin anew."""
        self.worst = self.busy = 0.0
        self._last, self._worked = time.monotonic(), time.thread_time()
        self.timer.start()

    def _beat(self) -> None:
        now, worked = time.monotonic(), time.thread_time()
        self.worst, self.busy = max(self.worst, now - self._last), max(self.busy, worked - self._worked)
        self._last, self._worked = now, worked

    def check(self) -> None:
        """Fail if the window could not have answered within 100 ms on a free machine."""
        assert self.busy < 0.1, f"the thread of the windows worked {self.busy:.3f} s without a break"
        assert self.worst < 5.0, f"the thread of the windows was away for {self.worst:.3f} s"


@pytest.fixture
def heartbeat(qtbot: QtBot) -> Iterator[Heartbeat]:
    """Started; `start` begins anew."""
    heart = Heartbeat()
    yield heart
    heart.timer.stop()
