"""How far one analysis is and how long it will take yet, from the engine's events."""

from __future__ import annotations

import time
from collections.abc import Callable

from mien.engine.events import Event, Failed, Finished, Progress, Started

_ENOUGH = 0.02, 1.0  # fraction done and s spent before a guess is worth telling


class Course:
    """Follows the plugins of one medium.

    Args:
        clock: gives s.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.begun = clock()
        self._fractions: dict[str, float] = {}
        self.computes = False

    def take(self, event: Event) -> None:
        """Follow an event."""
        if isinstance(event, Started):
            # The fusion waits for all others and then takes a moment: it says nothing on how far they are.
            running = [p.id for p in event.plugins if p.state == "run" and not p.id.startswith("fusion.")]
            self._fractions = dict.fromkeys(running, 0.0)
            self.computes = bool(running)
            self.begun = self._clock()
        elif isinstance(event, Progress) and event.plugin in self._fractions:
            self._fractions[event.plugin] = event.fraction
        elif isinstance(event, Finished | Failed) and event.plugin in self._fractions:
            self._fractions[event.plugin] = 1.0

    @property
    def spent(self) -> float:
        """s since it began."""
        return self._clock() - self.begun

    @property
    def progress(self) -> float:
        """From 0 to 1."""
        return sum(self._fractions.values()) / len(self._fractions) if self._fractions else 0.0

    @property
    def left(self) -> float | None:
        """s that the slowest plugin will take yet; None while that cannot be told."""
        slowest = min(self._fractions.values(), default=0.0)
        if slowest < _ENOUGH[0] or self.spent < _ENOUGH[1]:
            return None
        return self.spent * (1.0 - slowest) / slowest
