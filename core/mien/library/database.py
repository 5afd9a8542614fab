"""One database: transactions, migrations, and errors in plain words. What kind it is, its backend knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect
from sqlalchemy.exc import SQLAlchemyError

from mien.errors import LibraryError, shown
from mien.library.backend import Backend, backend_of
from mien.library.faults import explain
from mien.library.schema import REVISIONS

_BUSY_S = 30.0
_MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """An open database at the newest schema.

    Args:
        place: path of a SQLite file (made with its folder when absent) or a database URL.
        busy: how long to wait for another program's transaction, in seconds.
        make: bring it to the newest schema; else it is only looked at, whatever schema of ours it has.

    Raises:
        LibraryError: it cannot be opened, is no library, is damaged or comes from a newer version.
    """

    def __init__(self, place: str | Path, *, busy: float = _BUSY_S, make: bool = True) -> None:
        self.backend: Backend = backend_of(place)
        self.place = self.backend.place
        self._engine, self._writer = self.backend.connect(busy)
        try:
            if make:
                self._prepare()
            else:
                self.empty()  # what is no library, or a newer one, is refused either way
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one moment of the database and changes nothing."""
        with self.plain(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self, alone: str = "") -> Iterator[Connection]:
        """A transaction that is on the disk when the block ends, and never was if the block raises.

        Args:
            alone: a name (the medium's id, say) that keeps other transactions of that name waiting: for blocks that look
                at what is there before they change it. Where there is one writer at a time, all wait anyway.
        """
        with self.plain(), self._writer.begin() as connection:
            if alone:
                self.backend.lock(connection, alone)
            yield connection

    def outside(self, statement: str) -> list[Any]:
        """Run one statement outside any transaction (a pragma, VACUUM) and return its rows, if it has any."""
        with self.plain():
            raw = self._engine.raw_connection()
            try:
                return self.backend.outside(raw.driver_connection, statement)
            finally:
                raw.close()

    def session(self) -> Connection:
        """A connection of its own, in no transaction, until it is closed."""
        connection = self._writer.execution_options(isolation_level="AUTOCOMMIT").connect()
        connection.detach()
        return connection

    @contextmanager
    def plain(self) -> Iterator[None]:
        """Errors of the database inside the block become sentences."""
        try:
            yield
        except (SQLAlchemyError, self.backend.error) as error:
            # A connection that is cut short in mid-statement may complain while it is put away: the Ctrl-C is what happened.
            if _interrupted(error):
                raise KeyboardInterrupt from error
            raise explain(error, self.backend) from error
        except UnicodeEncodeError as error:
            raise LibraryError(
                f"{shown(error.object)[:80]!r} holds half of a character, which no library can store or find"
            ) from error

    def _prepare(self) -> None:
        with self.read() as connection:
            found = self._revision(connection)
        if found == REVISIONS[-1]:
            return
        self.backend.before_making(self)
        with self.write(alone="schema") as connection:
            # Another process may have been faster.
            if self._revision(connection) != REVISIONS[-1]:
                migrate(connection, REVISIONS[-1])
                self.backend.mark(connection)

    def empty(self) -> bool:
        """Whether it has no tables yet; raises LibraryError where it is no library."""
        with self.read() as connection:
            return self._revision(connection) is None

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
        if not self.backend.is_ours(connection):
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


def is_empty(place: str | Path) -> bool:
    """Whether there is no library yet at a place where one may be made. Nothing is changed.

    Raises:
        LibraryError: it cannot be looked at, or another program's data lie there.
    """
    if not backend_of(place).exists():
        return True
    database = Database(place, make=False)
    try:
        return database.empty()
    finally:
        database.close()


def migrate(connection: Connection, revision: str) -> None:
    """Bring the schema to `revision` inside the connection's transaction: a kill leaves the old one."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _interrupted(error: BaseException) -> bool:
    """Whether an error came in the wake of a Ctrl-C."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        found = waiting.pop()
        if isinstance(found, KeyboardInterrupt):
            return True
        if found is not None and id(found) not in seen:
            seen.add(id(found))
            waiting += [found.__cause__, found.__context__, getattr(found, "orig", None)]
    return False
