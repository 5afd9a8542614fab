"""The time while playing: how it goes on, and how it maps to the medium when a selection is looped."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic

# Differences from the sound's own time below this are taken out smoothly, above it at once, s.
_SMOOTH = 0.08
_SHARE = 0.08

SHORTEST_LOOP = 0.05
"""A selection shorter than this is not looped, s."""


@dataclass(frozen=True)
class Course:
    """How play time maps to the medium. Play time begins as the place in the medium and only grows; behind the
    loop's end it goes round.

    Args:
        begin: where playing begins, s.
        loop: (a, b) in s, or None. Playing from behind b never comes round.
    """

    begin: float
    loop: tuple[float, float] | None = None

    @property
    def wraps(self) -> bool:
        """Whether playing goes round."""
        return self.loop is not None and self.begin < self.loop[1] - 1e-6

    def media(self, play: float) -> float:
        """Place in the medium at play time, s."""
        if not self.wraps:
            return play
        assert self.loop is not None
        a, b = self.loop
        return play if play < b else a + (play - b) % (b - a)

    def laps(self) -> Iterator[tuple[float, float, float | None]]:
        """What is played after each other: (play time, from, to) in s; to None: to the end of the medium."""
        if not self.wraps:
            yield self.begin, self.begin, None
            return
        assert self.loop is not None
        a, b = self.loop
        yield self.begin, self.begin, b
        play = b
        while True:
            yield play, a, b
            play += b - a


class PlayClock:
    """Play time, from any thread. Monotonic, at `rate` times real time; sound may correct it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._play = 0.0
        self._since: float | None = None
        self._rate = 1.0

    @property
    def running(self) -> bool:
        """Whether time passes."""
        return self._since is not None

    def hold(self, play: float) -> None:
        """Stand at a play time, s."""
        with self._lock:
            self._play, self._since = play, None

    def run(self, rate: float) -> None:
        """Go on from where it stands."""
        with self._lock:
            self._since, self._rate = monotonic(), rate

    def now(self) -> float:
        """Play time, s."""
        with self._lock:
            return self._now()

    def correct(self, heard: float) -> None:
        """Follow what is heard: play time in s by the sound device."""
        with self._lock:
            if self._since is None:
                return
            now = self._now()
            wrong = heard - now
            share = 1.0 if abs(wrong) > _SMOOTH * max(1.0, self._rate) else _SHARE
            self._play, self._since = now + share * wrong, monotonic()

    def _now(self) -> float:
        return self._play if self._since is None else self._play + (monotonic() - self._since) * self._rate
