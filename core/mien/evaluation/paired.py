"""By how much one system beats another on the same items, with an interval over items and seeds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from mien.evaluation.metrics import Interval


def paired_bootstrap(
    metric: Callable[[np.ndarray, np.ndarray], float],
    truth: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    groups: ArrayLike,
    *,
    repeats: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """metric(second) − metric(first), mean over seeds, with its percentile bootstrap interval.

    Each draw takes whole groups with replacement, and seeds with replacement; both systems are measured on the same draw.

    Args:
        metric: of truth and prediction, both (N,).
        truth: (N,).
        first, second: (S, N), what each system said after each of S trainings; seed s of one is paired with seed s of the other.
        groups: (N,), the video (speaker, recording) of each item.

    Returns:
        `n` is the number of groups.

    Raises:
        ValueError: shapes that do not go together, or nothing to compare.
    """
    y, of = np.asarray(truth), np.asarray(groups)
    a, b = np.asarray(first), np.asarray(second)
    if a.ndim != 2 or a.shape != b.shape or a.shape[1] != len(y) or len(of) != len(y) or not a.size:
        raise ValueError(
            f"predictions of {a.shape} and {b.shape} do not go with {y.shape} labels and {of.shape} groups"
        )
    units = [np.flatnonzero(of == group) for group in np.unique(of)]
    rng = np.random.default_rng(seed)

    def gain(seeds: np.ndarray, rows: np.ndarray) -> float:
        found, counts = np.unique(seeds, return_counts=True)
        gains = [metric(y[rows], b[s, rows]) - metric(y[rows], a[s, rows]) for s in found]
        return float(np.average(gains, weights=counts))

    drawn = []
    for _ in range(repeats):
        rows = np.concatenate([units[i] for i in rng.integers(len(units), size=len(units))])
        drawn.append(gain(rng.integers(len(a), size=len(a)), rows))
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(drawn, [tail, 1.0 - tail])
    return Interval(gain(np.arange(len(a)), np.arange(len(y))), float(low), float(high), len(units))
