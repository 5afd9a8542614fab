"""A library on PostgreSQL: its address, what can be wrong with its server, several at work in it."""

from __future__ import annotations

import math
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mien.errors import LibraryError
from mien.library import Library, schema
from mien.library.backend import backend_of
from mien.library.codec import encode
from mien.library.database import Database, migrate
from mien.library.faults import LibraryUnwritable
from mien.tracks import Provenance

ACTIONS = Path(__file__).with_name("actions.py")


@pytest.fixture
def where(postgres: Any) -> str:
    """The URL of an empty library."""
    return postgres.emptied()


@pytest.fixture
def own(postgres: Any) -> str:
    """The URL of an empty library that is this test's alone."""
    return postgres.library()


def _message(place: str, **options: float) -> str:
    with pytest.raises(LibraryError) as raised:
        Library(place, **options)
    message = str(raised.value)
    assert "\n" not in message
    assert not message.endswith(".")
    return message


# The address


def test_the_url_alone_opens_it(where: str, probed, tmp_path: Path) -> None:
    with Library(where) as library:
        library.add_medium(probed(tmp_path / "a.mp4"), "h")
        assert library.where == library.place == where
        with pickle.loads(pickle.dumps(library)) as other:
            assert [m.id for m in other.media()] == ["h"]


def test_a_password_opens_it_and_is_not_shown(postgres: Any, own: str) -> None:
    postgres.sql("GRANT ALL ON ALL TABLES IN SCHEMA public TO guarded", own)
    address = own.replace("owner@", "guarded:right@")
    with Library(address) as library:
        assert library.where == address
        assert "right" not in library.place
        assert "right" not in str(library.verify())
    wrong = _message(own.replace("owner@", "guarded:guess@"))
    assert "refused the user or the password" in wrong
    assert "guess" not in wrong
    hidden = _message(own.replace("owner@", "guarded@") + "?sslmode=disable&password=guess")
    assert "refused the user or the password" in hidden
    assert "guess" not in hidden
    assert "refused the user or the password" in _message(own.replace("owner@", "guarded@"))
    assert "refused the user or the password" in _message(own.replace("owner@", "stranger@"))


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("postgresql://me@127.0.0.1:1/library", r"cannot be reached \(Connection refused\)"),
        ("postgresql://me@nowhere.invalid/library", "cannot be reached"),
        ("postgresql://me@/library?host=/nowhere", r"cannot be reached \(No such file or directory\)"),
        ("postgresql://me@127.0.0.1", "needs a database's name"),
        ("postgresql+psycopg2://me@127.0.0.1/library", "opened by psycopg alone"),
    ],
)
def test_addresses_without_a_server(url: str, what: str) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(LibraryError, match=what):
        Library(url)


def test_without_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert "pip install 'mien[postgres]'" in _message("postgresql://me@127.0.0.1/library")


# What can be wrong with a database


def test_databases_that_are_no_library(postgres: Any, own: str) -> None:
    assert "no database of that name" in _message(postgres.url("nowhere"))
    foreign = postgres.database()
    postgres.sql("CREATE TABLE history (url TEXT)", foreign)
    assert "belongs to another program" in _message(foreign)
    postgres.sql("CREATE TABLE alembic_version (version_num TEXT)", foreign)
    assert "belongs to another program" in _message(foreign)
    assert postgres.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1", foreign) == [
        ("alembic_version",),
        ("history",),
    ]
    postgres.sql("UPDATE alembic_version SET version_num = '0099'", own)
    assert "newer version of Mien (schema 0099" in _message(own)


def test_a_database_that_lacks_most_letters(postgres: Any) -> None:
    postgres.sql("CREATE DATABASE letters ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    assert "is kept in LATIN1" in _message(postgres.url("letters"))


def test_who_may_only_read_can_do_that(postgres: Any, own: str, probed, transcript) -> None:
    with Library(own) as library:
        run = library.begin_run(library.add_medium(probed(Path("a.mp4")), "h"), key="k", analyzer="a", version="1")
        run.write(transcript("hello there"))
        run.complete()
        library.begin_run("h", key="left", analyzer="b", version="1")
    postgres.sql("UPDATE run SET status = 'running', owner = 'gone' WHERE key = 'left'", own)
    postgres.sql("CREATE ROLE reader LOGIN", own)
    assert "may not use or change" in _message(own.replace("owner@", "reader@"))
    postgres.sql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader", own)
    with Library(own.replace("owner@", "reader@")) as library:
        assert [hit.text for hit in library.search("hello")] == ["hello there"]
        with pytest.raises(LibraryUnwritable, match="may not use or change"):
            library.add_medium(probed(Path("b.mp4")), "other")
    with pytest.raises(LibraryUnwritable):  # no library yet, and none may be made
        Library(postgres.database().replace("owner@", "reader@"))


def test_a_server_that_takes_no_changes(postgres: Any, own: str, probed) -> None:
    with Library(own) as library:
        library.add_medium(probed(Path("a.mp4")), "h")
    name = own.rsplit("/", 1)[1]
    postgres.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with Library(own) as library:
        assert len(library.media()) == 1
        with pytest.raises(LibraryUnwritable, match="takes no changes"):
            library.remove("h")


def test_a_locked_library(postgres: Any, where: str, probed, curve) -> None:
    import psycopg

    with Library(where, busy=0.2) as library, psycopg.connect(where) as other:
        run = library.begin_run(library.add_medium(probed(Path("a.mp4")), "h"), key="k", analyzer="a", version="1")
        run.write(curve(0.0))
        other.execute("LOCK TABLE medium, piece, track IN EXCLUSIVE MODE")
        for refused in (lambda: run.write(curve(5.0)), lambda: library.remove("h")):
            with pytest.raises(LibraryError, match="locked by another program"):
                refused()
        assert len(library.media()) == 1  # reading goes on
        other.rollback()
        assert run.write(curve(5.0)) == 10  # what could not be written can be written again
        run.complete()
        assert library.tracks("h")["emotion.attributes"].times.tolist() == list(range(10))


def test_a_full_disk(postgres: Any, own: str, tmp_path: Path, until) -> None:
    small = postgres.folder / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(small)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can be mounted only by root, and not in every container")
    try:
        postgres.give(small)
        postgres.sql(f"CREATE TABLESPACE small LOCATION '{small}'")
        postgres.sql("ALTER TABLE piece SET TABLESPACE small", own)
        done, kind, message = _act("fill", own, 0).split(" ", 2)
        assert kind == "LibraryUnwritable"
        assert message.startswith("The disk of the library's server is full")
        with Library(own) as library:
            assert library.verify() == []
            until(lambda: library.medium("h").runs(current=False)[0].status == "interrupted" or library.recover())
            (run,) = library.medium("h").runs(current=False)
            assert len(library.tracks(run)["e"]) == 2000 * int(done) > 0
        postgres.sql("ALTER TABLE piece SET TABLESPACE pg_default", own)
        postgres.sql("DROP TABLESPACE small")
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_text_that_the_server_does_not_store(where: str, probed, transcript) -> None:
    with Library(where) as library:
        medium = library.add_medium(probed(Path("a.mp4")), "h")
        run = library.begin_run(medium, key="k", analyzer="a", version="1", params={"level": math.nan, "x": "\0"})
        run.write(transcript("hel\0lo", "half \ud800 pair"))
        run.note("nul \0 here")
        run.fail("pair \ud800 here")
        record = library.run(run.run_id)
        assert math.isnan(record.params["level"])
        assert (record.notes, record.params["x"]) == (("nul \0 here",), "\0")
        assert record.reason == "pair ? here"
        made = library.correct("h", "t", start=0, end=1, field="f", old=math.nan, new=None, author="A\0B")
        (found,) = library.corrections("h")
        assert math.isnan(found.old)
        assert (found.new, found.author, found.id) == (None, "A B", made.id)


# Several at work


def _act(*arguments: object) -> str:
    command = [sys.executable, str(ACTIONS), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def two(where: str) -> Iterator[tuple[Library, Library]]:
    """One library, opened twice, as two machines do."""
    with Library(where) as one, Library(where) as other:
        yield one, other


def test_the_same_at_the_same_moment(two: tuple[Library, Library], probed, curve) -> None:
    """Entering one medium and completing one key, many times over."""
    barrier = threading.Barrier(2)

    def work(library: Library) -> None:
        for n in range(25):
            barrier.wait(30)
            library.add_medium(probed(Path("a.mp4")), f"h{n}")
            run = library.begin_run(f"h{n}", key="k", analyzer="a", version="1")
            run.write(curve(0.0))
            run.complete()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, two))
    assert len(two[0].media()) == 25
    for medium in two[0].media():
        assert sorted(run.status for run in medium.runs(current=False)) == ["complete", "superseded"]


def test_a_reader_follows_while_pieces_are_merged(two: tuple[Library, Library], probed, curve) -> None:
    one, other = two
    run = one.begin_run(one.add_medium(probed(Path("a.mp4")), "h"), key="k", analyzer="a", version="1")
    for n in range(60):
        run.write(curve(5.0 * n))
    with ThreadPoolExecutor(1) as pool:
        merging = pool.submit(run.complete)
        while not merging.done():
            times = [t for piece in other.pieces(run.run_id, "emotion.attributes") for t in piece.track.times]
            assert times == list(range(300))
        merging.result()


def test_writers_that_make_it_together(postgres: Any) -> None:
    where = postgres.database()
    assert _act("crowd", where, 4, 8) == ""
    with Library(where) as library:
        runs = [run for m in library.media() for run in m.runs()]
        assert len(runs) == 4
        assert all(len(library.tracks(run)["emotion.attributes"]) == 24 for run in runs)
        assert len(library.search("word7")) == 2
        counted = postgres.sql("SELECT sum(utterances), sum(words) FROM utterance_count", where)
        assert counted == postgres.sql("SELECT count(*), sum(length) FROM utterance", where)


def test_the_runs_of_a_dead_machine_are_recognised(
    two: tuple[Library, Library], where: str, probed, curve, until
) -> None:
    one, other = two
    mine = one.begin_run(one.add_medium(probed(Path("a.mp4")), "h"), key="mine", analyzer="a", version="1")
    with Library(where) as third:
        left = third.begin_run("h", key="left", analyzer="b", version="1")
        assert other.recover() == 0
        third._writers.clear()  # as a process that is killed: it ends nothing
    until(lambda: other.recover() == 1)  # its connection ends in a moment
    assert other.run(left.run_id).status == "interrupted"
    assert other.run(mine.run_id).status == "running"
    mine.write(curve(0.0))
    mine.complete()


# Its schema


def test_the_migrations_lead_to_the_schema(where: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    index = {"words", "length", "ix_utterance_words", "utterance_count"}
    opened = Database(where)
    with opened.read() as connection:
        options = {"include_object": lambda _item, name, *_rest: name not in index}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, schema.metadata) == []
    opened.close()


def test_version_1_opens_with_everything(postgres: Any, transcript) -> None:
    where = postgres.database()
    _, writer = backend_of(where).connect(5.0)
    with writer.begin() as connection:
        migrate(connection, "0001")
        backend_of(where).mark(connection)
        medium: dict[str, Any] = {"id": "h", "size": 1, "duration": 2.0, "format": "wav", "streams": [], "added": 0.0}
        run = {"id": "r", "medium_id": "h", "key": "k", "analyzer": "a", "version": "1", "params": {}, "models": {}}
        run |= {"device": "cpu", "precision": "float32", "status": "complete", "notes": ["a note"], "owner": "nobody"}
        run |= {"started": 0.0, "finished": 1.0, "used": 1.0}
        track = {"id": 1, "run_id": "r", "name": "speech.transcript", "kind": "spans", "quantities": []}
        piece = {
            "track_id": 1,
            "seq": 2,
            "rows": 2,
            "t0": 0.0,
            "t1": 4.0,
            "data": encode(transcript("early", "and late")),
        }
        connection.execute(sa.insert(schema.medium).values(**medium))
        connection.execute(sa.insert(schema.medium_path).values(medium_id="h", path="/one.wav", seen=0.0))
        connection.execute(sa.insert(schema.run).values(**run))
        connection.execute(sa.insert(schema.track).values(**track, provenance=Provenance("a", "1").to_dict()))
        connection.execute(sa.insert(schema.piece).values(**piece))
    writer.dispose()
    with Library(where) as library:
        assert library.runs("h")[0].notes == ("a note",)
        assert library.tracks("h")["speech.transcript"].text == ("early", "and late")
        assert [hit.text for hit in library.search("late")] == ["and late"]
