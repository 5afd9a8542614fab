"""Which windows get a reading: those in which somebody speaks."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.tracks.track import Spans

LATEST = 40.0
"""Speech is announced when its utterance ends, but never later than this many seconds behind its start."""


@dataclass(frozen=True)
class Reading:
    """One window's result: its time and extent (s), (3,) attributes and the net's embedding."""

    time: float
    start: float
    end: float
    values: NDArray[np.float32]
    embedding: NDArray[np.float32]


class VoiceGate:
    """Holds readings, in order, until it is known how much of their window is speech."""

    def __init__(self, share: float) -> None:
        self._share = share
        self._held: deque[Reading] = deque()
        self._speech: deque[tuple[float, float]] = deque()
        self._known = -np.inf

    def hear(self, pieces: Iterable[Spans]) -> None:
        """Take spans of speech. They come in order, so all before the newest one's start is known."""
        for piece in pieces:
            for start, end in zip(piece.start.tolist(), piece.end.tolist(), strict=True):
                self._speech.append((start, end))
                self._known = max(self._known, start)

    def hold(self, reading: Reading) -> None:
        """Take the next reading."""
        self._held.append(reading)

    def release(self, now: float) -> list[Reading]:
        """The readings known to be speech at the time `now` (s); infinity when nothing more will come."""
        out = []
        known = max(self._known, now - LATEST)
        while self._held:
            front = self._held[0]
            spoken = sum(max(0.0, min(e, front.end) - max(s, front.start)) for s, e in self._speech)
            enough = spoken > 0.0 and spoken >= self._share * (front.end - front.start)
            if not enough and front.end > known:
                break
            if enough:
                out.append(front)
            self._held.popleft()
        begin = self._held[0].start if self._held else known
        while self._speech and self._speech[0][1] < begin - LATEST:
            self._speech.popleft()
        return out


def loud_share(samples: NDArray[np.float32], rate: int, silence: float) -> float:
    """Share of the 50 ms frames of a window that are louder than `silence` dBFS (RMS)."""
    frame = rate // 20
    count = max(1, len(samples) // frame)
    power = [np.mean(np.square(part, dtype=np.float64)) for part in np.array_split(samples, count)]
    return float(np.mean(np.asarray(power) > 10.0 ** (silence / 10.0)))
