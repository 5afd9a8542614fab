"""Which 3 s of a window made ConflictNET read what it reads: LIME over super-samples (SLIME).

A window is cut into ten super-samples. Versions of it with some of them silenced are read, and a linear
model is fitted to the readings, the nearer to the whole window the heavier. Its coefficients say how much
each super-sample raised the probability of conflict, P = (1 + intensity) / 2.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from mien_plugins.conflict.features import fit_length, normalise
from mien_plugins.conflict.net import SAMPLES, STEP_SAMPLES, ConflictNet

SUPER_SAMPLES = 10
PERTURBATIONS = 2000
SIGMA = 25.0
RECEPTIVE_FIELD = 1325  # samples that one step of `ConflictNet.features` sees

Floats = NDArray[np.float64]
Masks = NDArray[np.bool_]
Predict = Callable[[Masks], Floats]


@dataclass(frozen=True)
class Explanation:
    """What each super-sample contributed to one reading.

    Args:
        start, end: (n,) s, where each super-sample lies.
        coefficients: (n,) in units of probability: above 0 raised the reading. 0 where it was not selected.
        order: the selected super-samples, the strongest first.
        intercept: of the linear model.
        score: weighted R², how well the linear model fits.
        local_prediction: what the linear model says of the whole window.
        intensity: what the net says of it, in [-1, 1].
    """

    start: Floats
    end: Floats
    coefficients: Floats
    order: tuple[int, ...]
    intercept: float
    score: float
    local_prediction: float
    intensity: float


def sample_masks(rng: np.random.Generator, count: int = PERTURBATIONS, n: int = SUPER_SAMPLES) -> Masks:
    """(count, n), True where a super-sample is kept; row 0 keeps all.

    Each other row silences k of them, k uniform in 1 … n: no independent coin flips.
    """
    masks = np.ones((count, n), dtype=bool)
    for row in masks[1:]:
        row[rng.choice(n, int(rng.integers(1, n + 1)), replace=False)] = False
    return masks


def all_masks(n: int = SUPER_SAMPLES) -> Masks:
    """All 2**n masks, the whole window first."""
    return np.array(list(itertools.product((True, False), repeat=n)))


def distances(masks: Masks) -> Floats:
    """(R,) cosine distance of each row to the whole window, times 100 as the reference code has it."""
    kept = masks.sum(1) / masks.shape[1]
    d: Floats = 100.0 * (1.0 - np.sqrt(kept))
    return d


def kernel(masks: Masks, sigma: float = SIGMA, literal: bool = False) -> Floats:
    """(R,) weights, sqrt(exp(-d²/sigma²)); `literal`: no root and no factor 100, as eq. 3.5 is printed."""
    d = distances(masks)
    w: Floats = np.exp(-np.square(d / 100.0 / sigma)) if literal else np.sqrt(np.exp(-np.square(d / sigma)))
    return w


def explain(
    predict: Predict,
    *,
    masks: Masks | None = None,
    features: int = SUPER_SAMPLES,
    sigma: float = SIGMA,
    literal: bool = False,
    seconds: float = 30.0,
    seed: int = 0,
) -> Explanation:
    """LIME over super-samples.

    Args:
        predict: (R, n) masks -> (R,) intensity; called once, with distinct masks, the first of them all True.
        masks: perturbations, the whole window first; `sample_masks` by default, `all_masks()` for every one.
        features: how many super-samples the linear model may use; up to 6 are chosen by forward selection,
            more by the size of their coefficients.
        sigma, literal: see `kernel`.
        seconds: length of the window.
        seed: of the perturbations.
    """
    rows = sample_masks(np.random.default_rng(seed)) if masks is None else np.asarray(masks, dtype=bool)
    if rows.ndim != 2 or not rows[0].all():
        raise ValueError("masks must be (R, n) and begin with the whole window")
    if not 1 <= features <= rows.shape[1]:
        raise ValueError(f"features must lie in 1 … {rows.shape[1]}, not {features}")
    # Of 2000 random rows not 900 differ: each distinct one is read once.
    distinct, first, where = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    readings = np.empty(len(distinct))
    readings[order] = np.clip(predict(distinct[order]), -1.0, 1.0)
    target = (1.0 + readings[where.ravel()]) / 2.0
    weight = kernel(rows, sigma, literal)
    x = rows.astype(np.float64)
    chosen = _select(x, target, weight, features)
    model, score = _ridge(x[:, chosen], target, weight, 1.0)
    coefficients = np.zeros(x.shape[1])
    coefficients[chosen] = model.coef_
    edges = np.linspace(0.0, seconds, x.shape[1] + 1)
    return Explanation(
        start=edges[:-1],
        end=edges[1:],
        coefficients=coefficients,
        order=tuple(int(i) for i in sorted(chosen, key=lambda i: -abs(coefficients[i]))),
        intercept=float(model.intercept_),
        score=score,
        local_prediction=float(model.predict(x[:1, chosen])[0]),
        intensity=float(2.0 * target[0] - 1.0),
    )


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


class NetPredictor:
    """Reads a normalised window with super-samples silenced, without convolving it again for each mask.

    The samples that one step of the convolutions sees lie in one super-sample or in two neighbours, so four
    versions of the window hold every step under every mask: all kept, none kept, only the even and only the
    odd ones. A mask is put together from them; what is left are the recurrent layers, a tenth of the work.
    The window is not normalised again.
    """

    def __init__(self, net: ConflictNet, window: ArrayLike, n: int = SUPER_SAMPLES, batch: int = 64) -> None:
        samples = np.asarray(window, dtype=np.float32)
        length = len(samples)
        if length % n or length // n <= RECEPTIVE_FIELD:
            raise ValueError(f"{length} samples cannot be cut into {n} super-samples")
        self.net, self.batch = net, batch
        self.device = next(net.parameters()).device
        part = np.arange(length) * n // length
        versions = np.stack([samples * keep for keep in (part >= 0, part < 0, part % 2 == 0, part % 2 == 1)])
        with torch.inference_mode():
            self.versions = net.features(torch.from_numpy(versions.astype(np.float32)).to(self.device))
        starts = np.arange(self.versions.shape[1]) * STEP_SAMPLES
        self.left = part[starts]
        self.right = part[np.minimum(starts + RECEPTIVE_FIELD, length) - 1]

    def __call__(self, masks: Masks) -> Floats:
        """(R, n) masks -> (R,) intensity, not clipped."""
        out = []
        steps = torch.arange(len(self.left), device=self.device)
        with torch.inference_mode():
            for rows in np.array_split(masks, max(1, -(-len(masks) // self.batch))):
                left, right = rows[:, self.left], rows[:, self.right]
                # Of two different neighbours exactly one is even.
                even = np.where(left, self.left, self.right) % 2 == 0
                which = np.where(left & right, 0, np.where(~left & ~right, 1, np.where(even, 2, 3)))
                x = self.versions[torch.from_numpy(which).to(self.device), steps]
                out.append(self.net.read(self.net.lstm1(x)).double().cpu().numpy())
        return np.concatenate(out)


def explain_window(
    net: ConflictNet,
    samples: ArrayLike,
    *,
    exact: bool = False,
    perturbations: int = PERTURBATIONS,
    seed: int = 0,
    **options: Any,
) -> Explanation:
    """Explain the reading of (n,) samples at 8 kHz, cut or padded to 30 s.

    Args:
        exact: read all 1024 ways to silence super-samples, instead of `perturbations` random ones.
        seed: of the random ones.
        options: further arguments of `explain`.
    """
    window = normalise(fit_length(samples, SAMPLES))
    masks = all_masks() if exact else sample_masks(np.random.default_rng(seed), perturbations)
    return explain(NetPredictor(net, window), masks=masks, **options)


def explain_medium(
    samples: ArrayLike,
    model_dir: Path,
    *,
    device: str = "cpu",
    exact: bool = False,
    seed: int = 0,
    start: float = 0.0,
) -> Explanation:
    """Explain 30 s of sound with the model in `model_dir`; times count from `start` s.

    Args:
        samples: (n,) mono at 8 kHz; longer sound is cut to its first 30 s, shorter is padded.
    """
    from mien_plugins.conflict.model import load_net

    found = explain_window(load_net(model_dir, device), samples, exact=exact, seed=seed)
    return replace(found, start=found.start + start, end=found.end + start)
