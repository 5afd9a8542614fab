"""Sound to the rate and channels an analyzer declared, while it streams in, without moving it in time.

FFmpeg's swresample does the work. Its filter is symmetric and started on mirrored sound, so that sample n of
the output lies exactly at start + n / rate, however the input is cut into pieces
(tests/core/media/test_resample.py compares with an analytic signal).
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import av
import numpy as np
import numpy.typing as npt

from mien.media.pieces import AudioPiece, Samples
from mien.sdk.blocks import AudioChunk

# Dialogue lies in the centre; the low-frequency channel holds none (weights as in ITU-R BS.775, −3 dB and −6
# dB).
_WEIGHTS = {"FC": 1.0, "LFE": 0.0, "LFE2": 0.0, "FL": 0.7071, "FR": 0.7071, "FLC": 0.7071, "FRC": 0.7071}
_OTHERS = 0.5
# Samples; well above the length of swresample's filter at any ratio in use.
_SHORT = 2_048


@lru_cache(maxsize=64)
def downmix_weights(layout: str, channels: int) -> tuple[float, ...]:
    """Weight of each channel in the mono mix; they sum to 1, so that it cannot clip.

    Args:
        layout: FFmpeg's name (`stereo`, `5.1(side)`); one that is not known weighs all channels alike.
        channels: how many there are.
    """
    try:
        names = [channel.name for channel in av.AudioLayout(layout).channels]
    except ValueError:
        names = []
    weights = [_WEIGHTS.get(name, _OTHERS) for name in names]
    if len(weights) != channels or sum(weights) <= 0 or channels <= 2:
        return (1.0 / channels,) * channels
    return tuple(w / sum(weights) for w in weights)


def to_mono(samples: Samples, layout: str = "") -> Samples:
    """Mono mix (n,) of samples (n, channels)."""
    if samples.ndim == 1:
        return samples
    if samples.shape[1] == 1:
        return samples[:, 0]
    weights = np.asarray(downmix_weights(layout, samples.shape[1]), np.float32)
    return np.ascontiguousarray(samples @ weights)


class Resampler:
    """Streaming conversion; one for each sound stream and rate.

    Args:
        rate: Hz, of the output.
        mono: mix all channels into one; else they stay.
    """

    def __init__(self, rate: int, *, mono: bool = True) -> None:
        if rate <= 0:
            raise ValueError("the rate must be positive")
        self.rate, self.mono = rate, mono
        self._swr: av.AudioResampler | None = None
        self._source_rate = 0
        self._channels = 0
        self._start = 0.0
        self._taken = 0
        self._given = 0

    def push(self, piece: AudioPiece) -> AudioChunk | None:
        """Take the piece that follows; what is ready comes out (a filter's length, under 5 ms, stays inside
        until `flush`).
        """
        samples = to_mono(piece.samples, piece.layout)[:, None] if self.mono else piece.samples
        if not self._source_rate:
            self._source_rate, self._start, self._channels = piece.rate, piece.start, samples.shape[1]
            if piece.rate != self.rate:
                self._swr = av.AudioResampler(format="flt", layout=_layout(self._channels), rate=self.rate)
        elif piece.rate != self._source_rate or samples.shape[1] != self._channels:
            raise ValueError("all pieces of one stream have one rate and one number of channels")
        self._taken += len(samples)
        return self._chunk([samples] if self._swr is None else self._convert(samples))

    def flush(self) -> AudioChunk | None:
        """The rest, at the end of the sound. In all there are round(n · rate / source rate) samples."""
        if self._swr is None or not self._taken:
            return None
        taken = self._taken
        parts = []
        if taken < _SHORT:  # swresample gives nothing for sound shorter than its filter: lengthen it by silence
            self._taken += _SHORT
            parts += self._convert(np.zeros((_SHORT, self._channels), np.float32))
        parts += [self._array(frame) for frame in self._swr.resample(None)]
        left = round(taken * self.rate / self._source_rate) - self._given
        rest = np.concatenate([*parts, np.zeros((0, self._channels), np.float32)])[: max(0, left)]
        return self._chunk([rest])

    def _convert(self, samples: Samples) -> list[Samples]:
        assert self._swr is not None
        if not len(samples):
            return []
        packed = np.ascontiguousarray(samples, np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=_layout(self._channels))
        frame.sample_rate = self._source_rate
        frame.time_base = Fraction(1, self._source_rate)
        frame.pts = self._taken - len(samples)
        return [self._array(part) for part in self._swr.resample(frame)]

    def _array(self, frame: av.AudioFrame) -> Samples:
        # A filter overshoots where the sound is at full scale.
        samples: Samples = np.clip(frame.to_ndarray().reshape(-1, self._channels), -1.0, 1.0).astype(np.float32)
        return samples

    def _chunk(self, parts: list[Samples]) -> AudioChunk | None:
        samples = parts[0] if len(parts) == 1 else np.concatenate([*parts, np.zeros((0, self._channels), np.float32)])
        # The output never runs ahead of the input: a sample more than fits is held back by the filter or cut
        # at the end.
        if not len(samples):
            return None
        start = self._start + self._given / self.rate
        self._given += len(samples)
        return AudioChunk(start, self.rate, samples[:, 0] if self.mono else samples)


def resample(samples: npt.NDArray[np.floating], source_rate: int, rate: int) -> Samples:
    """All at once: (n,) or (n, channels) at `source_rate` to `rate`, Hz."""
    array = np.asarray(samples, np.float32)
    columns = array[:, None] if array.ndim == 1 else array
    converter = Resampler(rate, mono=False)
    chunks = [converter.push(AudioPiece(0.0, source_rate, columns)), converter.flush()]
    parts = [c.samples for c in chunks if c is not None]
    out = np.concatenate(parts) if parts else np.zeros((0, columns.shape[1]), np.float32)
    return out[:, 0] if array.ndim == 1 else out


def _layout(channels: int) -> str:
    return {1: "mono", 2: "stereo"}.get(channels, f"{channels}c")
