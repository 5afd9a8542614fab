"""From what the user named to the list of media."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from mien.batch.find import SUFFIXES


def collect(paths: Iterable[Path]) -> list[Path]:
    """Files as named, folders as the media in them (all levels, hidden ones left out), each file once, in order.

    Folders inside that may not be read are among them, for whoever opens them to say so; so are, behind the media, named
    folders that hold none, unless there is no medium at all.
    """
    found: dict[Path, None] = {}
    bare: list[Path] = []
    for path in paths:
        media = sorted(_inside(path)) if os.path.isdir(path) else [path]
        found.update(dict.fromkeys(media))
        if not media:
            bare.append(path)
    return [*found, *bare] if found else []


def _inside(folder: Path) -> Iterator[Path]:
    shut: list[Path] = []
    for place, folders, files in os.walk(folder, onerror=lambda error: shut.append(Path(error.filename))):
        folders[:] = [name for name in folders if not name.startswith(".")]
        visible = (Path(place, name) for name in files if not name.startswith("."))
        yield from (path for path in visible if path.suffix.lower() in SUFFIXES and path.is_file())
    yield from shut
