"""Conditioning: what was decoded, in the form that each plugin declared. One feed per declaration, state kept over blocks."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from av.video.reformatter import VideoReformatter

from mien.media.crops import crop_face
from mien.media.picture import to_rgb
from mien.media.pieces import AudioPiece, FramePiece
from mien.media.resample import Resampler
from mien.sdk.blocks import AudioChunk, CropBatch, FrameBatch, Utterance, Windows
from mien.sdk.inputs import Audio, Crops, Frames
from mien.tracks.track import Boxes, FloatArray, Spans

HISTORY = 90.0
"""Seconds of sound kept for cutting out utterances that are announced late."""
HELD_FRAMES = 96
"""Pictures kept for cutting out faces whose boxes come late."""


class RateFeed:
    """The sound at one rate, shared by all plugins of a branch that declared it."""

    def __init__(self, rate: int, mono: bool) -> None:
        self._resampler = Resampler(rate, mono=mono)
        self._new: list[AudioChunk] = []

    def push(self, piece: AudioPiece) -> None:
        """Take decoded sound."""
        self._keep(self._resampler.push(piece))

    def finish(self) -> None:
        """No more sound will come: give out what the resampler holds back."""
        self._keep(self._resampler.flush())

    def take(self) -> AudioChunk | None:
        """What is new since the last call."""
        if not self._new:
            return None
        first = self._new[0]
        samples = np.concatenate([chunk.samples for chunk in self._new])
        self._new = []
        return AudioChunk(first.start, first.rate, samples)

    def _keep(self, chunk: AudioChunk | None) -> None:
        if chunk is not None and chunk.samples.shape[0]:
            self._new.append(chunk)


class WindowFeed:
    """Windows cut from a rate feed's chunks."""

    def __init__(self, spec: Audio) -> None:
        assert spec.window is not None
        self.length = max(1, round(spec.window * spec.rate))
        self.hop = max(1, round((spec.hop or spec.window) * spec.rate))
        self.rate = spec.rate
        self._buffer = np.zeros(0, np.float32)
        self._offset = 0  # index of the buffer's first sample
        self._next = 0  # index at which the next window starts
        self._origin: float | None = None
        self._covered = 0  # index behind the last sample that some window held

    def push(self, chunk: AudioChunk | None, last: bool = False) -> Windows | None:
        """The windows that are complete now; with `last` also the one that is padded."""
        if chunk is not None:
            if self._origin is None:
                self._origin = chunk.start
            self._buffer = np.concatenate([self._buffer, chunk.samples])
        end = self._offset + self._buffer.size
        starts = []
        while self._next + self.length <= end:
            starts.append(self._next)
            self._next += self.hop
        rows = [self._cut(start) for start in starts]
        valid = [self.length] * len(starts)
        if starts:
            self._covered = starts[-1] + self.length
        rest = end - self._next
        if last and rest > 0 and end - self._covered > 0.1 * min(self.hop, self.length):
            rows.append(np.pad(self._cut(self._next), (0, self.length - rest)))
            starts.append(self._next)
            valid.append(rest)
        drop = min(self._next, end) - self._offset
        if drop > 0:
            self._buffer = self._buffer[drop:].copy()
            self._offset += drop
        if not starts or self._origin is None:
            return None
        times = self._origin + np.asarray(starts, np.float64) / self.rate
        return Windows(times, self.rate, np.stack(rows), np.asarray(valid, np.int32))

    def _cut(self, start: int) -> FloatArray:
        at = start - self._offset
        return self._buffer[at : at + self.length]


class UtteranceFeed:
    """Sound cut out where a spans track says so, whether the spans come before or after their sound."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._chunks: deque[AudioChunk] = deque()
        self._waiting: deque[tuple[float, float]] = deque()

    def push(self, chunk: AudioChunk | None, spans: Iterable[Spans], last: bool = False) -> tuple[Utterance, ...]:
        """The utterances whose sound is complete now; with `last` also those that the medium cuts short."""
        if chunk is not None:
            self._chunks.append(chunk)
        for piece in spans:
            self._waiting.extend(zip(piece.start.tolist(), piece.end.tolist(), strict=True))
        heard = self._chunks[-1].end if self._chunks else 0.0
        ready = []
        while self._waiting and (last or self._waiting[0][1] <= heard + 0.5 / self.rate):
            start, end = self._waiting.popleft()
            samples = self._cut(start, end)
            if samples.size:
                ready.append(Utterance(start, end, self.rate, samples))
        keep_from = min(heard - HISTORY, self._waiting[0][0] if self._waiting else math.inf)
        while len(self._chunks) > 1 and self._chunks[0].end < keep_from:
            self._chunks.popleft()
        return tuple(ready)

    def _cut(self, start: float, end: float) -> FloatArray:
        parts = []
        for chunk in self._chunks:
            first = max(0, round((start - chunk.start) * self.rate))
            stop = min(chunk.samples.shape[0], round((end - chunk.start) * self.rate))
            if first < stop:
                parts.append(chunk.samples[first:stop])
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)


class Ticker:
    """Picks frames at a rate: the first one at or after each tick of 1/rate; every one without a rate.

    What it picks is the same whether it is asked of all frames or only of some among which all those are.
    """

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._due = -math.inf

    def picks(self, time: float) -> bool:
        """Whether the frame at this time is picked; advances the tick."""
        if self._rate is None:
            return True
        if time + 1e-6 < self._due:
            return False
        self._due = (math.floor(time * self._rate + 1e-6) + 1) / self._rate
        return True


class FrameFeed:
    """Frames picked at a rate, each with its own true time."""

    def __init__(self, spec: Frames) -> None:
        self.spec = spec
        self._ticker = Ticker(spec.rate)
        self._picked: list[FramePiece] = []
        self._reformatter = VideoReformatter()  # keeps its tables from frame to frame; one per thread

    def push(self, frame: FramePiece) -> bool:
        """Offer a frame; True if it was picked."""
        if not self._ticker.picks(frame.time):
            return False
        self._picked.append(frame)
        return True

    def __len__(self) -> int:
        return len(self._picked)

    def take(self) -> FrameBatch | None:
        """The frames picked since the last call, converted and scaled. Frames of another size or scale make a batch of
        their own: where the resolution changes, the first ones are given now and the others with the next call."""
        if not self._picked:
            return None
        times: list[float] = []
        images: list[Any] = []
        scale = (1.0, 1.0)
        while self._picked:
            piece = self._picked[0]
            image, this_scale = to_rgb(piece.frame, self.spec.size, piece.rotation, piece.aspect, self._reformatter)
            if images and (image.shape != images[0].shape or this_scale != scale):
                break
            times.append(self._picked.pop(0).time)
            images.append(image)
            scale = this_scale
        return FrameBatch(np.asarray(times, np.float64), np.stack(images), scale)


@dataclass
class CropFeed:
    """Faces cut out of the frames that have boxes. Frames are held, undecoded to RGB, until their boxes have come."""

    spec: Crops
    _frames: dict[float, FramePiece] = field(default_factory=dict)
    _boxes: list[Boxes] = field(default_factory=list)
    _reformatter: VideoReformatter = field(default_factory=VideoReformatter)

    def push(self, frame: FramePiece) -> None:
        """Hold a frame that may have boxes."""
        self._frames[round(frame.time, 4)] = frame
        while len(self._frames) > HELD_FRAMES:
            self._frames.pop(next(iter(self._frames)))

    def take(self, pieces: Sequence[Boxes]) -> CropBatch | None:
        """The faces of these boxes and of earlier ones whose frame has come since."""
        self._boxes.extend(pieces)
        times: list[float] = []
        persons: list[int] = []
        images: list[Any] = []
        boxes: list[FloatArray] = []
        newest = next(reversed(self._frames), -math.inf)
        later: list[Boxes] = []
        last_key, picture = math.nan, None
        for piece in self._boxes:
            for row in range(len(piece)):
                key = round(float(piece.times[row]), 4)
                frame = self._frames.get(key)
                if frame is None:
                    if key > newest:
                        later.append(piece.take(slice(row, None)))
                        break
                    continue
                if key != last_key:
                    picture, last_key = self._picture(frame), key
                marks = None if piece.landmarks is None else piece.landmarks[row]
                assert picture is not None
                images.append(
                    crop_face(picture, piece.xywh[row], self.spec.size, self.spec.margin,
                              marks if self.spec.aligned else None)
                )  # fmt: skip
                times.append(float(piece.times[row]))
                persons.append(int(piece.person[row]))
                boxes.append(piece.xywh[row])
        self._boxes = later
        if not times:
            return None
        return CropBatch(
            np.asarray(times, np.float64), np.asarray(persons, np.int32), np.stack(images), np.stack(boxes)
        )

    def _picture(self, piece: FramePiece) -> Any:
        return to_rgb(piece.frame, None, piece.rotation, piece.aspect, self._reformatter)[0]
