"""Spectral gating (noisereduce) for streams and for single utterances.

The gate is noisereduce's non-stationary one: a running estimate of each band's level (time constant 2 s), a
soft mask for what rises above it. It needs sound on both sides, so the stream is gated in steps of fixed
length with the past and the future around each as context; the result does not depend on how the host cut its
blocks.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

_STEP, _PAST, _FUTURE = 4.0, 2.0, 1.0  # s
_FLOOR = 1e-6
"""Dither under the smallest 16-bit step: the gate divides by the level, which digital silence lacks."""


def gate(samples: FloatArray, rate: int) -> FloatArray:
    """`samples` (n,) float32 mono at `rate` Hz with steady noise attenuated; the same length.

    Sound shorter than one analysis window (64 ms at 16 kHz) comes back as it is.
    """
    from noisereduce import reduce_noise  # pulls in SciPy's signal package: only for those who ask for it

    if len(samples) < 1024:
        return samples
    dither = np.random.default_rng(0).standard_normal(len(samples)) * _FLOOR
    gated = reduce_noise(y=samples.astype(np.float64) + dither, sr=rate, padding=1024, chunk_size=None)
    return np.asarray(gated, np.float32)


class StreamingGate:
    """The gate over a stream, with at most 5 s of delay.

    Args:
        rate: Hz.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._step = int(_STEP * rate)
        self._future = int(_FUTURE * rate)
        self._past = np.zeros(0, np.float32)
        self._ahead = np.zeros(0, np.float32)

    def push(self, samples: FloatArray) -> FloatArray:
        """What can be gated by now: (m,) samples that follow those of the last call without a gap."""
        self._ahead = np.concatenate((self._ahead, samples))
        done = []
        while len(self._ahead) >= self._step + self._future:
            done.append(self._take(self._step))
        return np.concatenate(done) if done else np.zeros(0, np.float32)

    def flush(self) -> FloatArray:
        """The rest of the stream."""
        return self._take(len(self._ahead))

    def _take(self, count: int) -> FloatArray:
        context = len(self._past)
        window = np.concatenate((self._past, self._ahead[: count + self._future]))
        gated = gate(window, self._rate)[context : context + count]
        self._past = np.concatenate((self._past, self._ahead[:count]))[-int(_PAST * self._rate) :]
        self._ahead = self._ahead[count:]
        return gated
