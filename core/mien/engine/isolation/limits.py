"""What a plugin of others may take, and one request to it on its way."""

from __future__ import annotations

import time
from dataclasses import dataclass

from mien.engine.context import RunContext
from mien.errors import shown

STARTING, CLOSING = "starting", "closing"
_START = 60.0
_CLOSE = 2.0


@dataclass(frozen=True)
class Limits:
    """What a plugin may take.

    Args:
        seconds: without a sign of life in one call.
        memory: bytes, with all that it started; 0 for no limit.
        processes: that it may have started at a time.
    """

    seconds: float = 120.0
    memory: int = 0
    processes: int = 64

    def silence(self, doing: str) -> float:
        """Seconds without a sign of life that are allowed meanwhile. Starting is mostly Mien's own time; nobody waits for a
        plugin that closes."""
        return max(self.seconds, _START) if doing == STARTING else _CLOSE if doing == CLOSING else self.seconds


@dataclass(frozen=True)
class Launch:
    """What a child is started with.

    Args:
        plugin: id. module: that offers it.
        python: the interpreter, of Mien's environment or of the plugin's own.
        path: where modules are looked for besides the interpreter's own places.
    """

    plugin: str
    module: str
    python: str
    path: tuple[str, ...] = ()


class Call:
    """One request on its way: since when, and what was seen of it."""

    def __init__(self, doing: str, context: RunContext | None) -> None:
        self.doing, self.context = doing, context
        self.begun = self.seen = time.monotonic()
        self.life = b""
        self.stopped = 0.0
        self.answers = self.bytes = 0

    def rest(self) -> None:
        """The host took its time over a piece; that is not the plugin's."""
        now = time.monotonic()
        self.begun += max(0.0, now - self.seen)
        self.seen = now


class OutOfMemory(RuntimeError):
    """A plugin ran out of a GPU's memory; its text says so, as torch's does."""


def plain(text: object, longest: int) -> str:
    """A text of the plugin's on one line, without control characters."""
    return shown(" ".join(str(text)[: 4 * longest].split()))[:longest]
