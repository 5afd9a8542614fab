"""The stretch of time on the screen, cut into columns of pixels that lie at fixed times for a given zoom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SHORTEST = 0.01
"""s; nobody looks at less."""


@dataclass(frozen=True)
class Window:
    """Columns `first` … `first + width − 1`, where column k covers the times [k · step, (k + 1) · step).

    Because columns are counted from time zero, panning moves whole columns and changes none of them.

    Args:
        first: number of the leftmost column.
        step: s per column.
        width: columns.
    """

    first: int
    step: float
    width: int

    @classmethod
    def over(cls, start: float, end: float, width: int) -> Window:
        """The window nearest to [start, end) of so many columns: it begins at most half a column off."""
        step = (end - start) / max(1, width)
        if not step > 0:
            raise ValueError("a window must have a length")
        return cls(round(start / step), step, max(1, width))

    @property
    def start(self) -> float:
        """s."""
        return self.first * self.step

    @property
    def end(self) -> float:
        """s."""
        return (self.first + self.width) * self.step

    @property
    def edges(self) -> npt.NDArray[np.float64]:
        """(width + 1,) s, where the columns begin and end."""
        return np.arange(self.first, self.first + self.width + 1, dtype=np.float64) * np.float64(self.step)

    @property
    def centres(self) -> npt.NDArray[np.float64]:
        """(width,) s, the middles of the columns."""
        return (np.arange(self.first, self.first + self.width, dtype=np.float64) + 0.5) * np.float64(self.step)

    def x(self, time: float) -> float:
        """Where a time lies, in columns from the left."""
        return time / self.step - self.first

    def time(self, x: float) -> float:
        """The time at x columns from the left."""
        return (x + self.first) * self.step


@dataclass(frozen=True)
class Range:
    """What a view of a medium shows: [start, end] within [0, duration], in s."""

    start: float
    end: float
    duration: float

    @classmethod
    def clamped(cls, start: float, end: float, duration: float) -> Range:
        """The nearest range that lies inside the medium and is neither too short nor too long."""
        length = min(max(end - start, min(SHORTEST, duration)), duration)
        start = min(max(start, 0.0), duration - length)
        return cls(start, start + length, duration)

    @property
    def length(self) -> float:
        """s."""
        return self.end - self.start

    def zoomed(self, factor: float, about: float) -> Range:
        """`factor` times as much time, with `about` staying where it is on the screen."""
        length = min(max(self.length * factor, min(SHORTEST, self.duration)), self.duration)
        share = (about - self.start) / self.length if self.length else 0.5
        return Range.clamped(about - share * length, about + (1 - share) * length, self.duration)

    def moved(self, seconds: float) -> Range:
        """As much time, so much later."""
        return Range.clamped(self.start + seconds, self.end + seconds, self.duration)

    def whole(self) -> bool:
        """Whether it shows all there is."""
        return self.length >= self.duration * (1 - 1e-9)
