"""Which files have stopped growing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from mien.batch.find import Found

Mark = tuple[str, str]


class Settling:
    """Lets a file pass once it looked the same for a while.

    Args:
        seconds: how long.
        clock, now: give s, from anywhere and since 1970.
    """

    def __init__(
        self, seconds: float, clock: Callable[[], float] = time.monotonic, now: Callable[[], float] = time.time
    ) -> None:
        self._seconds, self._clock, self._now = seconds, clock, now
        self._first: dict[Path, tuple[Mark, float]] = {}
        self._passed: dict[Path, Mark] = {}

    def ready(self, files: Iterable[Found], *, by_date: bool = False) -> list[Found]:
        """Those that are new or changed, and have settled; each is told once in each state.

        Args:
            by_date: at the first look, go by when a file was written last.
        """
        files = list(files)
        there = {found.path for found in files}
        self._first = {path: seen for path, seen in self._first.items() if path in there}
        ready = []
        for found in files:
            mark = (found.signature, found.side_cars)
            if self._passed.get(found.path) == mark:
                continue
            seen, since = self._first.get(found.path, (None, 0.0))
            if seen != mark:
                since = self._clock()
                self._first[found.path] = (mark, since)
            if self._clock() - since >= self._seconds or (by_date and self._is_old(found)):
                self._passed[found.path] = mark
                ready.append(found)
        return ready

    def is_waiting(self) -> bool:
        """Whether something is there that has not passed."""
        return any(self._passed.get(path) != mark for path, (mark, _) in self._first.items())

    def _is_old(self, found: Found) -> bool:
        try:
            return self._now() - found.path.stat().st_mtime >= self._seconds
        except OSError:
            return True  # looking into it will say what is wrong
