"""Spans gathered as their pieces arrive, and which of them lie in a window."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mien.tracks import Spans
from mien_desktop.timeline.pyramid import FloatArray, Growing, IntArray
from mien_desktop.timeline.window import Window


class Stretches:
    """The rows of a Spans track, growing."""

    def __init__(self) -> None:
        self._start, self._end = Growing(np.float64), Growing(np.float64)
        self._reach = Growing(np.float64)  # latest end so far: what begins early may last long
        self._score = Growing(np.float32)
        self.text: list[str] = []
        self.label: list[str] = []
        self.speaker: list[str] = []

    def __len__(self) -> int:
        return self._start.size

    @property
    def start(self) -> npt.NDArray[np.float64]:
        """(N,) s."""
        return self._start.view

    @property
    def end(self) -> npt.NDArray[np.float64]:
        """(N,) s."""
        return self._end.view

    @property
    def score(self) -> FloatArray:
        """(N,), NaN where there is none."""
        return self._score.view

    def append(self, piece: Spans) -> bool:
        """Add a piece behind what is there; True if it had rows.

        Raises:
            ValueError: it begins before what is there.
        """
        if not len(piece):
            return False
        if len(self) and piece.start[0] < self.start[-1]:
            raise ValueError(f"a piece of {piece.name} lies before what was shown already")
        latest = self._reach.view[-1] if len(self) else -np.inf
        n = len(self)
        self._start.put(n, piece.start)
        self._end.put(n, piece.end)
        self._score.put(n, piece.score)
        self._reach.put(n, np.maximum(np.maximum.accumulate(piece.end), latest))
        self.text += piece.text
        self.label += piece.label
        self.speaker += piece.speaker
        return True

    def within(self, start: float, end: float) -> slice:
        """The rows that may touch [start, end)."""
        first = int(np.searchsorted(self._reach.view, start, "right"))
        return slice(first, max(first, int(np.searchsorted(self.start, end, "left"))))

    def at(self, time: float) -> IntArray:
        """The rows that hold a time."""
        rows = self.within(time, np.nextafter(time, np.inf))
        found = np.flatnonzero((self.start[rows] <= time) & (self.end[rows] > time))
        return np.asarray(found + rows.start, np.int64)

    def columns(self, rows: slice, window: Window, apart: int = 1) -> tuple[IntArray, IntArray]:
        """Columns [first, last) that rows cover: one at least, `apart` fewer where they are long, so that neighbours part."""
        first = np.floor(self.start[rows] / window.step + 1e-6).astype(np.int64) - window.first
        last = np.ceil(self.end[rows] / window.step - 1e-6).astype(np.int64) - window.first
        last = np.maximum(last, first + 1)
        return first, np.where(last - first > 3 * apart, last - apart, last)
