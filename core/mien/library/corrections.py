"""Corrections: what people say instead of a prediction, kept beside it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from mien.library import schema
from mien.library.codec import undamaged
from mien.library.rows import Correction, moment

_TABLE = schema.correction


def add(connection: sa.Connection, values: Mapping[str, Any]) -> Correction:
    """Store one correction; `values` are the table's columns but id and moment."""
    row = {**values, "made": time.time()}
    inserted = connection.execute(sa.insert(_TABLE).values(**row)).inserted_primary_key
    assert inserted is not None
    return _value({**row, "id": int(inserted[0])})


@undamaged("A correction in the library is damaged; put back a copy of the library, or begin another with --library")
def of(connection: sa.Connection, medium_id: str, track: str | None) -> list[Correction]:
    """The corrections of a medium, or of one of its tracks."""
    query = sa.select(_TABLE).where(_TABLE.c.medium_id == medium_id)
    if track is not None:
        query = query.where(_TABLE.c.track == track)
    rows = connection.execute(query.order_by(_TABLE.c.t0, _TABLE.c.id)).mappings()
    return [_value(row) for row in rows]


def delete(connection: sa.Connection, correction_id: int) -> None:
    """Remove one correction."""
    connection.execute(sa.delete(_TABLE).where(_TABLE.c.id == correction_id))


def _value(row: Mapping[Any, Any]) -> Correction:
    renamed = {"t0": "start", "t1": "end"}
    fields = {renamed.get(key, key): value for key, value in row.items()}
    return Correction(**{**fields, "made": moment(fields["made"])})
