"""From valence, arousal and dominance to the probability that somebody is angry, for the fusion."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien_plugins.emotion.naming import by_corpus

ANGRY = ("angry", "anger")
Floats = NDArray[np.floating[Any]]


def probability(values: Floats, coef: Floats | list[float], intercept: float) -> NDArray[np.float64]:
    """Logistic of (N, 3) attributes: P(angry) (N,)."""
    score = np.asarray(values, np.float64) @ np.asarray(coef, np.float64) + intercept
    result: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-score))
    return result


def is_angry(emotion: NDArray[np.str_]) -> NDArray[np.int64]:
    """1 where an emotion's name is that of anger."""
    return np.isin(emotion, ANGRY).astype(np.int64)


def fit(values: Floats, emotion: NDArray[np.str_], corpus: NDArray[np.str_] | None = None) -> tuple[list[float], float]:
    """Coefficients (of valence, arousal, dominance) and intercept of a logistic regression on predicted
    values; all corpora weigh the same if it is said which each is of.

    The values must be predictions for speakers the net was not trained on, or the probabilities come out too
    sure.
    """
    from sklearn.linear_model import LogisticRegression

    weight = None if corpus is None else len(corpus) * by_corpus(corpus)
    model = LogisticRegression(C=10.0, max_iter=1000).fit(np.asarray(values, np.float64), is_angry(emotion), weight)
    return [round(float(c), 6) for c in model.coef_[0]], round(float(model.intercept_[0]), 6)
