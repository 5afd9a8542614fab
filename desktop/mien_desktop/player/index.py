"""Presentation times of all frames, found in the background by reading the packets without decoding them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import av.error
import numpy as np
import numpy.typing as npt
from av.format import Flags

from mien.errors import MienError
from mien.media.medium import Medium
from mien.media.opening import open_medium
from mien.media.packets import Clock
from mien.media.probe import keep_only
from mien_desktop.work.aside import Aside

Times = npt.NDArray[np.float64]

EPS = 1e-6
"""Times closer than this are one, s: far above what floats lose, far below any frame's length."""

# How often what was found so far is published, s.
_PERIOD = 0.3
# The first picture is shown before the packets are read, but they wait no longer for it than this, s.
PATIENCE = 0.4


def _empty() -> Times:
    return np.zeros(0, np.float64)


@dataclass(frozen=True, eq=False)
class FrameIndex:
    """What is known of the frames' times.

    Args:
        times: (N,) s, ascending.
        keys: (K,) s, times of the frames at which decoding can begin, ascending.
        frontier: s; all frames before it are in `times`.
        complete: whether these are all.
        jumped: the file's clock restarts somewhere, so that it cannot be searched by time.
        extent: end of the last packet that was seen, s.
        rate: frames a second (from the median interval), 0 while unknown.
        variable: intervals differ by more than the rounding of timestamps.
    """

    times: Times = field(default_factory=_empty)
    keys: Times = field(default_factory=_empty)
    frontier: float = float("-inf")
    complete: bool = False
    jumped: bool = False
    extent: float = 0.0
    rate: float = 0.0
    variable: bool = False

    def number(self, time: float) -> int | None:
        """Number of the frame at exactly that time, counted from 0; None while it is not known."""
        if not (self.complete or time < self.frontier):
            return None
        n = int(np.searchsorted(self.times, time - EPS))
        return n if n < self.times.size and abs(self.times[n] - time) <= EPS else None

    def key_between(self, after: float, until: float) -> bool:
        """Whether decoding can begin somewhere in (after, until], s."""
        n = int(np.searchsorted(self.keys, after + EPS))
        return n < self.keys.size and bool(self.keys[n] <= until + EPS)

    def next_time(self, time: float) -> float | None:
        """Time of the frame that follows the one at `time`, s, where both are known."""
        n = self.number(time)
        if n is None or n + 1 >= self.times.size or not (self.complete or self.times[n + 1] < self.frontier):
            return None
        return float(self.times[n + 1])


class Indexer:
    """Reads the packets of the medium's picture in a thread of its own.

    Args:
        medium: what `probe` said.
        publish: called in the thread with what is known so far, and at the end with all.
        at_once: begin now; otherwise with `begin`, or a moment later.
    """

    def __init__(self, medium: Medium, publish: Callable[[FrameIndex], None], *, at_once: bool = True) -> None:
        self._medium, self._publish = medium, publish
        self._halt, self._turn = threading.Event(), threading.Event()
        if at_once:
            self._turn.set()
        self._thread = Aside(target=self._run, name="mien-player-index", daemon=True)
        self._thread.start()

    def begin(self) -> None:
        """Read now; from any thread."""
        self._turn.set()

    def dismiss(self) -> None:
        """Stop without waiting for the thread."""
        self._halt.set()
        self._turn.set()

    def close(self) -> None:
        """Stop and wait."""
        self.dismiss()
        self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        self._turn.wait(PATIENCE)
        if self._halt.is_set():
            return
        try:
            with open_medium(self._medium.path) as container:
                self._read(container)
        except MienError:
            self._publish(FrameIndex(complete=False))  # the player tells why the file cannot be read

    def _read(self, container: Any) -> None:
        medium = self._medium
        video = medium.video
        # Only a file that does not say how long it is has its sound looked at, for its end.
        wanted = [video.index] if video else []
        if medium.duration is None:
            wanted += [s.index for s in medium.audios if s.readable]
        streams = [container.streams[n] for n in wanted if n < len(container.streams)]
        if not streams:
            return
        keep_only(container, streams)
        jumps = Flags.ts_discont in Flags(container.format.flags)
        clock = Clock(medium.start, jumps=jumps, duration=medium.duration)
        finder = _Finder(clock, medium.start)
        published = monotonic()
        try:
            for packet in container.demux(streams):
                if self._halt.is_set():
                    return
                finder.add(packet, video is not None and packet.stream_index == video.index)
                if monotonic() - published > _PERIOD:
                    self._publish(finder.found())
                    published = monotonic()
        except (av.error.FFmpegError, IndexError):
            pass  # damaged from here on: what was found so far holds
        self._publish(finder.found(complete=True))


class _Finder:
    """Collects times in the order of the file."""

    def __init__(self, clock: Clock, start: float) -> None:
        self._clock, self._start = clock, start
        self._times: list[float] = []
        self._keys: list[float] = []
        self._latest: float | None = None
        self._frontier = float("-inf")
        self._extent = 0.0
        self._jumped = False

    def add(self, packet: Any, picture: bool) -> None:
        """Take the next packet."""
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is None or packet.is_discard:
            return
        base = packet.time_base
        if not picture:
            self._extent = max(self._extent, float((stamp + (packet.duration or 0)) * base) - self._start)
            return
        time = self._clock.seconds(stamp, base, self._latest)
        if time is None:
            return
        # The same arithmetic as the clock's, so that the difference is a jump and nothing else.
        self._jumped |= abs(time - (stamp * base.numerator / base.denominator - self._start)) > 1e-3
        self._latest = time if self._latest is None else max(self._latest, time)
        self._extent = max(self._extent, time + float((packet.duration or 0) * base))
        if packet.dts is not None:
            self._frontier = time - float((stamp - packet.dts) * base)
        self._times.append(time)
        if packet.is_keyframe:
            self._keys.append(time)

    def found(self, complete: bool = False) -> FrameIndex:
        """What is known so far."""
        times = np.unique(np.array(self._times, np.float64))
        rate, variable = _rhythm(times if complete else times[times < self._frontier])
        return FrameIndex(
            times,
            np.unique(np.array(self._keys, np.float64)),
            self._frontier,
            complete,
            self._jumped,
            self._extent,
            rate,
            variable,
        )


def _rhythm(times: Times) -> tuple[float, bool]:
    """Frames a second, and whether that varies."""
    if times.size < 2:
        return 0.0, False
    intervals = np.diff(times)
    usual = float(np.median(intervals))
    # Containers round to milliseconds, so that 120 Hz reads 8, 8, 9 ms.
    slack = max(0.2 * usual, 1.6e-3)
    variable = bool((np.abs(intervals - usual) > slack).any())
    mean = float((times[-1] - times[0]) / intervals.size)
    return 1.0 / mean if mean > 0 else 0.0, variable
