"""How long a plugin will take yet, by what it has told so far."""

from __future__ import annotations

import time
from collections.abc import Callable

_ENOUGH = 0.02, 1.0  # fraction done and s spent before a guess is worth telling
_PATIENCE = 5.0  # s after the guess has run out


class Pace:
    """Follows one plugin.

    Args:
        fraction: how far it is at first, from 0 to 1.
        clock: gives s.
    """

    def __init__(self, fraction: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begun = self._told = clock()
        self._first = self._fraction = fraction

    def reach(self, fraction: float) -> None:
        """It is so far now."""
        if fraction != self._fraction:
            self._fraction, self._told = fraction, self._clock()

    @property
    def left(self) -> float | None:
        """s that it will take yet: fewer from second to second, and never fewer than 0; None while that cannot be told."""
        expected = self._expected
        if expected is None or self.late:
            return None
        return max(0.0, expected - self._silent)

    @property
    def late(self) -> bool:
        """Whether it has been silent for longer than all was to take: nobody knows how long it will be."""
        return self._expected is not None and self._silent > self._expected + _PATIENCE

    @property
    def _expected(self) -> float | None:
        """s that were left when it spoke last."""
        done, spent = self._fraction - self._first, self._told - self._begun
        if done < _ENOUGH[0] or spent < _ENOUGH[1]:
            return None
        return spent * (1.0 - self._fraction) / done

    @property
    def _silent(self) -> float:
        return self._clock() - self._told
