"""Where the files of a scan go: exports in folders like those of the media, each name taken once."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from mien.batch.find import MARKER, Found
from mien.errors import ExportError, StorageError, UsageError, shown
from mien.exchange.staging import PART
from mien.exchange.text import safe_name, unique_stems
from mien.locks import lock


class Places:
    """Folder and stem of each file's exports.

    Args:
        out: the folder for everything.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._roots: dict[Path, str] = {}
        self._places: dict[Path, tuple[Path, str]] = {}
        self._taken: set[str] = set()

    def add(self, files: Iterable[Found]) -> None:
        """Give places to files; those that have one keep it."""
        groups: dict[Path, list[Path]] = {}
        new = [found for found in files if found.path not in self._places]
        for root in dict.fromkeys(found.root for found in new):
            if root not in self._roots:
                name = safe_name(root.name, "media")
                taken = {n.casefold() for n in self._roots.values()}
                self._roots[root] = _free(name, taken)
        for found in new:
            parts = [safe_name(part) for part in found.inside.parts[:-1]]
            groups.setdefault(Path(self._roots[found.root], *parts), []).append(found.path)
        for folder, paths in groups.items():
            for path, stem in unique_stems(paths).items():
                stem = _free(stem, self._taken, f"{folder}/")
                self._taken.add(f"{folder}/{stem}".casefold())
                self._places[path] = (folder, stem)

    def of(self, found: Found) -> tuple[Path, str]:
        """Folder and stem. Where only one folder was named, its own name is no part of it."""
        folder, stem = self._places[found.path]
        if len(self._roots) == 1:
            folder = Path(*folder.parts[1:])
        return self._out / folder, stem

    def check(self, found: Found) -> None:
        """A link that somebody put where a folder of exports belongs could lead anywhere.

        Raises:
            ExportError: there is one.
        """
        folder, _ = self.of(found)
        for place in (folder, *folder.parents):
            if place == self._out:
                return
            if place.is_symlink():
                raise ExportError(f"There is a link where the folder belongs; remove it: {shown(place)}")


class OutFolder:
    """The folder that a scan writes to, held for this scan alone until it is closed.

    Raises:
        UsageError: it is a file, or another scan writes there.
        StorageError: it cannot be made or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.exists() and not path.is_dir():
            raise UsageError(f"--out must name a folder, and this is a file: {shown(path)}")
        try:
            path.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
            self._file: IO[bytes] = os.fdopen(os.open(path / MARKER, flags, 0o666), "ab")
        except OSError as error:
            raise StorageError(f"The folder cannot be written ({error.strerror}): {shown(path)}") from error
        try:
            lock(self._file)
        except (BlockingIOError, PermissionError) as error:  # the second is what Windows says
            self._file.close()
            raise UsageError(
                f"Another scan writes to this folder; wait for it or name another one: {shown(path)}"
            ) from error
        except OSError:
            pass  # this file system has no locks

    def __enter__(self) -> OutFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def sweep(folder: Path) -> None:
    """Remove what a killed scan or export was writing into a folder; the folder must be this scan's alone."""
    try:
        left = [name for name in os.listdir(folder) if PART.match(name)]
    except OSError:
        return
    for name in left:
        path = folder / name
        with contextlib.suppress(OSError):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def usual_out(paths: Iterable[Path]) -> Path:
    """The folder that is written to when none was named: here, called after what is scanned."""
    first = Path(os.path.abspath(next(iter(paths))))
    return Path.cwd() / f"{safe_name(first.stem if first.is_file() else first.name, 'media')}-mien"


def _free(name: str, taken: set[str], before: str = "") -> str:
    candidate, n = name, 1
    while f"{before}{candidate}".casefold() in taken:
        n += 1
        candidate = f"{name}-{n}"
    return candidate
