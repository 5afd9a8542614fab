"""Database errors in plain words: one sentence, what to do, the path last."""

from __future__ import annotations

import re
import sqlite3
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from mien.errors import LibraryError, LibraryUnreachable, StorageError

if TYPE_CHECKING:
    from mien.library.backend import Backend


class LibraryUnwritable(LibraryError, StorageError):
    """The library's disk is full or its folder may not be written."""


_ELSEWHERE = "or choose another place with MIEN_HOME or --library"

# By the primary result code (the low byte of SQLite's extended code), https://sqlite.org/rescode.html
_SQLITE: dict[int, tuple[type[LibraryError], str]] = {
    sqlite3.SQLITE_FULL: (
        LibraryUnwritable,
        "The disk is full and the library could not be written (what was in it is kept); "
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
        "The library could not be read or written (what was in it is kept); "
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

_LOST = "The connection to the library's server was lost (everything written before is kept); see that it runs and try again"
_AT_ONCE = "Another program changed the same in the library at the same moment; try again"
_REFUSED = "The library's server refused the user or the password; give them in the address, PGPASSWORD or ~/.pgpass"
_BUSY_SERVER = "The library's server has no connection left; wait, or let it have more (max_connections)"
_MISSING = "The library's server has no database of that name; make it (createdb) or correct the address"
_STARTING = "The library's server is starting or stopping; try again in a moment"

# By SQLSTATE or its class, https://www.postgresql.org/docs/current/errcodes-appendix.html
_STATES: dict[str, tuple[type[LibraryError], str]] = {
    "08": (LibraryUnreachable, _LOST),
    "23505": (LibraryError, _AT_ONCE),
    "25006": (
        LibraryUnwritable,
        "The library's server takes no changes (it is a copy or was made read-only); "
        "use the address of the one that does",
    ),
    "28": (LibraryError, _REFUSED),
    "3D000": (LibraryError, _MISSING),
    "40": (LibraryError, _AT_ONCE),
    "42501": (
        LibraryUnwritable,
        "This user may not use or change the library; ask the server's administrator for the rights",
    ),
    "53100": (
        LibraryUnwritable,
        "The disk of the library's server is full and the library could not be written (what was in it is kept); "
        "free some space there and try again",
    ),
    "53200": (LibraryError, "The library's server is out of memory; try again later"),
    "53300": (LibraryUnreachable, _BUSY_SERVER),
    "55P03": (
        LibraryError,
        "The library is locked by another program; close that program or wait, then try again",
    ),
    "57": (LibraryUnreachable, _LOST),
    "57014": (LibraryError, "The library's server gave the question up (statement_timeout); try again later"),
    "57P03": (LibraryUnreachable, _STARTING),
    "58": (
        LibraryUnwritable,
        "The library's server could not read or write its disk (what was in it is kept); look at its log",
    ),
    "XX": (LibraryError, "The library is damaged; look at the server's log and put back a backup"),
}
_REFUSALS: dict[str, tuple[type[LibraryError], str]] = {
    "password authentication failed|no password supplied|authentication failed|no pg_hba.conf entry": (
        LibraryError,
        _REFUSED,
    ),
    'role ".*" (does not exist|is not permitted)': (LibraryError, _REFUSED),
    'database ".*" does not exist': (LibraryError, _MISSING),
    "permission denied for database": _STATES["42501"],
    "too many (clients|connections)|remaining connection slots": (LibraryUnreachable, _BUSY_SERVER),
    "the database system is (starting|shutting|in recovery|not yet)": (LibraryUnreachable, _STARTING),
}
_REASONS = (
    "Connection refused",
    "No such file or directory",
    "timeout expired",
    "timed out",
    "No route to host",
    "Network is unreachable",
    "Name or service not known",
    "Temporary failure in name resolution",
)


def explain(error: Exception, backend: Backend) -> LibraryError:
    """The error to raise in place of what SQLAlchemy or the database's driver raised."""
    cause: BaseException = error
    if isinstance(error, DBAPIError) and error.orig is not None:
        cause = error.orig
    found = backend.explain(cause)
    if found is None:
        detail = " ".join(str(cause).split())[:200]
        found = LibraryError(
            f"The library could not be used ({detail}); check its address and try again: {backend.place}"
        )
    return found


def of_sqlite(error: BaseException, place: str) -> LibraryError | None:
    """An error of SQLite; None when it says nothing in particular."""
    if isinstance(error, sqlite3.IntegrityError):
        return removed(place)
    code = getattr(error, "sqlite_errorcode", None)
    if code is None or code & 0xFF not in _SQLITE:
        return None
    kind, sentence = _SQLITE[code & 0xFF]
    return kind(f"{sentence}: {place}")


def of_postgresql(error: BaseException, place: str) -> LibraryError | None:
    """An error of psycopg; None when it says nothing in particular."""
    state = getattr(error, "sqlstate", None)
    said = " ".join(str(error).split())
    if state == "23503":
        return removed(place)
    if state is not None:
        kind, sentence = _STATES.get(state) or _STATES.get(state[:2]) or (None, "")
        return kind(f"{sentence}: {place}") if kind else None
    # What kept a connection from being made has no code, only words; the server may speak another language.
    for pattern, (kind, sentence) in _REFUSALS.items():
        if re.search(pattern, said):
            return kind(f"{sentence}: {place}")
    if type(error).__name__ not in ("OperationalError", "InterfaceError", "ConnectionTimeout"):
        return None
    if re.match(r"connection (failed|timeout|is bad)|Multiple connection|failed to resolve|\[Errno", said):
        why = next((words for words in _REASONS if words in said), said[-150:])
        return LibraryUnreachable(
            f"The library's server cannot be reached ({why}); see that it runs and that host and port are right: {place}"
        )
    return LibraryUnreachable(f"{_LOST}: {place}")


def removed(place: str) -> LibraryError:
    """What something was to be added to is not there any more."""
    return LibraryError(
        f"What was to be written belongs to a medium or run that was removed; analyze it again: {place}"
    )
