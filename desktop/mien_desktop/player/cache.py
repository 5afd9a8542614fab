"""Frames near the playhead, so that stepping back is at once."""

from __future__ import annotations

from bisect import bisect_right, insort

from mien_desktop.player.index import EPS
from mien_desktop.player.picture import Frame


class FrameCache:
    """Holds frames up to a number of bytes; the one farthest from the playhead goes first.

    Args:
        budget: bytes.
    """

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.focus = 0.0
        self._times: list[float] = []
        self._frames: dict[float, Frame] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._times)

    @property
    def bytes(self) -> int:
        """What the images take."""
        return self._bytes

    def clear(self) -> None:
        """Forget all."""
        self._times, self._frames, self._bytes = [], {}, 0

    def put(self, frame: Frame) -> None:
        """Keep a frame; others may go for it."""
        if frame.time in self._frames:
            self._bytes -= self._frames[frame.time].image.sizeInBytes()
        else:
            insort(self._times, frame.time)
        self._frames[frame.time] = frame
        self._bytes += frame.image.sizeInBytes()
        while self._bytes > self.budget and len(self._times) > 1:
            far = 0 if self.focus - self._times[0] > self._times[-1] - self.focus else -1
            self._bytes -= self._frames.pop(self._times.pop(far)).image.sizeInBytes()

    def at(self, time: float) -> Frame | None:
        """The frame whose interval contains `time` (s)."""
        n = bisect_right(self._times, time + EPS) - 1
        if n < 0:
            return None
        frame = self._frames[self._times[n]]
        return frame if frame.last or time < frame.end - EPS else None
