"""From what the user named to the list of media."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mien.batch.find import SUFFIXES


def collect(paths: Iterable[Path]) -> list[Path]:
    """Files as named, folders as the media in them (all levels, hidden ones left out), each file once, in order."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = (p for p in path.rglob("*") if not any(part.startswith(".") for part in p.relative_to(path).parts))
            found.update(dict.fromkeys(sorted(p for p in inside if p.suffix.lower() in SUFFIXES and p.is_file())))
        else:
            found[path] = None
    return list(found)
