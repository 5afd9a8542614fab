"""How many of the CPU's threads each branch may keep busy, so that they do not fight for the cores."""

from __future__ import annotations

import os
import sys
import threading


class Share:
    """Branches work side by side, each with its share; one that ends leaves its share to the others.

    Args:
        threads: of all together.
        branches: how many begin.
    """

    def __init__(self, threads: int, branches: int) -> None:
        self._threads, self._branches = threads, branches
        self._lock = threading.Lock()
        self._mine = threading.local()
        self._first = self.size
        os.environ["OMP_NUM_THREADS"] = str(self._first)  # for plugins that load torch later than now
        _limit_torch(self._first)

    @property
    def size(self) -> int:
        """Threads of each branch that has not ended."""
        with self._lock:
            return max(1, self._threads // max(1, self._branches))

    def take(self) -> None:
        """Called by a branch's thread before it computes: from here on it uses what is its share by now."""
        size = self.size
        if size != getattr(self._mine, "size", self._first) and _limit_torch(size):
            self._mine.size = size

    def leave(self) -> None:
        """A branch has ended."""
        with self._lock:
            self._branches -= 1


def _limit_torch(threads: int) -> bool:
    """Limit torch in this thread, and in those that begin to use it later; False where nobody has loaded it yet."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "set_num_threads"):  # or it is just being loaded
        return False
    torch.set_num_threads(threads)
    return True
