"""When the samples of a series are, and which of them lie where a window's columns begin."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypeVar
from weakref import WeakSet

import numpy as np
import numpy.typing as npt

from mien_desktop.timeline.pyramid import BASE, Array, FloatArray, Growing, IntArray, Pyramid
from mien_desktop.timeline.window import Window

_MANY = 24
"""Bins a column from which on looking for the edges is faster than counting bins."""

_REMEMBERED = 32
"""Times and windows for which is known where columns begin: about as many as there are lanes."""

Times = npt.NDArray[np.float64]

Beside = tuple[IntArray, IntArray, FloatArray]
"""The sample before and the one behind each edge, and how far from the first to the second it lies; NaN beyond the series."""


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

    def positions(self, seconds: Times) -> Times:
        """Times as fractional sample numbers."""
        return (seconds - self.start) / self.step

    def beside(self, window: Window, size: int, after: IntArray | None = None) -> Beside:
        """Between which of `size` samples a window's columns begin."""
        return _beside(self.positions(window.edges), size)

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


_Arrays = TypeVar("_Arrays", bound=tuple[Array, ...])
_Key = tuple[_Alike, Window, int]
"""Times, a window, and samples in a bin."""


class Irregular:
    """Times of samples given one by one, non-decreasing.

    Several lanes often have the same ones: the scores and the weights of a fusion, what a face shows, a second run. What columns
    begin with which of them is then found once for all.
    """

    _all: ClassVar[WeakSet[Irregular]] = WeakSet()
    _found: ClassVar[dict[_Key, tuple[IntArray]]] = {}
    _sides: ClassVar[dict[_Key, Beside]] = {}

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
        return self._once(self._found, key, lambda: (self._columns(window, pyramid, level),))[0]

    @staticmethod
    def _once(known: dict[_Key, _Arrays], key: _Key, find: Callable[[], _Arrays]) -> _Arrays:
        """What is known under a key, found if it is not; the oldest is forgotten."""
        found = known.get(key)
        if found is None:
            found = known[key] = find()
            for array in found:
                array.flags.writeable = False
            if len(known) > _REMEMBERED:
                del known[next(iter(known))]
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

    def beside(self, window: Window, size: int, after: IntArray | None = None) -> Beside:
        """Between which of `size` samples a window's columns begin; `after`: the first sample behind each, if it is known."""
        key = self._shared(), window, 0
        return self._once(self._sides, key, lambda: _beside(self._positions(window.edges, after), size))

    def _positions(self, seconds: Times, after: IntArray | None) -> Times:
        """Times as fractional sample numbers, linear between samples."""
        times = self.times
        after = np.searchsorted(times, seconds, "right") if after is None else after
        before = np.minimum(np.maximum(after - 1, 0), max(0, times.size - 2))
        if times.size < 2:
            return np.where(seconds == times[0], 0.0, -1.0) if times.size else np.full(seconds.shape, -1.0)
        length = times[before + 1] - times[before]
        return np.asarray(before + (seconds - times[before]) / np.where(length > 0, length, 1.0), np.float64)


def _beside(positions: Times, size: int) -> Beside:
    """From fractional numbers of `size` samples."""
    before = np.floor(positions)
    share = (positions - before).astype(np.float32)
    after = before + (share > 0)  # on a sample it is that one alone that counts: the next may be a gap
    share[(before < 0) | (after > size - 1)] = np.nan
    return _within(before, size), _within(after, size), share


def _within(samples: Times, size: int) -> IntArray:
    """As indices of a series that has so many."""
    return np.minimum(np.maximum(samples, 0), size - 1).astype(np.int64)
