"""Where a reading stays above or below a level.

A curve's reading speaks for half its usual spacing to either side, as in the fusion's grid (`mien.engine.align`); the first
and the last reach outwards as far as the window did that they were computed on, and so does a single one. Neighbouring
readings that hold make one stretch; readings that are not known count as absent, and a distance of more than three usual
ones is a gap that ends it. The score of spans holds over each span; spans that touch are one stretch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from mien.library.query import Condition
from mien.tracks.track import AnyTrack, Curve, FloatArray, Spans, TimeArray

GAP: Final = 3.0
"""A distance of more than this many usual ones between readings is a gap."""

_TINY = 1e-6  # s; times are sums of floats


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time in s, and the extreme that each condition's reading reaches in it."""

    start: float
    end: float
    values: tuple[float, ...]

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end - self.start


def find_stretches(
    track: AnyTrack, channel: int, condition: Condition, duration: float | None = None, reach: float = 0.0
) -> list[Stretch]:
    """Where a condition holds in a track for as long as it asks, in order of time, none overlapping.

    Args:
        channel: of a curve.
        duration: of the medium in s; no stretch reaches beyond it.
        reach: s that a curve's first and last reading reach outwards: half the window that they were computed on.
    """
    if isinstance(track, Spans):
        found = list(_of_spans(track, condition))
    elif isinstance(track, Curve):
        found = []
        for rows in _persons(track):
            found += _of_curve(track.times[rows], track.values[rows, channel], condition, duration, reach)
    else:
        return []
    return [s for s in _joined(found, condition) if _long_enough(s, condition)]


def common(one: Sequence[Stretch], other: Sequence[Stretch]) -> list[Stretch]:
    """The stretches over which both hold; each list in order and without overlaps."""
    found: list[Stretch] = []
    i = j = 0
    while i < len(one) and j < len(other):
        a, b = one[i], other[j]
        start, end = max(a.start, b.start), min(a.end, b.end)
        if end - start > _TINY or (end >= start and min(a.seconds, b.seconds) <= _TINY):
            found.append(Stretch(start, end, a.values + b.values))
        if a.end <= b.end:
            i += 1
        else:
            j += 1
    return found


def holds(values: FloatArray, condition: Condition) -> npt.NDArray[np.bool_]:
    """(T,) where the values are beyond the level; never where they are NaN."""
    # Readings are float32: the level must be rounded alike, or 0.7 would be above 0.7.
    level = np.float32(condition.level)
    over = np.greater_equal if condition.inclusive else np.greater
    return over(values, level) if condition.above else over(level, values)


def _persons(curve: Curve) -> Iterator[slice | npt.NDArray[np.bool_]]:
    if curve.person is None:
        yield slice(None)
    else:
        for person in np.unique(curve.person):
            yield curve.person == person


def _of_curve(
    times: TimeArray, values: FloatArray, condition: Condition, duration: float | None, reach: float
) -> Iterator[Stretch]:
    known = np.isfinite(values)
    times, values = times[known], values[known]
    steps = np.diff(times)
    usual = float(np.median(steps[steps > 0])) if (steps > 0).any() else 2 * reach
    inside = np.flatnonzero(holds(values, condition))
    if not inside.size:
        return
    cut = (np.diff(inside) != 1) | (np.diff(times[inside]) > GAP * usual + _TINY)
    first = np.concatenate([[0], np.flatnonzero(cut) + 1])
    last = np.append(first[1:], inside.size) - 1
    extreme = np.maximum if condition.above else np.minimum
    most = extreme.reduceat(values[inside], first)
    # The ends of the curve reach as far as the window behind them did; gaps inside are held for half a spacing only.
    before = np.where(inside[first] == 0, max(usual / 2, reach), usual / 2)
    after = np.where(inside[last] == times.size - 1, max(usual / 2, reach), usual / 2)
    starts = np.maximum(times[inside[first]] - before, min(0.0, times[0]))
    ends = times[inside[last]] + after
    ends = ends if duration is None else np.maximum(np.minimum(ends, duration), times[inside[last]])
    for start, end, value in zip(starts, ends, most, strict=True):
        if end - start + _TINY >= condition.seconds:
            yield Stretch(float(start), float(end), (float(value),))


def _of_spans(spans: Spans, condition: Condition) -> Iterator[Stretch]:
    for row in np.flatnonzero(holds(spans.score, condition)):
        yield Stretch(float(spans.start[row]), float(spans.end[row]), (float(spans.score[row]),))


def _joined(found: list[Stretch], condition: Condition) -> list[Stretch]:
    """Overlapping and touching ones made one."""
    extreme: Callable[[float, float], float] = max if condition.above else min
    joined: list[Stretch] = []
    for s in sorted(found, key=lambda s: (s.start, s.end)):
        if joined and s.start <= joined[-1].end + _TINY:
            last = joined[-1]
            joined[-1] = Stretch(last.start, max(last.end, s.end), (extreme(last.values[0], s.values[0]),))
        else:
            joined.append(s)
    return joined


def _long_enough(stretch: Stretch, condition: Condition) -> bool:
    return stretch.seconds + _TINY >= condition.seconds
