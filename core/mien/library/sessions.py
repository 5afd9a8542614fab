"""Who is writing into a library on PostgreSQL: a connection for each process that owns runs, which holds a lock by its name.

The server drops the lock the moment the connection ends, whatever ends it: the process, its machine, the network. So the
runs of a dead process are recognised from every machine, as `mien.library.owner` does for a file.
"""

from __future__ import annotations

import contextlib
import hashlib
import uuid
from typing import TYPE_CHECKING, Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mien.library.database import Database

# A machine that vanished without a word is taken for dead after about a minute.
_KEEPALIVES = ("SET tcp_keepalives_idle = 20", "SET tcp_keepalives_interval = 10", "SET tcp_keepalives_count = 4")
_HELD = text(
    "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND (classid::bigint << 32 | objid::bigint) = :number"
)
_TAKE_OVER = text("UPDATE run SET owner = :new WHERE owner = :old AND status = 'running'")


class SessionOwners:
    """The owners of one library's runs, of whom this process is at most one. Implements `mien.library.backend.Owners`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._name = ""
        self._session: Connection | None = None

    def join(self) -> str:
        """The name under which this process owns runs, until `leave` or its end.

        A session that broke is replaced by one of another name, which takes over what this process still writes.

        Raises:
            LibraryError: the server does not answer.
        """
        if self._session is not None and self._answers(self._session):
            return self._name
        self._drop()
        name = uuid.uuid4().hex
        with self._database.plain(), contextlib.ExitStack() as stack:
            session = self._database.session()
            stack.callback(session.close)
            for statement in _KEEPALIVES:
                session.execute(text(statement))
            session.execute(text("SELECT pg_advisory_lock(:number)"), {"number": _number(name)})
            if self._name:
                session.execute(_TAKE_OVER, {"new": name, "old": self._name})
            stack.pop_all()
        self._session, self._name = session, name
        return name

    def give_room(self) -> None:
        """The disk is the server's."""

    def leave(self) -> None:
        """Give the name up."""
        self._drop()

    def alive(self, name: str) -> bool:
        """Whether the owner of that name still runs."""
        if self._session is not None and name == self._name:
            return True
        with self._database.read() as connection:
            return connection.execute(_HELD, {"number": _number(name)}).first() is not None

    def bury(self, name: str) -> None:
        """Nothing is left of a dead owner."""

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with contextlib.suppress(SQLAlchemyError):
                session.close()

    @staticmethod
    def _answers(session: Any) -> bool:
        try:
            session.execute(text("SELECT 1"))
        except SQLAlchemyError:
            return False
        return True


def _number(name: str) -> int:
    """63 bits of a name: what such a lock is called by."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1
