"""What differs between the databases that a library may be kept in. All else is one code path through SQLAlchemy.

`mien.library.sqlite` keeps it in a file, `mien.library.postgresql` on a server that several machines share. The search
over transcripts has its own such seam, see `mien.library.search`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError

from mien.errors import LibraryError

if TYPE_CHECKING:
    from mien.library.database import Database


class Owners(Protocol):
    """The owners of one library's runs: processes, of whom this one is at most one."""

    def join(self) -> str:
        """The name under which this process owns runs, until `leave` or its end."""

    def give_room(self) -> None:
        """Let go of room that is kept on the disk for a process that has filled it."""

    def leave(self) -> None:
        """Give the name up."""

    def alive(self, name: str) -> bool:
        """Whether the owner of that name still runs."""

    def bury(self, name: str) -> None:
        """Remove what a dead owner left."""


class Backend(Protocol):
    """One kind of database."""

    @property
    def place(self) -> str:
        """Where it is, for messages and names: never a password."""

    @property
    def where(self) -> str:
        """A path or URL that opens it again, in another process too; it may hold a password."""

    @property
    def beside(self) -> Path | None:
        """A folder for what a process leaves to those that open it later; None where it is on a server."""

    @property
    def error(self) -> type[Exception]:
        """What all errors of the driver are."""

    def exists(self) -> bool:
        """Whether there is anything to connect to; who connects to a file makes it."""

    def connect(self, busy: float) -> tuple[Engine, Engine]:
        """Engines for transactions that only read and for those that write; `busy` in s as in `Database`."""

    def before_making(self, database: Database) -> None:
        """Called once before a database gets its schema."""

    def outside(self, connection: Any, statement: str) -> list[Any]:
        """Run a statement on a connection of the driver, in no transaction; its rows, if it has any."""

    def lock(self, connection: Connection, name: str) -> None:
        """Let no other transaction with that name go on before this one has ended."""

    def is_ours(self, connection: Connection) -> bool:
        """Whether a database that has revisions of a schema bears our mark."""

    def mark(self, connection: Connection) -> None:
        """Put our mark on it."""

    def explain(self, error: BaseException) -> LibraryError | None:
        """An error of the driver in plain words; None when it says nothing in particular."""

    def owners(self, database: Database) -> Owners:
        """Who writes into it."""

    def light(self, connection: Connection) -> None:
        """Let this connection's deletions write as little as can be."""

    def shrink(self, database: Database) -> None:
        """Give free space back."""

    def verify(self, database: Database) -> list[str]:
        """What is wrong with it, in its own words."""


def backend_of(place: str | Path) -> Backend:
    """The backend for a path or a URL.

    Raises:
        LibraryError: no library can be kept there.
    """
    from mien.library.sqlite import Sqlite

    if not (isinstance(place, str) and "://" in place):
        return Sqlite(URL.create("sqlite", database=str(Path(place).expanduser().absolute())))
    try:
        url = make_url(place)
        kind = url.get_backend_name()
    except (ArgumentError, ValueError) as error:
        raise LibraryError("The library's address is no database URL such as sqlite:///file.db") from error
    if kind == "sqlite":
        return Sqlite(url)
    if kind in ("postgresql", "postgres"):
        from mien.library.postgresql import Postgresql

        return Postgresql(url)
    shown = url.difference_update_query(["password"]).render_as_string(hide_password=True)
    raise LibraryError(f"No library can be kept in this kind of database: {shown}")
