"""Cut a stream of speech probabilities into utterances at pauses. Pure bookkeeping, no model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Cutting:
    """How utterances are cut; all times in seconds.

    Args:
        hop: time from one probability to the next.
        threshold: speech begins at this probability; it goes on down to `threshold` − 0.15 (hysteresis).
        min_pause: a pause this long ends an utterance.
        min_speech: shorter utterances are dropped.
        max_utterance: longer ones are cut where speech is least probable in their second half.
        padding: added on both sides, never into a neighbour and at most half the shortest pause.
    """

    hop: float
    threshold: float = 0.4
    min_pause: float = 0.4
    min_speech: float = 0.2
    max_utterance: float = 15.0
    padding: float = 0.1

    @property
    def release(self) -> float:
        """Below this probability a chunk counts as pause."""
        return max(self.threshold - 0.15, 0.01)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A closed utterance: start and end in seconds, score its mean speech probability."""

    start: float
    end: float
    score: float


class Segmenter:
    """Streaming: each call takes the next probabilities and answers with the utterances that they closed.

    Args:
        cutting: the rules.
        origin: time of the first probability's chunk, in seconds.
    """

    def __init__(self, cutting: Cutting, origin: float = 0.0) -> None:
        self._cut = cutting
        self._origin = origin
        self._next = 0  # index of the next chunk
        self._begin = 0  # index of the open utterance's first chunk
        self._open: list[float] = []  # its probabilities; empty between utterances
        self._silent = 0  # chunks below the release threshold at its end
        self._severed = False  # it is the rest of one that was too long: keep it however short
        self._floor = origin  # no utterance may start before this time
        self._pause = max(1, round(cutting.min_pause / cutting.hop))
        self._longest = max(4, int(cutting.max_utterance / cutting.hop))

    @property
    def open_since(self) -> float | None:
        """Start of the utterance that is still open (padding included), or None."""
        if not self._open:
            return None
        return max(self._floor, self._time(self._begin) - self._padding)

    def push(self, probabilities: npt.NDArray[np.float32]) -> list[Stretch]:
        """The utterances that the next chunks, of `probabilities` (n,), closed."""
        closed: list[Stretch] = []
        for value in probabilities.tolist():
            index, self._next = self._next, self._next + 1
            if not self._open:
                if value < self._cut.threshold:
                    continue
                self._begin, self._silent, self._severed = index, 0, False
            self._open.append(value)
            self._silent = self._silent + 1 if value < self._cut.release else 0
            if self._silent >= self._pause:
                closed += self._close(len(self._open) - self._silent)
                self._open = []
            elif len(self._open) >= self._longest:
                closed += self._sever()
        return closed

    def flush(self, end: float) -> list[Stretch]:
        """The signal ends at `end` seconds: the utterance that was still open, if any."""
        closed = self._close(len(self._open) - self._silent, end) if self._open else []
        self._open = []
        return closed

    @property
    def _padding(self) -> float:
        return min(self._cut.padding, self._cut.min_pause / 2)

    def _time(self, index: int) -> float:
        return self._origin + index * self._cut.hop

    def _close(self, length: int, limit: float = float("inf")) -> list[Stretch]:
        """The open utterance's first `length` chunks, padded, ending at `limit` at the latest."""
        if length <= 0 or (length * self._cut.hop < self._cut.min_speech and not self._severed):
            return []
        start = max(self._floor, self._time(self._begin) - self._padding)
        end = min(limit, self._time(self._begin + length) + self._padding)
        if end <= start:
            return []
        self._floor = end
        return [Stretch(start, end, float(np.mean(self._open[:length])))]

    def _sever(self) -> list[Stretch]:
        """Close the too long utterance at its least speech-like chunk; what follows stays open."""
        values = np.asarray(self._open)
        half = len(values) // 2
        smooth = np.convolve(values, np.full(3, 1 / 3), mode="same")
        point = half + int(np.argmin(smooth[half:-1]))
        speech = np.flatnonzero(values >= self._cut.release)
        before, after = speech[speech < point], speech[speech >= point]
        length = int(before[-1]) + 1 if before.size else point
        closed = self._close(length, self._time(self._begin + point))
        if not after.size:
            self._open = []
            return closed
        first = int(after[0])
        self._begin += first
        self._open = self._open[first:]
        self._severed = True
        return closed
