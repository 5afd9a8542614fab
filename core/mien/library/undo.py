"""Taking back what an analysis wrote before the disk was full: at once or, where not even that can be written, when the library
is next opened.

What is still to be taken back is remembered by the names of empty files: a full disk has room for those where it has none
for anything that holds something.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote, unquote

import sqlalchemy as sa

from mien.library import schema
from mien.library.owner import create

_log = logging.getLogger(__name__)
_SUFFIX = ".undo"
_RUN, _MEDIUM = schema.run, schema.medium


@dataclass(frozen=True)
class Undo:
    """What one analysis added.

    Args:
        medium: the medium's id.
        owner: who owned its runs.
        since, until: when it began and broke off, µs since 1970 UTC; its runs began in between.
        forget: whether the medium was not in the library before.
    """

    medium: str
    owner: str
    since: int
    until: int
    forget: bool

    def carry_out(self, connection: sa.Connection) -> None:
        """Delete its runs, let those count again that they superseded, and forget the medium if nothing else is known of it."""
        began = _RUN.c.started.between(self.since / 1e6, self.until / 1e6)
        its = sa.and_(_RUN.c.medium_id == self.medium, _RUN.c.owner == self.owner, began)
        keys = set(connection.execute(sa.select(_RUN.c.key).where(its)).scalars())
        connection.execute(sa.delete(_RUN).where(its))
        for key in keys:
            self._revive(connection, key)
        if self.forget and not self._known(connection):
            connection.execute(sa.delete(_MEDIUM).where(_MEDIUM.c.id == self.medium))

    def _revive(self, connection: sa.Connection, key: str) -> None:
        same = sa.and_(_RUN.c.medium_id == self.medium, _RUN.c.key == key)
        ended = sa.select(_RUN.c.id, _RUN.c.status).where(same, _RUN.c.status.in_(("complete", "superseded")))
        rows = connection.execute(ended.order_by(_RUN.c.finished.desc())).all()
        if rows and not any(row.status == "complete" for row in rows):
            connection.execute(sa.update(_RUN).where(_RUN.c.id == rows[0].id).values(status="complete"))

    def _known(self, connection: sa.Connection) -> bool:
        """Whether others read the medium, have read it or corrected something."""
        lasting = ("complete", "superseded", "running")
        runs = sa.select(_RUN.c.id).where(_RUN.c.medium_id == self.medium, _RUN.c.status.in_(lasting))
        corrected = sa.select(schema.correction.c.id).where(schema.correction.c.medium_id == self.medium)
        return any(connection.execute(query.limit(1)).first() is not None for query in (runs, corrected))

    @property
    def _name(self) -> str:
        parts = quote(self.medium, safe=""), self.owner, str(self.since), str(self.until), str(int(self.forget))
        return ",".join(parts) + _SUFFIX

    @classmethod
    def _named(cls, name: str) -> Self:
        medium, owner, since, until, forget = name.removesuffix(_SUFFIX).split(",")
        return cls(unquote(medium), owner, int(since), int(until), forget == "1")


class Notes:
    """What is still to be taken back from one library.

    Args:
        folder: where it is remembered; None where that is nowhere.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def leave(self, undo: Undo) -> None:
        """Remember something for later."""
        try:
            if self._folder is None:
                raise OSError("a library on a server has no folder")
            create(self._folder / undo._name).close()
        except OSError as error:
            _log.warning("what was written of %s stays in the library: %s", undo.medium, error)

    def left(self) -> Iterator[Undo]:
        """All that is remembered."""
        names: list[str] = []
        # The folder is the owners' too: the last of them to leave removes it, also while it is looked through.
        with contextlib.suppress(OSError):
            names = [] if self._folder is None else sorted(os.listdir(self._folder))
        for name in names:
            try:
                if name.endswith(_SUFFIX):
                    yield Undo._named(name)
            except ValueError:
                _log.warning("no note of Mien's: %s", name)

    def drop(self, undo: Undo) -> None:
        """Forget what has been taken back."""
        if self._folder is not None:
            # Another process may have been faster; taking it back twice does no harm.
            with contextlib.suppress(OSError):
                (self._folder / undo._name).unlink()
                self._folder.rmdir()
