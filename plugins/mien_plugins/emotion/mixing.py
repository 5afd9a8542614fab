"""What nets that read together come to: each one's share in each attribute, and the spread that their mean has lost.

Shares are those of a stacked regression that are nowhere negative (Breiman 1996, "Stacked regressions"). A net that is fitted
to scattered truth stays near the middle, and the mean of several nets still more; the concordance (Lin 1989, "A concordance
correlation coefficient to evaluate reproducibility") counts that as an error. How far to go back out is measured, like the
shares, on readings of speakers that the nets never heard.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.evaluation.metrics import ccc
from mien_plugins.emotion.naming import Naming, by_corpus
from mien_plugins.emotion.net import TASKS

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
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
        if not len(self.centre) == len(self.spread) == len(TASKS):
            raise ValueError("each attribute needs a centre and a spread")

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


@dataclass(frozen=True)
class Blend:
    """What becomes of attributes and names together; without a `naming` of attributes alone.

    With one, the attributes that the names stand for are the mix's last member.
    """

    mix: Mix
    naming: Naming | None = None

    def of(self, read: Floats) -> Floats:
        """Readings (N, members, 3), or (N, members, 3 + K) with the logits of K names → (N, 3) in [-1, 1]."""
        return self.mix.of(_members(read, self.naming))


def blend(read: Floats, naming: Naming | None, label: Floats, corpus: NDArray[np.str_]) -> Blend:
    """The blend that fits readings (N, members, 3 or 3 + K) to labels (N, 3), for names that are pooled like that."""
    return Blend(fit(_members(read, naming), label, corpus), naming)


def fit(values: Floats, label: Floats, corpus: NDArray[np.str_]) -> Mix:
    """The mix of readings (N, members, 3) for labels (N, 3): shares with the least squared error, and then the spread with the
    best mean concordance. All corpora weigh the same.

    The readings must be of speakers that the nets were not trained on.
    """
    weight = by_corpus(corpus)
    shares, centres, spreads = [], [], []
    for task in range(len(TASKS)):
        read, truth = values[:, :, task].astype(np.float64), label[:, task].astype(np.float64)
        own = _shares(read, truth, weight)
        mean = read @ own
        centre = float(mean.mean())
        shares.append(tuple(own.tolist()))
        centres.append(round(centre, 4))
        spreads.append(_spread(mean - centre, centre, truth, corpus))
    return Mix(tuple(zip(*shares, strict=True)), tuple(centres), tuple(spreads))


def _members(read: Floats, naming: Naming | None) -> Floats:
    values = read[:, :, : len(TASKS)]
    if naming is None:
        return values
    return np.concatenate([values, naming.of(read[:, :, len(TASKS) :])[:, None]], axis=1)


def _shares(read: Doubles, truth: Doubles, weight: Doubles) -> Doubles:
    """(members,) shares of readings (N, members); even ones where no member says anything of the truth."""
    from scipy.optimize import nnls

    root = np.sqrt(weight)
    found, _ = nnls((read - weight @ read) * root[:, None], (truth - weight @ truth) * root)
    return np.asarray(found / found.sum() if found.sum() > 0.0 else np.full(len(found), 1.0 / len(found)))


def _spread(away: Doubles, centre: float, truth: Doubles, corpus: NDArray[np.str_]) -> float:
    parts = [corpus == name for name in np.unique(corpus)]
    found = [np.mean([ccc(truth[part], centre + spread * away[part]) for part in parts]) for spread in _SPREADS]
    return round(float(_SPREADS[int(np.argmax(found))]), 4)
