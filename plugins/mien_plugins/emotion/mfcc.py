"""Cepstral coefficients: the filterbank of pyAudioAnalysis as it acts, and as it is meant."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

Floats = NDArray[np.float64]

LOWEST, STEP, RATIO = 133.33, 200.0 / 3.0, 1.0711703
LINEAR, LOGARITHMIC, COEFFICIENTS = 13, 27, 13
EPS = float(np.finfo(np.float64).eps)
FLOOR = 1e-8
"""Power floor of the corrected form, 80 dB under a full-scale sine: digital silence reads as a quiet room."""


def edges() -> Floats:
    """Frequencies (42,) in Hz at which the 40 triangles begin, peak and end (Auditory Toolbox, Slaney)."""
    linear = LOWEST + STEP * np.arange(LINEAR)
    return np.concatenate([linear, linear[-1] * RATIO ** np.arange(1, LOGARITHMIC + 3)])


def filterbank(rate: int, window: int, compat: bool) -> Floats:
    """Triangles over the bins 0 … window/2 - 1: (filters, window // 2), of unit area each.

    compat: the bins of the half spectrum are taken for the whole one (bin k as k * rate / (window/2)), so
    that every filter acts at half its nominal frequency. Otherwise bin k lies at k * rate / window and only
    triangles that end below half the rate are kept. Filters that reach beyond the spectrum are cut there: the
    original raises.
    """
    bins = window // 2
    corner = edges()
    if not compat:
        corner = corner[corner <= rate / 2]
    filters = len(corner) - 2
    if filters < COEFFICIENTS or bins < 2:
        raise ValueError(f"{rate} Hz and frames of {window} samples leave no room for {COEFFICIENTS} coefficients")
    spacing = rate / bins if compat else rate / window
    place = np.arange(bins) * spacing
    low, peak, high = corner[:-2, None], corner[1:-1, None], corner[2:, None]
    rising, falling = (place - low) / (peak - low), (high - place) / (high - peak)
    if compat:
        # Bins are assigned by rounded-down corner bins, not by frequency.
        number = np.arange(bins)
        at = [np.floor(c / spacing) for c in (low, peak, high)]
        up = (number > at[0]) & (number <= at[1])
        down = (number > at[1]) & (number <= at[2])
        shape = np.where(up, rising, 0.0) + np.where(down, falling, 0.0)
    else:
        shape = np.clip(np.minimum(rising, falling), 0.0, None)
        for row in np.flatnonzero(shape.sum(axis=1) == 0):  # short frames: no bin falls into a narrow triangle
            shape[row, np.abs(place - corner[row + 1]).argmin()] = 1.0
    return shape * (2.0 / (high - low))


def cepstrum(bands: Floats, compat: bool) -> Floats:
    """First 13 coefficients (c0 too) of the orthonormal DCT-II of the log bands: (T, filters) -> (T, 13)."""
    log = np.log10(bands + (EPS if compat else FLOOR))
    result: Floats = dct(log, type=2, norm="ortho", axis=-1)[:, :COEFFICIENTS]
    return result
