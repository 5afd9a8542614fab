"""Readings from the first second to the last: windows are cut short at both ends of a medium."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.sdk import Windows

SLACK = 1e-6


@dataclass(frozen=True)
class Part:
    """Sound to read. time: the middle of its whole window, start: of its first sample (s)."""

    time: float
    start: float
    sound: NDArray[np.float32]


class Edges:
    """Adds to the host's windows those whose middle lies in the medium though half of them does not.

    A window's reading belongs to its middle, so whole windows alone would leave half a window without
    readings at either end, and a medium that is shorter than a window with one.
    """

    def __init__(self, hop: float) -> None:
        self._hop = hop
        self._last: tuple[float, float, int, NDArray[np.float32]] | None = None

    def parts(self, windows: Windows) -> Iterator[Part]:
        """The windows of a block in order, each without its padding."""
        half, rate = windows.length / 2, windows.rate
        for begin, samples, valid in zip(windows.starts.tolist(), windows.samples, windows.valid, strict=True):
            sound = samples[: int(valid)]
            end = begin + len(sound) / rate
            if self._last is None:
                for back in range(int((half + SLACK) / self._hop), 0, -1):
                    time = begin + half - back * self._hop
                    if time <= end + SLACK:
                        yield Part(time, begin, sound[: round((time - begin + half) * rate)])
            if begin + half <= end + SLACK:
                yield Part(begin + half, begin, sound)
            self._last = (begin, half, rate, sound.copy())

    def rest(self) -> Iterator[Part]:
        """Behind the last window's middle, to the end of the medium."""
        if self._last is None:
            return
        begin, half, rate, sound = self._last
        end = begin + len(sound) / rate
        time = begin + half + self._hop
        while time <= end + SLACK:
            cut = round((time - half - begin) * rate)
            yield Part(time, begin + cut / rate, sound[cut:])
            time += self._hop
