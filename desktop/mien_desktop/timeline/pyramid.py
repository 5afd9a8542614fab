"""Smallest and largest values of a long series at every zoom: bins of 4, 16, 64 … samples.

A bin always covers the same samples, counted from the first of the series, whatever part of it is looked at. So a peak
belongs to the same bin while one pans and zooms: it cannot vanish between two columns of pixels, and does not flicker.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

BASE, FACTOR = 4, 4

Array = npt.NDArray[Any]
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float32]


_FEW = 12
"""Bins a column up to which they are picked one by one: `reduceat` takes longer to begin with a column than to go through it."""


class Growing:
    """An array that grows at its end; appending costs what is appended, on the average."""

    __slots__ = ("_data", "size")

    def __init__(self, dtype: npt.DTypeLike) -> None:
        self._data: Array = np.empty(0, dtype)
        self.size = 0

    @property
    def view(self) -> Array:
        """What it holds; valid until the next `put`."""
        return self._data[: self.size]

    def put(self, start: int, values: Array) -> None:
        """Write `values` from index `start` (at most `size`) on; behind them the array ends."""
        end = start + len(values)
        if end > self._data.size:
            grown = np.empty(max(end, 2 * self._data.size, 1024), self._data.dtype)
            grown[:start] = self._data[:start]
            self._data = grown
        self._data[start:end] = values
        self.size = end

    def copy(self) -> Growing:
        """The same values in memory of their own."""
        other = Growing(self._data.dtype)
        other.put(0, self.view)
        return other


class Pyramid:
    """Minima and maxima of a series at several levels: level 0 is the samples, level k has bins of base · factor^(k−1).

    What is not finite is a gap: it counts in no bin, and a bin of gaps only is a gap.

    Args:
        dtype: float32, or an integer type (which has no gaps).
        base, factor: samples in the smallest bin, bins in the next larger one.
    """

    def __init__(self, dtype: npt.DTypeLike = np.float32, base: int = BASE, factor: int = FACTOR) -> None:
        self._dtype = np.dtype(dtype)
        self._base, self._factor = base, factor
        self._floating = self._dtype.kind == "f"
        self._low: list[Growing] = [Growing(self._dtype)]
        # One array serves for both as long as no sample is a gap and each is its own minimum and maximum.
        self._high: list[Growing] = [self._low[0]]

    def __len__(self) -> int:
        return self._low[0].size

    def bin(self, level: int) -> int:
        """Samples in a bin of a level."""
        return 1 if level == 0 else self._base * int(self._factor ** (level - 1))

    @property
    def levels(self) -> int:
        """How many levels there are, the samples included."""
        return len(self._low)

    def append(self, low: Array, high: Array | None = None) -> None:
        """Add samples, or the minima and maxima of stretches of them (of sound, say), behind what is there."""
        low = np.asarray(low, self._dtype)
        high_given = None if high is None else np.asarray(high, self._dtype)
        if high_given is not None and high_given.shape != low.shape:
            raise ValueError("there must be as many maxima as minima")
        start = len(self)
        if self._floating:
            good = np.isfinite(low) if high_given is None else np.isfinite(low) & np.isfinite(high_given)
            if not good.all():
                top = low if high_given is None else high_given
                low, high_given = np.where(good, low, np.inf), np.where(good, top, -np.inf)
        if high_given is not None and self._high[0] is self._low[0]:
            self._high[0] = self._low[0].copy()
        self._low[0].put(start, low)
        if self._high[0] is not self._low[0]:
            self._high[0].put(start, low if high_given is None else high_given)
        self._summarise(start)

    def _summarise(self, changed: int) -> None:
        """Bring the bins up to date, from those that hold sample `changed` on."""
        level, ratio = 0, self._base
        while self._low[level].size > ratio:
            if level + 1 == len(self._low):
                self._low.append(Growing(self._dtype))
                self._high.append(Growing(self._dtype))
                changed = 0
            first = changed // ratio
            for rows, reduce in ((self._low, np.minimum), (self._high, np.maximum)):
                fresh = rows[level].view[first * ratio :]
                rows[level + 1].put(first, reduce.reduceat(fresh, np.arange(0, fresh.size, ratio)))
            changed, level, ratio = first, level + 1, self._factor

    def level_for(self, per_column: float) -> int:
        """The coarsest level of which two bins or more fall on a column of `per_column` samples; 0 where none does."""
        level = 0
        while level + 1 < self.levels and 2 * self.bin(level + 1) <= per_column:
            level += 1
        return level

    def columns(self, level: int, edges: IntArray, without: IntArray | None = None) -> tuple[FloatArray, FloatArray]:
        """Minimum and maximum of the bins between neighbouring edges.

        Args:
            level: which bins.
            edges: (W + 1,) numbers of bins, non-decreasing; column c has bins edges[c] … edges[c + 1] − 1.
            without: numbers of bins that do not count.

        Returns:
            Two arrays (W,) of float32, NaN in columns without a sample.
        """
        size = self._low[level].size
        edges = np.minimum(np.maximum(edges, 0), size)
        first, last = int(edges[0]), int(edges[-1])
        if first == last:
            nothing = np.full(edges.size - 1, np.nan, np.float32)
            return nothing, nothing.copy()
        least, most = self._low[level].view[first:last], self._high[level].view[first:last]
        if without is not None:
            least, most = least.astype(np.float32), most.astype(np.float32)
            left_out = without[(without >= first) & (without < last)] - first
            least[left_out], most[left_out] = np.inf, -np.inf
        low, high = _extremes(least, most, edges - first)
        hollow = (edges[1:] == edges[:-1]) | (low > high)
        if hollow.any():
            low[hollow] = high[hollow] = np.nan
        return low, high

    def among(self, first: IntArray, last: IntArray) -> tuple[FloatArray, FloatArray]:
        """Minimum and maximum of the samples first[c] … last[c] − 1; NaN where there are none."""
        low, high = np.full(first.size, np.nan, np.float32), np.full(first.size, np.nan, np.float32)
        there = np.flatnonzero(last > first)
        if there.size:
            length = (last - first)[there]
            before = np.cumsum(length) - length
            index = np.arange(int(length.sum())) - np.repeat(before - first[there], length)
            least = np.minimum.reduceat(self._low[0].view[index], before)
            most = np.maximum.reduceat(self._high[0].view[index], before)
            known = least <= most
            low[there[known]], high[there[known]] = least[known], most[known]
        return low, high

    def values(self, index: IntArray) -> FloatArray:
        """Samples by their index (of peaks: the minima); NaN at a gap and outside the series."""
        if not len(self):
            return np.full(np.shape(index), np.nan, np.float32)
        inside = (index >= 0) & (index < len(self))
        found = self._low[0].view[np.clip(index, 0, len(self) - 1)].astype(np.float32)
        found[~inside | ~np.isfinite(found)] = np.nan
        return found

    def between(self, before: IntArray, after: IntArray, share: FloatArray) -> FloatArray:
        """Values on the straight lines from samples to others, at a share of the way (of peaks: the minima).

        Args:
            before, after: indices of samples.
            share: 0 (at `before`) to 1; NaN for nothing.

        Returns:
            As many values, NaN where a sample is a gap.
        """
        samples = self._low[0].view
        here, there = (samples.take(at).astype(np.float32, copy=False) for at in (before, after))
        with np.errstate(invalid="ignore"):
            there -= here
            there *= share
            there += here
        there[~np.isfinite(there)] = np.nan
        return there


def _extremes(least: Array, most: Array, edges: IntArray) -> tuple[FloatArray, FloatArray]:
    """Smallest of `least` and largest of `most` in edges[c] … edges[c + 1] − 1; what is said of a column without any is wrong."""
    count = int((edges[1:] - edges[:-1]).max())
    if count <= _FEW:
        at = edges[:-1] + np.arange(count)[:, None]
        np.minimum(at, edges[1:] - 1, out=at)
        low, high = least.take(at).min(0), most.take(at).max(0)
        return low.astype(np.float32, copy=False), high.astype(np.float32, copy=False)
    # Columns behind the last bin have nothing: a start for them would cut the last bin off the column before.
    starts = edges[: int(np.searchsorted(edges[:-1], edges[-1], "left"))]
    low, high = (np.full(edges.size - 1, np.nan, np.float32) for _ in range(2))
    low[: starts.size] = np.minimum.reduceat(least, starts)
    high[: starts.size] = np.maximum.reduceat(most, starts)
    return low, high
