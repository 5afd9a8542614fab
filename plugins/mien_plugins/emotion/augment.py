"""Changes to a log-mel spectrum that leave its emotion: another voice, pace, channel and background, and gaps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.float32]


@dataclass(frozen=True)
class Augment:
    """How far spectra are changed.

    warp, pace: greatest share by which bands and time are stretched. tilt, bump: spread, in dB, of what another channel
    adds at the ends and in two places of the spectrum. noise: softest and loudest background in dB of the
    speech level, in every second sound. masks: stretches of bands and of time that are blotted out, up to `bands` bands
    and a share of `time` each.
    """

    warp: float = 0.12
    pace: float = 0.15
    tilt: float = 3.0
    bump: float = 2.0
    noise: tuple[float, float] = (-60.0, -25.0)
    masks: int = 2
    bands: int = 10
    time: float = 0.2

    def __call__(self, frames: Frames, rng: np.random.Generator) -> Frames:
        """A changed copy of (T, bands) decibels; T changes with the pace."""
        count, bands = frames.shape
        pace = 1.0 + rng.uniform(-self.pace, self.pace)
        rows = np.minimum((np.arange(max(1, int(count / pace))) * pace).astype(int), count - 1)
        warped = np.clip(np.arange(bands) * (1.0 + rng.uniform(-self.warp, self.warp)), 0, bands - 1)
        left = np.minimum(warped.astype(int), bands - 2)
        share = (warped - left).astype(np.float32)
        out = frames[rows]
        out = out[:, left] * (1.0 - share) + out[:, left + 1] * share
        place = np.linspace(-1.0, 1.0, bands)
        colour = rng.normal(0.0, self.tilt) * place
        for _ in range(2):
            middle, width = rng.uniform(-1.0, 1.0), rng.uniform(0.15, 0.6)
            colour += rng.normal(0.0, self.bump) * np.exp(-(((place - middle) / width) ** 2))
        out = out + colour
        if rng.random() < 0.5:
            level = rng.uniform(*self.noise) + rng.uniform(-10.0, 10.0) * place
            out = np.logaddexp(out / 4.3429, level / 4.3429) * 4.3429
        quiet = out.mean(axis=0)
        for _ in range(self.masks):
            size = int(rng.integers(0, self.bands + 1))
            first = int(rng.integers(0, bands - size + 1))
            out[:, first : first + size] = quiet[first : first + size]
            size = int(rng.integers(0, max(1, int(self.time * len(out)))))
            first = int(rng.integers(0, len(out) - size + 1))
            out[first : first + size] = quiet
        return np.asarray(out, np.float32)
