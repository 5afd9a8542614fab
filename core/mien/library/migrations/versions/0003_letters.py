"""Letters of scripts that put no spaces between words are words in the index, so that parts of their runs are found.

What is indexed of such an utterance is kept beside its text in SQLite, whose index must be told what it forgets.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from mien.library.letters import apart

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_AT_ONCE = 1000


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        _sqlite(connection)
    else:
        _postgresql(connection)


def _sqlite(connection: sa.Connection) -> None:
    for statement in (
        "DROP TRIGGER utterance_added",
        "DROP TRIGGER utterance_removed",
        "DROP TRIGGER utterance_changed",
        "DROP TABLE utterance_text",
        "ALTER TABLE utterance ADD COLUMN spaced TEXT",
    ):
        connection.exec_driver_sql(statement)
    update = sa.text("UPDATE utterance SET spaced = :spaced WHERE id = :id")
    for rows in _parts(connection):
        connection.execute(update, [{"id": row.id, "spaced": spaced} for row, spaced in rows])
    forget = (
        "INSERT INTO utterance_text(utterance_text, rowid, text) "
        "VALUES ('delete', old.id, coalesce(old.spaced, old.text));"
    )
    keep = "INSERT INTO utterance_text(rowid, text) VALUES (new.id, coalesce(new.spaced, new.text));"
    for statement in (
        # External content: the words are stored once. Triggers also fire for rows that a cascade deletes.
        "CREATE VIEW utterance_indexed AS SELECT id, coalesce(spaced, text) AS text FROM utterance",
        "CREATE VIRTUAL TABLE utterance_text USING fts5"
        "(text, content='utterance_indexed', content_rowid='id', tokenize='unicode61 remove_diacritics 2')",
        f"CREATE TRIGGER utterance_added AFTER INSERT ON utterance BEGIN {keep} END",
        f"CREATE TRIGGER utterance_removed AFTER DELETE ON utterance BEGIN {forget} END",
        f"CREATE TRIGGER utterance_changed AFTER UPDATE ON utterance BEGIN {forget} {keep} END",
        "INSERT INTO utterance_text(utterance_text) VALUES ('rebuild')",
    ):
        connection.exec_driver_sql(statement)


def _postgresql(connection: sa.Connection) -> None:
    from mien.library.tsearch import indexed

    update = sa.text("UPDATE utterance SET words = CAST(:words AS tsvector), length = :length WHERE id = :id")
    tracks: set[int] = set()
    for rows in _parts(connection):
        made = indexed([row.text for row, _ in rows])
        connection.execute(
            update,
            [
                {"id": row.id, "words": words, "length": length}
                for (row, _), (words, length) in zip(rows, made, strict=True)
            ],
        )
        tracks.update(row.track_id for row, _ in rows)
    count = sa.text(
        "UPDATE utterance_count SET words = (SELECT coalesce(sum(length), 0) FROM utterance WHERE track_id = :track) "
        "WHERE track_id = :track"
    )
    if tracks:
        connection.execute(count, [{"track": track} for track in sorted(tracks)])


def _parts(connection: sa.Connection) -> Any:
    """The utterances with such letters, a thousand looked at in one go."""
    read = sa.text("SELECT id, track_id, text FROM utterance WHERE id > :last ORDER BY id LIMIT :most")
    last = -1
    while rows := connection.execute(read, {"last": last, "most": _AT_ONCE}).fetchall():
        last = rows[-1].id
        found = [(row, spaced) for row in rows if (spaced := apart(row.text)) is not None]
        if found:
            yield found
