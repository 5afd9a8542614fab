"""Paths that do something to whoever is to look into them: what a damaged file does to a library written in C."""

from __future__ import annotations

import os
import signal
import time


class Deadly:
    """Ends the process that receives it with a signal."""

    def __reduce__(self) -> object:
        return os.kill, (_Me(), signal.SIGSEGV)


class Endless:
    """The process that receives it never comes back."""

    def __reduce__(self) -> object:
        return time.sleep, (600,)


class _Me:
    """The id of the process that receives it."""

    def __reduce__(self) -> object:
        return os.getpid, ()


DEADLY, ENDLESS = Deadly(), Endless()
