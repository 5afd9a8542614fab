"""What is wrong with a library is said in one sentence, and nothing of it is touched."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.exc import DBAPIError

from mien.errors import LibraryError, MienError, StorageError
from mien.library import Library
from mien.library.database import Database
from mien.library.overview import overview
from mien.tracks import AROUSAL, Curve


def _message(place: Path | str, **options) -> str:
    with pytest.raises(LibraryError) as raised:
        Library(place, **options)
    message = str(raised.value)
    assert "\n" not in message
    assert not message.endswith(".")
    return message


def test_no_database(tmp_path: Path) -> None:
    place = tmp_path / "notes.txt"
    place.write_text("dear diary " * 500)
    message = _message(place)
    assert message.startswith("This file is no Mien library; move it away")
    assert message.endswith(str(place))
    assert place.read_text() == "dear diary " * 500


def test_somebody_elses_database(tmp_path: Path) -> None:
    place = tmp_path / "browser.db"
    raw = sqlite3.connect(place)
    raw.execute("CREATE TABLE history (url TEXT)")
    raw.commit()
    raw.close()
    before = place.read_bytes()
    assert "belongs to another program" in _message(place)
    assert place.read_bytes() == before


def test_another_programs_alembic_database(tmp_path: Path) -> None:
    place = tmp_path / "other.db"
    raw = sqlite3.connect(place)
    raw.execute("CREATE TABLE alembic_version (version_num TEXT)")
    raw.execute("INSERT INTO alembic_version VALUES ('0001')")
    raw.commit()
    raw.close()
    assert "belongs to another program" in _message(place)


def test_a_newer_schema(place: Path) -> None:
    Library(place).close()
    raw = sqlite3.connect(place)
    raw.execute("UPDATE alembic_version SET version_num = '0099'")
    raw.commit()
    raw.close()
    message = _message(place)
    assert "newer version of Mien (schema 0099" in message
    assert "update Mien" in message


def test_a_folder(tmp_path: Path) -> None:
    assert "cannot be opened" in _message(tmp_path)


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "folder cannot be made" in _message(tmp_path / "file" / "library.db")


def test_an_empty_file_becomes_a_library(tmp_path: Path) -> None:
    place = tmp_path / "empty.db"
    place.touch()
    with Library(place) as library:
        assert library.media() == []


def test_damage(place: Path, probed, curve) -> None:
    with Library(place) as library:
        library.add_medium(probed(place), "h")
        run = library.begin_run("h", key="k", analyzer="a", version="1")
        for i in range(50):
            run.write(curve(5.0 * i, rows=5))
        run.cancel()
    data = bytearray(place.read_bytes())
    # The last pages hold pieces, not the schema, so that the library still opens.
    data[-3 * 4096 :] = b"\xa5" * (3 * 4096)
    place.write_bytes(data)
    with Library(place) as library:
        assert library.verify() != []
        with pytest.raises(LibraryError, match="damaged"):
            library.tracks([run.run_id])["emotion.attributes"]


def test_a_locked_library(place: Path, probed) -> None:
    with Library(place, busy=0.2) as library:
        raw = sqlite3.connect(place)
        raw.execute("BEGIN IMMEDIATE")
        with pytest.raises(LibraryError, match="locked by another program"):
            library.add_medium(probed(place), "h")
        assert library.media() == []  # reading goes on
        raw.rollback()
        raw.close()
        library.add_medium(probed(place), "h")


def test_a_piece_that_could_not_be_written_can_be_written_again(place: Path, probed, curve) -> None:
    with Library(place, busy=0.2) as library:
        library.add_medium(probed(place), "h")
        run = library.begin_run("h", key="k", analyzer="a", version="1")
        run.write(curve(0.0))
        raw = sqlite3.connect(place)
        raw.execute("BEGIN IMMEDIATE")
        for piece in (curve(5.0), curve(0.0, name="a.new.track")):
            with pytest.raises(LibraryError, match="locked"):
                run.write(piece)
        raw.rollback()
        raw.close()
        assert run.write(curve(5.0)) == 10
        assert run.write(curve(0.0, name="a.new.track")) == 5
        run.complete()
        assert library.tracks("h")["emotion.attributes"].times.tolist() == list(range(10))


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("nosuchdb://host/name", "No library can be kept"),
        ("://", "no database URL"),
    ],
)
def test_addresses_that_cannot_be(url: str, what: str) -> None:
    assert what in _message(url)


def test_a_password_is_never_shown() -> None:
    message = _message("nosuchdb://me:secret@host/name")
    assert "secret" not in message
    assert "host/name" in message


def test_a_full_disk_is_a_fault_of_library_and_storage() -> None:
    from mien.library.faults import LibraryUnwritable

    assert issubclass(LibraryUnwritable, LibraryError)
    assert issubclass(LibraryUnwritable, StorageError)
    assert issubclass(LibraryUnwritable, MienError)
    assert LibraryUnwritable.exit_code == 6


def test_what_a_connection_says_after_ctrl_c_is_no_fault_of_the_library(tmp_path: Path) -> None:
    """psycopg refuses to change a connection that was interrupted in mid-statement, and says so while it is put away."""
    database = Database(tmp_path / "library.db")
    said = sqlite3.ProgrammingError("can't change 'autocommit' now: connection in transaction status ACTIVE")

    def put_away() -> None:
        try:
            raise KeyboardInterrupt
        finally:
            raise DBAPIError("SELECT 1", None, said)

    try:
        with pytest.raises(KeyboardInterrupt), database.plain():
            put_away()
        with pytest.raises(LibraryError), database.plain():
            raise DBAPIError("SELECT 1", None, said)
    finally:
        database.close()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("medium.streams", "{"),
        ("medium.added", "yesterday"),
        ("track.quantities", '[{"label": 5}]'),
        ("run.params", "{"),
    ],
)
def test_values_that_no_mien_wrote(library: Library, medium, place: Path, column: str, value: str) -> None:
    told = {
        "key": "k",
        "analyzer": "a",
        "version": "1",
        "params": {},
        "models": {},
        "device": "cpu",
        "precision": "",
        "outputs": (),
    }
    run = library.begin_run(medium.id, **told)
    run.write(Curve("a", np.arange(3.0), np.zeros((3, 1), np.float32), (AROUSAL,)))
    run.complete()
    table, _, name = column.partition(".")
    with sqlite3.connect(place) as raw:
        raw.execute(f"UPDATE {table} SET {name} = ?", (value,))
    raw.close()
    (listed,) = overview(library)
    assert listed.medium.damaged
    assert listed.medium.path == medium.path
