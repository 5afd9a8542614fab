"""Looks at files in threads of their own: a drive that is asleep, or a network that is gone, holds up no window."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QObject, Qt, Signal, Slot

T = TypeVar("T")
FILE, FOLDER, GONE = "file", "folder", ""
PATIENCE = 0.06
"""s that the window waits for what nearly always is known in less than one thousandth of that."""
_LEAVE = 0.5  # s that closing waits for the threads


def kind_of(path: str | Path) -> str:
    """FILE, FOLDER, or GONE for everything else and what may not be looked at."""
    if os.path.isfile(path):
        return FILE
    return FOLDER if os.path.isdir(path) else GONE


def within(look: Callable[[], T], otherwise: T, seconds: float = PATIENCE) -> T:
    """What `look` returns, or `otherwise` when it takes longer or fails; it goes on in its thread then, unheard."""
    found: list[T] = []

    def run() -> None:
        with contextlib.suppress(OSError):
            found.append(look())

    thread = threading.Thread(target=run, name="mien-look", daemon=True)
    thread.start()
    thread.join(seconds)
    return found[0] if found else otherwise


@dataclass(eq=False)
class _Look:
    """One look at a path, who waits for it, and who has asked since: what it finds may be older than that."""

    name: str
    waiting: list[Callable[[str], None]]
    since: list[Callable[[str], None]] = field(default_factory=list)
    kind: str | None = None
    thread: threading.Thread | None = None

    def wait(self, seconds: float) -> bool:
        """Whether it is known within so many s."""
        assert self.thread is not None
        until = time.monotonic() + seconds
        while self.kind is None and (left := until - time.monotonic()) > 0:
            self.thread.join(left)
        return self.kind is not None


class FileLook(QObject):
    """Tells what is at a path. One that does not answer keeps one thread waiting, however often it is asked."""

    _answered = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._known: dict[str, str] = {}
        self._looks: dict[str, _Look] = {}
        self._closed = False
        self._answered.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def known(self, path: str | Path) -> str | None:
        """What was there when it was looked at last; None before that."""
        return self._known.get(str(path))

    def ask(self, path: str | Path, then: Callable[[str], None], patience: float = 0.0) -> bool:
        """Call `then` with FILE, FOLDER or GONE in this thread: at once if that is known within `patience` s, otherwise
        from the event loop. Returns whether it has been called.
        """
        name = str(path)
        if self._closed:
            return False
        before = self._looks.get(name)
        if before is not None:
            before.since.append(then)
            if not (patience and before.wait(patience)):
                return False
            self._deliver(before)  # begins the next one
        else:
            self._start(_Look(name, [then]))
        look = self._looks[name]
        if not (patience and look.wait(patience)):
            return False
        self._deliver(look)
        return True

    def close(self) -> None:
        """Nothing is told any more; threads that still wait for a drive are left to themselves."""
        self._closed = True
        until = time.monotonic() + _LEAVE
        for look in self._looks.values():
            look.wait(until - time.monotonic())
        self._looks.clear()

    def _start(self, look: _Look) -> None:
        def run() -> None:
            look.kind = kind_of(look.name)
            with contextlib.suppress(RuntimeError):  # the window has gone meanwhile
                self._answered.emit(look)

        self._looks[look.name] = look
        look.thread = threading.Thread(target=run, name="mien-look", daemon=True)
        look.thread.start()

    @Slot(object)
    def _deliver(self, look: _Look) -> None:
        if self._looks.get(look.name) is not look or self._closed or look.kind is None:
            return
        del self._looks[look.name]
        self._known[look.name] = look.kind
        if look.since:
            self._start(_Look(look.name, look.since))
        for then in look.waiting:
            then(look.kind)
