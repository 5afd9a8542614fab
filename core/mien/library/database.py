"""One database: connections, transactions, migrations, and errors in plain words."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from mien.errors import LibraryError
from mien.library.faults import LibraryUnwritable, explain
from mien.library.schema import APPLICATION_ID, REVISIONS

_BUSY_S = 30.0
_MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """An open database at the newest schema.

    SQLite runs in WAL mode: readers and one writer do not wait for each other, and a transaction that was
    acknowledged survives the death of the process at any later moment (`synchronous=NORMAL` gives that; only
    a power cut may take the last transactions, and never the file).

    Args:
        place: path of a SQLite file (made with its folder when absent) or a database URL.
        busy: how long to wait for another program's transaction, in seconds.

    Raises:
        LibraryError: it cannot be opened, is no library, is damaged or comes from a newer version.
    """

    def __init__(self, place: str | Path, *, busy: float = _BUSY_S) -> None:
        self._url = _url(place)
        self.sqlite = self._url.get_backend_name() == "sqlite"
        self.path = Path(self._url.database) if self.sqlite and self._url.database else None
        self.place = str(self.path) if self.path else self._url.render_as_string(hide_password=True)
        self._engine = self._connect(busy)
        # BEGIN IMMEDIATE takes the write lock at once; upgrading a read lock later can fail without waiting.
        self._writer = self._engine.execution_options(mien_write=True)
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one moment of the database and changes nothing."""
        with self._plain(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is on the disk when the block ends, and never was if the block raises."""
        with self._plain(), self._writer.begin() as connection:
            yield connection

    def outside(self, statement: str) -> list[Any]:
        """Run one statement of SQLite outside any transaction (a pragma, VACUUM) and return its rows."""
        with self._plain():
            raw = self._engine.raw_connection()
            try:
                return list(raw.driver_connection.execute(statement))  # type: ignore[union-attr]
            finally:
                raw.close()

    @contextmanager
    def _plain(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise explain(error, self.place) from error

    def _connect(self, busy: float) -> Engine:
        if self.path is not None:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise LibraryUnwritable(
                    f"The library's folder cannot be made ({error.strerror}); choose another place with "
                    f"MIEN_HOME or --library: {self.path.parent}"
                ) from error
        try:
            engine = create_engine(self._url, connect_args={"timeout": busy} if self.sqlite else {})
        except ImportError as error:
            raise LibraryError(
                f"This library needs the package {error.name}, which is not installed; install it: {self.place}"
            ) from error
        except SQLAlchemyError as error:
            raise LibraryError(f"No library can be kept in this kind of database: {self.place}") from error
        if self.sqlite:
            event.listen(engine, "connect", _configure)
            event.listen(engine, "begin", _begin)
        return engine

    def _prepare(self) -> None:
        with self.read() as connection:
            found = self._revision(connection)
        if found == REVISIONS[-1]:
            return
        if self.sqlite:
            self._use_wal()
        with self.write() as connection:
            # Another process may have been faster.
            if self._revision(connection) != REVISIONS[-1]:
                migrate(connection, REVISIONS[-1])

    def _revision(self, connection: Connection) -> str | None:
        """The schema's revision, None for an empty database.

        Raises:
            LibraryError: the schema is newer than this version, or not ours.
        """
        names = inspect(connection).get_table_names()
        if "alembic_version" not in names:
            if names:
                raise self._foreign()
            return None
        if self.sqlite and connection.exec_driver_sql("PRAGMA application_id").scalar() != APPLICATION_ID:
            raise self._foreign()
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        if found not in REVISIONS:
            raise LibraryError(
                f"The library was written by a newer version of Mien (schema {found}, this one knows up to "
                f"{REVISIONS[-1]}); update Mien or choose another library with --library: {self.place}"
            )
        return str(found)

    def _foreign(self) -> LibraryError:
        return LibraryError(
            f"This database belongs to another program; choose another place with MIEN_HOME or --library: {self.place}"
        )

    def _use_wal(self) -> None:
        # The switch needs the file for itself and does not wait for it when several processes make one
        # library at once.
        deadline = time.monotonic() + _BUSY_S
        while True:
            try:
                self.outside("PRAGMA journal_mode=WAL")
                return
            except LibraryError as error:
                cause = error.__cause__
                busy = isinstance(cause, sqlite3.OperationalError) and cause.sqlite_errorcode == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)


def migrate(connection: Connection, revision: str) -> None:
    """Bring the schema to `revision` inside the connection's transaction: a kill leaves the old one."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")


def _url(place: str | Path) -> URL:
    if isinstance(place, str) and "://" in place:
        try:
            url = make_url(place)
        except ArgumentError as error:
            raise LibraryError("The library's address is no database URL such as sqlite:///file.db") from error
        if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
            raise LibraryError("A library needs a file: write sqlite:///file.db")
        return url
    return URL.create("sqlite", database=str(Path(place).expanduser().absolute()))


def _configure(connection: Any, _record: Any) -> None:
    # Transactions begin where we say so (see _begin), not where the driver guesses.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA journal_size_limit=67108864")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("mien_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
