"""Rows of the run table: beginning, listing, and ending those whose process died."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from mien.library import schema
from mien.library.codec import undamaged
from mien.library.rows import Run, moment

_RUN = schema.run
_SAME = [
    "id",
    "medium_id",
    "key",
    "analyzer",
    "version",
    "params",
    "models",
    "device",
    "precision",
    "status",
    "partial",
    "reason",
]


def insert(connection: sa.Connection, values: Mapping[str, Any]) -> str:
    """Begin a run; `values` are its columns but id, status and moments. Returns its id."""
    run_id = uuid.uuid4().hex
    now = time.time()
    state = {"status": "running", "partial": False, "reason": "", "notes": [], "started": now, "used": now}
    connection.execute(sa.insert(_RUN).values(id=run_id, **state, **values))
    return run_id


@undamaged()
def load(connection: sa.Connection, *where: sa.ColumnElement[bool]) -> list[Run]:
    """The runs that fit, the one used last first."""
    query = sa.select(_RUN).where(*where).order_by(_RUN.c.used.desc(), _RUN.c.started.desc(), _RUN.c.id.desc())
    return [
        Run(
            **{name: getattr(row, name) for name in _SAME},
            notes=tuple(row.notes),
            started=moment(row.started),
            finished=None if row.finished is None else moment(row.finished),
        )
        for row in connection.execute(query)
    ]


def running_owners(connection: sa.Connection) -> set[str]:
    """Who owns runs that have not ended."""
    return set(connection.execute(sa.select(_RUN.c.owner).where(_RUN.c.status == "running").distinct()).scalars())


def interrupt(connection: sa.Connection, owners: Iterable[str]) -> int:
    """End the running runs of those owners as interrupted. Returns how many there were."""
    values = {
        "status": "interrupted",
        "reason": "the program ended before the run did",
        "finished": time.time(),
    }
    return connection.execute(
        sa.update(_RUN).where(_RUN.c.status == "running", _RUN.c.owner.in_(list(owners))).values(**values)
    ).rowcount
