"""Which parts of a sound made a reading: LIME over super-samples (SLIME).

A sound is cut into super-samples. Versions of it with some of them silenced are read, and a linear model is fitted to the
readings, the nearer to the whole sound the heavier (Ribeiro et al., KDD 2016; Mishra et al., ISMIR 2017, for sound). Its
coefficients say how much each super-sample raised the reading. scikit-learn's ridge regression does the fitting; Captum's LIME
gives the same coefficients from the same masks (tests).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.tracks.track import Spans

SIGMA = 25.0

Floats = NDArray[np.float64]
Masks = NDArray[np.bool_]
Predict = Callable[[Masks], Floats]


@dataclass(frozen=True)
class Fit:
    """A linear model of what each of n super-samples does to one reading.

    Args:
        coefficients: (n,) in units of the reading: above 0 raised it. 0 where it was not selected.
        order: the selected super-samples, the strongest first.
        intercept: of the linear model.
        score: weighted R², how well the linear model fits.
        local: what the linear model says of the whole sound.
        reading: what was really read from it.
    """

    coefficients: Floats
    order: tuple[int, ...]
    intercept: float
    score: float
    local: float
    reading: float


def sample_masks(rng: np.random.Generator, count: int, n: int) -> Masks:
    """(count, n), True where a super-sample is kept; row 0 keeps all.

    Each other row silences k of them, k uniform in 1 … n: no independent coin flips.
    """
    masks = np.ones((count, n), dtype=bool)
    for row in masks[1:]:
        row[rng.choice(n, int(rng.integers(1, n + 1)), replace=False)] = False
    return masks


def all_masks(n: int) -> Masks:
    """All 2**n masks, the whole sound first."""
    return np.array(list(itertools.product((True, False), repeat=n)))


def distances(masks: Masks) -> Floats:
    """(R,) cosine distance of each row to the whole sound, times 100 as the reference code has it."""
    kept = masks.sum(1) / masks.shape[1]
    d: Floats = 100.0 * (1.0 - np.sqrt(kept))
    return d


def kernel(masks: Masks, sigma: float = SIGMA, literal: bool = False) -> Floats:
    """(R,) weights, sqrt(exp(-d²/sigma²)); `literal`: no root and no factor 100, as eq. 3.5 of the thesis is printed."""
    d = distances(masks)
    w: Floats = np.exp(-np.square(d / 100.0 / sigma)) if literal else np.sqrt(np.exp(-np.square(d / sigma)))
    return w


def fit(predict: Predict, masks: Masks, features: int, sigma: float = SIGMA, literal: bool = False) -> Fit:
    """Fit the linear model.

    Args:
        predict: (R, n) masks -> (R,) readings, NaN where nothing is left that could be read; called once, with distinct
            masks, the first of them all True.
        masks: (P, n) perturbations, the whole sound first.
        features: how many super-samples the linear model may use; up to 6 are chosen by forward selection,
            more by the size of their coefficients.
        sigma, literal: see `kernel`.

    Raises:
        ValueError: the masks or the number of features cannot be; nothing can be read from the whole sound.
    """
    rows = np.asarray(masks, dtype=bool)
    if rows.ndim != 2 or not rows[0].all():
        raise ValueError("masks must be (R, n) and begin with the whole window")
    if not 1 <= features <= rows.shape[1]:
        raise ValueError(f"features must lie in 1 … {rows.shape[1]}, not {features}")
    # Of 2000 random rows of ten not 900 differ: each distinct one is read once.
    distinct, first, where = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    readings = np.empty(len(distinct))
    readings[order] = predict(distinct[order])
    target = readings[where.ravel()]
    if np.isnan(target[0]):
        raise ValueError("nothing can be read from the whole window")
    heard = ~np.isnan(target)
    rows, target = rows[heard], target[heard]
    weight = kernel(rows, sigma, literal)
    x = rows.astype(np.float64)
    chosen = _select(x, target, weight, features)
    model, score = _ridge(x[:, chosen], target, weight, 1.0)
    coefficients = np.zeros(x.shape[1])
    coefficients[chosen] = model.coef_
    return Fit(
        coefficients=coefficients,
        order=tuple(int(i) for i in sorted(chosen, key=lambda i: -abs(coefficients[i]))),
        intercept=float(model.intercept_),
        score=score,
        local=float(model.predict(x[:1, chosen])[0]),
        reading=float(target[0]),
    )


def parts(name: str, found: Fit, start: float, seconds: float, heard: float) -> Spans:
    """The super-samples of a window as spans, scored by coefficient; NaN where one was not selected.

    Args:
        name: of the track.
        start, seconds: where the window begins and how long it is, s.
        heard: how much of it is real sound, s; what lies behind that is left out.
    """
    edges = np.linspace(0.0, seconds, found.coefficients.size + 1)
    scores = np.full(found.coefficients.size, np.nan)
    chosen = list(found.order)
    scores[chosen] = found.coefficients[chosen]
    rows = [
        (start + s, start + min(e, heard), "super-sample", "", score)
        for s, e, score in zip(edges[:-1], edges[1:], scores, strict=True)
        if s < heard
    ]
    return Spans.of(name, rows)


def _ridge(x: Floats, y: Floats, weight: Floats, alpha: float) -> tuple[Any, float]:
    from sklearn.linear_model import Ridge

    model = Ridge(alpha=alpha).fit(x, y, sample_weight=weight)
    mean = np.average(y, weights=weight)
    spread = float(weight @ np.square(y - mean))
    left = float(weight @ np.square(y - model.predict(x)))
    return model, 1.0 - left / spread if spread > 1e-12 else 0.0


def _select(x: Floats, y: Floats, weight: Floats, features: int) -> list[int]:
    n = x.shape[1]
    if features >= n:
        return list(range(n))
    if features > 6:
        size = np.abs(_ridge(x, y, weight, 0.01)[0].coef_ * x[0])
        return sorted(np.argsort(-size, kind="stable")[:features].tolist())
    chosen: list[int] = []
    while len(chosen) < features:
        rest = [i for i in range(n) if i not in chosen]
        chosen.append(max(rest, key=lambda i: _ridge(x[:, [*chosen, i]], y, weight, 1e-9)[1]))
    return sorted(chosen)
