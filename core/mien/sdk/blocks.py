"""What the host hands to `process`: a few seconds of the medium, conditioned as the plugin declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from mien.tracks.track import AnyTrack, FloatArray, IntArray, TimeArray

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """Contiguous sound. Sample n lies at start + n / rate.

    Args:
        start: s.
        rate: Hz.
        samples: (n,) mono or (n, channels), float32 in [−1, 1].
    """

    start: float
    rate: int
    samples: FloatArray

    @property
    def end(self) -> float:
        """Time behind the last sample, in seconds."""
        return self.start + int(self.samples.shape[0]) / self.rate


@dataclass(frozen=True, slots=True)
class Windows:
    """Overlapping windows of mono sound.

    Args:
        starts: (B,) s.
        rate: Hz.
        samples: (B, n) float32; the last window of a medium may be padded with zeros.
        valid: (B,) how many samples of each are real.
    """

    starts: TimeArray
    rate: int
    samples: FloatArray
    valid: IntArray

    @property
    def length(self) -> float:
        """Length of a window in seconds."""
        return int(self.samples.shape[1]) / self.rate


@dataclass(frozen=True, slots=True)
class Utterance:
    """One utterance: start and end in seconds, rate in Hz, samples (n,) float32 mono."""

    start: float
    end: float
    rate: int
    samples: FloatArray


@dataclass(frozen=True, slots=True)
class FrameBatch:
    """Pictures of one size.

    Args:
        times: (B,) true presentation times in seconds.
        images: (B, h, w, 3) uint8 RGB, upright.
        scale: (x, y); pixel of the full upright picture = pixel of the image × scale.
    """

    times: TimeArray
    images: Picture
    scale: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True, slots=True)
class CropBatch:
    """Faces.

    Args:
        times: (B,) s.
        person: (B,) identity over time.
        images: (B, size, size, 3) uint8 RGB.
        boxes: (B, 4) the detector's box: left, top, width, height in pixels of the full upright picture.
    """

    times: TimeArray
    person: IntArray
    images: Picture
    boxes: FloatArray


@dataclass(frozen=True, slots=True)
class Block:
    """What is new since the last call. Parts that were not declared, or have nothing new, are None or empty.

    Args:
        start, end: the stretch of the medium that this block covers, in seconds.
        audio: contiguous sound, for `Audio` without a window.
        windows: windows of sound, for `Audio` with one.
        utterances: for `Utterances`.
        frames: for `Frames`.
        crops: for `Crops`.
        tracks: new pieces of each track that it `Reads`.
    """

    start: float
    end: float
    audio: AudioChunk | None = None
    windows: Windows | None = None
    utterances: tuple[Utterance, ...] = ()
    frames: FrameBatch | None = None
    crops: CropBatch | None = None
    tracks: Mapping[str, tuple[AnyTrack, ...]] = field(default_factory=dict)
