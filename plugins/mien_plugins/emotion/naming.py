"""From the emotion names that nets give a voice to where it lies on valence, arousal and dominance.

Nets that are trained on attributes also learn to name the emotion. Between two likely names that lie far apart (happy, angry)
a regression answers with what lies between them for want of a better guess; names keep the two apart until the very end, and
get other sounds wrong. The names of several nets become one posterior by a logarithmic opinion pool (Genest & Zidek 1986,
"Combining probability distributions: a critique and an annotated bibliography"), whose weights and biases are fitted on
readings of speakers that the nets never heard.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien_plugins.emotion.corpus import attributes
from mien_plugins.emotion.norms import FAMILIES, family

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
PRIOR = 0.01
"""Of the squared biases, beside the mean cross entropy: a corpus of a few hundred clips shall not say how common a name is."""


@dataclass(frozen=True)
class Naming:
    """How the names of M nets become one posterior.

    weights: of each net's logits; they need not add up to 1, since nets that agree are surer together than each. bias: of each
    of the `families`, in logits.
    """

    weights: tuple[float, ...]
    bias: tuple[float, ...]
    families: tuple[str, ...] = FAMILIES

    def __post_init__(self) -> None:
        if len(self.bias) != len(self.families):
            raise ValueError("each emotion needs a bias")

    @property
    def places(self) -> Floats:
        """(K, 3) valence, arousal and dominance of each family's norm."""
        return np.array([attributes(name) for name in self.families], np.float32)

    def of(self, logits: Floats) -> Floats:
        """Logits (N, M, K) → attributes (N, 3) to be expected by the posterior."""
        pooled = np.einsum("nmk,m->nk", logits.astype(np.float64), np.asarray(self.weights)) + np.asarray(self.bias)
        return np.asarray(np.exp(_log_softmax(pooled)) @ self.places, np.float32)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready fields."""
        return {name: list(value) for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Naming:
        """The inverse of `to_dict`."""
        return cls(tuple(fields["weights"]), tuple(fields["bias"]), tuple(fields["families"]))


def fit(logits: Floats, emotion: NDArray[np.str_], corpus: NDArray[np.str_]) -> Naming:
    """The pool of logits (N, M, K) under which the acted emotions (N,) are likeliest; all corpora weigh the same.

    The readings must be of speakers that the nets were not trained on.
    """
    from scipy.optimize import minimize

    read, members = logits.astype(np.float64), logits.shape[1]
    truth = np.array([FAMILIES.index(family(str(name))) for name in emotion])
    rows, weight = np.arange(len(truth)), by_corpus(corpus)

    def loss(point: Doubles) -> tuple[float, Doubles]:
        bias = point[members:]
        said = _log_softmax(np.einsum("nmk,m->nk", read, point[:members]) + bias)
        value = -(weight * said[rows, truth]).sum() + PRIOR * (bias**2).sum()
        error = np.exp(said)
        error[rows, truth] -= 1.0
        error *= weight[:, None]
        slope = [np.einsum("nmk,nk->m", read, error), error.sum(axis=0) + 2.0 * PRIOR * bias]
        return float(value), np.concatenate(slope)

    start = np.concatenate([np.full(members, 1.0 / members), np.zeros(len(FAMILIES))])
    bounds = [(0.0, None)] * members + [(None, None)] * len(FAMILIES)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x.round(4).tolist()
    return Naming(tuple(found[:members]), tuple(found[members:]))


def by_corpus(corpus: NDArray[np.str_]) -> Doubles:
    """(N,) weights that add up to 1, within each corpus all alike and over each the same."""
    _, which, sizes = np.unique(corpus, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / (sizes[which] * len(sizes)), np.float64)


def _log_softmax(logits: Doubles) -> Doubles:
    moved = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(moved - np.log(np.exp(moved).sum(axis=1, keepdims=True)))
