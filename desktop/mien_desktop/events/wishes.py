"""Thresholds and least lengths that people set, on disk: one small JSON file a medium. No Qt in here."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mien.config import config_dir
from mien.errors import StorageError
from mien_desktop.events.sources import Source
from mien_desktop.work import stored

FIELDS = ("threshold", "min_length")
"""What of a rule a person sets; the rest is the run's own."""

Wish = Mapping[str, float]
"""The fields that a person set; empty where the run's own rule holds."""


def forget(medium: str, folder: Path | None = None) -> None:
    """Drop what was set for a medium that leaves the library; a file that cannot be removed harms nobody."""
    with suppress(OSError):
        file_of(medium, folder).unlink()


def file_of(medium: str, folder: Path | None = None) -> Path:
    """Where the wishes for a medium are kept; in the user's own place without a folder."""
    return (folder or config_dir() / "thresholds") / f"{quote(medium, safe='')}.json"


def load(file: Path) -> dict[Source, Wish]:
    """What was kept; what cannot be read was never set."""
    try:
        return {
            Source(str(one["track"]), str(one["channel"])): {f: _number(one[f]) for f in FIELDS if f in one}
            for one in stored.read(file)
        }
    except (ValueError, KeyError, TypeError, OverflowError):
        return {}


def _number(value: Any) -> float:
    found = float(value)
    if not math.isfinite(found):
        raise ValueError("no number")
    return found


def save(file: Path, wishes: Mapping[Source, Wish]) -> None:
    """Keep it, whole or not at all.

    Raises:
        StorageError: the folder cannot be written.
    """
    rows = [{"track": source.track, "channel": source.channel, **wish} for source, wish in wishes.items()]
    try:
        stored.write(json.dumps(rows), file)
    except OSError as error:
        raise StorageError(f"The threshold could not be kept ({error.strerror}): {file.parent}") from error
