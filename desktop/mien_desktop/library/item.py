"""One medium of the queue, and the file in which the queue outlives the window."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from mien.config import config_dir

_log = logging.getLogger(__name__)
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
    """

    path: Path
    state: State = "waiting"
    reason: str = ""
    progress: float = 0.0
    left: float | None = None
    seconds: float | None = None

    @property
    def open(self) -> bool:
        """Whether something is still to be done."""
        return self.state in ("waiting", "running", "paused")


def path() -> Path:
    """Where the queue is kept."""
    return config_dir() / "queue.json"


def load(place: Path) -> list[QueueItem]:
    """The items that were kept; what cannot be read is left out, for no such file may keep the window shut."""
    try:
        stored = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    rows = stored.get("items") if isinstance(stored, dict) else None
    found = [_item(row) for row in rows] if isinstance(rows, list) else []
    return list({item.path: item for item in found if item is not None}.values())


def save(items: Sequence[QueueItem], place: Path) -> None:
    """Keep them, whole or not at all; a folder that may not be written is logged."""
    rows = [{"path": str(i.path), "state": i.state, "reason": i.reason, "seconds": i.seconds} for i in items]
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=place.parent, prefix=".queue-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"items": rows}, file, indent=1)  # ASCII only, so that names that are no UTF-8 survive
        os.replace(name, place)
    except OSError:
        _log.warning("the queue could not be kept", exc_info=True)


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
    )
