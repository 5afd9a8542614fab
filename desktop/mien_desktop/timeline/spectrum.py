"""From samples to columns of a spectrogram: short-time Fourier transform, bands at equal steps of pitch, levels as bytes.

No Qt and no drawing: it runs in the thread that reads the sound (`timeline.sound`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from mien_desktop.timeline.pyramid import FloatArray

RATE = 16_000
"""Hz; the sound is brought to this rate first."""
WINDOW, HOP = 1024, 400
"""Samples: 64 ms looked at, every 25 ms."""
BANDS = 96
LOWEST, HIGHEST = 60.0, 7_800.0
"""Hz."""
FLOOR = -90.0
"""dBFS that is drawn as nothing; a sine at full scale is 0 dBFS, drawn as most."""


@lru_cache(maxsize=1)
def frequencies() -> npt.NDArray[np.float64]:
    """(BANDS,) Hz, the middles of the bands: equal ratios between neighbours."""
    return np.geomspace(LOWEST, HIGHEST, BANDS)


@lru_cache(maxsize=1)
def weights() -> FloatArray:
    """(bins, BANDS) how much each Fourier bin counts in each band: triangles over neighbouring bands, a bin at least."""
    bins = np.arange(WINDOW // 2 + 1) * RATE / WINDOW
    middle = frequencies()
    ratio = middle[1] / middle[0]
    wide = np.maximum(middle * (ratio - 1), RATE / WINDOW)
    triangles = np.maximum(0, 1 - np.abs(bins[:, None] - middle) / wide)
    return np.asarray(triangles / triangles.max(0), np.float32)


class Spectrum:
    """Sound in pieces to columns. Column n speaks of the WINDOW samples around sample n · HOP of the sound."""

    def __init__(self) -> None:
        # Silence before the first sample puts the first column's middle upon it.
        self._rest = np.zeros(WINDOW // 2, np.float32)
        self._taper = np.hanning(WINDOW + 1)[:-1].astype(np.float32)

    def push(self, samples: FloatArray) -> npt.NDArray[np.uint8]:
        """Add mono samples in [−1, 1] at RATE; the columns (n, BANDS) that are ready."""
        sound = np.concatenate([self._rest, np.asarray(samples, np.float32)])
        count = (sound.size - WINDOW) // HOP + 1
        if count <= 0:
            self._rest = sound
            return np.empty((0, BANDS), np.uint8)
        self._rest = sound[count * HOP :]
        return self._columns(np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[: (count - 1) * HOP + 1 : HOP])

    def finish(self) -> npt.NDArray[np.uint8]:
        """The columns that are left."""
        return self.push(np.zeros(WINDOW // 2, np.float32))

    def _columns(self, frames: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        power = np.abs(np.fft.rfft(frames * self._taper, axis=1)).astype(np.float32) ** 2
        # A sine at full scale has |X| = sum of the taper / 2.
        power /= (self._taper.sum() / 2) ** 2
        level = 10 * np.log10(np.maximum(power @ weights(), 1e-12))
        return np.asarray(np.clip((level - FLOOR) / -FLOOR * 255, 0, 255), np.uint8)
