"""Search: the utterances of transcripts as rows, and a full-text index over them.

Transcripts that are already there are read back and indexed.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "utterance",
        sa.Column("id", _ID, nullable=False),
        sa.Column("track_id", _ID, nullable=False),
        sa.Column("t0", sa.Double, nullable=False),
        sa.Column("t1", sa.Double, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_utterance"),
        sa.ForeignKeyConstraint(["track_id"], ["track.id"], name="fk_utterance_track_id", ondelete="CASCADE"),
    )
    op.create_index("ix_utterance_track_id", "utterance", ["track_id"])
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        # External content: the words are stored once. Triggers also fire for rows that a cascade deletes.
        for statement in (
            "CREATE VIRTUAL TABLE utterance_text USING fts5"
            "(text, content='utterance', content_rowid='id', tokenize='unicode61 remove_diacritics 2')",
            "CREATE TRIGGER utterance_added AFTER INSERT ON utterance BEGIN "
            "INSERT INTO utterance_text(rowid, text) VALUES (new.id, new.text); END",
            "CREATE TRIGGER utterance_removed AFTER DELETE ON utterance BEGIN "
            "INSERT INTO utterance_text(utterance_text, rowid, text) "
            "VALUES ('delete', old.id, old.text); END",
            "CREATE TRIGGER utterance_changed AFTER UPDATE ON utterance BEGIN "
            "INSERT INTO utterance_text(utterance_text, rowid, text) VALUES ('delete', old.id, old.text); "
            "INSERT INTO utterance_text(rowid, text) VALUES (new.id, new.text); END",
        ):
            connection.exec_driver_sql(statement)
    else:
        op.add_column("utterance", sa.Column("words", postgresql.TSVECTOR, nullable=False))
        op.add_column("utterance", sa.Column("length", sa.Integer, nullable=False))
        op.create_index("ix_utterance_words", "utterance", ["words"], postgresql_using="gin")
        # What the rank needs to know of all utterances, where only the writer of a track changes its row.
        op.create_table(
            "utterance_count",
            sa.Column("track_id", _ID, nullable=False, autoincrement=False),
            sa.Column("utterances", sa.BigInteger, nullable=False),
            sa.Column("words", sa.BigInteger, nullable=False),
            sa.PrimaryKeyConstraint("track_id", name="pk_utterance_count"),
            sa.ForeignKeyConstraint(["track_id"], ["track.id"], name="fk_utterance_count_track_id", ondelete="CASCADE"),
        )
        # Pieces are compressed already.
        connection.exec_driver_sql("ALTER TABLE piece ALTER COLUMN data SET STORAGE EXTERNAL")
    _index_what_is_there(connection)


def _index_what_is_there(connection: sa.Connection) -> None:
    pieces = sa.text(
        "SELECT piece.track_id, piece.data FROM piece JOIN track ON track.id = piece.track_id "
        "WHERE track.name = 'speech.transcript' AND track.kind = 'spans' ORDER BY piece.track_id, piece.seq"
    )
    for track_id, data in connection.execute(pieces).fetchall():
        try:
            table = pa.ipc.open_stream(pa.BufferReader(data)).read_all()
        except pa.ArrowException:
            continue  # one damaged piece must not keep the library shut; reading it will tell
        rows = [
            {"track_id": track_id, "t0": row["start"], "t1": row["end"], "text": row["text"]}
            for row in table.select(["start", "end", "text"]).to_pylist()
        ]
        if rows:
            _insert(connection, rows)


def _insert(connection: sa.Connection, rows: list[dict[str, Any]]) -> None:
    """As it was done with this schema; only PostgreSQL's way is still that of today."""
    if connection.dialect.name != "sqlite":
        from mien.library.search import insert

        insert(connection, rows)
        return
    statement = sa.text("INSERT INTO utterance (track_id, t0, t1, text) VALUES (:track_id, :t0, :t1, :text)")
    connection.execute(statement, rows)
