"""Pitch classes as a matrix on the power spectrum: as pyAudioAnalysis computes them, and as meant."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CLASSES = 12
REFERENCE = 27.5
"""The A that class 1 begins with, in Hz."""


def chroma_matrix(rate: int, window: int, compat: bool) -> Floats:
    """(12, window // 2): a frame's chroma is this matrix times its power spectrum, over its sum."""
    return _as_computed(rate, window // 2) if compat else _as_meant(rate, window)


def _as_meant(rate: int, window: int) -> Floats:
    """Every bin from 27.5 Hz up goes to the class of its nearest semitone, A first."""
    frequency = np.arange(window // 2) * rate / window
    used = np.flatnonzero(frequency >= REFERENCE)
    pitch = np.round(12.0 * np.log2(frequency[used] / REFERENCE)).astype(int)
    matrix = np.zeros((CLASSES, window // 2))
    matrix[pitch % CLASSES, used] = 1.0
    return matrix


def _as_computed(rate: int, bins: int) -> Floats:
    """The original's table, step by step: where several bins share a pitch only the last is kept, and each is
    divided by the number of bins found under its own pitch used as an index once more.

    Pitches beyond the spectrum's length (short frames at low rates) make the original raise; here they are
    left out.
    """
    pitch = np.round(12.0 * np.log2((np.arange(bins) + 1) * rate / (2 * bins) / REFERENCE)).astype(int)
    _, back, count = np.unique(pitch, return_inverse=True, return_counts=True)
    share = count[back].astype(np.float64)
    matrix = np.zeros((CLASSES, bins))
    # A later bin overwrites an earlier one; pitches below the reference count from the end.
    for slot, bin_ in {int(p) % bins: k for k, p in enumerate(pitch) if -bins <= p < bins}.items():
        again = int(pitch[slot])
        matrix[slot % CLASSES, bin_] += 1.0 / (share[again] if -bins <= again < bins else 1.0)
    return matrix
