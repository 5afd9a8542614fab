"""A library in a file: SQLite in WAL mode."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from mien.errors import LibraryError
from mien.library.faults import LibraryUnwritable, of_sqlite
from mien.library.owner import Owners
from mien.library.schema import APPLICATION_ID

if TYPE_CHECKING:
    from mien.library.database import Database

_WAL_S = 30.0


class Sqlite:
    """Readers and one writer do not wait for each other, and a transaction that was acknowledged survives the death of the
    process at any later moment (`synchronous=NORMAL` gives that; only a power cut may take the last transactions, and
    never the file). Implements `mien.library.backend.Backend`.

    Raises:
        LibraryError: the URL names no file.
    """

    def __init__(self, url: URL) -> None:
        if url.database in (None, "", ":memory:"):
            raise LibraryError("A library needs a file: write sqlite:///file.db")
        self._url = url
        self.path = Path(str(url.database))
        self.place = self.where = str(self.path)

    @property
    def beside(self) -> Path:
        return self.path.with_name(self.path.name + "-owners")

    @property
    def error(self) -> type[Exception]:
        return sqlite3.Error

    def exists(self) -> bool:
        return self.path.exists()

    def connect(self, busy: float) -> tuple[Engine, Engine]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LibraryUnwritable(
                f"The library's folder cannot be made ({error.strerror}); choose another place with "
                f"MIEN_HOME or --library: {self.path.parent}"
            ) from error
        try:
            engine = create_engine(self._url, connect_args={"timeout": busy})
        except (SQLAlchemyError, ImportError) as error:
            raise LibraryError(f"No library can be kept in this kind of database: {self.place}") from error
        event.listen(engine, "connect", _configure)
        event.listen(engine, "begin", _begin)
        # BEGIN IMMEDIATE takes the write lock at once; upgrading a read lock later can fail without waiting.
        return engine, engine.execution_options(mien_write=True)

    def before_making(self, database: Database) -> None:
        # The switch needs the file for itself and does not wait for it when several processes make one
        # library at once.
        deadline = time.monotonic() + _WAL_S
        while True:
            try:
                database.outside("PRAGMA journal_mode=WAL")
                return
            except LibraryError as error:
                cause = error.__cause__
                busy = isinstance(cause, sqlite3.OperationalError) and cause.sqlite_errorcode == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def outside(self, connection: Any, statement: str) -> list[Any]:
        return list(connection.execute(statement))

    def lock(self, connection: Connection, name: str) -> None:
        """There is only one writer at a time."""

    def is_ours(self, connection: Connection) -> bool:
        return connection.exec_driver_sql("PRAGMA application_id").scalar() == APPLICATION_ID

    def mark(self, connection: Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")

    def explain(self, error: BaseException) -> LibraryError | None:
        return of_sqlite(error, self.place)

    def owners(self, database: Database) -> Owners:
        return Owners(self.beside)

    def light(self, connection: Connection) -> None:
        # Some builds of SQLite overwrite all that is deleted with zeros, which takes as much room in the WAL as it had itself.
        connection.exec_driver_sql("PRAGMA secure_delete=FAST")

    def shrink(self, database: Database) -> None:
        database.outside("VACUUM")

    def verify(self, database: Database) -> list[str]:
        try:
            answers = [str(row[0]) for row in database.outside("PRAGMA integrity_check")]
            orphans = database.outside("PRAGMA foreign_key_check")
        except LibraryError as error:
            # Some damage is worse than the check itself can stand.
            return [str(error.__cause__)]
        return [answer for answer in answers if answer != "ok"] + [
            f"{table} row {row} belongs to nothing" for table, row, *_ in orphans
        ]


def _configure(connection: Any, _record: Any) -> None:
    # Transactions begin where we say so (see _begin), not where the driver guesses.
    connection.isolation_level = None
    # A damaged byte in one text must not keep all others from being read.
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA journal_size_limit=67108864")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("mien_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
