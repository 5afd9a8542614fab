"""A library on a PostgreSQL server, shared by several machines (extra `mien[postgres]`).

What SQLite gives by having one writer at a time is asked for here: transactions that look before they change something
take a lock by name (`Backend.lock`), and everything a reader sees in one transaction is of one moment.
"""

from __future__ import annotations

import hashlib
import math
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import ArgumentError

from mien.errors import LibraryError
from mien.library.faults import of_postgresql
from mien.library.schema import APPLICATION_ID
from mien.library.sessions import SessionOwners

if TYPE_CHECKING:
    from mien.library.database import Database

_MARK: Final = "Mien library"
_CONNECT_S = 10
# What SQLAlchemy keeps open for a process, and how many connections its threads may have at once: a server has about a
# hundred for all, and a write takes milliseconds.
_KEPT, _MORE = 2, 6
# A server that vanished without a word is noticed after about a minute (libpq's parameters, in s and ms).
_ALIVE: Final = {"keepalives_idle": 20, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}


class Postgresql:
    """Implements `mien.library.backend.Backend`.

    Raises:
        LibraryError: the URL names no database, or the driver is not installed.
    """

    def __init__(self, url: URL) -> None:
        if url.drivername not in ("postgresql", "postgres", "postgresql+psycopg"):
            raise LibraryError(
                f"A library on PostgreSQL is opened by psycopg alone; write postgresql://…: {_hidden(url)}"
            )
        self._url = url.set(drivername="postgresql+psycopg")
        self.place = _hidden(url.set(drivername="postgresql"))
        self.where = url.set(drivername="postgresql").render_as_string(hide_password=False)
        if not url.database:
            raise LibraryError(
                f"A library on PostgreSQL needs a database's name; write postgresql://user@host/name: {self.place}"
            )
        try:
            import psycopg
        except ImportError as error:
            raise LibraryError(
                "A library on PostgreSQL needs packages that are not installed; "
                f"install them with: pip install 'mien[postgres]': {self.place}"
            ) from error
        self._error = psycopg.Error

    @property
    def beside(self) -> None:
        return None

    @property
    def error(self) -> type[Exception]:
        return self._error

    def exists(self) -> bool:
        return True  # whether it does, the server will say

    def connect(self, busy: float) -> tuple[Engine, Engine]:
        settings = {"lock_timeout": f"{max(1, math.ceil(busy * 1000))}", "client_min_messages": "warning"}
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        usual = {"connect_timeout": _CONNECT_S, "application_name": "mien", "client_encoding": "utf8", **_ALIVE}
        given = {name: value for name, value in usual.items() if name not in self._url.query}
        if "options" not in self._url.query:
            given["options"] = options
        try:
            # A connection that broke while nobody used it is replaced without a word.
            engine = create_engine(
                self._url,
                connect_args=given,
                pool_size=_KEPT,
                max_overflow=_MORE,
                pool_timeout=max(busy, 1.0),
                pool_pre_ping=True,
            )
        except (ArgumentError, ValueError, TypeError) as error:
            raise LibraryError(f"The library's address is no database URL: {self.place}") from error
        event.listen(engine, "connect", _configure)
        # Not READ ONLY besides: its counterpart would override a server that was made read-only.
        return engine.execution_options(isolation_level="REPEATABLE READ"), engine

    def before_making(self, database: Database) -> None:
        with database.read() as connection:
            encoding = connection.exec_driver_sql("SHOW server_encoding").scalar()
        if encoding != "UTF8":
            raise LibraryError(
                f"The library's database is kept in {encoding}, which lacks most letters; "
                f"make one with createdb --encoding UTF8 --template template0: {self.place}"
            )

    def outside(self, connection: Any, statement: str) -> list[Any]:
        connection.rollback()
        connection.autocommit = True
        try:
            cursor = connection.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []
        finally:
            connection.autocommit = False

    def lock(self, connection: Connection, name: str) -> None:
        number = int.from_bytes(hashlib.sha256(name.encode("utf-8", "replace")).digest()[:4], "big", signed=True)
        connection.execute(
            text("SELECT pg_advisory_xact_lock(:ours, :number)"), {"ours": APPLICATION_ID, "number": number}
        )

    def is_ours(self, connection: Connection) -> bool:
        found = connection.exec_driver_sql("SELECT obj_description('alembic_version'::regclass, 'pg_class')").scalar()
        return found == _MARK

    def mark(self, connection: Connection) -> None:
        connection.exec_driver_sql(f"COMMENT ON TABLE alembic_version IS '{_MARK}'")

    def explain(self, error: BaseException) -> LibraryError | None:
        return of_postgresql(error, self.place)

    def owners(self, database: Database) -> SessionOwners:
        return SessionOwners(database)

    def light(self, connection: Connection) -> None:
        """A server only marks what is deleted."""

    def shrink(self, database: Database) -> None:
        # Space becomes free for what comes next. The server itself does this now and then.
        database.outside("VACUUM (ANALYZE) piece, utterance, track, run")

    def verify(self, database: Database) -> list[str]:
        """Reads all there is, so that the server checks its pages (if the cluster was made with checksums)."""
        everything = ("piece", "data"), ("utterance", "convert_to(text, 'UTF8')"), ("run", "convert_to(id, 'UTF8')")
        try:
            with database.read() as connection:
                for table, column in everything:
                    connection.exec_driver_sql(f"SELECT count(sha256({column})) FROM {table}")
        except LibraryError as error:
            return [str(error.__cause__)]
        return []


def _hidden(url: URL) -> str:
    return url.difference_update_query(["password", "sslpassword"]).render_as_string(hide_password=True)


def _configure(connection: Any, _record: Any) -> None:
    connection.adapters.register_dumper(str, _clean_text())


@cache
def _clean_text() -> Any:
    from psycopg.types.string import StrDumperUnknown

    class CleanText(StrDumperUnknown):
        """As the server stores it: no NUL, no half of a surrogate pair."""

        def dump(self, obj: str) -> bytes:
            return obj.replace("\0", " ").encode("utf-8", "replace")

    return CleanText
