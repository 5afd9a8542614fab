"""What a child and the processes that it started hold and are; read from /proc, so that elsewhere nothing is known."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress

_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
TOKEN = "MIEN_ISOLATED"
"""Environment variable that a child and all that it forks carry, each child with a value of its own."""


def resident(pid: int) -> int:
    """Bytes of memory that a process holds, 0 when that cannot be told."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return 0


def machine_memory() -> int:
    """Bytes of memory that there are, as far as the system and the container allow; 0 when that cannot be told."""
    found = []
    with suppress(OSError, ValueError, AttributeError):
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for place in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError), open(place, encoding="ascii") as file:
            found.append(int(file.read()))
    return min(found, default=0)


TAKEN_APART = 0.5
"""s that the system is given to take killed processes apart: those that held memory need a moment."""


class Family:
    """The processes that a child started, those that left its group included.

    Args:
        leader: the child's process; it leads a session of its own.
        token: value of `TOKEN` in its environment.
    """

    def __init__(self, leader: int, token: str) -> None:
        self._leader = leader
        self._mark = f"{TOKEN}={token}".encode()
        self._strangers: set[int] = set()

    def members(self, thorough: bool = False) -> list[int]:
        """Living processes besides the leader; `thorough` also finds those that made a session of their own."""
        try:
            there = {int(name) for name in os.listdir("/proc") if name.isdigit()}
        except OSError:
            return []
        if thorough:
            self._strangers.clear()
        self._strangers &= there
        found = []
        for pid in there - self._strangers - {self._leader, os.getpid()}:
            state, session = _stat(pid)
            if state in ("", "Z", "X"):
                continue
            if session == self._leader or (thorough and self._marked(pid)):
                found.append(pid)
            else:
                self._strangers.add(pid)
        return found

    def kill(self) -> None:
        """End the child and everything that it started."""
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._leader, signal.SIGKILL)
        self.kill_members()

    def kill_members(self) -> int:
        """End what the child started and wait a moment until it is gone; returns how many there were."""
        killed: set[int] = set()
        until = time.monotonic() + TAKEN_APART
        while strays := self.members(thorough=True):  # one that forks meanwhile is found in the next round
            for pid in strays:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            if killed.issuperset(strays):
                if time.monotonic() > until:
                    break
                time.sleep(0.005)
            elif time.monotonic() > until + TAKEN_APART:
                break
            killed.update(strays)
        return len(killed)

    def _marked(self, pid: int) -> bool:
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                return self._mark in file.read().split(b"\0")
        except OSError:
            return False


def _stat(pid: int) -> tuple[str, int]:
    """A process' state and session; an empty state when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            rest = file.read().rpartition(b")")[2].split()
        return rest[0].decode(), int(rest[3])
    except (OSError, ValueError, IndexError):
        return "", 0
