"""Models that stay loaded from one medium to the next, in processes that analyse many."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
MOST = 8
"""How many models are held; the one that has not been asked for the longest goes first."""

_Key = tuple[Hashable, ...]
_held: OrderedDict[_Key, Any] = OrderedDict()
_loading: dict[_Key, threading.Lock] = {}
_lock = threading.Lock()
_on = False


def hold_models() -> None:
    """From now on this process holds models; others load each anew, and have their memory back when nobody uses it."""
    global _on
    _on = True


def held(load: Callable[..., T], folder: Path, *more: Hashable) -> T:
    """`load(folder, *more)`, or what it gave before, as long as the folder's files are the same.

    What is held is used by one run after the other: nothing of a run may stay in it (its context, notes, what was heard), and
    who moves it to another device calls `let_go` first. Errors of `load` pass through.

    Args:
        folder: of the model.
        more: what else the outcome depends on (device, precision).
    """
    if not _on:
        return load(folder, *more)
    key = (load.__module__, load.__qualname__, str(folder), _state(folder), *more)
    with _lock:
        loading = _loading.setdefault(key, threading.Lock())
    with loading:  # who wants the same one waits for it
        with _lock:
            if key in _held:
                _held.move_to_end(key)
                known: T = _held[key]
                return known
        model = load(folder, *more)
        with _lock:
            _held[key] = model
            if len(_held) > MOST:
                _loading.pop(_held.popitem(last=False)[0], None)
        return model


def let_go() -> None:
    """Hold nothing of what was loaded so far: a device is out of memory, or a model is moved away from it."""
    with _lock:
        _held.clear()


def _state(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Name, size and date of each of its files."""
    try:
        with os.scandir(folder) as entries:
            found = [(entry.name, entry.stat()) for entry in entries]
    except OSError:
        return ()  # loading will say what is wrong
    return tuple(sorted((name, status.st_size, status.st_mtime_ns) for name, status in found))
