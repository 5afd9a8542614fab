"""From valence, arousal and dominance to the probability that somebody is angry, for the fusion."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien_plugins.emotion.naming import by_corpus
from mien_plugins.emotion.net import TASKS
from mien_plugins.fusion.calibration import Logistic

ANGRY = ("angry", "anger")
TERMS = (*TASKS, *("*".join(pair) for pair in combinations_with_replacement(TASKS, 2)))
"""What the score adds up: the attributes, their squares and products. Anger is a region of the space, not a half of it:
aroused and dominant and unpleasant together (the log odds of two normal distributions are quadratic)."""
Floats = NDArray[np.floating[Any]]


def probability(values: Floats, calibration: Mapping[str, Any]) -> NDArray[np.float64]:
    """P(angry) (N,) of (N, 3) attributes, by what `fit` gave; a model of before may have the attributes as its only terms."""
    result: NDArray[np.float64] = Logistic.of(calibration)(np.asarray(values), TASKS)
    return result


def is_angry(emotion: NDArray[np.str_]) -> NDArray[np.int64]:
    """1 where an emotion's name is that of anger."""
    return np.isin(emotion, ANGRY).astype(np.int64)


def fit(values: Floats, emotion: NDArray[np.str_], corpus: NDArray[np.str_] | None = None) -> dict[str, Any]:
    """Coefficients of the `TERMS` and intercept of a logistic regression on predicted values (N, 3), as `config.json` keeps
    them and fusions read them; all corpora weigh the same if it is said which each is of.

    The values must be predictions for speakers the net was not trained on, or the probabilities come out too
    sure.
    """
    from sklearn.linear_model import LogisticRegression

    weight = None if corpus is None else len(corpus) * by_corpus(corpus)
    model = LogisticRegression(C=10.0, max_iter=1000).fit(_terms(values), is_angry(emotion), weight)
    coef = [round(float(c), 6) for c in model.coef_[0]]
    return {"of": list(TERMS), "coef": coef, "intercept": round(float(model.intercept_[0]), 6)}


def _terms(values: Floats) -> NDArray[np.float64]:
    read = np.asarray(values, np.float64)
    products = [read[:, a] * read[:, b] for a, b in combinations_with_replacement(range(len(TASKS)), 2)]
    return np.column_stack([read, *products])
