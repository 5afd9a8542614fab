"""What nets that read together come to: each one's share in each attribute, and the spread that their mean has lost.

A net that is fitted to scattered truth stays near the middle, and the mean of several nets still more; the concordance
(Lin 1989, "A concordance correlation coefficient to evaluate reproducibility") counts that as an error. How far to go back out
is measured on readings of speakers that the nets never heard.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien_plugins.emotion.net import TASKS

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
_STEPS = 20
"""Shares are multiples of a 20th."""
_SPREADS = np.arange(1.0, 2.001, 0.05)


@dataclass(frozen=True)
class Mix:
    """How readings (members, 3) become one.

    shares: of each member in valence, arousal and dominance; they add up to 1 in each. centre, spread: of each attribute;
    the mean's distance from the centre is multiplied by the spread.
    """

    shares: tuple[tuple[float, ...], ...]
    centre: tuple[float, ...]
    spread: tuple[float, ...]

    def __post_init__(self) -> None:
        sums = np.sum(self.shares, axis=0)
        if sums.shape != (len(TASKS),) or not np.allclose(sums, 1.0, atol=1e-6):
            raise ValueError("the members' shares in each attribute must add up to 1")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready fields."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Mix:
        """The inverse of `to_dict`."""
        return cls(tuple(map(tuple, fields["shares"])), tuple(fields["centre"]), tuple(fields["spread"]))

    def of(self, values: Floats) -> Floats:
        """Readings (N, members, 3) → (N, 3) in [-1, 1]."""
        centre, spread = np.asarray(self.centre), np.asarray(self.spread)
        mean = np.einsum("nmt,mt->nt", values, np.asarray(self.shares))
        return np.asarray(np.clip(centre + spread * (mean - centre), -1.0, 1.0), np.float32)


def fit(values: Floats, label: Floats, corpus: NDArray[np.str_]) -> Mix:
    """The mix of readings (N, members, 3) with the best mean concordance with labels (N, 3) over the corpora.

    The readings must be of speakers that the nets were not trained on.
    """
    shares = np.array(
        [row for row in product(range(_STEPS + 1), repeat=values.shape[1]) if sum(row) == _STEPS], np.float64
    )
    shares /= _STEPS
    chosen, centres, spreads = [], [], []
    for task in range(len(TASKS)):
        read, truth = values[:, :, task].astype(np.float64), label[:, task].astype(np.float64)
        centre = shares @ read.mean(axis=0)
        found = np.mean([_concordance(read[rows], truth[rows], shares, centre) for rows in _parts(corpus)], axis=0)
        best, stretch = np.unravel_index(int(found.argmax()), found.shape)
        chosen.append(tuple(float(share) for share in shares[best]))
        centres.append(round(float(centre[best]), 4))
        spreads.append(round(float(_SPREADS[stretch]), 4))
    return Mix(tuple(zip(*chosen, strict=True)), tuple(centres), tuple(spreads))


def _parts(corpus: NDArray[np.str_]) -> list[NDArray[np.bool_]]:
    return [corpus == name for name in np.unique(corpus)]


def _concordance(read: Doubles, truth: Doubles, shares: Doubles, centre: Doubles) -> Doubles:
    """CCC of each share (rows) at each of `_SPREADS` (columns), from the moments of readings (N, members) alone."""
    spread = _SPREADS[None, :]
    mean = centre[:, None] + spread * (shares @ read.mean(axis=0) - centre)[:, None]
    covariance = np.cov(read.T, bias=True).reshape(read.shape[1], -1)
    variance = spread**2 * np.einsum("wm,mk,wk->w", shares, covariance, shares)[:, None]
    common = spread * (shares @ ((read - read.mean(axis=0)) * (truth - truth.mean())[:, None]).mean(axis=0))[:, None]
    return np.asarray(2.0 * common / (variance + truth.var() + (mean - truth.mean()) ** 2))
