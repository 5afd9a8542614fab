"""Metrics with population statistics (divide by N), as the papers this project follows define them.

Two namings are easy to swap: *balanced accuracy* is the mean of the recalls of the classes that occur (UAR;
some affect papers print it as "weighted accuracy"), *accuracy* the share that is right (WAR; "unweighted"
there). Likewise `macro_f1` is the mean of the class F1s, while `f1_of_macro_pr` is the harmonic mean of macro
precision and macro recall that some papers report under the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

EPS = 1e-8
Floats = NDArray[np.float64]


def ccc(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Concordance correlation (Lin 1989): 2 cov / (var + var + (mean - mean)^2), in [-1, 1].

    Over several recordings, concatenate first: it is one figure over all frames, not a mean of figures.
    Two equal constants give 0 (nothing varies, nothing is explained).
    """
    x, y = _pair(truth, prediction)
    dx, dy = x - x.mean(), y - y.mean()
    spread = (dx * dx).mean() + (dy * dy).mean() + (x.mean() - y.mean()) ** 2
    return float(2.0 * (dx * dy).mean() / max(spread, EPS))


def pearson(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Pearson correlation in [-1, 1]; 0 where one side is constant (rather than 0/0)."""
    x, y = _pair(truth, prediction)
    dx, dy = x - x.mean(), y - y.mean()
    scale = float(np.sqrt((dx * dx).mean() * (dy * dy).mean()))
    return float((dx * dy).mean() / scale) if scale > EPS else 0.0


def rmse(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Root of the mean squared error, in the unit of the labels."""
    x, y = _pair(truth, prediction)
    return float(np.sqrt(((x - y) ** 2).mean()))


def bce(truth: ArrayLike, probability: ArrayLike) -> float:
    """Binary cross-entropy in nats, -mean(y ln p + (1-y) ln(1-p)): never negative."""
    y, p = _pair(truth, probability)
    p = np.clip(p, EPS, 1.0 - EPS)
    return float(-(y * np.log(p) + (1.0 - y) * np.log1p(-p)).mean())


def accuracy(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Share of items that are right (WAR)."""
    x, y = _labels(truth, prediction)
    return float((x == y).mean())


def balanced_accuracy(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Mean recall over the classes that occur in the truth (UAR)."""
    x, y = _labels(truth, prediction)
    return float(np.mean([(y[x == label] == label).mean() for label in np.unique(x)]))


uar = balanced_accuracy


def class_scores(truth: ArrayLike, prediction: ArrayLike) -> tuple[NDArray[Any], Floats, Floats, Floats, NDArray[Any]]:
    """Per class: labels, precision, recall, F1 (0 where undefined) and support in the truth."""
    x, y = _labels(truth, prediction)
    labels = np.unique(np.concatenate([x, y]))
    hit = np.array([((x == c) & (y == c)).sum() for c in labels], dtype=float)
    support = np.array([(x == c).sum() for c in labels])
    guessed = np.array([(y == c).sum() for c in labels])
    precision = hit / np.maximum(guessed, 1)
    recall = hit / np.maximum(support, 1)
    f1 = 2.0 * hit / np.maximum(support + guessed, 1)
    return labels, precision, recall, f1, support


def macro_f1(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Unweighted mean of the class F1s over the classes in truth or prediction."""
    return float(class_scores(truth, prediction)[3].mean())


def weighted_f1(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Mean of the class F1s, weighted by the class's share of the truth."""
    _, _, _, f1, support = class_scores(truth, prediction)
    return float((f1 * support).sum() / support.sum())


def f1_of_macro_pr(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Harmonic mean of macro precision and recall (Rana & Jha 2022); never below `macro_f1`."""
    _, precision, recall, _, _ = class_scores(truth, prediction)
    p, r = float(precision.mean()), float(recall.mean())
    return 2.0 * p * r / (p + r) if p + r > 0 else 0.0


def ece(truth: ArrayLike, probability: ArrayLike, bins: int = 15) -> float:
    """Expected calibration error (Guo et al. 2017) over equal-width bins, in [0, 1].

    `probability` (N,): P(label 1), compared with the share of ones. (N, K): confidence of the best class,
    compared with how often it is right.
    """
    p = np.asarray(probability, dtype=np.float64)
    y = np.asarray(truth)
    if len(p) != len(y) or not len(p):
        raise ValueError(f"ece needs as many probabilities as labels, and one at least: got {p.shape} and {y.shape}")
    if p.ndim == 2:
        right, p = (p.argmax(axis=1) == y).astype(np.float64), p.max(axis=1)
    else:
        right = y.astype(np.float64)
    where = np.minimum((p * bins).astype(int), bins - 1)
    count = np.bincount(where, minlength=bins)
    gap = np.bincount(where, right, bins) - np.bincount(where, p, bins)
    return float(np.abs(gap).sum() / count.sum())


def ece_by_chance(probability: ArrayLike, bins: int = 15, repeats: int = 200, seed: int = 0) -> float:
    """What `ece` comes to on average where (N,) probabilities are exactly right: few items never fit theirs."""
    p = np.asarray(probability, dtype=np.float64)
    rng = np.random.default_rng(seed)
    return float(np.mean([ece(rng.random(len(p)) < p, p, bins) for _ in range(repeats)]))


def wer(reference: str | Sequence[str], hypothesis: str | Sequence[str]) -> float:
    """Word error rate over all pairs: (substitutions + deletions + insertions) / words of the references.

    Case and punctuation are ignored. With no reference word at all: 0 if nothing was heard, else 1.
    """
    from jiwer import process_words

    references = [_plain(t) for t in ([reference] if isinstance(reference, str) else reference)]
    hypotheses = [_plain(t) for t in ([hypothesis] if isinstance(hypothesis, str) else hypothesis)]
    if len(references) != len(hypotheses):
        raise ValueError(f"wer needs pairs: {len(references)} references, {len(hypotheses)} hypotheses")
    pairs = list(zip(references, hypotheses, strict=True))
    words = sum(len(r.split()) for r in references)
    # jiwer refuses an empty reference; every word heard there is an insertion.
    errors = sum(len(h.split()) for r, h in pairs if not r)
    spoken = [(r, h) for r, h in pairs if r]
    if spoken:
        counted = process_words([r for r, _ in spoken], [h for _, h in spoken])
        errors += counted.substitutions + counted.deletions + counted.insertions
    return errors / words if words else float(errors > 0)


@dataclass(frozen=True)
class Interval:
    """A figure with its bootstrap interval; `n` is the number of resampled units (items, or groups)."""

    value: float
    low: float
    high: float
    n: int


def bootstrap_ci(
    metric: Callable[..., float],
    *arrays: ArrayLike,
    groups: ArrayLike | None = None,
    repeats: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """`metric(*arrays)` with its percentile bootstrap interval (Efron 1979).

    All arrays have the same first axis N. Items of one speaker, video or talker are no independent evidence:
    give `groups` (N,) and whole groups are drawn instead. Draws where the metric is undefined (ValueError,
    NaN) are left out.
    """
    data = [np.asarray(a) for a in arrays]
    size = len(data[0])
    if not size or any(len(a) != size for a in data):
        raise ValueError(f"bootstrap needs equally long, non-empty arrays: {[len(a) for a in data]}")
    if groups is None:
        units = [np.array([i]) for i in range(size)]
    else:
        _, which = np.unique(np.asarray(groups), return_inverse=True)
        units = [np.flatnonzero(which == g) for g in range(which.max() + 1)]
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(repeats):
        rows = rng.integers(len(units), size=len(units))
        pick = rows if groups is None else np.concatenate([units[i] for i in rows])
        try:
            drawn.append(metric(*(a[pick] for a in data)))
        except ValueError:
            continue
    finite = np.asarray(drawn, dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    value = float(metric(*data))
    if not len(finite):
        return Interval(value, float("nan"), float("nan"), len(units))
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(finite, [tail, 1.0 - tail])
    return Interval(value, float(low), float(high), len(units))


def _pair(truth: ArrayLike, prediction: ArrayLike) -> tuple[Floats, Floats]:
    x = np.asarray(truth, dtype=np.float64).ravel()
    y = np.asarray(prediction, dtype=np.float64).ravel()
    if len(x) != len(y) or not len(x):
        raise ValueError(f"truth and prediction must be equally long and not empty: {len(x)} and {len(y)}")
    return x, y


def _labels(truth: ArrayLike, prediction: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    x, y = np.asarray(truth).ravel(), np.asarray(prediction).ravel()
    if len(x) != len(y) or not len(x):
        raise ValueError(f"truth and prediction must be equally long and not empty: {len(x)} and {len(y)}")
    return x, y


def _plain(text: str) -> str:
    kept = "".join(c if c.isalnum() or c.isspace() or c == "'" else " " for c in text.lower())
    return " ".join(kept.split())
