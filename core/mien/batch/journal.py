"""What earlier scans learned, so that going on costs little. A cache: what is done is what the library says is done.

The file lies in the cache folder, one for each library. It may vanish at any time; then files are looked into again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from mien.config import cache_dir

_log = logging.getLogger(__name__)
_VERSION = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS file (path BLOB PRIMARY KEY, signature TEXT, asked TEXT, data TEXT);
CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, data TEXT);
CREATE TABLE IF NOT EXISTS written (path BLOB PRIMARY KEY, key TEXT, data TEXT);
"""


@dataclass(frozen=True)
class Past:
    """What became of a file under one choice of plugins and parameters.

    Args:
        medium: id.
        runs: plugin id → key.
        seconds: its duration, None when unknown.
        skipped: plugin id → why it does not apply.
        side_car: where its subtitles were from, or empty.
        problems: what is wrong with it though it can be read.
    """

    medium: str
    runs: Mapping[str, str]
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    skipped: Mapping[str, str] = field(default_factory=dict)
    side_car: str = ""
    problems: Sequence[str] = ()


class Journal:
    """The file; used from one thread. What cannot be read or written counts as not known.

    Args:
        library: the library's place.
        path: the file, by default one of that library's own in the cache folder.
    """

    def __init__(self, library: str, path: Path | None = None) -> None:
        name = hashlib.sha256(library.encode("utf-8", "replace")).hexdigest()[:16]
        self._path = path or cache_dir() / "scans" / f"{name}.db"
        self._file: sqlite3.Connection | None = None
        for _ in range(2):
            try:
                self._open()
                return
            except (sqlite3.Error, OSError) as error:
                _log.info("the journal of scans is made anew (%s): %s", error, self._path)
                self.close()
                with contextlib.suppress(OSError):
                    self._path.unlink()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def past(self, path: Path, signature: str, asked: str) -> Past | None:
        """What became of a file, if it is still the same and the same was asked for."""
        row = self._one(
            "SELECT data FROM file WHERE path = ? AND signature = ? AND asked = ?", _key(path), signature, asked
        )
        try:
            found = None if row is None else _past().validate_python(row)
        except ValidationError:
            return None
        return found and replace(found, problems=tuple(found.problems))

    def remember(self, path: Path, signature: str, asked: str, past: Past) -> None:
        """Keep what became of a file."""
        self._write(
            "INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?)", _key(path), signature, asked, json.dumps(asdict(past))
        )

    def facts(self, key: str) -> dict[str, Any] | None:
        """What was kept under that key."""
        found = self._one("SELECT data FROM facts WHERE key = ?", key)
        return found if isinstance(found, dict) else None

    def keep_facts(self, key: str, facts: Mapping[str, Any]) -> None:
        """Keep figures of one medium."""
        self._write("INSERT OR REPLACE INTO facts VALUES (?, ?)", key, json.dumps(dict(facts)))

    def written(self, path: Path, key: str) -> list[Path] | None:
        """The exports of a file that were written from the same readings and are still there; None if they are not."""
        found = self._one("SELECT data FROM written WHERE path = ? AND key = ?", _key(path), key)
        try:
            places = [Path(os.fsdecode(bytes.fromhex(place))) for place in found]
        except (TypeError, ValueError):  # none, or no names
            return None
        return places if all(place.exists() for place in places) else None

    def keep_written(self, path: Path, key: str, places: list[Path]) -> None:
        """Keep which exports were written."""
        data = json.dumps([os.fsencode(place).hex() for place in places])
        self._write("INSERT OR REPLACE INTO written VALUES (?, ?, ?)", _key(path), key, data)

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # Every statement is a transaction of its own. A power cut may cost the file, and it can be made again.
        self._file = sqlite3.connect(self._path, timeout=2.0, isolation_level=None)
        self._file.execute("PRAGMA synchronous=OFF")
        if self._file.execute("PRAGMA user_version").fetchone()[0] not in (0, _VERSION):
            raise sqlite3.DatabaseError("of another version")
        self._file.executescript(_TABLES + f"PRAGMA user_version={_VERSION};")

    def _one(self, query: str, *values: object) -> Any:
        if self._file is None:
            return None
        try:
            row = self._file.execute(query, values).fetchone()
            return None if row is None else json.loads(row[0])
        except (sqlite3.Error, ValueError, RecursionError, TypeError) as error:
            _log.info("the journal of scans cannot be read (%s): %s", error, self._path)
            return None

    def _write(self, statement: str, *values: object) -> None:
        if self._file is None:
            return
        try:
            self._file.execute(statement, values)
        except sqlite3.Error as error:
            _log.info("the journal of scans cannot be written (%s): %s", error, self._path)


@cache
def _past() -> TypeAdapter[Past]:
    return TypeAdapter(Past)


def _key(path: Path) -> bytes:
    return os.fsencode(path)  # a name may be no UTF-8
