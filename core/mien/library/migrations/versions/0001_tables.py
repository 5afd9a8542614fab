"""Media, runs, tracks, pieces and corrections."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(sa.Text(), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "medium",
        sa.Column("id", sa.String(128), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("duration", sa.Double),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("streams", _JSON, nullable=False),
        sa.Column("added", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_medium"),
    )
    op.create_table(
        "medium_path",
        sa.Column("id", _ID, nullable=False),
        sa.Column("medium_id", sa.String(128), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("seen", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_medium_path"),
        sa.ForeignKeyConstraint(["medium_id"], ["medium.id"], name="fk_medium_path_medium_id", ondelete="CASCADE"),
        sa.UniqueConstraint("medium_id", "path", name="uq_medium_path_medium_id"),
    )
    op.create_index("ix_medium_path_path", "medium_path", ["path"])
    op.create_table(
        "run",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("medium_id", sa.String(128), nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("analyzer", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("params", _JSON, nullable=False),
        sa.Column("models", _JSON, nullable=False),
        sa.Column("device", sa.Text, nullable=False),
        sa.Column("precision", sa.Text, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("partial", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("notes", _JSON, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("started", sa.Double, nullable=False),
        sa.Column("finished", sa.Double),
        sa.Column("used", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
        sa.ForeignKeyConstraint(["medium_id"], ["medium.id"], name="fk_run_medium_id", ondelete="CASCADE"),
    )
    op.create_index("ix_run_medium_id", "run", ["medium_id"])
    complete = sa.text("status = 'complete'")
    op.create_index(
        "uq_run_complete",
        "run",
        ["medium_id", "key"],
        unique=True,
        sqlite_where=complete,
        postgresql_where=complete,
    )
    op.create_table(
        "track",
        sa.Column("id", _ID, nullable=False),
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("quantities", _JSON, nullable=False),
        sa.Column("provenance", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_track"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_track_run_id", ondelete="CASCADE"),
        sa.UniqueConstraint("run_id", "name", name="uq_track_run_id"),
    )
    op.create_table(
        "piece",
        sa.Column("id", _ID, nullable=False),
        sa.Column("track_id", _ID, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("t0", sa.Double, nullable=False),
        sa.Column("t1", sa.Double, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_piece"),
        sa.ForeignKeyConstraint(["track_id"], ["track.id"], name="fk_piece_track_id", ondelete="CASCADE"),
        sa.UniqueConstraint("track_id", "seq", name="uq_piece_track_id"),
    )
    op.create_table(
        "correction",
        sa.Column("id", _ID, nullable=False),
        sa.Column("medium_id", sa.String(128), nullable=False),
        sa.Column("run_id", sa.String(32)),
        sa.Column("track", sa.Text, nullable=False),
        sa.Column("t0", sa.Double, nullable=False),
        sa.Column("t1", sa.Double, nullable=False),
        sa.Column("person", sa.Integer),
        sa.Column("field", sa.Text, nullable=False),
        sa.Column("old", _JSON),
        sa.Column("new", _JSON),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("made", sa.Double, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_correction"),
        sa.ForeignKeyConstraint(["medium_id"], ["medium.id"], name="fk_correction_medium_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_correction_run_id", ondelete="SET NULL"),
    )
    op.create_index("ix_correction_medium_id", "correction", ["medium_id"])
