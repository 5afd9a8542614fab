"""One medium of the queue, and the file in which the queue outlives the window."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from mien.batch.find import check_globs
from mien.config import config_dir
from mien.errors import UsageError
from mien_desktop.library.candidates import Watched

_log = logging.getLogger(__name__)
MOST_WORKERS = 64
"""Per device."""
State = Literal["waiting", "running", "paused", "done", "failed"]


@dataclass(frozen=True)
class QueueItem:
    """One medium.

    Args:
        state: "paused" was begun and goes on first.
        reason: why it failed; of one that is done what could not be read of it; or empty.
        progress: from 0 to 1.
        left: s that it will take yet, None while that is not known.
        seconds: its duration, None while that is not known.
        mark: what the file looked like when it was done; empty before.
    """

    path: Path
    state: State = "waiting"
    reason: str = ""
    progress: float = 0.0
    left: float | None = None
    seconds: float | None = None
    mark: str = ""

    @property
    def open(self) -> bool:
        """Whether something is still to be done."""
        return self.state in ("waiting", "running", "paused")


def path() -> Path:
    """Where the queue is kept."""
    return config_dir() / "queue.json"


@dataclass(frozen=True)
class Kept:
    """What of the queue is kept.

    Args:
        watched: the folders that are watched.
        workers: per device, None for what is sensible.
    """

    items: tuple[QueueItem, ...] = ()
    watched: tuple[Watched, ...] = ()
    workers: int | None = None


def load(place: Path) -> Kept:
    """What was kept; what cannot be read is left out, for no such file may keep the window shut."""
    try:
        stored = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        stored = None
    if not isinstance(stored, dict):
        return Kept()
    items = [item for item in map(_item, _rows(stored, "items")) if item is not None]
    watched = tuple(one for one in map(_watched, _rows(stored, "watched")) if one is not None)
    workers = stored.get("workers")
    known = type(workers) is int and 1 <= workers <= MOST_WORKERS
    return Kept(tuple({item.path: item for item in items}.values()), watched, workers if known else None)


def save(kept: Kept, place: Path) -> None:
    """Keep it, whole or not at all; a folder that may not be written is logged."""
    stored = {
        "items": [
            {"path": str(i.path), "state": i.state, "reason": i.reason, "seconds": i.seconds, "mark": i.mark}
            for i in kept.items
        ],
        "watched": [
            {"folder": str(w.folder), "include": list(w.include), "exclude": list(w.exclude)} for w in kept.watched
        ],
        "workers": kept.workers,
    }
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=place.parent, prefix=".queue-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(stored, file, indent=1)  # ASCII only, so that names that are no UTF-8 survive
        os.replace(name, place)
    except OSError:
        _log.warning("the queue could not be kept", exc_info=True)


def _rows(stored: dict[str, Any], name: str) -> list[Any]:
    rows = stored.get(name)
    return rows if isinstance(rows, list) else []


def _item(row: Any) -> QueueItem | None:
    if not isinstance(row, dict) or not isinstance(row.get("path"), str) or row.get("state") not in get_args(State):
        return None
    seconds = row.get("seconds")
    state: State = "paused" if row["state"] == "running" else row["state"]
    return QueueItem(
        Path(row["path"]),
        state,
        str(row.get("reason") or ""),
        1.0 if state == "done" else 0.0,
        seconds=float(seconds) if isinstance(seconds, int | float) else None,
        mark=str(row.get("mark") or ""),
    )


def _watched(row: Any) -> Watched | None:
    if not isinstance(row, dict) or not isinstance(row.get("folder"), str):
        return None
    try:
        return Watched(Path(row["folder"]), _globs(row.get("include")), _globs(row.get("exclude")))
    except UsageError:
        return None


def _globs(texts: Any) -> tuple[str, ...]:
    return check_globs([str(text) for text in texts]) if isinstance(texts, list) else ()
