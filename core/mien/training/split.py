"""Parts and folds that never share a speaker, a group or a medium."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mien.errors import CorpusError, shown
from mien.training.manifest import SPLITS, Manifest, Row

Indices = NDArray[np.int64]


def clusters(rows: Sequence[Row]) -> list[list[int]]:
    """Rows that must stay together, as lists of their places: those linked by speaker, group or medium, however indirectly."""
    root = list(range(len(rows)))

    def find(at: int) -> int:
        while root[at] != at:
            root[at] = root[root[at]]
            at = root[at]
        return at

    first: dict[str, int] = {}
    for at, row in enumerate(rows):
        # Two who are heard in one recording are kept on one side, because each is heard in the other's rows.
        units = row.units if not row.path else (*row.units, f"medium {row.path}")
        for unit in units:
            one, other = find(first.setdefault(unit, at)), find(at)
            root[max(one, other)] = min(one, other)
    found: dict[int, list[int]] = {}
    for at in range(len(rows)):
        found.setdefault(find(at), []).append(at)
    return list(found.values())


def resplit(
    manifest: Manifest, seed: int = 0, shares: Sequence[float] = (0.7, 0.15, 0.15), label: str = ""
) -> Manifest:
    """The manifest with new splits, in which no speaker, group or medium is on two sides.

    Args:
        seed: the same seed gives the same parts.
        shares: of the rows, for `SPLITS`; clusters are whole, so they are met as nearly as the largest ones allow.
        label: of classes; each part gets its share of every class as nearly as can be.

    Raises:
        CorpusError: there are fewer clusters than parts.
    """
    places = divide(manifest, shares, seed, label)
    of = {at: SPLITS[n] for n, part in enumerate(places) for at in part}
    return replace(manifest, rows=tuple(replace(row, split=of[at]) for at, row in enumerate(manifest.rows)))


def folds(manifest: Manifest, count: int, seed: int = 0, label: str = "") -> list[tuple[Indices, Indices]]:
    """`count` pairs of (rows to learn from, rows to measure on), as places; every row is measured once.

    Raises:
        CorpusError: there are fewer speakers (or videos, where speakers are unknown) than folds.
    """
    parts = divide(manifest, [1 / count] * count, seed, label)
    everything = np.arange(len(manifest.rows))
    return [(np.setdiff1d(everything, part), part) for part in parts]


def divide(manifest: Manifest, shares: Sequence[float], seed: int, label: str = "") -> list[Indices]:
    """Places of the rows of each part; the largest clusters are placed first, each where it is needed most.

    Raises:
        CorpusError: there are fewer clusters than parts with a share.
    """
    whole = clusters(manifest.rows)
    wanted = [n for n, share in enumerate(shares) if share > 0]
    if len(whole) < len(wanted):
        raise CorpusError(
            f"{len(whole)} speakers or videos cannot be parted into {len(wanted)}; name the speakers in the column speaker, "
            f"or add recordings: {shown(manifest.source or manifest.folder)}"
        )
    codes = manifest.codes(label) if label else np.zeros(len(manifest.rows), np.int64)
    _, kind = np.unique(codes, return_inverse=True)
    total = np.bincount(kind)
    rng = np.random.default_rng(seed)
    order = [whole[i] for i in rng.permutation(len(whole))]
    order.sort(key=len, reverse=True)  # stable: chance decides among equals
    parts: list[list[int]] = [[] for _ in wanted]
    target = np.array([shares[n] for n in wanted])[:, None] * total
    have = np.zeros_like(target)
    empty = set(range(len(wanted)))
    for left, cluster in zip(range(len(order), 0, -1), order, strict=True):
        adds = np.bincount(kind[cluster], minlength=len(total))
        # The part that comes nearest to its share of each class, in the measure of chi-square.
        off = ((2 * (have - target) * adds + adds**2) / target).sum(1)
        if left <= len(empty):
            off[[n for n in range(len(wanted)) if n not in empty]] = np.inf
        best = int(off.argmin())
        parts[best] += cluster
        have[best] += adds
        empty.discard(best)
    made = dict(zip(wanted, parts, strict=True))
    return [np.array(sorted(made.get(n, [])), np.int64) for n in range(len(shares))]
