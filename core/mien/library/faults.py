"""Database errors in plain words: one sentence, what to do, the path last."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from mien.errors import LibraryError, StorageError


class LibraryUnwritable(LibraryError, StorageError):
    """The library's disk is full or its folder may not be written."""


_ELSEWHERE = "or choose another place with MIEN_HOME or --library"

# By the primary result code (the low byte of SQLite's extended code), https://sqlite.org/rescode.html
_SQLITE: dict[int, tuple[type[LibraryError], str]] = {
    sqlite3.SQLITE_FULL: (
        LibraryUnwritable,
        "The disk is full and the library could not be written (everything written before is kept); "
        f"free some space and try again, {_ELSEWHERE}",
    ),
    sqlite3.SQLITE_READONLY: (
        LibraryUnwritable,
        f"The library may not be written; allow writing to the file and its folder, {_ELSEWHERE}",
    ),
    sqlite3.SQLITE_PERM: (
        LibraryUnwritable,
        f"The library may not be opened; allow reading and writing the file and its folder, {_ELSEWHERE}",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        LibraryUnwritable,
        f"The library cannot be opened; see that the folder exists and may be written, {_ELSEWHERE}",
    ),
    sqlite3.SQLITE_IOERR: (
        LibraryUnwritable,
        "The library could not be read or written (everything written before is kept); "
        f"check the disk's free space, quota and health and try again, {_ELSEWHERE}",
    ),
    sqlite3.SQLITE_BUSY: (
        LibraryError,
        "The library is locked by another program; close that program or wait, then try again",
    ),
    sqlite3.SQLITE_NOTADB: (
        LibraryError,
        f"This file is no Mien library; move it away, {_ELSEWHERE}",
    ),
    sqlite3.SQLITE_CORRUPT: (
        LibraryError,
        f"The library is damaged; put back a backup or move it away so that a new one is made, {_ELSEWHERE}",
    ),
}
_SQLITE[sqlite3.SQLITE_LOCKED] = _SQLITE[sqlite3.SQLITE_BUSY]


def explain(error: SQLAlchemyError | sqlite3.Error, place: str) -> LibraryError:
    """The error to raise in place of `error`; `place` is the library's path or address."""
    cause: BaseException | None = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(error, IntegrityError) or isinstance(cause, sqlite3.IntegrityError):
        return LibraryError(
            f"What was to be written belongs to a medium or run that was removed; analyze it again: {place}"
        )
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in _SQLITE:
        kind, sentence = _SQLITE[code & 0xFF]
        return kind(f"{sentence}: {place}")
    detail = " ".join(str(cause or error).split())[:200]
    return LibraryError(f"The library could not be used ({detail}); check its address and try again: {place}")
