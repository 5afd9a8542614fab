"""Media: entered by content, found by path, removed with everything of theirs."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mien.cli.library import list_media
from mien.errors import LibraryError
from mien.library import Library, schema
from mien.library.overview import overview


def test_same_content_elsewhere_is_the_same_medium(library: Library, tmp_path: Path, probed) -> None:
    here, there = tmp_path / "a.mp4", tmp_path / "b.mp4"
    first = library.add_medium(probed(here), "h1")
    again = library.add_medium(probed(there, duration=61.0), "h1")
    assert first == library.medium("h1") or again == library.medium("h1")
    assert len(library.media()) == 1
    assert again.paths == (there, here)
    assert library.medium(here).id == library.medium(there).id == library.medium(str(here)).id == "h1"
    assert again.duration == 61.0
    assert again.added == first.added


def test_a_path_means_what_was_seen_there_last(library: Library, tmp_path: Path, probed) -> None:
    path = tmp_path / "a.mp4"
    library.add_medium(probed(path), "old")
    library.add_medium(probed(path), "new")
    assert library.medium(path).id == "new"
    assert {m.id for m in library.media()} == {"old", "new"}


def test_facts_come_back(library: Library, tmp_path: Path, probed) -> None:
    medium = library.add_medium(probed(tmp_path / "a.mp4", duration=None), "h")
    assert (medium.size, medium.duration, medium.format) == (1234, None, "mov,mp4")
    assert medium.streams == ({"kind": "audio", "sample_rate": 16000},)
    assert medium.added.tzinfo is not None


@pytest.mark.parametrize("name", ["a b.mp4", "-dash.mp4", "new\nline.mp4", "日本語 ü.mp4", "quote'\".mp4", "%s?.mp4"])
def test_any_name(library: Library, tmp_path: Path, probed, name: str) -> None:
    library.add_medium(probed(tmp_path / name), "h")
    assert library.medium(tmp_path / name).path == tmp_path / name


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode on Windows")
def test_a_name_that_is_no_utf8(library: Library, tmp_path: Path, probed) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9.mp4")
    library.add_medium(probed(odd), "h")
    assert library.medium(odd).id == "h"


def test_unknown_medium_says_what_to_do(library: Library) -> None:
    with pytest.raises(LibraryError, match="analyze it first: nowhere"):
        library.medium("nowhere.mp4")
    assert library.find_medium("nowhere.mp4") is None
    assert library.find_medium("\ud800") is None


def test_remove_takes_everything(library: Library, place: Path, medium, curve, transcript) -> None:
    run = library.begin_run(medium, key="k", analyzer="a", version="1")
    run.write(curve(0.0))
    run.write(transcript("hello there"))
    run.complete()
    library.correct(medium, "speech.transcript", start=0, end=1, field="text", old="a", new="b", author="me")
    library.remove(medium)
    assert library.media() == []
    assert library.search("hello") == []
    raw = sqlite3.connect(place)
    for table in ("medium_path", "run", "track", "piece", "correction", "utterance"):
        assert raw.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
    raw.execute("INSERT INTO utterance_text(utterance_text) VALUES ('integrity-check')")
    raw.close()
    assert library.verify() == []


def test_a_list_of_many_media_takes_no_more_queries_than_one_of_few(
    place: Path, tmp_path: Path, probed, capsys: pytest.CaptureFixture[str]
) -> None:
    def queries() -> int:
        """How many statements `mien library list` runs; what it says stays in `capsys`."""
        capsys.readouterr()
        asked: list[str] = []

        def count(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            asked.append(statement)

        sa.event.listen(sa.Engine, "before_cursor_execute", count)
        try:
            list_media(str(place), as_json=True)
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", count)
        return len(asked)

    with Library(place) as library:
        library.add_medium(probed(tmp_path / "no readings.mp4"), "bare")
        few = queries()
        for n in range(5):
            medium = library.add_medium(probed(tmp_path / f"{n}.mp4"), f"h{n}")
            for key in ("old", "new"):
                library.begin_run(medium, key=f"first {key}", analyzer="first", version="1").complete()
            library.begin_run(medium, key="k2", analyzer="second", version="1").complete()
            library.begin_run(medium, key="k3", analyzer="third", version="1").cancel()
        assert queries() == few
        listed = json.loads(capsys.readouterr().out)
        assert {m["id"]: m["plugins"] for m in listed} == {
            m.id: [run.analyzer for run in m.runs()] for m in library.media()
        }
        assert [m["plugins"] for m in listed] == [["second", "first"]] * 5 + [[]]


def test_a_damaged_row_keeps_no_other_medium_from_being_listed(
    place: Path, tmp_path: Path, probed, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = {
        "streams": "not JSON", "added": "yesterday", "duration": "long", "size": "small", "format": b"\xff", "path": None
    }  # fmt: skip
    with Library(place) as library:
        library.add_medium(probed(tmp_path / "whole.mp4"), "whole")
        for name in odd:
            library.add_medium(probed(tmp_path / f"{name}.mp4"), name)
    with sqlite3.connect(place) as file:
        for name, value in odd.items():
            if name == "path":
                file.execute("DELETE FROM medium_path WHERE medium_id = 'path'")
            else:
                file.execute(f"UPDATE medium SET {name} = ? WHERE id = ?", (value, name))
    file.close()
    with Library(place) as library:
        found = {medium.id: medium for medium in library.media()}
        assert {name for name, medium in found.items() if medium.damaged} == set(odd)
        assert found["streams"].path == tmp_path / "streams.mp4"
        assert {entry.medium.id for entry in overview(library)} == {"whole", *odd}
        list_media(str(place), as_json=False)
        said = capsys.readouterr()
        assert said.out.count("(damaged)") == len(odd)
        assert str(tmp_path / "whole.mp4") in said.out
        assert said.err.count("damaged; analyze it again") == 1
        again = library.add_medium(probed(tmp_path / "streams.mp4"), "streams")
        assert not again.damaged
        library.remove("size")
        assert "size" not in {medium.id for medium in library.media()}


TEXTS = [
    (table, column.name)
    for table in ("medium", "medium_path", "run", "track", "correction", "utterance")
    for column in schema.metadata.tables[table].columns
    if isinstance(column.type, sa.String | sa.JSON)
]


@pytest.mark.parametrize(("table", "column"), TEXTS)
def test_a_text_that_is_none_hides_no_other_medium(
    place: Path, tmp_path: Path, probed, transcript, capsys: pytest.CaptureFixture[str], table: str, column: str
) -> None:
    """A bit that fell over in a file: SQLite calls it text, and Python's own reading of texts gives up."""
    with Library(place) as library:
        for name in ("whole", "odd"):
            medium = library.add_medium(probed(tmp_path / f"{name}.mp4"), name)
            run = library.begin_run(medium, key="k", analyzer="a", version="1")
            run.write(transcript("a good day"))
            run.complete()
            library.correct(
                medium, "a", start=0.0, end=1.0, field="label", old=None, new="x", author="me", run=medium.runs()[0]
            )
    with sqlite3.connect(place) as file:
        file.execute("PRAGMA foreign_keys=OFF")
        (rows,) = file.execute(f"SELECT max(rowid) FROM {table}").fetchone()
        file.execute(f"UPDATE {table} SET {column} = CAST(x'6eff22' AS TEXT) WHERE rowid = ?", (rows,))
    file.close()
    with Library(place) as library:
        assert "whole" in {medium.id for medium in library.media()}
        assert "whole" in {entry.medium.id for entry in overview(library)}
        asked: list[Callable[[], object]] = [
            lambda: library.search("good"),
            lambda: library.corrections("odd"),
            lambda: library.tracks("odd"),
            library.verify,
            lambda: library.add_medium(probed(tmp_path / "odd.mp4"), "odd"),
        ]
        for ask in asked:
            with suppress(LibraryError):
                ask()
        list_media(str(place), as_json=False)
        assert str(tmp_path / "whole.mp4") in capsys.readouterr().out


def test_a_damaged_reading_is_left_out_of_the_list_and_told(place: Path, tmp_path: Path, probed, curve) -> None:
    with Library(place) as library:
        for name in ("whole", "odd"):
            run = library.begin_run(
                library.add_medium(probed(tmp_path / f"{name}.mp4"), name), key="k", analyzer="a", version="1"
            )
            run.write(curve(0.0))
            run.complete()
    with sqlite3.connect(place) as file:
        file.execute("UPDATE track SET quantities = '{' WHERE run_id = (SELECT id FROM run WHERE medium_id = 'odd')")
    file.close()
    with Library(place) as library:
        entries = {entry.medium.id: entry for entry in overview(library)}
        assert entries["whole"].tracks
        assert not entries["whole"].medium.damaged
        assert not entries["odd"].tracks
        assert entries["odd"].medium.damaged
