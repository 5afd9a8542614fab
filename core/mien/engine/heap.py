"""Memory that was freed goes back to the system, so that an analysis of hours holds hardly more than one of minutes."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from time import monotonic

EVERY = 15.0
"""Seconds between two calls that do something: each costs tens of milliseconds, and what they gave back is soon needed again."""


class Heap:
    """The C library's heap of this process.

    Blocks of pictures, sound and activations come and go beside small results that stay, from several threads. The holes
    between those are not all used again: glibc keeps them, and over two hours they came to a fifth of the whole.

    Args:
        every: s between two calls that do something.
    """

    def __init__(self, every: float = EVERY) -> None:
        self._every = every
        self._due = monotonic() + every
        self._lock = threading.Lock()
        self._trim = _trimmer()

    def tidy(self) -> None:
        """Give back what lies free, unless that was done a moment ago. To be called now and then, by any thread."""
        now = monotonic()
        with self._lock:
            if self._trim is None or now < self._due:
                return
            self._due = now + self._every
        self._trim(0)  # without Python's lock, as all of ctypes: the branches go on


def _trimmer() -> Callable[[int], int] | None:
    """`malloc_trim(3)`, where there is one: other C libraries need none."""
    if sys.platform != "linux":
        return None
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is None:
        return None
    trim.argtypes, trim.restype = [ctypes.c_size_t], ctypes.c_int
    return trim  # type: ignore[no-any-return]
