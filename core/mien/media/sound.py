"""Decoded audio frames to contiguous sound on the medium's clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import av
import numpy as np

from mien.media.damage import DamageLog
from mien.media.opening import is_sound
from mien.media.packets import Clock
from mien.media.pieces import AudioPiece, Samples
from mien.media.resample import Resampler, to_mono

# How far sample index and timestamp may lie apart, s.
TOLERANCE = 1e-3
# Beyond this a difference is a gap or an overlap at once; below it may be the jitter of a coarse or careless
# clock, and counts only when several frames in a row agree about it.
_JITTER = 20e-3
_AGREEING = 12
# A codec's last frame may reach this far beyond the end, s.
_PADDING = 0.1
# Gaps longer than this are noted, s.
_WORTH_A_WORD = 0.05


def to_float(frame: av.AudioFrame) -> Samples:
    """Samples of a frame as (n, channels) float32 in [−1, 1], whatever format they were decoded to.

    What lies beyond full scale is cut to it (damaged data decode to anything), what is no number is silence.
    """
    if frame.format.name in ("s64", "s64p"):
        return _of_64_bits(frame)
    array = frame.to_ndarray()
    channels = frame.layout.nb_channels
    samples = array.T if frame.format.is_planar else array.reshape(-1, channels)
    if samples.dtype == np.uint8:
        return (samples.astype(np.float32) - 128.0) / 128.0
    if samples.dtype.kind == "i":
        return samples.astype(np.float32) * np.float32(0.5 ** (8 * samples.dtype.itemsize - 1))
    loud = np.ascontiguousarray(samples, dtype=np.float32)
    return np.clip(np.nan_to_num(loud, nan=0.0, posinf=0.0, neginf=0.0), -1.0, 1.0)


def _of_64_bits(frame: av.AudioFrame) -> Samples:
    """The same of integers of 64 bits, which PyAV does not make an array of."""
    channels, planar = frame.layout.nb_channels, frame.format.is_planar
    count = frame.samples * (1 if planar else channels)
    planes = np.stack([np.frombuffer(memoryview(plane), np.int64, count) for plane in frame.planes])
    samples = planes.T if planar else planes.reshape(-1, channels)
    return samples.astype(np.float32) * np.float32(0.5**63)


class SoundAssembler:
    """Puts frames one behind the other so that sample n of a run lies at start + n / rate.

    Gaps are filled with silence, overlaps cut from the later frame; frames without timestamps follow the one
    before. A rate or channel arrangement that changes within the stream is converted to the first one's.

    Args:
        stream: index, for the log.
        log: where gaps and repairs are noted.
        block: s, least length of a piece (the last one may be shorter).
        begin: s; what lies before is dropped.
        end: s; what lies behind is dropped.
        declared: s, where the stream ends by the file's own count; what a codec's last frame pads beyond it
            is dropped.
    """

    def __init__(
        self,
        stream: int,
        log: DamageLog,
        *,
        block: float = 0.5,
        begin: float = 0.0,
        end: float = float("inf"),
        declared: float | None = None,
    ) -> None:
        self._stream, self._log = stream, log
        self._block, self._begin, self._end, self._declared = block, begin, end, declared
        self._rate = 0
        self._layout = ""
        self._channels = 0
        self._start: float | None = None
        self._count = 0  # samples since start, handed out or waiting
        self._given = 0
        self._waiting: list[Samples] = []
        self._early = 0.0
        self._differences: deque[int] = deque(maxlen=_AGREEING)
        self._converter: _Converter | None = None

    @property
    def reached(self) -> float | None:
        """Time behind the last sample, or None before the first frame."""
        return None if self._start is None else self._start + self._count / self._rate

    def add(self, frame: av.AudioFrame, time: float | None) -> Iterator[AudioPiece]:
        """Add a frame that begins at `time` (s; None: behind the one before); yields the pieces ready."""
        if not is_sound(frame.sample_rate, frame.layout.nb_channels):  # the header of the stream said otherwise
            self._log.add(self._stream, time or self.reached or 0.0, "sound of an impossible rate was left out")
            return
        if not self._rate:
            self._rate, self._layout = frame.sample_rate, frame.layout.name
            self._channels = frame.layout.nb_channels
        for samples, start in self._same_kind(frame, time):
            yield from self._place(samples, start)

    def finish(self) -> Iterator[AudioPiece]:
        """What is left, without the padding of the last frame."""
        for samples, start in self._end_conversion():
            yield from self._place(samples, start)
        over = 0.0 if self._declared is None else (self.reached or 0.0) - self._declared
        if 0 < over <= _PADDING and self._waiting:
            surplus = min(int(over * self._rate), self._count - self._given)
            rest = np.concatenate(self._waiting)
            self._waiting = [rest[: len(rest) - surplus]]
            self._count -= surplus
        if self._count > self._given:
            yield self._piece()

    def _place(self, samples: Samples, time: float | None) -> Iterator[AudioPiece]:
        if self._start is None:
            time = self._begin if time is None else time
            early = round((self._begin - time) * self._rate)
            if early >= len(samples):
                return
            if early > 0:
                samples, time = samples[early:], time + early / self._rate
            self._start = time
        elif time is not None:
            missing = self._missing(time)
            if missing > 0:
                yield from self._silence(missing)
            elif missing < 0:
                samples = samples[-missing:]
        room = self._end - (self._start + self._count / self._rate)
        if room < len(samples) / self._rate:
            samples = samples[: max(0, int(np.ceil(room * self._rate)))]
        if len(samples):
            self._waiting.append(samples)
            self._count += len(samples)
        if self._count - self._given >= self._block * self._rate:
            yield self._piece()

    def _missing(self, time: float) -> int:
        """How many samples lack before a frame that begins at `time`; negative where it overlaps what is
        there.
        """
        assert self._start is not None
        difference = round((time - self._start) * self._rate) - self._count
        self._differences.append(difference)
        tolerated, jitter = TOLERANCE * self._rate, _JITTER * self._rate
        if abs(difference) <= tolerated:
            return 0
        if abs(difference) <= jitter:
            agreed = len(self._differences) == _AGREEING and (
                min(self._differences) > tolerated or max(self._differences) < -tolerated
            )
            if not agreed:
                return 0
            difference = int(np.median(self._differences))
        self._differences.clear()
        if difference < 0:
            self._log.add(self._stream, time, "overlapping sound was cut", lost=False)
        elif difference > _WORTH_A_WORD * self._rate:
            self._log.add(self._stream, time, "a gap in the sound was filled with silence", lost=False)
        return difference

    def _silence(self, count: int) -> Iterator[AudioPiece]:
        """Silence of any length without holding more than a block of it."""
        room = max(0.0, self._end - (self.reached or 0.0))
        count = min(count, int(np.ceil(min(room, count / self._rate) * self._rate)))
        block = max(1, int(self._block * self._rate))
        while count > 0:
            n = min(count, block)
            self._waiting.append(np.zeros((n, self._channels), np.float32))
            self._count += n
            count -= n
            if self._count - self._given >= block:
                yield self._piece()

    def _piece(self) -> AudioPiece:
        assert self._start is not None
        samples = self._waiting[0] if len(self._waiting) == 1 else np.concatenate(self._waiting)
        piece = AudioPiece(self._start + self._given / self._rate, self._rate, samples, self._layout)
        self._waiting = []
        self._given = self._count
        return piece

    def _same_kind(self, frame: av.AudioFrame, time: float | None) -> Iterator[tuple[Samples, float | None]]:
        """The frame's samples at the stream's first rate and channels, with the time of the first of them."""
        kind = (frame.sample_rate, frame.layout.name)
        if kind == (self._rate, self._layout):
            yield from self._end_conversion()
            yield to_float(frame), time
            return
        samples = _with_channels(to_float(frame), frame.layout.name, self._channels)
        old = self._converter
        if old is not None and (old.kind != kind or (time is not None and abs(time - old.next) > _JITTER)):
            yield from self._end_conversion()
        if self._converter is None:
            reached = self.reached or 0.0
            self._log.add(self._stream, reached, "rate or channels of the sound change; converted", lost=False)
            self._converter = _Converter(kind, reached if time is None else time, Resampler(self._rate, mono=False))
        converter = self._converter
        chunk = converter.resampler.push(AudioPiece(converter.next, frame.sample_rate, samples))
        converter.next += len(samples) / frame.sample_rate
        if chunk is not None:
            yield chunk.samples, chunk.start

    def _end_conversion(self) -> Iterator[tuple[Samples, float | None]]:
        if self._converter is not None:
            chunk = self._converter.resampler.flush()
            self._converter = None
            if chunk is not None:
                yield chunk.samples, chunk.start


@dataclass
class _Converter:
    """A run of frames of another rate or arrangement: (rate, layout), where the next one should begin (s)."""

    kind: tuple[int, str]
    next: float
    resampler: Resampler


def _with_channels(samples: Samples, layout: str, channels: int) -> Samples:
    """The samples with another number of channels: mixed to one, repeated from one, else cut or padded."""
    have = samples.shape[1]
    if have == channels:
        return samples
    mono = to_mono(samples, layout)[:, None]
    if channels == 1:
        return mono
    if have == 1:
        return np.repeat(mono, channels, axis=1)
    return np.pad(samples[:, :channels], ((0, 0), (0, max(0, channels - have))))


def assemble(frames: Iterable[Any], clock: Clock, assembler: SoundAssembler) -> Iterator[AudioPiece]:
    """Pieces of contiguous sound from decoded frames."""
    for frame in frames:
        time = clock.seconds(frame.pts, frame.time_base, assembler.reached)
        yield from assembler.add(frame, time)
    yield from assembler.finish()
