"""Libraries of earlier versions open, with everything in them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from mien.errors import LibraryError
from mien.library import Library, database
from mien.library.database import Database
from mien.library.schema import APPLICATION_ID, REVISIONS, metadata

# Version 1 as it was written once. Never change it: such files are out there.
VERSION_1 = """
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));
CREATE TABLE medium (id VARCHAR(128) NOT NULL, size BIGINT NOT NULL, duration DOUBLE, format TEXT NOT NULL,
    streams JSON NOT NULL, added DOUBLE NOT NULL, CONSTRAINT pk_medium PRIMARY KEY (id));
CREATE TABLE medium_path (id INTEGER NOT NULL, medium_id VARCHAR(128) NOT NULL, path TEXT NOT NULL,
    seen DOUBLE NOT NULL, CONSTRAINT pk_medium_path PRIMARY KEY (id),
    CONSTRAINT fk_medium_path_medium_id FOREIGN KEY(medium_id) REFERENCES medium (id) ON DELETE CASCADE,
    CONSTRAINT uq_medium_path_medium_id UNIQUE (medium_id, path));
CREATE INDEX ix_medium_path_path ON medium_path (path);
CREATE TABLE run (id VARCHAR(32) NOT NULL, medium_id VARCHAR(128) NOT NULL, "key" VARCHAR(128) NOT NULL,
    analyzer TEXT NOT NULL, version TEXT NOT NULL, params JSON NOT NULL, models JSON NOT NULL,
    device TEXT NOT NULL, precision TEXT NOT NULL, status VARCHAR(16) NOT NULL,
    partial BOOLEAN NOT NULL, reason TEXT NOT NULL,
    notes JSON NOT NULL, owner TEXT NOT NULL, started DOUBLE NOT NULL, finished DOUBLE, used DOUBLE NOT NULL,
    CONSTRAINT pk_run PRIMARY KEY (id),
    CONSTRAINT fk_run_medium_id FOREIGN KEY(medium_id) REFERENCES medium (id) ON DELETE CASCADE);
CREATE INDEX ix_run_medium_id ON run (medium_id);
CREATE UNIQUE INDEX uq_run_complete ON run (medium_id, "key") WHERE status = 'complete';
CREATE TABLE track (id INTEGER NOT NULL, run_id VARCHAR(32) NOT NULL, name TEXT NOT NULL,
    kind VARCHAR(16) NOT NULL, quantities JSON NOT NULL, provenance JSON NOT NULL,
    CONSTRAINT pk_track PRIMARY KEY (id),
    CONSTRAINT fk_track_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE,
    CONSTRAINT uq_track_run_id UNIQUE (run_id, name));
CREATE TABLE piece (id INTEGER NOT NULL, track_id INTEGER NOT NULL, seq BIGINT NOT NULL,
    rows INTEGER NOT NULL, t0 DOUBLE NOT NULL, t1 DOUBLE NOT NULL, data BLOB NOT NULL,
    CONSTRAINT pk_piece PRIMARY KEY (id),
    CONSTRAINT fk_piece_track_id FOREIGN KEY(track_id) REFERENCES track (id) ON DELETE CASCADE,
    CONSTRAINT uq_piece_track_id UNIQUE (track_id, seq));
CREATE TABLE correction (id INTEGER NOT NULL, medium_id VARCHAR(128) NOT NULL, run_id VARCHAR(32),
    track TEXT NOT NULL, t0 DOUBLE NOT NULL, t1 DOUBLE NOT NULL, person INTEGER, field TEXT NOT NULL,
    old JSON, "new" JSON, author TEXT NOT NULL, made DOUBLE NOT NULL, note TEXT NOT NULL,
    CONSTRAINT pk_correction PRIMARY KEY (id),
    CONSTRAINT fk_correction_medium_id FOREIGN KEY(medium_id) REFERENCES medium (id) ON DELETE CASCADE,
    CONSTRAINT fk_correction_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE SET NULL);
CREATE INDEX ix_correction_medium_id ON correction (medium_id);
INSERT INTO alembic_version VALUES ('0001');
INSERT INTO medium VALUES ('h1', 99, 12.5, 'wav', '[{"kind": "audio"}]', 1700000000.0);
INSERT INTO medium_path VALUES (1, 'h1', '/clips/one.wav', 1700000000.0);
INSERT INTO run VALUES ('r1', 'h1', 'key1', 'speech.transcript', '1.0', '{"hop": 1.0}', '{}',
    'cpu', 'float32', 'complete', 0, '', '["a note"]', 'nobody', 1700000000.0, 1700000009.0, 1700000009.0);
INSERT INTO track VALUES (1, 'r1', 'speech.transcript', 'spans', '[]',
    '{"analyzer": "speech.transcript", "version": "1.0", "models": {}, "params": {}, "run": "key1"}');
INSERT INTO correction VALUES (1, 'h1', 'r1', 'speech.transcript', 0.0, 1.0, NULL, 'text',
    '"helo"', '"hello"', 'Ada', 1700000010.0, '');
"""


def _write_version_1(place: Path) -> None:
    rows = pa.table(
        {
            "start": np.array([0.0, 2.0]),
            "end": np.array([1.0, 3.0]),
            "label": ["whisper", "whisper"],
            "text": ["an early word", "and another"],
            "score": np.array([0.5, 0.9], np.float32),
            "speaker": ["", ""],
        }
    ).replace_schema_metadata({b"mien": b'{"format": 1, "kind": "spans", "name": "speech.transcript"}'})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as stream:
        stream.write_table(rows)
    raw = sqlite3.connect(place)
    raw.executescript(VERSION_1)
    raw.execute("INSERT INTO piece VALUES (1, 1, 2, 2, 0.0, 3.0, ?)", (sink.getvalue().to_pybytes(),))
    raw.execute(f"PRAGMA application_id={APPLICATION_ID}")
    raw.commit()
    raw.close()


def _version(place: Path) -> str:
    raw = sqlite3.connect(place)
    (found,) = raw.execute("SELECT version_num FROM alembic_version").fetchone()
    raw.close()
    return str(found)


def test_version_1_opens_with_everything(place: Path) -> None:
    _write_version_1(place)
    with Library(place) as library:
        medium = library.medium("/clips/one.wav")
        assert (medium.id, medium.duration) == ("h1", 12.5)
        run = library.find_run("h1", "key1")
        assert run is not None
        assert run.notes == ("a note",)
        assert medium.tracks()["speech.transcript"].text == ("an early word", "and another")
        assert [c.new for c in medium.corrections()] == ["hello"]
        # What came with version 2 works for what was there before.
        assert [hit.text for hit in library.search("another")] == ["and another"]
        assert library.verify() == []
    assert _version(place) == REVISIONS[-1]


def test_version_2_finds_parts_of_runs_of_letters_from_now_on(place: Path) -> None:
    _write_version_1(place)
    version_2 = sa.create_engine(f"sqlite:///{place}")
    with version_2.begin() as connection:
        database.migrate(connection, "0002")
        connection.execute(
            sa.text("INSERT INTO utterance (track_id, t0, t1, text) VALUES (1, 4.0, 5.0, '今天天气很好')")
        )
    version_2.dispose()
    assert _version(place) == "0002"
    with Library(place) as library:
        assert [hit.text for hit in library.search("天气")] == ["今天天气很好"]
        assert [hit.snippet for hit in library.search("天气")] == ["今天[天气]很好"]
        assert [hit.text for hit in library.search("another")] == ["and another"]
        assert library.verify() == []
        library.remove(library.medium("/clips/one.wav"))
        assert library.search("天气") == []
        assert library.verify() == []


def test_a_migration_that_fails_leaves_the_library_as_it_was(place: Path) -> None:
    _write_version_1(place)
    raw = sqlite3.connect(place)
    raw.execute("CREATE TRIGGER utterance_changed AFTER UPDATE ON medium BEGIN SELECT 1; END")  # in the way
    raw.commit()
    dump = list(raw.iterdump())
    raw.close()
    with pytest.raises(LibraryError, match="utterance_changed already exists"):
        Library(place)
    raw = sqlite3.connect(place)
    assert list(raw.iterdump()) == dump
    raw.close()
    assert _version(place) == "0001"


def test_a_damaged_piece_does_not_keep_the_library_shut(place: Path) -> None:
    _write_version_1(place)
    raw = sqlite3.connect(place)
    raw.execute("UPDATE piece SET data = x'00'")
    raw.commit()
    raw.close()
    with Library(place) as library:
        with pytest.raises(LibraryError, match="damaged; analyze its medium again"):
            library.tracks("h1")["speech.transcript"]
        assert library.search("early") == []


def test_the_migrations_lead_to_the_schema(place: Path) -> None:
    opened = Database(place)
    with opened.read() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _is_ours})
        assert compare_metadata(context, metadata) == []
    opened.close()


def _is_ours(item: object, name: str, kind: str, *_rest: object) -> bool:
    index = {"table": name.startswith("utterance_text"), "column": name == "spaced"}
    return not index.get(kind)


def test_every_migration_is_known_to_the_schema() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    revisions = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(revisions)) == REVISIONS


def test_settings_of_the_connection(place: Path) -> None:
    opened = Database(place)
    assert opened.outside("PRAGMA journal_mode") == [("wal",)]
    assert opened.outside("PRAGMA foreign_keys") == [(1,)]
    assert opened.outside("PRAGMA synchronous") == [(1,)]
    assert opened.outside("PRAGMA busy_timeout") == [(30000,)]
    assert opened.outside("PRAGMA application_id") == [(APPLICATION_ID,)]
    opened.close()
