"""Where Mien keeps things and how much that is; copying a library. No widgets; called from the background thread."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from mien import config
from mien.errors import Cancelled, LibraryError, StorageError
from mien.library.library import Library
from mien.models import store

_PAGES = 1024
"""Pages of 4 KiB that are copied between two looks at whether to go on."""


@dataclass(frozen=True)
class Place:
    """A folder (or file) of Mien's.

    Args:
        name: for people; path: where it is; size: bytes in it, 0 when it is not there yet.
    """

    name: str
    path: Path
    size: int = 0

    @property
    def folder(self) -> Path:
        """The nearest folder that is there, for a file manager."""
        path = self.path
        while not path.is_dir() and path != path.parent:
            path = path.parent
        return path


def is_url(place: str) -> bool:
    """Whether a library's place is a database's address and no file."""
    return "://" in place


def library_size(place: str) -> int:
    """Bytes of a library's file and of what SQLite keeps beside it; 0 for a server's."""
    if is_url(place):
        return 0
    return sum(_file_size(Path(place + end)) for end in ("", "-wal", "-shm"))


def places() -> list[Place]:
    """Settings, models, logs and what can be made again, with their sizes."""
    known = (
        ("Settings", config.settings_path()),
        ("Models", store.user_models()),
        ("Logs", config.log_dir()),
        ("Cache", config.cache_dir()),
    )
    return [Place(name, path, size_of(path)) for name, path in known]


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files under a folder; what may not be read counts nothing."""
    if not path.is_dir():
        return _file_size(path)
    return sum(_file_size(Path(root) / name) for root, _, names in os.walk(path) for name in names)


def check(place: str) -> list[str]:
    """What is wrong with a library, in the database's own words; empty when all is well."""
    with Library(place) as library:
        return library.verify()


def compact(place: str) -> tuple[int, int]:
    """Merge and shrink a library; gives its bytes before and after."""
    before = library_size(place)
    with Library(place) as library:
        library.compact()
    return before, library_size(place)


def resolved(place: str) -> str:
    """A library's place in full: `~` and relative paths are nothing that another process would read alike."""
    return place if is_url(place) else str(Path(place).expanduser().absolute())


def prepare(place: str, copy_from: str = "", stopped: Callable[[], bool] = lambda: False) -> bool:
    """See that a library can be kept there; a new one begins as a copy of another where that is asked for.

    Args:
        stopped: asked while it is copied: is that to end? Nothing of the copy stays then.

    Returns:
        Whether it was copied.

    Raises:
        LibraryError: it cannot be opened, or is no library.
        StorageError: the copy could not be written.
        Cancelled: it was stopped.
    """
    target = None if is_url(place) else Path(resolved(place))
    if target is not None and target.is_dir():
        raise LibraryError(f"This is a folder; name a file in it, such as library.db: {target}")
    copied = bool(copy_from) and target is not None and not target.exists() and Path(copy_from).is_file()
    if copied and target is not None:
        _copy(Path(copy_from), target, stopped)
    Library(str(target) if target is not None else place).close()
    return copied


def _copy(source: Path, target: Path, stopped: Callable[[], bool]) -> None:
    """With SQLite's own backup, which is right also while somebody writes."""
    part = target.with_name(target.name + ".part")

    def look_up(*_: int) -> None:
        if stopped():
            raise Cancelled("The library was not moved; the present one stays in use.")

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(part)) as new:
            old.backup(new, pages=_PAGES, progress=look_up, sleep=0.0)
        part.replace(target)
    except Cancelled:
        part.unlink(missing_ok=True)
        raise
    except (OSError, sqlite3.Error) as error:
        part.unlink(missing_ok=True)
        detail = getattr(error, "strerror", None) or str(error)
        raise StorageError(
            f"The library could not be copied ({detail}); the present one stays in use: {target}"
        ) from error


def _file_size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
