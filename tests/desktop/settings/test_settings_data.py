"""The library's place: moved with what is in it, or left where it is with a sentence."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from mien import config
from mien.errors import Cancelled
from mien.library.library import Library
from mien_desktop.settings import places
from mien_desktop.settings.dialog import SettingsDialog

Make = Callable[..., SettingsDialog]
WAIT = 20_000


@pytest.fixture
def old(tmp_path: Path, make_clip: Callable[..., Path]) -> str:
    """The settings' own library, with one medium in it."""
    from mien.media.probe import probe

    place = config.load().place()
    medium = probe(make_clip(tmp_path / "clip.mp4", 1.0))
    with Library(place) as library:
        library.add_medium(medium, "c" * 64)
    return place


def _media(place: str | Path) -> list[str]:
    with Library(str(place)) as library:
        return [m.path.name for m in library.media()]


def test_the_library_is_taken_along(settings: Make, old: str, tmp_path: Path, qtbot: QtBot) -> None:
    dialog = settings()
    dialog.open_page("data")
    page = dialog.data
    assert page.place.text() == old
    new = tmp_path / "elsewhere" / "mine.db"
    page.place.setText(str(new))
    assert page.use.isVisible()
    with qtbot.waitSignals([dialog.library_moved, dialog.applied], timeout=WAIT):
        page.use.click()
    assert config.load().place() == str(new)
    assert _media(new) == ["clip.mp4"]
    assert _media(old) == ["clip.mp4"]  # nothing is lost when the new disk goes
    assert page.library == str(new)
    with qtbot.waitSignals([dialog.library_moved, dialog.applied], timeout=WAIT):
        page.standard.click()
    assert config.load().place() == old


def test_a_library_that_is_there_is_used_as_it_is(settings: Make, old: str, tmp_path: Path, qtbot: QtBot) -> None:
    Library(str(tmp_path / "other.db")).close()
    page = settings().data
    page.place.setText(str(tmp_path / "other.db"))
    with qtbot.waitSignal(page.library_moved, timeout=WAIT):
        page.move_library()
    assert _media(tmp_path / "other.db") == []


@pytest.mark.parametrize("kind", ["folder", "text", "below a file"])
def test_where_it_cannot_lie_is_told_and_changes_nothing(
    settings: Make, old: str, tmp_path: Path, qtbot: QtBot, kind: str
) -> None:
    target = {"folder": tmp_path, "text": tmp_path / "notes.txt", "below a file": tmp_path / "notes.txt" / "x.db"}[kind]
    (tmp_path / "notes.txt").write_text("not a library\n" * 100, encoding="utf-8")
    page = settings().data
    page.place.setText(str(target))
    with qtbot.assertNotEmitted(page.library_moved):
        page.move_library()
        qtbot.waitUntil(lambda: page.result not in ("", "Preparing…"), timeout=WAIT)
    assert "\n" not in page.result
    assert config.load().place() == old
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8").startswith("not a library")


def test_it_is_checked_and_compacted(settings: Make, old: str, qtbot: QtBot) -> None:
    page = settings().data
    page.check()
    qtbot.waitUntil(lambda: page.result == "The library is sound.", timeout=WAIT)
    page.compact()
    qtbot.waitUntil(lambda: page.result.startswith("Compacted: "), timeout=WAIT)
    assert page.verify.isEnabled()


@pytest.mark.parametrize("task", ["check", "compact"])
@pytest.mark.parametrize("how", ["close", "stop"])
def test_what_takes_minutes_is_ended_at_once(settings: Make, old: str, qtbot: QtBot, task: str, how: str) -> None:
    dialog = settings()
    dialog.open_page("data")
    page = dialog.data
    getattr(page, task)()
    pid = page.care_pid
    assert pid
    os.kill(pid, signal.SIGSTOP)  # a library that takes as long as one likes
    assert page.stop_.isVisible()
    assert not page.verify.isEnabled()
    begun = time.monotonic()
    if how == "close":
        dialog.shutdown()
    else:
        # Meanwhile settings are kept as ever: they do not stand in line behind it.
        with qtbot.waitSignal(dialog.preferences.applied, timeout=WAIT):
            dialog.preferences.change(threads=1)
        page.stop_.click()
        assert page.result == "Stopped."
        assert page.verify.isEnabled()
        assert not page.stop_.isVisible()
    assert time.monotonic() - begun < 5.0
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert _media(old) == ["clip.mp4"]  # and it is as it was


def test_copying_a_library_ends_when_the_window_does(old: str, tmp_path: Path) -> None:
    asked: list[bool] = []

    def stopped() -> bool:
        asked.append(True)
        return len(asked) > 1

    with closing(sqlite3.connect(old)) as database:
        database.execute("CREATE TABLE filler (bytes BLOB)")
        database.execute("INSERT INTO filler VALUES (zeroblob(30000000))")
        database.commit()
    with pytest.raises(Cancelled):
        places.prepare(str(tmp_path / "new.db"), old, stopped)
    assert len(asked) == 2
    assert not list(tmp_path.glob("new.db*"))
    assert _media(old) == ["clip.mp4"]


def test_a_library_named_at_the_start_is_shown(settings: Make, tmp_path: Path) -> None:
    page = settings(library=str(tmp_path / "named.db")).data
    assert page.place.text() == str(tmp_path / "named.db")
