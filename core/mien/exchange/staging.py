"""Half-written exports: each is noted until it has its place, so that the next one clears what a killed one left behind."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from mien.config import cache_dir
from mien.locks import lock

log = logging.getLogger(__name__)

PART = re.compile(r"\.part-[0-9a-f]{8}-")
"""How names begin under which exports are written before they take their place."""


@contextlib.contextmanager
def noted(staged: Path) -> Iterator[None]:
    """Note that this file or folder is being written, as long as this process lives; at the end it is removed if it is there.

    Where no note can be kept, what is written is the same.
    """
    place, note = _notes() / staged.name, None
    try:
        note = _note(place, staged)
        yield
    finally:
        discard(staged)
        if note is not None:
            note.close()  # first: Windows removes no file that is open
            with contextlib.suppress(OSError):
                place.unlink(missing_ok=True)


def clear(folder: Path) -> None:
    """Remove what exports that were killed have left in a folder, but for what somebody is writing there now."""
    with contextlib.suppress(OSError):
        for place in sorted(_notes().iterdir()):
            with contextlib.suppress(OSError):  # another writes it, or has just removed it
                _clear(place, Path(os.path.abspath(folder)))


def discard(path: Path) -> None:
    """Remove a file or a folder that is half-written."""
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError:
        log.warning("a temporary file stays behind: %s", path)


def _notes() -> Path:
    return cache_dir() / "exports"


def _note(place: Path, staged: Path) -> IO[bytes] | None:
    """A file that tells the path, held until it is closed; one that is empty yet tells nobody anything."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        file = place.open("xb")
    except OSError:
        return None
    try:
        lock(file, wait=True)  # it is another's for the moment that it takes to see that it is empty
        file.write(os.fsencode(os.path.abspath(staged)))
        file.flush()
    except OSError:
        file.close()
        return None
    return file


def _clear(place: Path, folder: Path) -> None:
    with place.open("r+b") as file:
        lock(file)
        staged = Path(os.fsdecode(file.read()))
    if staged.parent == folder and PART.match(staged.name):
        log.info("a killed export left this behind: %s", staged)
        discard(staged)
        place.unlink(missing_ok=True)
