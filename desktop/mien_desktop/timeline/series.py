"""Readings over time, ready to be drawn: times, one pyramid a channel, and what lies in each column of pixels."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, ClassVar
from weakref import WeakSet

import numpy as np
import numpy.typing as npt

from mien_desktop.timeline.pyramid import BASE, Array, FloatArray, Growing, IntArray, Pyramid
from mien_desktop.timeline.window import Window

SPARSE = 2.0
"""With fewer samples a column than this the line between samples is drawn, not only their extent."""

_MANY = 24
"""Bins a column from which on looking for the edges is faster than counting bins."""

_REMEMBERED = 32
"""Times and windows for which is known where columns begin: about as many as there are lanes."""

Times = npt.NDArray[np.float64]


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


class Regular:
    """Times of samples that follow each other at equal distances: sample n is at start + n · step."""

    def __init__(self, start: float, step: float) -> None:
        self.start, self.step = start, step

    def edges(self, seconds: Times, size: int, pyramid: Pyramid, level: int) -> IntArray:
        """Bins of a level (of a series of `size` samples) that begin nearest to some times, in s."""
        samples = (seconds - self.start) / self.step
        if level == 0:
            return np.ceil(samples - 1e-9).astype(np.int64)
        found = np.rint(samples / pyramid.bin(level)).astype(np.int64)
        found[samples >= size] = np.iinfo(np.int64).max
        return found

    def positions(self, seconds: Times, after: IntArray | None = None) -> Times:
        """Times as fractional sample numbers."""
        return (seconds - self.start) / self.step

    def per_second(self) -> float:
        """Samples a second."""
        return 1.0 / self.step

    def wide(self, window: Window, size: int) -> IntArray:
        """No bins of `size` samples are wider than others."""
        return np.empty(0, np.int64)


class _Alike:
    """What those of equal times have in common: size of a bin → length of the widest."""

    def __init__(self) -> None:
        self.widest: dict[int, float] = {}


class Irregular:
    """Times of samples given one by one, non-decreasing.

    Several lanes often have the same ones: the scores and the weights of a fusion, what a face shows, a second run. What columns
    begin with which of them is then found once for all.
    """

    _all: ClassVar[WeakSet[Irregular]] = WeakSet()
    _found: ClassVar[OrderedDict[tuple[_Alike, Window, int], IntArray]] = OrderedDict()

    def __init__(self) -> None:
        self._same: _Alike | None = None  # as soon as somebody asks
        self._times = Growing(np.float64)
        self._begins = Growing(np.float64)  # time of the first sample of each smallest bin
        self._middles = Growing(np.float64)  # time of the sample in the middle of each smallest bin
        # size of a bin → samples looked at, length of the widest so far
        self._widths: dict[int, tuple[int, float]] = {}

    @property
    def times(self) -> Times:
        """(T,) s."""
        return self._times.view

    def append(self, times: Times) -> None:
        """Add times behind those that are there."""
        self._same = None
        self._times.put(self._times.size, times)
        known = self._middles.size
        self._middles.put(known, self.times[known * BASE + BASE // 2 :: BASE])
        known = self._begins.size
        self._begins.put(known, self.times[known * BASE :: BASE])

    def _middles_of(self, size: int) -> Times:
        """Time of the middle of each bin of `size` samples.

        A larger bin's middle lies at the start of one of the smallest bins; that one's own middle, which is taken, is half a
        bin off: no more than an eighth of the larger one.
        """
        stride = size // BASE
        return self._middles.view[stride // 2 :: stride]

    def edges(self, seconds: Times, size: int, pyramid: Pyramid, level: int) -> IntArray:
        """Bins of a level that begin nearest to some times, in s."""
        if level == 0:
            return np.searchsorted(self.times, seconds, "left").astype(np.int64)
        found = np.searchsorted(self._middles_of(pyramid.bin(level)), seconds, "left").astype(np.int64)
        found[seconds > self.times[-1]] = np.iinfo(np.int64).max
        return found

    def per_second(self) -> float:
        """Samples a second, on the average."""
        times = self.times
        length = float(times[-1] - times[0]) if times.size > 1 else 0.0
        return (times.size - 1) / length if length > 0 else 1.0

    def wide(self, window: Window, size: int) -> IntArray:
        """Numbers of the bins of `size` samples that are in sight and wider than a column: they hold a gap."""
        if self._widest(size) <= window.step:
            return np.empty(0, np.int64)
        begins = self._begins.view[:: size // BASE]
        first, last = np.searchsorted(begins, (window.start, window.end))
        first = max(0, int(first) - 1)
        seen = begins[first : int(last) + 1]
        if int(last) + 1 > begins.size:
            seen = np.append(seen, self.times[-1])
        # Up to where the next one begins: a gap between two bins counts as well, which does no harm.
        return np.flatnonzero(np.diff(seen) > window.step) + first

    def _widest(self, size: int) -> float:
        """Length of the widest bin of `size` samples, s: hardly any series has one that is wider than a column."""
        alike = self._shared()
        if size not in alike.widest:
            alike.widest[size] = self._measured(size)
        return alike.widest[size]

    def _measured(self, size: int) -> float:
        """As `_widest`, from what was known of a shorter series on."""
        known, widest = self._widths.get(size, (0, 0.0))
        times = self.times
        if known < times.size:
            stride = size // BASE
            first = max(0, known // size - 1)  # the last one may have grown since
            begins = np.append(self._begins.view[first * stride :: stride], times[-1])
            widest = max(widest, float(np.diff(begins).max(initial=0.0)))
            self._widths[size] = times.size, widest
        return widest

    def columns(self, window: Window, pyramid: Pyramid, level: int) -> IntArray:
        """(W + 1,) bins of a level at which the columns of a window begin; not to be written to."""
        key = self._shared(), window, pyramid.bin(level)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._columns(window, pyramid, level)
            found.flags.writeable = False
            if len(self._found) > _REMEMBERED:
                self._found.popitem(last=False)
        return found

    def _shared(self) -> _Alike:
        if self._same is None:
            times = self.times
            alike = (other for other in self._all if other._same is not None and np.array_equal(other.times, times))
            self._same = next((other._same for other in alike), None) or _Alike()
            self._all.add(self)
        return self._same

    def _columns(self, window: Window, pyramid: Pyramid, level: int) -> IntArray:
        """As `edges`, and faster where bins are few."""
        times = self.times if level == 0 else self._middles_of(pyramid.bin(level))
        first, last = (int(at) for at in np.searchsorted(times, (window.start, window.end)))
        if last - first > _MANY * window.width:
            return self.edges(window.edges, 0, pyramid, level)
        column = np.floor(times[first:last] / window.step).astype(np.int64) - window.first
        count = np.bincount(np.minimum(np.maximum(column, 0), window.width - 1), minlength=window.width)
        found = np.empty(window.width + 1, np.int64)
        found[0] = first
        np.cumsum(count, out=found[1:])
        found[1:] += first
        if level and window.end > self.times[-1]:
            # The last bin's middle may not be there yet: it belongs where the last sample is.
            found[max(0, int(self.times[-1] / window.step) - window.first) + 1 :] = np.iinfo(np.int64).max
        return found

    def positions(self, seconds: Times, after: IntArray | None = None) -> Times:
        """Times as fractional sample numbers, linear between samples; `after`: the first sample behind each, if it is known."""
        times = self.times
        after = np.searchsorted(times, seconds, "right") if after is None else after
        before = np.minimum(np.maximum(after - 1, 0), max(0, times.size - 2))
        if times.size < 2:
            return np.where(seconds == times[0], 0.0, -1.0) if times.size else np.full(seconds.shape, -1.0)
        length = times[before + 1] - times[before]
        return np.asarray(before + (seconds - times[before]) / np.where(length > 0, length, 1.0), np.float64)


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
        positions = self._clock.positions(window.edges, None if level else edges)
        before = np.floor(positions).astype(np.int64)
        share = (positions - before).astype(np.float32)
        drawn = []
        for pyramid, (low, high) in zip(self.pyramids, extents, strict=True):
            here, there = pyramid.values(before), pyramid.values(before + 1)
            at = np.where(share == 0, here, here + share * (there - here))
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
