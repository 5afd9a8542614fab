"""The hard majority vote: the same classifier reads picture, sound and words, and two of three decide (SEEDS §10)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

MODALITIES = ("image", "audio", "text")


def majority(votes: NDArray[Any]) -> NDArray[np.int64]:
    """(N,) 1 where more than half of those present vote so; a tie of two is none, -1 where nobody is present.

    Args:
        votes: (N, M) 1, 0, or -1 for a modality that is absent.
    """
    there = votes >= 0
    present = there.sum(axis=1)
    decided = (2 * (votes == 1).sum(axis=1) > present).astype(np.int64)
    return np.where(present > 0, decided, -1)
