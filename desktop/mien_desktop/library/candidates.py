"""From what was dropped or chosen to media that may wait in the queue. Called in a background thread; no Qt in here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mien.batch.find import SUFFIXES
from mien.errors import MienError
from mien.media.probe import probe


@dataclass(frozen=True)
class Found:
    """What a file is: its duration in s (None: it does not say), or why it is no medium."""

    path: Path
    seconds: float | None = None
    reason: str = ""


def find_media(paths: Iterable[Path], stopped: Callable[[], bool] = lambda: False) -> list[Path]:
    """Files as named, folders as the media in them at all levels (hidden ones left out), in order.

    Args:
        stopped: asked at every folder; the walk ends once it says so.
    """
    found: dict[Path, None] = {}
    for path in paths:
        path = path.absolute()
        found.update(dict.fromkeys(_inside(path, stopped) if path.is_dir() else [path]))
    return list(found)


def _inside(folder: Path, stopped: Callable[[], bool]) -> Iterator[Path]:
    for where, folders, files in os.walk(folder):
        if stopped():
            return
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield Path(where, name)


def look(path: Path) -> Found:
    """Probe a file."""
    try:
        medium = probe(path)
        medium.check()
    except MienError as error:
        return Found(path, reason=str(error))
    return Found(path, medium.duration)
