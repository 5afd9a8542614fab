"""What ConflictNET is fed: 30 s at 8 kHz, zero-padded at the end, then divided by its RMS."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Samples = NDArray[np.float32]

# Below this RMS (-80 dB of full scale) a window holds no sound that normalising could bring out.
SILENCE = 1e-4


def rms(samples: ArrayLike) -> NDArray[np.float64]:
    """Root mean square along the last axis."""
    x = np.asarray(samples, dtype=np.float64)
    level: NDArray[np.float64] = np.sqrt(np.mean(np.square(x), axis=-1))
    return level


def fit_length(samples: ArrayLike, length: int) -> Samples:
    """(n,) -> (length,), cut or zero-padded at the end."""
    x = np.asarray(samples, dtype=np.float32).ravel()[:length]
    return np.pad(x, (0, length - len(x)))


def normalise(windows: ArrayLike) -> Samples:
    """(..., n) -> the same with an RMS of 1 along the last axis; the mean stays, and silence stays zero.

    Padding counts in the RMS, since the reference pads before it normalises.
    """
    x = np.asarray(windows, dtype=np.float32)
    level = rms(x)[..., None]
    out: Samples = np.where(level > SILENCE, x / np.maximum(level, SILENCE), 0.0).astype(np.float32)
    return out
