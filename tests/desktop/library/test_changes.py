"""What the library's page changes: media that leave it, and files that were moved."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from mien.library import Library
from mien_desktop.events import wishes
from mien_desktop.events.sources import Source
from mien_desktop.library import relocate
from mien_desktop.library.catalogue import Card
from mien_desktop.library.view import LibraryView
from mien_desktop.work.background import Background

from .conftest import WAIT


def names(page: LibraryView) -> set[str]:
    return {card.path.stem for card in page.model.shown}


def stored(place: Path) -> set[str]:
    with Library(place) as library:
        return {medium.path.stem for medium in library.media()}


def choose(page: LibraryView, *stems: str) -> None:
    flag = QItemSelectionModel.SelectionFlag
    chosen = page.list.selectionModel()
    chosen.clear()
    for stem in stems:
        card = next(card for card in page.model.shown if card.path.stem == stem)
        # By itself: what the view would do with it depends on keys that an earlier test may have left pressed.
        chosen.setCurrentIndex(page.model.index(page.model.row_of(card.id) or 0), flag.Select)
    page.list.setFocus()


def test_delete_asks_first(page: LibraryView, stocked: Path) -> None:
    choose(page, "hum")
    QTest.keyClick(page.list, Qt.Key.Key_Delete)
    assert page.leaving.isVisible()
    assert "hum" in names(page)
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
    assert not page.leaving.isVisible()
    page.shutdown()
    assert "hum" in stored(stocked)


def test_a_removal_that_was_confirmed_can_be_undone(page: LibraryView, stocked: Path) -> None:
    choose(page, "hum", "garden")
    page.remove_chosen()
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
    assert names(page) == {"quarrel", "interview"}
    QTest.keyClick(page.list, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert len(names(page)) == 4
    page.shutdown()
    assert len(stored(stocked)) == 4


def test_a_removal_is_carried_out(qtbot: QtBot, page: LibraryView, stocked: Path, clips: Path) -> None:
    choose(page, "hum")
    with Library(stocked) as library:
        ids = {medium.path.stem: medium.id for medium in library.media()}
    for medium in ids.values():
        wishes.save(wishes.file_of(medium), {Source("fusion.score", "score"): {"threshold": 0.5}})
    page.remove_chosen()
    page.leaving.confirm()
    listed: list[set[str]] = []
    page.model.modelReset.connect(lambda: listed.append(names(page)))
    with qtbot.waitSignal(page.removed, timeout=WAIT) as removed:
        page.leaving.finish()
    assert len(removed.args[0]) == 1
    qtbot.waitUntil(lambda: stored(stocked) == {"quarrel", "interview", "garden"}, timeout=WAIT)
    qtbot.waitUntil(lambda: len(page.model.cards) == 3, timeout=WAIT)
    assert not any("hum" in at_once for at_once in listed)  # nor does it come back for a moment
    assert (clips / "hum.m4a").is_file()
    assert {stem for stem, medium in ids.items() if wishes.file_of(medium).exists()} == {
        "quarrel",
        "interview",
        "garden",
    }


def test_closing_carries_out_what_was_confirmed(page: LibraryView, stocked: Path, background: object) -> None:
    choose(page, "hum")
    page.remove_chosen()
    page.leaving.confirm()
    page.shutdown()
    background.close()  # type: ignore[attr-defined]
    assert "hum" not in stored(stocked)


def _is_found(page: LibraryView) -> bool:
    return bool(page.model.cards) and not any(card.missing for card in page.model.cards.values())


def test_files_that_moved_together_are_located_by_one(
    qtbot: QtBot,
    open_page: Callable[[Path], LibraryView],
    movable: Path,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moved = tmp_path / "archive" / folder.name
    moved.parent.mkdir()
    shutil.move(folder, moved)
    page = open_page(movable)
    assert all(card.missing for card in page.model.cards.values())
    opened: list[object] = []
    page.open_asked.connect(lambda path, at: opened.append(path))
    choose(page, "quarrel")
    QTest.keyClick(page.list, Qt.Key.Key_Return)
    assert opened == []
    assert "quarrel.mp4" in page.moved.text
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(moved / "quarrel.mp4"), ""))
    QTest.keyClick(page.moved.locate_button, Qt.Key.Key_Space)
    qtbot.waitUntil(partial(_is_found, page), timeout=WAIT)
    assert {card.path.parent for card in page.model.shown} == {moved}
    assert "4 files" in page.moved.text
    choose(page, "quarrel")
    with qtbot.waitSignal(page.open_asked, timeout=WAIT) as asked:
        QTest.keyClick(page.list, Qt.Key.Key_Return)
    assert asked.args[0] == moved / "quarrel.mp4"


def test_another_file_is_not_taken_for_the_one_that_moved(
    qtbot: QtBot, open_page: Callable[[Path], LibraryView], movable: Path, folder: Path
) -> None:
    (folder / "quarrel.mp4").unlink()
    page = open_page(movable)
    card = next(card for card in page.model.shown if card.missing)
    page.locate(card, folder / "garden.mp4")
    qtbot.waitUntil(lambda: "another file" in page.error, timeout=WAIT)
    page.locate(card, folder / "nowhere.mp4")
    qtbot.waitUntil(lambda: "nowhere.mp4" in page.error, timeout=WAIT)
    assert any(card.missing for card in page.model.cards.values())


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Files are looked through to their first block, and on when this is set."""
    gate, real = threading.Event(), relocate.content_id

    def slow(path: Path, progress: Callable[[float], None]) -> str:
        def watched(share: float) -> None:
            progress(share)
            gate.wait(WAIT / 1000)
            progress(share)

        return real(path, watched)

    monkeypatch.setattr(relocate, "content_id", slow)
    yield gate
    gate.set()


def gone_to(folder: Path, page: LibraryView) -> tuple[Card, Path]:
    """A medium that is missing, and where its file lies."""
    return next(card for card in page.model.shown if card.path.stem == "quarrel"), folder / "quarrel.mp4"


@pytest.fixture
def looking(
    open_page: Callable[[Path], LibraryView], movable: Path, folder: Path, tmp_path: Path, held: threading.Event
) -> LibraryView:
    """A page that looks through a file that was moved, as long as that is held."""
    moved = Path(shutil.move(folder, tmp_path / "archive"))
    page = open_page(movable)
    page.locate(*gone_to(moved, page))
    return page


def test_looking_through_a_moved_file_holds_nothing_up(
    qtbot: QtBot,
    looking: LibraryView,
    background: Background,
    held: threading.Event,
) -> None:
    qtbot.waitUntil(lambda: looking.moved.text == "Looking through quarrel.mp4…", timeout=WAIT)
    qtbot.waitUntil(lambda: looking.moved.bar.value() > 0, timeout=WAIT)
    assert looking.moved.cancel_button.isVisible()
    assert not looking.moved.locate_button.isVisible()
    answered: list[int] = []
    background.run(lambda: 1, answered.append)  # a correction, say
    qtbot.waitUntil(lambda: answered == [1], timeout=WAIT)
    assert looking.locating.runs
    held.set()
    qtbot.waitUntil(partial(_is_found, looking), timeout=WAIT)
    assert not looking.moved.cancel_button.isVisible()


def test_looking_through_a_file_is_cancelled(
    qtbot: QtBot,
    looking: LibraryView,
    held: threading.Event,
) -> None:
    qtbot.waitUntil(lambda: looking.moved.cancel_button.isVisible(), timeout=WAIT)
    QTest.keyClick(looking.moved.cancel_button, Qt.Key.Key_Space)
    held.set()
    qtbot.waitUntil(lambda: not looking.locating.runs, timeout=WAIT)
    assert looking.moved.text == ""
    assert looking.error == ""
    assert all(card.missing for card in looking.model.cards.values())


def test_closing_does_not_wait_for_a_file_to_be_read(
    qtbot: QtBot,
    looking: LibraryView,
    held: threading.Event,
) -> None:
    qtbot.waitUntil(lambda: looking.moved.cancel_button.isVisible(), timeout=WAIT)
    threading.Timer(0.1, held.set).start()
    looking.shutdown()
    assert not looking.locating.runs


def test_another_library_takes_the_place_of_the_first(
    qtbot: QtBot, page: LibraryView, stocked: Path, tmp_path: Path
) -> None:
    choose(page, "hum")
    page.remove_chosen()
    page.leaving.confirm()
    other = tmp_path / "other.db"
    Library(other).close()
    page.search("quarrel")
    page.set_library(other)
    qtbot.waitUntil(lambda: page.loaded and not page.model.cards, timeout=WAIT)
    assert stored(stocked) == {"quarrel", "interview", "garden"}  # what was confirmed was carried out there
    page.set_library(stocked)
    qtbot.waitUntil(lambda: page.loaded and len(page.model.cards) == 3, timeout=WAIT)
    assert page.error == ""
