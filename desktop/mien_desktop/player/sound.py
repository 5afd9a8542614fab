"""The sound of one medium, decoded in a thread of its own along a course and at a speed, pitch kept."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

import av
import av.error
import numpy as np
from av.filter import Graph

from mien.errors import MienError
from mien.media.decode import Decoder
from mien.media.medium import Medium, StreamInfo
from mien.media.pieces import AudioPiece
from mien_desktop.player.clock import Course
from mien_desktop.player.ring import Ring, Samples
from mien_desktop.work.aside import Aside

log = logging.getLogger(__name__)

SLOWEST, FASTEST = 0.25, 4.0

# Length of the pieces in which sound is decoded and stretched, s.
_BLOCK = 0.1
# A loop up to this long is decoded once and kept, s.
_KEPT = 20.0


def tempo_chain(rate: float) -> tuple[float, ...]:
    """Factors for as many `atempo` filters: each in [0.5, 2], where it blends rather than skips."""
    if abs(rate - 1.0) < 1e-6:
        return ()
    count = max(1, math.ceil(abs(math.log2(rate)) - 1e-9))
    return (rate ** (1.0 / count),) * count


class Stretcher:
    """Samples at the medium's rate and channels to stereo at the device's rate, faster or slower.

    Args:
        source_rate: Hz; layout: FFmpeg's name of the channels' arrangement.
        rate: Hz of the device; speed: factor.
    """

    def __init__(self, source_rate: int, layout: str, rate: int, speed: float) -> None:
        self._source_rate, self._layout = source_rate, layout
        self._taken = 0
        self._graph = Graph()
        filters = [
            self._graph.add_abuffer(
                sample_rate=source_rate, format="flt", layout=layout, time_base=Fraction(1, source_rate)
            )
        ]
        filters += [self._graph.add("atempo", f"{factor:.9f}") for factor in tempo_chain(speed)]
        filters.append(self._graph.add("aresample", str(rate)))
        filters.append(self._graph.add("aformat", f"sample_fmts=flt:channel_layouts=stereo:sample_rates={rate}"))
        filters.append(self._graph.add("abuffersink"))
        self._graph.link_nodes(*filters).configure()

    def push(self, samples: Samples) -> Iterator[Samples]:
        """Take (n, channels), give what is ready as (m, 2)."""
        packed = np.ascontiguousarray(samples, np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=self._layout)
        frame.sample_rate, frame.pts = self._source_rate, self._taken
        frame.time_base = Fraction(1, self._source_rate)
        self._taken += len(samples)
        self._graph.push(frame)
        yield from self._pull()

    def flush(self) -> Iterator[Samples]:
        """The rest."""
        self._graph.push(None)
        yield from self._pull()

    def _pull(self) -> Iterator[Samples]:
        while True:
            try:
                frame = self._graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            yield np.asarray(frame.to_ndarray(), np.float32).reshape(-1, 2)


def passage(medium: Medium, stream: StreamInfo, begin: float, end: float | None) -> Iterator[AudioPiece]:
    """The sound of [begin, end) in s without a gap: silence where the stream has none. To None: to its end.

    Raises:
        MediaError: it cannot be opened, or it is encrypted.
    """
    reached, rate, layout = begin, stream.sample_rate, stream.layout
    with Decoder(medium, audio=stream.index, video=None, begin=begin, end=end, block=_BLOCK) as decoder:
        for found in decoder:
            assert isinstance(found, AudioPiece)
            rate, layout = found.rate, found.layout
            yield from _silence(reached, found.start, found)
            yield found
            reached = found.end
    if end is not None:
        channels = max(1, stream.channels)
        yield from _silence(reached, end, AudioPiece(end, rate, np.zeros((0, channels), np.float32), layout))


def _silence(begin: float, end: float, like: AudioPiece) -> Iterator[AudioPiece]:
    left = round((end - begin) * like.rate)
    while left > 0:
        count = min(left, int(_BLOCK * like.rate))
        yield AudioPiece(begin, like.rate, np.zeros((count, like.samples.shape[1]), np.float32), like.layout)
        begin += count / like.rate
        left -= count


class SoundSource:
    """Fills a ring along a course.

    Args:
        medium, stream: what is heard.
        rate: Hz of the ring.
        trouble: called in the thread with a sentence when the sound cannot be read.
    """

    def __init__(self, medium: Medium, stream: StreamInfo, rate: int, trouble: Callable[[str], None]) -> None:
        self.ring = Ring(int(0.6 * rate))
        self.rate = rate
        self._medium, self._stream, self._trouble = medium, stream, trouble
        self._wake = threading.Condition()
        self._task: tuple[Course, float] | None = None
        self._stopped = True
        self._closing = False
        self._thread = Aside(target=self._main, name="mien-player-sound", daemon=True)
        self._thread.start()

    def play(self, course: Course, speed: float) -> None:
        """Fill the ring from the beginning of a course; what was in it is forgotten."""
        with self._wake:
            self._task, self._stopped = (course, speed), False
            self.ring.reset()
            self._wake.notify_all()

    def stop(self) -> None:
        """Empty the ring and rest."""
        with self._wake:
            self._task, self._stopped = None, True
            self.ring.reset()

    def dismiss(self) -> None:
        """Stop without waiting for the thread."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        self.ring.wake()

    def close(self) -> None:
        """Stop and wait for the thread."""
        self.dismiss()
        self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    def _main(self) -> None:
        while True:
            with self._wake:
                while self._task is None and not self._closing:
                    self._wake.wait()
                if self._closing or self._task is None:
                    return
                (course, speed), self._task = self._task, None
                run = self.ring.run
            try:
                self._fill(course, speed, run)
            except MienError as error:
                self._trouble(str(error))
            except (av.error.FFmpegError, OSError, ValueError) as error:
                log.warning("reading the sound of %s: %s", self._medium.path, error)
                self._trouble(f"A part of the sound cannot be read ({error}).")
            self.ring.finish(run)

    def _halted(self) -> bool:
        return self._closing or self._stopped or self._task is not None

    def _fill(self, course: Course, speed: float, run: int) -> None:
        stretcher: Stretcher | None = None
        for piece in self._pieces(course):
            if self._halted():
                return
            if stretcher is None:
                channels = piece.samples.shape[1]
                stretcher = Stretcher(piece.rate, _layout(piece.layout, channels), self.rate, speed)
            for samples in stretcher.push(piece.samples):
                if not self.ring.write(samples, run, self._halted):
                    return
        if stretcher is not None:
            for samples in stretcher.flush():
                if not self.ring.write(samples, run, self._halted):
                    return

    def _pieces(self, course: Course) -> Iterator[AudioPiece]:
        """The laps behind each other; together they are as long as play time says, to the sample."""
        kept: list[AudioPiece] | None = None
        fed = 0
        for n, (play, begin, end) in enumerate(course.laps()):
            source = passage(self._medium, self._stream, begin, end) if kept is None else iter(kept)
            if end is None:
                yield from source
                return
            lap: list[AudioPiece] = []
            for piece in source:
                if end - begin <= _KEPT:
                    lap.append(piece)
                due = round((play - course.begin + end - begin) * piece.rate)
                part = piece.samples[: max(0, due - fed)]
                fed += len(part)
                if len(part):
                    yield replace(piece, samples=part)
            if n >= 1 and end - begin <= _KEPT:
                kept = lap


def _layout(name: str, channels: int) -> str:
    """FFmpeg's name of an arrangement with that many channels."""
    try:
        if name and len(av.AudioLayout(name).channels) == channels:
            return name
    except ValueError:
        pass
    return {1: "mono", 2: "stereo"}.get(channels, f"{channels}c")
