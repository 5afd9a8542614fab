"""K-nearest-neighbour imputation of an absent modality's vector (Rajan 2022, ch. 4; SEEDS §4.4).

The vectors of all modalities of the training samples are kept. For a sample that lacks some, the K training samples are
sought that are nearest (Euclidean) in the modalities it has, laid side by side; the mean of the neighbours' vectors stands in
for those it lacks. One modality that is present imputes all others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

Floats = npt.NDArray[np.floating[Any]]
_AT_ONCE = 2_000_000
"""Distances held in memory at one time."""


class KnnImputer:
    """Remembers training vectors and fills in for what is absent.

    Args:
        vectors: modality → (N, D_m), rows of one training sample; all modalities were there.
        k: neighbours whose mean is taken (the thesis: 5, 10, 100); all of them where there are fewer.

    Raises:
        ValueError: no training sample, blocks of different lengths, values that are not finite, or a k below 1.
    """

    def __init__(self, vectors: Mapping[str, npt.ArrayLike], k: int = 5) -> None:
        self.vectors: dict[str, npt.NDArray[np.float32]] = {
            name: np.asarray(block, np.float32) for name, block in vectors.items()
        }
        sizes = {len(block) for block in self.vectors.values()}
        if k < 1:
            raise ValueError(f"at least one neighbour is needed, not {k}")
        if len(sizes) != 1 or not sizes.pop():
            raise ValueError("imputation needs training samples that have every modality")
        for name, block in self.vectors.items():
            if block.ndim != 2 or not np.isfinite(block).all():
                raise ValueError(f"the training vectors of {name} must be finite rows, not of shape {block.shape}")
        self.k = k

    def __len__(self) -> int:
        return len(next(iter(self.vectors.values())))

    @property
    def modalities(self) -> tuple[str, ...]:
        """Their names, in the order of a mask's columns."""
        return tuple(self.vectors)

    def fill(self, vectors: Mapping[str, Floats], present: npt.ArrayLike) -> dict[str, npt.NDArray[np.float32]]:
        """The vectors with what is absent imputed.

        Args:
            vectors: modality → (N, D_m); rows of absent modalities are not looked at.
            present: (N, M) bool, columns in the order of `modalities`.

        Returns:
            modality → (N, D_m) float32; a sample that has no modality at all keeps zeros.

        Raises:
            ValueError: blocks or mask do not fit what was remembered.
        """
        there = np.asarray(present, np.bool_)
        names = self.modalities
        if there.ndim != 2 or there.shape[1] != len(names):
            raise ValueError(f"the mask has shape {there.shape}, but the modalities are {', '.join(names)}")
        for name in names:
            wanted = (len(there), self.vectors[name].shape[1])
            if vectors[name].shape != wanted:
                raise ValueError(f"the vectors of {name} have shape {vectors[name].shape}, not {wanted}")
        filled = {
            name: np.where(there[:, m, None], vectors[name], 0).astype(np.float32) for m, name in enumerate(names)
        }
        for pattern in np.unique(there, axis=0):
            if pattern.all() or not pattern.any():
                continue
            rows = np.flatnonzero((there == pattern).all(axis=1))
            near = self.neighbours(filled, rows, [name for m, name in enumerate(names) if pattern[m]])
            for m, name in enumerate(names):
                if not pattern[m]:
                    filled[name][rows] = self.vectors[name][near].mean(axis=1)
        return filled

    def neighbours(
        self, vectors: Mapping[str, Floats], rows: npt.NDArray[np.int64], by: Sequence[str]
    ) -> npt.NDArray[np.int64]:
        """(len(rows), K) training samples nearest to `rows` of `vectors` in the modalities `by`, the nearest first; of
        those equally far the earlier one."""
        known = np.concatenate([self.vectors[name] for name in by], axis=1)
        asked = np.concatenate([np.asarray(vectors[name], np.float32)[rows] for name in by], axis=1)
        k, step = min(self.k, len(known)), max(1, _AT_ONCE // len(known))
        found = [
            np.argsort(cdist(asked[first : first + step], known, "sqeuclidean"), axis=1, kind="stable")[:, :k]
            for first in range(0, len(asked), step)
        ]
        return np.concatenate(found) if found else np.zeros((0, k), np.int64)

    def arrays(self) -> dict[str, npt.NDArray[np.float16]]:
        """What it remembers, halved in size, to be stored beside a model's weights."""
        return {name: block.astype(np.float16) for name, block in self.vectors.items()}
