"""Merging the many small pieces of a finished track into few, so that a long medium opens quickly."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
import sqlalchemy as sa

from mien.library import schema
from mien.library.codec import decode_table, encode_table
from mien.library.database import Database

TARGET_BYTES: Final = 4 << 20
"""Uncompressed size that closes a merged piece: a window of a long track is read without the rest."""


@dataclass
class _Group:
    """Neighbouring pieces that become one."""

    ids: list[int] = field(default_factory=list)
    tables: list[pa.Table] = field(default_factory=list)
    size: int = 0
    t0: float = 0.0
    t1: float = 0.0
    seq: int = 0

    def takes(self, table: pa.Table) -> bool:
        """Rows keep their order and stay ordered by time, whatever an analyzer emitted."""
        if not self.tables:
            return True
        last = self.tables[-1]
        return bool(
            self.size < TARGET_BYTES
            and last.schema.equals(table.schema)
            and _onsets(table)[0].as_py() >= _onsets(last)[-1].as_py()
        )

    def add(self, row: Any, table: pa.Table) -> None:
        self.t0 = min(self.t0, row.t0) if self.ids else row.t0
        self.t1 = max(self.t1, row.t1) if self.ids else row.t1
        self.ids.append(row.id)
        self.tables.append(table)
        self.size += table.nbytes
        self.seq = row.seq


def merge(database: Database, track_id: int) -> None:
    """Merge a track's pieces in one transaction; every reader's cursor stays valid."""
    piece = schema.piece
    with database.write(alone=f"track {track_id}") as connection:
        columns = (piece.c.id, piece.c.seq, piece.c.t0, piece.c.t1)
        rows = connection.execute(
            sa.select(*columns).where(piece.c.track_id == track_id).order_by(piece.c.seq)
        ).fetchall()
        if len(rows) < 2:
            return
        group = _Group()
        for row in rows:
            data = connection.execute(sa.select(piece.c.data).where(piece.c.id == row.id)).scalar_one()
            table = decode_table(data)
            if not group.takes(table):
                _store(connection, track_id, group)
                group = _Group()
            group.add(row, table)
        _store(connection, track_id, group)


def _store(connection: sa.Connection, track_id: int, group: _Group) -> None:
    if len(group.ids) < 2:
        return
    table = pa.concat_tables(group.tables).combine_chunks()
    values = {
        "track_id": track_id,
        "seq": group.seq,
        "rows": table.num_rows,
        "t0": group.t0,
        "t1": group.t1,
        "data": encode_table(table),
    }
    first, *rest = group.ids
    for start in range(0, len(rest), 500):  # SQLite bounds the variables of one statement
        connection.execute(sa.delete(schema.piece).where(schema.piece.c.id.in_(rest[start : start + 500])))
    connection.execute(sa.update(schema.piece).where(schema.piece.c.id == first).values(**values))


def _onsets(table: pa.Table) -> pa.ChunkedArray:
    return table.column("start" if "start" in table.column_names else "time")
