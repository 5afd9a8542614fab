"""Which features are kept: recursive elimination (RFE), or least redundance with most relevance (mRMR)."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Selection = Literal["rfe", "mrmr", "none"]
Places = NDArray[np.int64]

BINS = 10
_MOST_ROWS = 20_000  # that selection looks at, evenly spread
_CANDIDATES = 4  # times as many as are wanted enter mRMR, the most relevant ones


def select(x: NDArray[Any], y: NDArray[np.int64], count: int, how: Selection) -> Places:
    """Places of `count` of the features of x (N, D), ascending; of all that vary where there are no more."""
    if len(x) > _MOST_ROWS:
        rows = np.linspace(0, len(x) - 1, _MOST_ROWS).astype(np.int64)
        x, y = x[rows], y[rows]
    varies = np.flatnonzero(varying(x))
    if how == "none" or len(varies) <= count:
        return varies
    found = rfe(x[:, varies], y, count) if how == "rfe" else mrmr(x[:, varies], y, count)
    return np.sort(varies[found])


def varying(x: NDArray[Any]) -> NDArray[np.bool_]:
    """(D,) which features of x (N, D) have more than one value; a deviation may be above 0 by rounding alone."""
    varies: NDArray[np.bool_] = x.max(axis=0) > x.min(axis=0)
    return varies


def rfe(x: NDArray[Any], y: NDArray[np.int64], count: int) -> Places:
    """Recursive feature elimination (Guyon et al. 2002): a logistic regression's smallest weights go, a fifth at a time."""
    from sklearn.feature_selection import RFE
    from sklearn.linear_model import LogisticRegression

    scaled = (x - x.mean(axis=0)) / x.std(axis=0)
    # Strongly shrunk: only the order of the weights counts, and it converges at once.
    ranked = RFE(LogisticRegression(C=0.01, max_iter=1000), n_features_to_select=count, step=0.2).fit(scaled, y)
    return np.flatnonzero(ranked.support_)


def mrmr(x: NDArray[Any], y: NDArray[np.int64], count: int) -> Places:
    """Greedy mRMR by difference (MID; Peng et al. 2005): max I(x; y) - mean I(x; selected), in the order of selection.

    Features are cut into `BINS` of equal counts for the mutual information (nats).
    """
    codes = _binned(x)
    relevance = np.array([information(codes[:, j], y) for j in range(codes.shape[1])])
    pool = np.argsort(-relevance, kind="stable")[: max(_CANDIDATES * count, count)]
    codes = codes[:, pool]
    hot = np.stack([codes == b for b in range(BINS)], axis=2).reshape(len(codes), -1).astype(np.float32)
    gain, redundance = relevance[pool], np.zeros(len(pool))
    chosen: list[int] = []
    free = np.ones(len(pool), bool)
    while len(chosen) < min(count, len(pool)):
        score = gain - redundance / max(1, len(chosen))
        best = int(np.where(free, score, -np.inf).argmax())
        chosen.append(best)
        free[best] = False
        own = hot.reshape(len(codes), -1, BINS)[:, best]
        redundance += _joint(own, hot, len(pool))
    return pool[np.array(chosen, np.int64)]


def information(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Mutual information of two codes (N,), nats."""
    _, first = np.unique(a, return_inverse=True)
    _, second = np.unique(b, return_inverse=True)
    joint = np.bincount(first * (second.max() + 1) + second, minlength=(first.max() + 1) * (second.max() + 1))
    return float(_of(joint.reshape(1, first.max() + 1, -1) / len(first))[0])


def _joint(own: NDArray[Any], hot: NDArray[Any], features: int) -> NDArray[np.float64]:
    """(features,) information of one feature with each."""
    counts = (own.T @ hot).reshape(BINS, features, BINS).transpose(1, 0, 2) / len(own)
    return _of(counts.astype(np.float64))


def _of(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """(K,) information of joint distributions (K, A, B)."""
    a, b = p.sum(axis=2, keepdims=True), p.sum(axis=1, keepdims=True)
    safe = np.where(p > 0, p, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(p > 0, safe / np.where(p > 0, a * b, 1.0), 1.0)
    found: NDArray[np.float64] = (p * np.log(share)).sum(axis=(1, 2))
    return np.maximum(found, 0.0)


def _binned(x: NDArray[Any]) -> NDArray[np.int8]:
    edges = np.quantile(x, np.linspace(0, 1, BINS + 1)[1:-1], axis=0)
    codes = np.zeros(x.shape, np.int8)
    for edge in edges:
        codes += x > edge
    return codes
