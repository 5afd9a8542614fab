"""The tables. A change here goes with a new migration in `migrations/versions` and a new entry in
`REVISIONS`. A library that is only looked at keeps its schema, so `mien.library.holdings` must read all of them alike.

What indexes the text of `utterance` is not in this metadata, being another thing in each database: a table and a column
in SQLite (`fts5.py`), two columns and a table in PostgreSQL (`tsearch.py`). Moments are seconds since 1970 UTC; times inside
a medium are seconds from its start.
"""

from __future__ import annotations

import json
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

REVISIONS: Final = ("0001", "0002", "0003")
"""Every schema this version can open, oldest first; the last is what it writes."""

APPLICATION_ID: Final = 0x4D69656E
"""`Mien`, in SQLite's header: tells our database from anybody else's."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself only in a column that is exactly INTEGER PRIMARY KEY.
_Id = BigInteger().with_variant(Integer(), "sqlite")


class JsonText(TypeDecorator[Any]):
    """JSON as the text that it is: PostgreSQL's own type would refuse a NaN, which a reading may be."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> str:
        return json.dumps(value)

    def process_result_value(self, value: str | None, dialect: Any) -> Any:
        return None if value is None else json.loads(value)


Json = JSON().with_variant(JsonText(), "postgresql")


def _cascade(target: str) -> ForeignKey:
    return ForeignKey(target, ondelete="CASCADE")


medium = Table(
    "medium",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("duration", Double),
    Column("format", Text, nullable=False),
    Column("streams", Json, nullable=False),
    Column("added", Double, nullable=False),
)

medium_path = Table(
    "medium_path",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("medium_id", ForeignKey("medium.id", ondelete="CASCADE"), nullable=False),
    Column("path", Text, nullable=False, index=True),
    Column("seen", Double, nullable=False),
    UniqueConstraint("medium_id", "path"),
)

run = Table(
    "run",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("medium_id", ForeignKey("medium.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("key", String(128), nullable=False),
    Column("analyzer", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("params", Json, nullable=False),
    Column("models", Json, nullable=False),
    Column("device", Text, nullable=False),
    Column("precision", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("partial", Boolean, nullable=False, default=False),
    Column("reason", Text, nullable=False, default=""),
    Column("notes", Json, nullable=False),
    Column("owner", Text, nullable=False),
    Column("started", Double, nullable=False),
    Column("finished", Double),
    Column("used", Double, nullable=False),
    # The cache: at most one complete run a key and medium.
    Index(
        "uq_run_complete",
        "medium_id",
        "key",
        unique=True,
        sqlite_where=text("status = 'complete'"),
        postgresql_where=text("status = 'complete'"),
    ),
)

track = Table(
    "track",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("run_id", _cascade("run.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("quantities", Json, nullable=False),
    Column("provenance", Json, nullable=False),
    UniqueConstraint("run_id", "name"),
)

piece = Table(
    "piece",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("track_id", _cascade("track.id"), nullable=False),
    # Rows of the track up to and with this piece: a cursor that stays true when pieces are merged.
    Column("seq", BigInteger, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("t0", Double, nullable=False),
    Column("t1", Double, nullable=False),
    Column("data", LargeBinary, nullable=False),
    UniqueConstraint("track_id", "seq"),
)

correction = Table(
    "correction",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("medium_id", ForeignKey("medium.id", ondelete="CASCADE"), nullable=False, index=True),
    # The prediction that was corrected; a correction outlives it.
    Column("run_id", ForeignKey("run.id", ondelete="SET NULL")),
    Column("track", Text, nullable=False),
    Column("t0", Double, nullable=False),
    Column("t1", Double, nullable=False),
    Column("person", Integer),
    Column("field", Text, nullable=False),
    Column("old", Json),
    Column("new", Json),
    Column("author", Text, nullable=False),
    Column("made", Double, nullable=False),
    Column("note", Text, nullable=False, default=""),
)

utterance = Table(
    "utterance",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("track_id", _cascade("track.id"), nullable=False, index=True),
    Column("t0", Double, nullable=False),
    Column("t1", Double, nullable=False),
    Column("text", Text, nullable=False),
)
