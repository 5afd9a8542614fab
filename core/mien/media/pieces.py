"""What decoding hands out."""

from __future__ import annotations

from dataclasses import dataclass

import av
import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class AudioPiece:
    """Contiguous sound: sample n lies at start + n / rate, and the next piece begins where this one ends.

    Args:
        start: s from the medium's beginning.
        rate: Hz.
        samples: (n, channels) float32 in [−1, 1].
        layout: FFmpeg's name of the channels' arrangement.
    """

    start: float
    rate: int
    samples: Samples
    layout: str = ""

    @property
    def end(self) -> float:
        """Time behind the last sample, in seconds."""
        return self.start + len(self.samples) / self.rate


@dataclass(frozen=True, slots=True)
class FramePiece:
    """One picture, not yet converted: `mien.media.picture.to_rgb` does that for the frames that are needed.

    Args:
        time: presentation time in seconds from the medium's beginning.
        frame: as decoded.
        rotation: degrees counter-clockwise to turn it upright: 0, 90, 180, 270.
        duration: how long it is shown, s; 0 when unknown.
        corrupt: the decoder had to guess parts of it.
        aspect: width over height of one coded pixel, for `to_rgb` (1 for nearly all media).
    """

    time: float
    frame: av.VideoFrame
    rotation: int = 0
    duration: float = 0.0
    corrupt: bool = False
    aspect: float = 1.0
