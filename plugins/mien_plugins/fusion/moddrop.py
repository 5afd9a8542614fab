"""Moddrop (Rajan 2022, ch. 4; SEEDS §4.4): trains a fusion for the absence of any one modality.

To each training sample copies are added in which one modality is silenced; never two at once. Of three modalities that makes
{(T, V, A), (T, V, 0), (T, 0, A), (0, V, A)}: exactly four times the samples. Nothing else of the training changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Moddropped:
    """A training set of N samples as Moddrop enlarges it.

    Args:
        rows: (N·(M+1),) the sample that each copy is of; the N whole samples come first, then those without the first
            modality, and so on.
        present: (N·(M+1), M) which modalities each copy has.
    """

    rows: Rows
    present: Mask

    def __len__(self) -> int:
        return len(self.rows)


def moddrop(present: npt.ArrayLike) -> Moddropped:
    """Which copies a training with Moddrop reads.

    Args:
        present: (N, M) bool, which modalities each sample has to begin with.

    A copy of a sample that would have nothing left (it had one modality only) stays as the sample is, so that there are always
    M + 1 copies.

    Raises:
        ValueError: there are not two axes, or a sample has no modality at all.
    """
    there = np.asarray(present, np.bool_)
    if there.ndim != 2 or there.shape[1] < 1:
        raise ValueError(f"moddrop needs a mask (samples, modalities), not one of shape {there.shape}")
    if not there.any(axis=1).all():
        raise ValueError("moddrop was given a sample that has no modality")
    count, modalities = there.shape
    copies = [there]
    for dropped in range(modalities):
        copy = there.copy()
        copy[:, dropped] = False
        copies.append(np.where(copy.any(axis=1, keepdims=True), copy, there))
    return Moddropped(np.tile(np.arange(count), modalities + 1), np.concatenate(copies))


def silence(blocks: Sequence[npt.NDArray[Any]], present: npt.ArrayLike) -> list[npt.NDArray[Any]]:
    """The inputs with zeros where a modality is absent, which is how its absence is simulated.

    Args:
        blocks: per modality (N, …); what stands in absent rows does not matter, NaN neither.
        present: (N, M) bool.

    Returns:
        Copies, of the same types.

    Raises:
        ValueError: mask and blocks do not fit each other.
    """
    there = _fitting(blocks, present)
    return [
        np.where(there[:, m].reshape(-1, *[1] * (block.ndim - 1)), block, np.zeros((), block.dtype))
        for m, block in enumerate(blocks)
    ]


def _fitting(blocks: Sequence[npt.NDArray[Any]], present: npt.ArrayLike) -> Mask:
    there = np.asarray(present, np.bool_)
    sizes = [len(block) for block in blocks]
    if there.ndim != 2 or there.shape[1] != len(blocks) or any(size != len(there) for size in sizes):
        raise ValueError(f"a mask of shape {there.shape} does not fit {len(blocks)} modalities of {sizes} samples")
    return there
