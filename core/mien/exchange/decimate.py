"""Fewer points for drawing with every peak kept: the smallest and the largest of each cell, in time order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mien.tracks.track import FloatArray, TimeArray

_GAP = 3.0
"""A distance of more than this many usual ones between readings is a gap, where the line is broken."""


def min_max(times: TimeArray, values: FloatArray, points: int) -> npt.NDArray[np.int64]:
    """Indices of at most `points` rows that look the same when drawn.

    Args:
        times: (T,) s, non-decreasing.
        values: (T,) without NaN.
        points: at least 4.

    Returns:
        Ascending indices; the first and the last row are among them. All of them when there are few enough.
    """
    size = times.size
    if size <= points:
        return np.arange(size)
    cells = max((points - 2) // 2, 1)
    span = float(times[-1] - times[0]) or 1.0
    cell = np.minimum(((times - times[0]) / span * cells).astype(np.int64), cells - 1)
    by_value = np.lexsort((values, cell))
    _, first = np.unique(cell[by_value], return_index=True)
    last = np.append(first[1:], size) - 1
    keep = np.concatenate([by_value[first], by_value[last], [0, size - 1]])
    return np.unique(keep)


def strokes(times: TimeArray, values: FloatArray, points: int) -> list[tuple[TimeArray, FloatArray]]:
    """The line cut at gaps and NaN, each piece decimated; all pieces together have about `points` points."""
    known = np.isfinite(values)
    times, values = times[known], values[known]
    if not times.size:
        return []
    steps = np.diff(times)
    usual = float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0
    cuts = np.flatnonzero(steps > _GAP * usual) + 1 if usual else np.empty(0, np.int64)
    if cuts.size > points // 8:  # scattered: drawing every gap would need more than the points there are
        cuts = np.sort(cuts[np.argsort(-steps[cuts - 1], kind="stable")[: points // 8]])
    pieces = []
    for t, v in zip(np.split(times, cuts), np.split(values, cuts), strict=True):
        share = max(int(points * t.size / times.size), 4)
        rows = min_max(t, v, share)
        pieces.append((t[rows], v[rows]))
    return pieces
