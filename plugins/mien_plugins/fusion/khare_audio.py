"""What the cross-modal transformer hears: 40 log filterbanks every 10 ms, five stacked, so 200 numbers every 50 ms (SEEDS §9).

The analyzer `fusion.filterbank` writes them as a Features track, for fusions that read sound themselves; it runs on request.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from scipy.fft import rfft

from mien.sdk import Block, Context, MediaInfo, Params
from mien.tracks.track import AnyTrack, Features
from mien_plugins.emotion.logmel import mel_filters
from mien_plugins.fusion.khare_info import FILTERBANK_TRACK, RATE

BANDS, STACK = 40, 5
WINDOW, STEP = 400, 160
"""Samples of a frame, and between frames: 25 and 10 ms."""
EACH = STACK * STEP
"""Samples that one vector stands for: 50 ms."""
REACH = (STACK - 1) * STEP + WINDOW
"""Samples that one vector is made from."""
_LENGTH, _LOW, _HIGH, _FLOOR = 512, 20.0, 7600.0, 1e-8

Floats = npt.NDArray[np.float32]


def filterbank(samples: Floats) -> Floats:
    """(n,) mono sound at 16 kHz → (ceil(n / 800), 200) natural logarithms of energies; the end is padded with silence."""
    count = -(-len(samples) // EACH)
    if not count:
        return np.zeros((0, BANDS * STACK), np.float32)
    padded = np.zeros((count - 1) * EACH + REACH, np.float32)
    padded[: len(samples)] = samples[: len(padded)]
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::STEP][: count * STACK]
    spectrum = rfft(frames * np.hamming(WINDOW).astype(np.float32), _LENGTH, axis=1)
    power = (spectrum.real**2 + spectrum.imag**2) @ mel_filters(RATE, _LENGTH, BANDS, _LOW, _HIGH)
    return np.asarray(np.log(np.maximum(power, _FLOOR)), np.float32).reshape(count, BANDS * STACK)


class FilterbankAnalyzer:
    """Writes the filterbank of the whole sound; keeps less than a tenth of a second."""

    def prepare(self, media: MediaInfo, params: Params, ctx: Context) -> None:
        """Nothing is loaded."""
        self._rest = np.zeros(0, np.float32)
        self._at: float | None = None

    def process(self, block: Block) -> Iterable[AnyTrack]:
        """The vectors whose sound is complete."""
        if block.audio is None or not len(block.audio.samples):
            return
        if self._at is None:
            self._at = block.audio.start
        self._rest = np.concatenate([self._rest, np.asarray(block.audio.samples, np.float32)])
        ready = (len(self._rest) - REACH) // EACH + 1
        if ready > 0:
            yield self._piece(filterbank(self._rest[: (ready - 1) * EACH + REACH])[:ready])
            self._rest = self._rest[ready * EACH :]

    def finish(self) -> Iterable[AnyTrack]:
        """The last ones, padded with silence."""
        if self._at is not None and len(self._rest):
            yield self._piece(filterbank(self._rest))
            self._rest = self._rest[:0]

    def close(self) -> None:
        """Nothing is held."""

    def _piece(self, vectors: Floats) -> Features:
        assert self._at is not None
        step = EACH / RATE
        times: npt.NDArray[np.float64] = self._at + (np.arange(len(vectors), dtype=np.float64) + 0.5) * step
        self._at += len(vectors) * step
        return Features(FILTERBANK_TRACK, times, vectors)
