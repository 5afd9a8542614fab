"""Sound between the decoder and the device: written ahead, read in real time, silence where it comes too late."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

CHANNELS = 2


class Ring:
    """Stereo float samples, numbered from 0 since `reset`. One thread writes, another reads and never waits.

    Args:
        capacity: samples that are kept ahead.
    """

    def __init__(self, capacity: int) -> None:
        self._buffer = np.zeros((capacity, CHANNELS), np.float32)
        self._space = threading.Condition()
        self._written = self._read = 0
        self._missing = 0
        self._ended = False
        self._run = 0
        self._gain = self._last_gain = 1.0

    @property
    def run(self) -> int:
        """Number of the present run; what another one's writer brings is refused."""
        return self._run

    @property
    def delivered(self) -> int:
        """Samples read since `reset`, silence among them."""
        return self._read

    @property
    def ahead(self) -> int:
        """Samples that wait to be read."""
        return max(0, self._written - self._read)

    @property
    def missing(self) -> int:
        """Samples that came too late since `reset`."""
        return self._missing

    @property
    def ended(self) -> int | None:
        """How many samples the run has in all, once its writer is through."""
        return self._written if self._ended else None

    def set_gain(self, gain: float) -> None:
        """Loudness as a factor from the next read on; it is faded, so that nothing clicks."""
        self._gain = gain

    def reset(self) -> int:
        """Forget everything; the number of the new run, for its writer."""
        with self._space:
            self._written = self._read = self._missing = 0
            self._ended = False
            self._run += 1
            self._space.notify_all()
            return self._run

    def write(self, samples: Samples, run: int, halted: Callable[[], bool]) -> bool:
        """Append samples (n, 2); waits for room. False when the run is over."""
        done = 0
        while done < len(samples):
            with self._space:
                room = len(self._buffer) - (self._written - self._read)
                while room <= 0 and run == self._run and not halted():
                    self._space.wait(0.1)
                    room = len(self._buffer) - (self._written - self._read)
                if run != self._run or halted():
                    return False
                part = samples[done : done + room]
                done += len(part)
                late = min(len(part), max(0, self._read - self._written))
                self._written += late  # its time has passed: silence stood for it
                part = part[late:]
                at = self._written % len(self._buffer)
                first = part[: len(self._buffer) - at]
                self._buffer[at : at + len(first)] = first
                self._buffer[: len(part) - len(first)] = part[len(first) :]
                self._written += len(part)
        return True

    def finish(self, run: int) -> None:
        """Nothing more comes in this run."""
        with self._space:
            if run == self._run:
                self._ended = True

    def wake(self) -> None:
        """Let a waiting writer look whether it is halted."""
        with self._space:
            self._space.notify_all()

    def read(self, count: int) -> Samples:
        """The next `count` samples (count, 2), at the present loudness."""
        out = np.zeros((count, CHANNELS), np.float32)
        with self._space:
            there = min(count, max(0, self._written - self._read))
            at = self._read % len(self._buffer)
            first = min(there, len(self._buffer) - at)
            out[:first] = self._buffer[at : at + first]
            out[first:there] = self._buffer[: there - first]
            self._read += count
            if not self._ended:
                self._missing += count - there
            self._space.notify_all()
            old, self._last_gain = self._last_gain, self._gain
        if old != self._last_gain:
            out *= np.linspace(old, self._last_gain, count, dtype=np.float32)[:, None]
        elif old != 1.0:
            out *= np.float32(old)
        return out
