"""Scans from folder to summary, with real workers."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from mien.batch.devices import Slot, slots
from mien.batch.pool import Pool
from mien.errors import DeviceError, UsageError
from mien.library import Library
from mien.library.database import Database, migrate
from mien.library.schema import REVISIONS


def test_each_content_once_and_the_second_time_nothing(
    scan: Any, folder: Path, make_clip: Any, tmp_path: Path, mien_home: Path
) -> None:
    make_clip(folder / "a.mp4", 2.0)
    make_clip(folder / "new\nline.mp4", 1.0, video=False)
    (folder / "sub").mkdir()
    shutil.copy(folder / "a.mp4", folder / "sub" / "copy.mp4")
    (folder / "sub" / "copy.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nhello\n")
    (folder / "bad.mp4").write_bytes(b"no medium " * 100)
    items, notes, stopped = scan(slots=[Slot("cpu", 1)] * 2, formats=["json"])
    assert stopped is None
    assert {name: item.state for name, item in items.items()} == {
        "a.mp4": "done",
        "bad.mp4": "failed",
        "new\nline.mp4": "done",
        "sub/copy.mp4": "done",
    }
    assert items["a.mp4"].runs == items["sub/copy.mp4"].runs
    assert items["sub/copy.mp4"].side_car == "copy.srt"
    assert sorted(notes.ended_) == ["a.mp4", "bad.mp4", "copy.mp4", "new\nline.mp4"]
    assert items["a.mp4"].standing.value == 1.0
    with Library(tmp_path / "library.db") as library:
        assert {path.name for path in library.medium(items["a.mp4"].medium).paths} == {"a.mp4", "copy.mp4"}
        for medium in library.media():  # of one content one worker computed, the other took it from the library
            assert len(medium.runs(current=False)) == 3
    out = tmp_path / "out"
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*-mien.json")) == [
        "a-mien.json",
        "new line-mien.json",
        "sub/copy-mien.json",
    ]
    tables = [(out / name).read_bytes() for name in ("summary.csv", "summary.parquet")]

    again, notes, _ = scan(formats=["json"])
    assert notes.begun_ == []
    assert all(item.earlier for item in again.values() if item.state == "done")
    assert [(out / name).read_bytes() for name in ("summary.csv", "summary.parquet")] == tables

    # Without the journal the library alone tells what is done, and an export that is gone is written anew.
    shutil.rmtree(mien_home / "cache")
    (out / "a-mien.json").unlink()
    (out / ".part-01234567-a-mien.json").touch()  # of one that was killed while it wrote
    (out / ".part-89abcdef-summary.csv").touch()
    again, notes, _ = scan(formats=["json"])
    assert notes.begun_ == []
    assert (out / "a-mien.json").is_file()
    assert not list(out.glob(".part-*"))
    assert [(out / name).read_bytes() for name in ("summary.csv", "summary.parquet")] == tables

    # Another content under the old name is another medium; other parameters are another question.
    make_clip(folder / "a.mp4", 1.5)
    changed, notes, _ = scan(formats=["json"])
    assert notes.begun_ == ["a.mp4"]
    assert changed["a.mp4"].medium != items["a.mp4"].medium
    _, notes, _ = scan(folder / "a.mp4", analyzers=("tiny.first",), fusion="")
    assert notes.begun_ == ["a.mp4"]


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_dry_run_answers_from_an_old_library_and_leaves_every_byte(
    scan: Any, folder: Path, make_clip: Any, tmp_path: Path, mien_home: Path, revision: str
) -> None:
    make_clip(folder / "known.m4a", 1.0, video=False)
    scan(analyzers=("tiny.level",), fusion="")
    make_clip(folder / "new.m4a", 0.5, video=False)
    shutil.rmtree(mien_home / "cache")  # so that the library alone can know
    old = _kept_at(revision, tmp_path / "library.db", tmp_path / "old.db")
    before = old.read_bytes()
    items, _, _ = scan(analyzers=("tiny.level",), fusion="", library=str(old), dry=True)
    assert {name: item.state for name, item in items.items()} == {"known.m4a": "done", "new.m4a": "todo"}
    assert old.read_bytes() == before
    assert sorted(path.name for path in tmp_path.glob("old.db*")) == ["old.db"]


def _kept_at(revision: str, library: Path, place: Path) -> Path:
    """What a library holds, as a version of Mien with that schema would have kept it; one run's process has died."""
    database = Database(place, make=False)
    with database.write() as connection:
        migrate(connection, revision)
        database.backend.mark(connection)
    database.close()
    raw = sqlite3.connect(place, isolation_level=None)
    raw.execute("ATTACH ? AS new", (str(library),))
    for table in ("medium", "medium_path", "run", "track", "piece"):
        raw.execute(f"INSERT INTO main.{table} SELECT * FROM new.{table}")
    raw.execute(
        "INSERT INTO run SELECT 'lost', medium_id, 'k', analyzer, version, params, models, device, precision,"
        " 'running', partial, reason, notes, 'nobody', started, NULL, used FROM new.run"
    )
    raw.close()
    return place


def test_subtitles_beside_a_medium_are_read_and_read_again_when_they_change(
    scan: Any, folder: Path, make_clip: Any, tmp_path: Path
) -> None:
    make_clip(folder / "a.mp4", 2.0)
    cues = folder / "a.en.srt"
    choice: dict[str, Any] = {"analyzers": ("speech.transcript",), "fusion": ""}

    def said(text: str) -> tuple[list[str], list[str]]:
        cues.write_text(f"1\n00:00:00,200 --> 00:00:01,500\n{text}\n")
        items, notes, stopped = scan(**choice)
        assert stopped is None
        assert items["a.mp4"].side_car == "a.en.srt"
        with Library(tmp_path / "library.db") as library:
            return list(library.tracks(items["a.mp4"].medium)["speech.transcript"].text), notes.begun_

    assert said("the first words") == (["the first words"], ["a.mp4"])
    _, notes, _ = scan(**choice)
    assert notes.begun_ == []
    assert said("and then others") == (["and then others"], ["a.mp4"])


def test_what_one_medium_does_stays_with_it(scan: Any, folder: Path, make_clip: Any) -> None:
    make_clip(folder / "mute.mp4", 1.0, audio=False)
    make_clip(folder / "sound.m4a", 1.0, video=False)
    items, notes, stopped = scan(analyzers=("tiny.brightness", "tiny.dies"), fusion="")
    assert stopped is None
    assert (items["mute.mp4"].state, items["mute.mp4"].trouble) == ("done", "")
    assert items["mute.mp4"].skipped == {"tiny.dies": "the medium has no sound"}
    assert items["sound.m4a"].state == "failed"
    assert "worker process died (exit code 7)" in items["sound.m4a"].reason
    assert notes.begun_.count("sound.m4a") == 2  # its death might have been another's fault
    items, _, _ = scan(analyzers=("tiny.first", "tiny.raises"), fusion="")
    assert "has no sound" in items["mute.mp4"].reason
    assert items["sound.m4a"].state == "done"
    assert "this plugin always fails" in items["sound.m4a"].trouble
    assert items["sound.m4a"].runs.keys() == {"tiny.first"}


def test_what_was_read_without_a_plugin_that_failed_is_read_again_once_that_one_has_read_it(
    scan: Any, folder: Path, make_clip: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tiny_plugins  # type: ignore[import-not-found]

    from mien.engine.choice import Choice
    from mien.engine.registry import Registry
    from mien.engine.run import analyze_medium

    clip = make_clip(folder / "a.mp4", 2.0)
    names = ("tiny.raises", "tiny.hopes")
    items, _, _ = scan(analyzers=names)
    assert items["a.mp4"].failed.keys() == {"tiny.raises"}

    def works(self: Any, block: Any) -> Any:
        yield tiny_plugins.Spans.of("tiny.raises", [(block.start, block.end, "heard")])

    with monkeypatch.context() as patch, Library(tmp_path / "library.db") as library:
        patch.setattr(tiny_plugins.Raises, "process", works)
        alone = Choice(analyzers=("tiny.raises",), fusion="", device="cpu")
        done = analyze_medium(clip, alone, Registry.load(), library, lambda event: None, threading.Event())
        assert done.failed == {}
    items, notes, _ = scan(analyzers=names)
    assert notes.begun_ == ["a.mp4"]
    assert (items["a.mp4"].partial, items["a.mp4"].trouble) == ("", "")
    _, notes, _ = scan(analyzers=names)
    assert notes.begun_ == []


def test_a_file_that_changes_while_it_is_analysed_is_begun_again(
    scan: Any, folder: Path, make_clip: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mien.batch import scan as module

    make_clip(folder / "a.mp4", 1.0)
    make_clip(tmp_path / "other.mp4", 1.5)
    done = module.Scan._done
    changes = [tmp_path / "other.mp4"]

    def change(self: Any, task: Any, *rest: Any) -> None:
        if changes:  # after the last reading, before anybody looked
            shutil.copy(changes.pop(), task.item.path)
        done(self, task, *rest)

    monkeypatch.setattr(module.Scan, "_done", change)
    items, notes, _ = scan(analyzers=("tiny.level",), fusion="")
    assert notes.begun_ == ["a.mp4", "a.mp4"]
    assert items["a.mp4"].seconds == pytest.approx(1.5, abs=0.2)
    with Library(tmp_path / "library.db") as library:
        assert [medium.id for medium in library.media()] == [items["a.mp4"].medium]


def test_what_concerns_every_file_ends_the_scan(scan: Any, folder: Path, make_clip: Any, tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        make_clip(folder / name, 1.0)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a-mien.json").mkdir()
    items, _, stopped = scan(formats=["json"])  # an export that cannot be written is that file's own
    assert stopped is None
    assert "folder where the file belongs" in items["a.mp4"].trouble
    assert items["b.mp4"].trouble == ""
    items, notes, stopped = scan(slots=[Slot("cuda:77", 1)], analyzers=("tiny.first",), fusion="")
    assert isinstance(stopped, DeviceError)
    assert len(notes.begun_) == 1
    assert [item.state for item in items.values()] == ["todo", "todo"]


def test_a_link_where_a_folder_of_exports_belongs_is_that_files_own_trouble(
    scan: Any, folder: Path, make_clip: Any, tmp_path: Path
) -> None:
    (folder / "sub").mkdir()
    make_clip(folder / "sub" / "a.mp4", 0.5)
    make_clip(folder / "b.mp4", 1.0)
    for name in ("outside", "out"):
        (tmp_path / name).mkdir()
    (tmp_path / "outside" / ".part-01234567-x").touch()  # as a killed export leaves it
    (tmp_path / "out" / "sub").symlink_to(tmp_path / "outside")
    items, _, stopped = scan(analyzers=("tiny.level",), fusion="", formats=["json"])
    assert stopped is None
    assert "There is a link where the folder belongs" in items["sub/a.mp4"].trouble
    assert items["b.mp4"].trouble == ""
    assert [path.name for path in (tmp_path / "outside").iterdir()] == [".part-01234567-x"]


def test_one_scan_at_a_time_writes_to_a_folder(scan: Any, folder: Path, tmp_path: Path) -> None:
    from mien.batch.places import OutFolder

    with OutFolder(tmp_path / "out"), pytest.raises(UsageError, match="Another scan writes"):
        scan()
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="must name a folder"):
        OutFolder(tmp_path / "file")


def test_what_shows_no_sign_of_life_is_given_up(folder: Path, make_clip: Any, tmp_path: Path) -> None:
    from mien.engine.choice import Choice
    from mien.engine.events import MediumFailed

    clip = make_clip(folder / "a.mp4", 1.0)
    choice = Choice(analyzers=("tiny.sleeps",), fusion="", device="cpu")
    with Pool(str(tmp_path / "library.db"), None, [Slot("cpu", 1)], choice, patience=5.0) as pool:
        pool.submit(1, clip)
        said, deadline = None, time.monotonic() + 120
        while not isinstance(said, MediumFailed) and time.monotonic() < deadline:
            heard = pool.next()
            said = heard[1] if heard is not None else None
        assert isinstance(said, MediumFailed)
        assert said.kind == "Stalled"
        assert pool.busy == 0
    assert not [thread for thread in threading.enumerate() if thread.name == "mien-seat"]


@pytest.mark.parametrize(
    ("kind", "code", "twice", "ends"),
    [
        ("LibraryUnwritable", 6, False, True),  # a full disk: no other file would fare better
        ("LibraryError", 6, False, False),
        ("LibraryError", 6, True, True),
        ("ModelError", 5, False, True),
        ("ParameterError", 2, True, False),  # this file may lack a stream that others have
        ("NotMedia", 3, True, False),
        ("Stalled", 9, True, False),
        ("WorkerError", 9, True, False),
    ],
)
def test_which_errors_end_a_scan(kind: str, code: int, twice: bool, ends: bool) -> None:
    from mien.batch.scan import _concerns_all, _error
    from mien.engine.events import MediumFailed

    error = _error(MediumFailed("a.mp4", "why", code, kind))
    assert str(error) == "why"
    assert _concerns_all(error, twice) is ends
    if ends:
        assert error.exit_code == code


def test_workers_share_the_cores() -> None:
    assert slots("cpu", "auto", 3, None)[0].threads >= 1
    assert slots("cuda:0,cuda:1", "auto", None, 2) == [Slot("cuda:0", 2), Slot("cuda:1", 2)]
    assert slots("cpu, cuda:1,cpu", "auto", 2, 1) == [Slot("cpu", 1)] * 2 + [Slot("cuda:1", 1)] * 2
    with pytest.raises(DeviceError, match="no device 'tpu'"):
        slots("cpu,tpu", "auto", None, None)
