"""Log-mel spectra of speech, free of level: what the end-to-end net hears.

Loudness depends on the microphone, so each sound is laid at its own speech level (the mean power of its loud
frames is 0 dB). What raised voices leave in the spectrum and in the rise and fall of the level stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft

Sound = NDArray[np.float32]
Frames = NDArray[np.float32]

SPAN = 80.0
"""Decibels below the loudest band that are told apart; what is softer is silence."""
LOUD = 20.0
"""Frames less than this many decibels below the loudest make the speech level."""
EDGE, MARGIN = 35.0, 0.1
"""Both ends are cut where they are `EDGE` decibels below the loudest frame, but for `MARGIN` seconds."""


@dataclass(frozen=True)
class LogMel:
    """How spectra are made: rate in Hz; `bands` between `low` and `high` Hz; window and step in s."""

    rate: int = 16_000
    bands: int = 64
    low: float = 60.0
    high: float = 7600.0
    window: float = 0.032
    step: float = 0.020

    def of(self, sound: NDArray[Any]) -> Frames:
        """Mono sound (N,) -> decibels (frames, bands) relative to the speech level, silent ends cut off.

        A sound shorter than one window gives no frame; one of zeros gives frames of -SPAN.
        """
        size, step = round(self.window * self.rate), round(self.step * self.rate)
        if len(sound) < size:
            return np.zeros((0, self.bands), np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(np.asarray(sound, np.float32), size)[::step]
        taps = np.hanning(size + 1)[:-1].astype(np.float32)
        length = 1 << (size - 1).bit_length()
        spectrum = rfft((frames - frames.mean(axis=1, keepdims=True)) * taps, length, axis=1)
        power = (spectrum.real**2 + spectrum.imag**2) @ mel_filters(self.rate, length, self.bands, self.low, self.high)
        return _trimmed(_levelled(power), round(MARGIN / self.step))


def _levelled(power: NDArray[Any]) -> Frames:
    total = power.sum(axis=1)
    if not total.max() > 0.0:
        return np.full(power.shape, -SPAN, np.float32)
    level = total[total > total.max() * 10.0 ** (-LOUD / 10.0)].mean() / power.shape[1]
    floor = power.max() * 10.0 ** (-SPAN / 10.0)
    return np.asarray(10.0 * np.log10(np.maximum(power, floor) / level), np.float32)


def _trimmed(decibels: Frames, margin: int) -> Frames:
    total = np.exp2(decibels / 3.0103).sum(axis=1)
    loud = np.flatnonzero(total > total.max() * 10.0 ** (-EDGE / 10.0))
    return decibels[max(0, loud[0] - margin) : loud[-1] + 1 + margin]


@lru_cache(maxsize=4)
def mel_filters(rate: int, length: int, bands: int, low: float, high: float) -> NDArray[np.float32]:
    """Triangles of unit height, evenly spaced in mel (2595 log10(1 + f / 700)): (length // 2 + 1, bands)."""
    ends = 2595.0 * np.log10(1.0 + np.array([low, high]) / 700.0)
    corners = 700.0 * (10.0 ** (np.linspace(ends[0], ends[1], bands + 2) / 2595.0) - 1.0)
    bins = np.fft.rfftfreq(length, 1.0 / rate)[:, None]
    rise = (bins - corners[:-2]) / (corners[1:-1] - corners[:-2])
    fall = (corners[2:] - bins) / (corners[2:] - corners[1:-1])
    filters: NDArray[np.float32] = np.maximum(0.0, np.minimum(rise, fall)).astype(np.float32)
    return filters
