"""What breaks under a library on PostgreSQL, a connection, a program, the server, loses nothing that was acknowledged."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mien.errors import LibraryUnreachable
from mien.library import Library, schema
from mien.library.overview import overview

ACTIONS = Path(__file__).with_name("actions.py")


@pytest.fixture
def where(postgres: Any) -> str:
    """The URL of an empty library."""
    return postgres.emptied()


def _cut(postgres: Any, where: str) -> None:
    """Every connection to that database breaks."""
    name = where.rsplit("/", 1)[1]
    postgres.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    while postgres.sql(f"SELECT 1 FROM pg_stat_activity WHERE datname = '{name}'"):
        time.sleep(0.01)


def test_what_breaks_between_two_writes_is_mended(postgres: Any, where: str, probed, curve) -> None:
    one, other = Library(where), Library(where)
    run = one.begin_run(one.add_medium(probed(Path("a.mp4")), "h"), key="k", analyzer="a", version="1")
    run.write(curve(0.0))
    _cut(postgres, one.where)
    run.write(curve(5.0))
    one.begin_run("h", key="next", analyzer="b", version="1").complete()
    assert other.recover() == 0  # the new session answers for the run that was begun in the old one
    run.complete()
    assert len(other.tracks("h")["emotion.attributes"]) == 10
    one.close()
    other.close()


def test_what_breaks_within_a_write_is_told_and_leaves_nothing(postgres: Any, where: str, probed, curve) -> None:
    with Library(where) as library:
        run = library.begin_run(library.add_medium(probed(Path("a.mp4")), "h"), key="k", analyzer="a", version="1")
        run.write(curve(0.0))

        def change() -> None:
            with library._database.write() as connection:
                connection.execute(sa.update(schema.medium).values(size=7))
                _cut(postgres, where)
                connection.execute(sa.update(schema.medium).values(size=8))

        with pytest.raises(LibraryUnreachable, match="connection to the library's server was lost"):
            change()
        assert library.medium("h").size == 1234
        assert run.write(curve(5.0)) == 10


def test_a_server_that_goes_and_comes_back(postgres: Any, where: str, probed, curve) -> None:
    library = Library(where, busy=2.0)
    run = library.begin_run(library.add_medium(probed(Path("a.mp4")), "h"), key="k", analyzer="a", version="1")
    run.write(curve(0.0))
    postgres.stop()
    try:
        for call in (lambda: run.write(curve(5.0)), library.media, lambda: Library(where)):
            with pytest.raises(LibraryUnreachable, match=r"cannot be reached|was lost"):
                call()
        library.close()  # says nothing more
    finally:
        postgres.start()
    with Library(where) as again:
        assert again.run(run.run_id).status == "interrupted"
        assert len(again.tracks([run.run_id])["emotion.attributes"]) == 5


def _running(library: Library) -> bool:
    return any(run.status == "running" for m in library.media() for run in m.runs(current=False))


@pytest.mark.parametrize("what", ["writer", "server"])
def test_a_kill_loses_nothing_acknowledged(postgres: Any, where: str, tmp_path: Path, what: str, until) -> None:
    log = tmp_path / "log"
    for size in (0, 3000) if what == "writer" else (1000,):
        writer = subprocess.Popen(
            [sys.executable, str(ACTIONS), "write", where, str(log)], stdout=subprocess.PIPE, text=True
        )
        until(lambda enough=size: log.exists() and log.stat().st_size > enough)
        if what == "server":
            postgres.stop(signal.SIGQUIT)
            postgres.start()
        writer.kill()
        said, _ = writer.communicate(timeout=60)
        assert said in ("", "LibraryUnreachable\n")  # or it was not at work in that second
        with Library(where) as library:
            assert library.verify() == []
            until(lambda: not _running(library) or library.recover() < 0)
            assert _check(library, log) > 0
            assert overview(library)


def _check(library: Library, log: Path) -> int:
    """Every acknowledged piece is there with its values; how many there were."""
    rows: dict[str, tuple[int, str]] = {}
    for line in log.read_text().splitlines():
        run, pieces, state = line.split()
        rows[run] = int(pieces), state
    for run, (pieces, state) in rows.items():
        track = library.tracks([run])["emotion.attributes"]
        assert len(track) in (3 * pieces, 3 * pieces + 3)
        assert track.times.tolist() == list(range(len(track)))
        assert library.run(run).status in (("complete",) if state == "complete" else ("complete", "interrupted"))
    return sum(pieces for pieces, _ in rows.values())
