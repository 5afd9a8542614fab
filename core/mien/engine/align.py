"""Tracks of several modalities on one time grid, with a mask that says where each has a reading."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from mien.sdk.protocols import Aligned
from mien.tracks.track import AnyTrack, Boxes, Curve, Features, FloatArray, Spans, TimeArray

Mask = npt.NDArray[np.bool_]


def align(
    tracks: Mapping[str, AnyTrack],
    modality: Mapping[str, str],
    reach: Mapping[str, float],
    duration: float,
    hop: float,
) -> Aligned:
    """All tracks on a grid from 0 to `duration`.

    Args:
        tracks: name → whole track; curves, spans with scores and features can be aligned.
        modality: track name → modality.
        reach: track name → s that a curve's first and last reading reach outwards: half the window it was computed on.
        duration: s.
        hop: s.

    Curves are interpolated between neighbouring readings; where readings are further apart than one and a half of
    their usual spacing there is a gap, and each side holds for half a spacing. Of several persons at one moment the mean
    is taken. Spans hold over their extent, the highest score where they overlap. Features hold as curves do, nearest first.
    """
    times = np.arange(0.0, max(duration, hop) - 1e-9, hop) + hop / 2
    times = times[times < max(duration, hop)]
    values: dict[str, FloatArray] = {}
    channels: dict[str, tuple[str, ...]] = {}
    mask: dict[str, Mask] = {}
    for name, track in tracks.items():
        if isinstance(track, Boxes) or not len(track):
            continue
        if isinstance(track, Spans):
            values[name], mask[name] = _spans(track, times)
            channels[name] = ("score",)
        elif isinstance(track, Curve):
            at, rows = _one_row_a_time(track.times, track.values)
            values[name], mask[name] = _interpolate(at, rows, times, reach.get(name, 0.0), smooth=True)
            channels[name] = track.channels
        else:
            at, rows = _one_row_a_time(track.times, track.vectors)
            values[name], mask[name] = _interpolate(at, rows, times, reach.get(name, 0.0), smooth=False)
            channels[name] = tuple(str(i) for i in range(track.vectors.shape[1]))
    return Aligned(times, hop, values, channels, mask, {name: modality.get(name, name) for name in values})


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


def _spans(track: Spans, grid: TimeArray) -> tuple[FloatArray, Mask]:
    values = np.zeros((grid.size, 1), np.float32)
    mask = np.zeros(grid.size, np.bool_)
    first = np.searchsorted(grid, track.start, side="left")
    stop = np.searchsorted(grid, track.end, side="left")
    for low, high, score, middle in zip(first, stop, track.score, (track.start + track.end) / 2, strict=True):
        if np.isnan(score):
            continue
        if low == high:  # shorter than a cell: it counts in the one that holds its middle
            low = min(int(np.argmin(np.abs(grid - middle))), grid.size - 1)
            high = low + 1
        values[low:high, 0] = np.where(mask[low:high], np.maximum(values[low:high, 0], score), score)
        mask[low:high] = True
    return values, mask


def is_alignable(track: AnyTrack) -> bool:
    """Whether a track can stand on a grid."""
    return isinstance(track, Curve | Features | Spans)
