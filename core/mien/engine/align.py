"""Tracks of several modalities on one time grid, with a mask that says where each has a reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.sdk.protocols import Aligned
from mien.tracks.track import AnyTrack, Boxes, Curve, Features, FloatArray, Spans, TimeArray

Mask = npt.NDArray[np.bool_]


class Grid:
    """All tracks on one time grid, a stretch at a time: what a stretch holds does not grow with the medium.

    Args:
        tracks: name → whole track; curves, spans with scores and features can be aligned.
        modality: track name → modality.
        reach: track name → s that a curve's first and last reading reach outwards: half the window it was computed on.
        duration: s.
        hop: s.

    Curves are interpolated between neighbouring readings; where readings are further apart than one and a half of
    their usual spacing there is a gap, and each side holds for half a spacing. Of several persons at one moment the mean
    is taken. Spans hold over their extent, the highest score where they overlap. Features hold as curves do, nearest first;
    those that stand at the middles of spans of the same modality (an utterance's embedding) hold over these spans.
    """

    def __init__(
        self,
        tracks: Mapping[str, AnyTrack],
        modality: Mapping[str, str],
        reach: Mapping[str, float],
        duration: float,
        hop: float,
    ) -> None:
        times = np.arange(0.0, max(duration, hop) - 1e-9, hop) + hop / 2
        self.times: TimeArray = times[times < max(duration, hop)]
        self.hop = hop
        self._modality = dict(modality)
        self._rows: dict[str, _Rows | Spans] = {}
        self._channels: dict[str, tuple[str, ...]] = {}
        for name, track in tracks.items():
            if isinstance(track, Boxes) or not len(track):
                continue
            if isinstance(track, Spans):
                self._rows[name], self._channels[name] = track, ("score",)
                continue
            values = track.values if isinstance(track, Curve) else track.vectors
            at, rows = _one_row_a_time(track.times, values)
            over = None if isinstance(track, Curve) else self._extents(name, at, tracks)
            self._rows[name] = _Rows(at, rows, reach.get(name, 0.0), isinstance(track, Curve), over)
            numbered = tuple(str(i) for i in range(values.shape[1]))
            self._channels[name] = track.channels if isinstance(track, Curve) else numbered

    def stretch(self, first: int, stop: int) -> Aligned:
        """Steps `first` to `stop` of the grid."""
        times = self.times[first:stop]
        values: dict[str, FloatArray] = {}
        mask: dict[str, Mask] = {}
        for name, rows in self._rows.items():
            values[name], mask[name] = (
                _spans(rows, times, self.times) if isinstance(rows, Spans) else rows.at(times, self.hop)
            )
        named = {name: self._modality.get(name, name) for name in values}
        return Aligned(times, self.hop, values, dict(self._channels), mask, named)

    def _extents(self, name: str, at: TimeArray, tracks: Mapping[str, AnyTrack]) -> tuple[TimeArray, TimeArray] | None:
        """Start and end of the spans of the same modality in whose middles the rows stand, where there are such."""
        for other, track in tracks.items():
            same = self._modality.get(other, other) == self._modality.get(name, name)
            if not (same and isinstance(track, Spans) and len(track)):
                continue
            middle = (track.start + track.end) / 2
            order = np.argsort(middle, kind="stable")
            place = order[np.searchsorted(middle[order], at - 1e-6).clip(0, len(track) - 1)]
            if np.abs(middle[place] - at).max() <= 1e-3:
                return track.start[place], track.end[place]
        return None


@dataclass(frozen=True)
class _Rows:
    """Readings at times; `smooth`: whether one goes over into the next; `over`: start and end of what each stands for."""

    times: TimeArray
    values: FloatArray
    reach: float
    smooth: bool
    over: tuple[TimeArray, TimeArray] | None

    def at(self, grid: TimeArray, hop: float) -> tuple[FloatArray, Mask]:
        """The values (T, C) at the times of a grid, zeros where there are none, and where there are some."""
        if self.over is None:
            return _interpolate(self.times, self.values, grid, self.reach, self.smooth)
        begin, end = self.over
        values = np.zeros((grid.size, self.values.shape[1]), np.float32)
        mask = np.zeros(grid.size, np.bool_)
        first = np.searchsorted(grid, begin, side="left")
        stop = np.searchsorted(grid, end, side="left")
        # Where utterances overlap, the one that began last holds.
        for row in np.argsort(begin, kind="stable"):
            low, high = first[row], stop[row]
            if low == high:  # shorter than a cell: it counts in the one that holds its middle, if that is here
                middle = (begin[row] + end[row]) / 2
                low = int(np.searchsorted(grid, middle - hop / 2))
                high = low + int(low < grid.size and grid[low] - hop / 2 <= middle)
            values[low:high] = self.values[row]
            mask[low:high] = True
        return values, mask


def align(
    tracks: Mapping[str, AnyTrack],
    modality: Mapping[str, str],
    reach: Mapping[str, float],
    duration: float,
    hop: float,
) -> Aligned:
    """All tracks on a grid from 0 to `duration`, in one; see `Grid`."""
    grid = Grid(tracks, modality, reach, duration, hop)
    return grid.stretch(0, grid.times.size)


def _one_row_a_time(times: TimeArray, values: FloatArray) -> tuple[TimeArray, FloatArray]:
    """The mean over the rows that share a time (several persons in one picture)."""
    unique, inverse, count = np.unique(times, return_inverse=True, return_counts=True)
    if unique.size == times.size:
        return times, values
    total = np.zeros((unique.size, values.shape[1]))
    np.add.at(total, inverse, values)
    return unique, (total / count[:, None]).astype(np.float32)


def _interpolate(
    at: TimeArray, rows: FloatArray, grid: TimeArray, reach: float, smooth: bool
) -> tuple[FloatArray, Mask]:
    spacing = float(np.median(np.diff(at))) if at.size > 1 else 2 * reach
    hold = max(spacing / 2, 1e-6)
    right = np.searchsorted(at, grid).clip(0, at.size - 1)
    left = (right - (at[right] > grid)).clip(0, at.size - 1)
    gap = at[right] - at[left]
    between = (at[left] <= grid) & (grid <= at[right]) & (gap <= 1.5 * spacing + 1e-9)
    nearest = np.where(np.abs(at[left] - grid) <= np.abs(at[right] - grid), left, right)
    # The ends of the track reach as far as the window behind them did; gaps inside are held for half a spacing only.
    edge = np.where((grid < at[0]) | (grid > at[-1]), max(hold, reach), hold)
    mask: Mask = between | (np.abs(at[nearest] - grid) <= edge + 1e-9)
    share = np.divide(grid - at[left], gap, out=np.zeros_like(grid), where=gap > 0)[:, None]
    blended = rows[left] * (1 - share) + rows[right] * share
    values = np.where((between & smooth)[:, None], blended, rows[nearest])
    return np.where(mask[:, None], values, 0).astype(np.float32), mask


def _spans(track: Spans, grid: TimeArray, whole: TimeArray) -> tuple[FloatArray, Mask]:
    """Scores over a stretch `grid` of the `whole` grid."""
    values = np.zeros((grid.size, 1), np.float32)
    mask = np.zeros(grid.size, np.bool_)
    if not grid.size:
        return values, mask
    offset = int(np.searchsorted(whole, grid[0]))
    first = np.searchsorted(whole, track.start, side="left")
    stop = np.searchsorted(whole, track.end, side="left")
    for low, high, score, middle in zip(first, stop, track.score, (track.start + track.end) / 2, strict=True):
        if np.isnan(score):
            continue
        if low == high:  # shorter than a cell: it counts in the one that holds its middle
            low = min(int(np.argmin(np.abs(whole - middle))), whole.size - 1)
            high = low + 1
        low, high = max(low - offset, 0), min(high - offset, grid.size)
        if low >= high:
            continue
        values[low:high, 0] = np.where(mask[low:high], np.maximum(values[low:high, 0], score), score)
        mask[low:high] = True
    return values, mask


def is_alignable(track: AnyTrack) -> bool:
    """Whether a track can stand on a grid."""
    return isinstance(track, Curve | Features | Spans)
