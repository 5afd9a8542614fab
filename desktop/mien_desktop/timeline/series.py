"""Readings over time, ready to be drawn: times, one pyramid a channel, and what lies in each column of pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mien_desktop.timeline.clocks import Irregular, Regular, Times
from mien_desktop.timeline.pyramid import Array, FloatArray, IntArray, Pyramid
from mien_desktop.timeline.window import Window

SPARSE = 2.0
"""With fewer samples a column than this the line between samples is drawn, not only their extent."""


@dataclass(frozen=True)
class Columns:
    """What one channel does in each column of pixels; all arrays (W,), NaN where there is nothing.

    Args:
        low, high: smallest and largest value, those of the line at the column's sides included where it is drawn.
        left, right: where the line enters and leaves a column; None when the samples lie too densely to matter.
    """

    low: FloatArray
    high: FloatArray
    left: FloatArray | None = None
    right: FloatArray | None = None


class Series:
    """Channels that share their times.

    Args:
        channels: how many.
        start, step: s, for samples at equal distances; without them times are given one by one.
        dtype: of the values.
    """

    def __init__(
        self, channels: int = 1, *, start: float = 0.0, step: float | None = None, dtype: npt.DTypeLike = np.float32
    ) -> None:
        self._clock: Regular | Irregular = Irregular() if step is None else Regular(start, step)
        self.pyramids = tuple(Pyramid(dtype) for _ in range(channels))

    def __len__(self) -> int:
        return len(self.pyramids[0])

    @property
    def extent(self) -> tuple[float, float]:
        """First and last time, in s; (0, 0) when empty."""
        if not len(self):
            return 0.0, 0.0
        if isinstance(self._clock, Regular):
            return self._clock.start, self._clock.start + (len(self) - 1) * self._clock.step
        return float(self._clock.times[0]), float(self._clock.times[-1])

    def append(self, values: Array, times: Times | None = None, high: Array | None = None) -> None:
        """Add samples behind those that are there.

        Args:
            values: (n, channels) or (n,).
            times: (n,) s, of a series without a step.
            high: of stretches of samples: their maxima, while `values` are the minima.

        Raises:
            ValueError: the times go backwards, or are missing.
        """
        values = np.asarray(values)
        values = values[:, None] if values.ndim == 1 else values
        high = None if high is None else (high[:, None] if high.ndim == 1 else high)
        if not len(values):
            return
        if isinstance(self._clock, Irregular):
            if times is None or len(times) != len(values):
                raise ValueError("each sample needs its time")
            if np.any(np.diff(times) < 0) or (len(self) and times[0] < self._clock.times[-1]):
                raise ValueError("times must not go backwards")
            self._clock.append(np.asarray(times, np.float64))
        for channel, pyramid in enumerate(self.pyramids):
            pyramid.append(values[:, channel], None if high is None else high[:, channel])

    def per_column(self, window: Window) -> float:
        """Samples a column, on the average over the whole series, so that it does not change while one pans.

        Where the series is much thinner in the window, it is what lies there that counts.
        """
        usual = self._clock.per_second() * window.step
        if isinstance(self._clock, Regular):
            return usual
        times = self._clock.times
        here = float(times.searchsorted(window.end) - times.searchsorted(window.start)) / window.width
        return here if here < usual / 2 else usual

    def edges(self, window: Window) -> tuple[int, IntArray]:
        """Level of the pyramids for a window, and (W + 1,) bins of it at which the columns begin."""
        if not len(self):
            return 0, np.zeros(window.width + 1, np.int64)
        level = self.pyramids[0].level_for(self._clock.per_second() * window.step)
        if isinstance(self._clock, Irregular):
            found = self._clock.columns(window, self.pyramids[0], level)
        else:
            found = self._clock.edges(window.edges, len(self), self.pyramids[0], level)
        bins = -(-len(self) // self.pyramids[0].bin(level))
        return level, np.minimum(np.maximum(found, 0), bins)

    def between(self, start: float, end: float, channel: int = 0) -> tuple[float, float]:
        """Minimum and maximum of a channel in [start, end), to the nearest bin; NaN where there is nothing."""
        pyramid = self.pyramids[channel]
        if not len(self):
            return np.nan, np.nan
        level = pyramid.level_for((end - start) * self._clock.per_second() / 8)
        edges = self._clock.edges(np.array([start, end]), len(self), pyramid, level)
        low, high = pyramid.columns(level, np.clip(edges, 0, None))
        return float(low[0]), float(high[0])

    def extents(self, window: Window) -> list[tuple[FloatArray, FloatArray]]:
        """Minimum and maximum of each channel in each column."""
        return self._extents(window, *self.edges(window))

    def _extents(self, window: Window, level: int, edges: IntArray) -> list[tuple[FloatArray, FloatArray]]:
        wide = self._clock.wide(window, self.pyramids[0].bin(level)) if level and len(self) else edges[:0]
        if not wide.size:
            return [pyramid.columns(level, edges) for pyramid in self.pyramids]
        # A bin with a gap in it has samples far from its middle: those are put into their columns one by one.
        at, first, last = self._one_by_one(window, wide, self.pyramids[0].bin(level))
        found = []
        for pyramid in self.pyramids:
            low, high = pyramid.columns(level, edges, wide)
            least, most = pyramid.among(first, last)
            low[at], high[at] = np.fmin(low[at], least), np.fmax(high[at], most)
            found.append((low, high))
        return found

    def _one_by_one(self, window: Window, bins: IntArray, size: int) -> tuple[IntArray, IntArray, IntArray]:
        """Columns that samples of some bins lie in, and the first and the last but one of all samples there."""
        begin = np.floor(self.time(bins * size) / window.step).astype(np.int64) - window.first
        last_of = np.minimum(bins * size + size, len(self)) - 1
        end = np.floor(self.time(last_of) / window.step).astype(np.int64) - window.first + 1
        count = np.zeros(window.width + 1, np.int64)
        np.add.at(count, np.clip(begin, 0, window.width), 1)
        np.add.at(count, np.clip(end, 0, window.width), -1)
        at = np.flatnonzero(np.cumsum(count)[:-1] > 0)
        edges = self._clock.edges(window.edges, len(self), self.pyramids[0], 0)
        return at, edges[at], edges[at + 1]

    def lines(self, window: Window) -> list[Columns]:
        """What each channel does in each column."""
        if not len(self):
            nothing = np.full(window.width, np.nan, np.float32)
            return [Columns(nothing, nothing) for _ in self.pyramids]
        level, edges = self.edges(window)
        extents = self._extents(window, level, edges)
        if self.per_column(window) >= SPARSE:
            return [_touching(low, high) for low, high in extents]
        beside = self._clock.beside(window, len(self), None if level else edges)
        drawn = []
        for pyramid, (low, high) in zip(self.pyramids, extents, strict=True):
            at = pyramid.between(*beside)
            low = np.fmin(np.fmin(low, at[:-1]), at[1:])
            high = np.fmax(np.fmax(high, at[:-1]), at[1:])
            drawn.append(Columns(low, high, at[:-1], at[1:]))
        return drawn

    def nearest(self, times: Times) -> IntArray:
        """Index of the sample nearest to each time."""
        if isinstance(self._clock, Regular):
            found = np.rint(self._clock.positions(times)).astype(np.int64)
            return np.clip(found, -1, len(self))
        known = self._clock.times
        after = np.clip(np.searchsorted(known, times), 1, max(1, known.size - 1))
        if known.size < 2:
            return np.zeros(np.shape(times), np.int64)
        return np.asarray(after - (times - known[after - 1] < known[after] - times), np.int64)

    def held(self, window: Window, reach: float) -> list[FloatArray]:
        """(W,) of each channel: the largest value in a column, or the nearest one no further than `reach` s away."""
        largest = [high for _, high in self.extents(window)]
        if not len(self) or self.per_column(window) >= SPARSE:
            return largest
        index = self.nearest(window.centres)
        far = np.abs(self.time(index) - window.centres) > max(reach, window.step)
        for pyramid, high in zip(self.pyramids, largest, strict=True):
            near = pyramid.values(index)
            near[far] = np.nan
            np.copyto(high, near, where=np.isnan(high))
        return largest

    def time(self, index: Any) -> Any:
        """Times of samples by their index, in s."""
        if isinstance(self._clock, Regular):
            return self._clock.start + np.asarray(index) * self._clock.step
        return self._clock.times[np.clip(index, 0, max(0, len(self) - 1))]

    def at(self, time: float, reach: float) -> FloatArray:
        """(channels,) the values nearest to a time, NaN where the nearest one is further than `reach` s away."""
        nothing = np.full(len(self.pyramids), np.nan, np.float32)
        if not len(self):
            return nothing
        index = self.nearest(np.array([time]))
        if abs(float(self.time(index)[0]) - time) > reach:
            return nothing
        return np.array([pyramid.values(index)[0] for pyramid in self.pyramids], np.float32)


def _touching(low: FloatArray, high: FloatArray) -> Columns:
    """The extents widened until each meets the next, so that the line has no holes where it is steep."""
    low, high = low.copy(), high.copy()
    before, after = slice(None, -1), slice(1, None)
    with np.errstate(invalid="ignore"):
        rising = low[after] > high[before]
        falling = high[after] < low[before]
    for hole, lower, upper in ((rising, (high, before), (low, after)), (falling, (high, after), (low, before))):
        if hole.any():
            at = np.flatnonzero(hole)
            i = at + (lower[1].start or 0)
            j = at + (upper[1].start or 0)
            middle = (lower[0][i] + upper[0][j]) / 2
            lower[0][i] = np.maximum(lower[0][i], middle)
            upper[0][j] = np.minimum(upper[0][j], middle)
    return Columns(low, high)
