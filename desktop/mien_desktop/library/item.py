"""One medium of the queue, and the file in which the queue outlives the window."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from mien.batch.find import Found, Unread, check_globs
from mien.config import config_dir
from mien.errors import UsageError
from mien_desktop.library.candidates import Watched
from mien_desktop.work.stored import read, write

_log = logging.getLogger(__name__)
MOST_WORKERS = 64
"""Per device."""
State = Literal["waiting", "running", "paused", "done", "failed"]


@dataclass(frozen=True)
class Known:
    """What the summary tells of a medium; the fields are those of `mien.batch.survey.Item`."""

    medium: str = ""
    side_car: str = ""
    runs: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    partial: str = ""


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
        root: the folder that was named, or that of a file that was named itself; None where it was kept before that was.
        known: what was found in it so far.
    """

    path: Path
    state: State = "waiting"
    reason: str = ""
    progress: float = 0.0
    left: float | None = None
    seconds: float | None = None
    mark: str = ""
    root: Path | None = None
    known: Known = Known()

    @property
    def found(self) -> Found:
        """The file as a scan knows it, not looked at."""
        return Found(self.path, self.root or self.path.parent, -1, "")

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
        unread: folders that could not be read, by the folders that were named.
        rank: what the summary was ranked by last, and `out` the folder that it was written to; or empty.
    """

    items: tuple[QueueItem, ...] = ()
    watched: tuple[Watched, ...] = ()
    workers: int | None = None
    unread: Mapping[Path, tuple[Unread, ...]] = field(default_factory=dict)
    rank: str = ""
    out: str = ""


def load(place: Path) -> Kept:
    """What was kept; what cannot be read is left out, for no such file may keep the window shut."""
    stored = read(place)
    if not isinstance(stored, dict):
        return Kept()
    items = [item for item in map(_item, _rows(stored, "items")) if item is not None]
    watched = tuple(one for one in map(_watched, _rows(stored, "watched")) if one is not None)
    workers = stored.get("workers")
    known = type(workers) is int and 1 <= workers <= MOST_WORKERS
    unread: dict[Path, tuple[Unread, ...]] = {}
    for root, folder in filter(None, map(_unread, _rows(stored, "unread"))):
        unread[root] = (*unread.get(root, ()), folder)
    return Kept(
        tuple({item.path: item for item in items}.values()),
        watched,
        workers if known else None,
        unread,
        _text(stored, "rank"),
        _text(stored, "out"),
    )


def save(kept: Kept, place: Path) -> None:
    """Keep it, whole or not at all; a folder that may not be written is logged."""
    rows = ",\n".join(
        json.dumps(_row(item)) for item in kept.items
    )  # ASCII only, so that names that are no UTF-8 survive
    others = {
        "watched": [
            {"folder": str(w.folder), "include": list(w.include), "exclude": list(w.exclude), "follow": w.follow}
            for w in kept.watched
        ],
        "workers": kept.workers,
        "unread": [
            {"root": str(root), "path": str(folder.path), "reason": folder.reason}
            for root, folders in kept.unread.items()
            for folder in folders
        ],
        "rank": kept.rank,
        "out": kept.out,
    }
    try:
        write(f'{json.dumps(others)[:-1]}, "items": [\n{rows}\n]}}\n', place)
    except OSError:
        _log.warning("the queue could not be kept", exc_info=True)


def _row(item: QueueItem) -> dict[str, Any]:
    """What is kept of a medium; what is not known is left out, for there may be thousands."""
    known = item.known
    row = {"path": str(item.path), "state": item.state, "reason": item.reason, "seconds": item.seconds}
    more = {
        "mark": item.mark,
        "root": str(item.root or ""),
        "medium": known.medium,
        "side_car": known.side_car,
        "runs": dict(known.runs),
        "failed": dict(known.failed),
        "partial": known.partial,
    }
    return row | {name: value for name, value in more.items() if value}


def _rows(stored: dict[str, Any], name: str) -> list[Any]:
    rows = stored.get(name)
    return rows if isinstance(rows, list) else []


def _item(row: Any) -> QueueItem | None:
    if not isinstance(row, dict) or not isinstance(row.get("path"), str) or row.get("state") not in get_args(State):
        return None
    path, root = Path(row["path"]), Path(_text(row, "root"))
    state: State = "paused" if row["state"] == "running" else row["state"]
    return QueueItem(
        path,
        state,
        _text(row, "reason"),
        1.0 if state == "done" else 0.0,
        seconds=_seconds(row.get("seconds")),
        mark=_text(row, "mark"),
        root=root if root.is_absolute() and root in path.parents else None,
        known=Known(
            _text(row, "medium"),
            _text(row, "side_car"),
            _texts(row, "runs"),
            _texts(row, "failed"),
            _text(row, "partial"),
        ),
    )


def _seconds(value: Any) -> float | None:
    """A length, if it is one."""
    try:
        found = float(value) if isinstance(value, int | float) else math.nan
    except OverflowError:
        return None
    return found if 0.0 <= found < math.inf else None


def _watched(row: Any) -> Watched | None:
    if not isinstance(row, dict) or not isinstance(row.get("folder"), str):
        return None
    try:
        include, exclude = _globs(row.get("include")), _globs(row.get("exclude"))
    except UsageError:
        return None
    return Watched(Path(row["folder"]), include, exclude, row.get("follow") is True)


def _unread(row: Any) -> tuple[Path, Unread] | None:
    if not isinstance(row, dict) or not all(_text(row, name) for name in ("root", "path", "reason")):
        return None
    return Path(row["root"]), Unread(Path(row["path"]), row["reason"])


def _globs(texts: Any) -> tuple[str, ...]:
    return check_globs([str(text) for text in texts]) if isinstance(texts, list) else ()


def _text(row: Mapping[str, Any], name: str) -> str:
    text = row.get(name)
    return text if isinstance(text, str) else ""


def _texts(row: Mapping[str, Any], name: str) -> dict[str, str]:
    texts = row.get(name)
    return {key: text for key, text in texts.items() if isinstance(text, str)} if isinstance(texts, dict) else {}
