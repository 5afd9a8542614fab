"""The library's page: what it lists, finds, sorts and shows of each medium."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from mien.library import Library
from mien.media.probe import probe
from mien_desktop.library.catalogue import Card, Line
from mien_desktop.library.model import ROW, More, folder_of
from mien_desktop.library.view import LibraryView
from mien_desktop.look.palette import LIGHT
from mien_desktop.work.background import Background

from .conftest import WAIT, conflict, put, said


def names(page: LibraryView) -> list[str]:
    return [card.path.stem for card in page.model.shown]


def index_of(page: LibraryView, wanted: Callable[[Any], bool]) -> QModelIndex:
    indexes = [page.model.index(n) for n in range(page.model.rowCount())]
    return next(index for index in indexes if wanted(index.data(ROW)))


def search(qtbot: QtBot, page: LibraryView, typed: str) -> None:
    before = page.model.answer
    page.search(typed)
    qtbot.waitUntil(lambda: page.model.answer is not before, timeout=WAIT)


def test_media_with_their_length_and_peaks(page: LibraryView) -> None:
    assert set(names(page)) == {"quarrel", "interview", "garden", "hum"}
    cards = {card.path.stem: card for card in page.model.shown}
    assert cards["quarrel"].peaks["conflict"] == pytest.approx(0.9)
    assert cards["quarrel"].peaks["arousal"] == pytest.approx(0.7)
    assert cards["quarrel"].peaks["fused"] == pytest.approx(0.92)
    assert cards["garden"].peaks["conflict"] is None
    assert cards["quarrel"].seconds == pytest.approx(2.1, abs=0.2)
    assert not cards["hum"].video
    spoken = index_of(page, lambda row: row.path.stem == "quarrel").data(Qt.ItemDataRole.AccessibleTextRole)
    assert "quarrel.mp4" in spoken
    assert "conflict +0.90" in spoken


def test_a_word_finds_one_line_per_utterance_and_opens_there(qtbot: QtBot, page: LibraryView) -> None:
    search(qtbot, page, "never")
    assert set(names(page)) == {"quarrel", "interview"}
    index = index_of(page, lambda row: isinstance(row, Line) and row.path.stem == "interview")
    line = index.data(ROW)
    assert line.text == "we never agreed on the numbers"
    assert [text for text, found in line.parts if found] == ["never"]
    page.list.setCurrentIndex(index)
    with qtbot.waitSignal(page.open_asked, timeout=WAIT) as asked:
        QTest.keyClick(page.list, Qt.Key.Key_Return)
    assert asked.args == [line.path, 0.25]
    at = page.list.visualRect(index).center()
    QTest.mouseClick(page.list.viewport(), Qt.MouseButton.LeftButton, pos=at)
    with qtbot.waitSignal(page.open_asked, timeout=WAIT) as asked:
        QTest.mouseDClick(page.list.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert asked.args == [line.path, 0.25]


def test_a_medium_found_opens_at_its_first_hit(qtbot: QtBot, page: LibraryView) -> None:
    search(qtbot, page, '"let me finish"')
    page.list.setCurrentIndex(page.model.index(0))
    with qtbot.waitSignal(page.open_asked, timeout=WAIT) as asked:
        QTest.keyClick(page.list, Qt.Key.Key_Enter)
    assert asked.args[1] == 0.2


def test_a_filter_narrows_to_where_it_lasts(qtbot: QtBot, page: LibraryView) -> None:
    search(qtbot, page, "conflict above 0.5")
    assert set(names(page)) == {"quarrel", "interview"}
    search(qtbot, page, "conflict above 0.5 for 1 s")
    assert names(page) == ["quarrel"]
    line = page.model.index(1).data(ROW)
    assert (line.start, line.end) == pytest.approx((0.3, 1.8))
    assert "+0.90" in line.text
    search(qtbot, page, "")
    assert len(names(page)) == 4


def test_typing_searches_after_a_moment_and_escape_takes_it_back(qtbot: QtBot, page: LibraryView) -> None:
    page.field.setFocus()
    QTest.keyClicks(page.field, "fine day")
    qtbot.waitUntil(lambda: names(page) == ["garden"], timeout=WAIT)
    QTest.keyClick(page.field, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: len(names(page)) == 4, timeout=WAIT)


def test_a_condition_that_cannot_be_is_told_and_changes_nothing(page: LibraryView) -> None:
    page.search("conflcit above 0.5")
    assert "conflict" in page.error
    assert len(names(page)) == 4
    page.search("")
    assert page.error == ""


def test_nothing_found_offers_to_show_all(qtbot: QtBot, page: LibraryView) -> None:
    page.list.setFocus()
    search(qtbot, page, "xylophone")
    assert page.nothing.isVisible()
    assert page.field.hasFocus()
    button = next(b for b in page.nothing.findChildren(QAbstractButton) if b.isVisible())
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(names(page)) == 4, timeout=WAIT)
    assert not page.nothing.isVisible()


def test_an_empty_library_offers_a_scan(qtbot: QtBot, open_page: Callable[[Path], LibraryView], place: Path) -> None:
    page = open_page(place)
    assert page.nothing.isVisible()
    button = next(b for b in page.nothing.findChildren(QAbstractButton) if b.isVisible())
    with qtbot.waitSignal(page.scan_asked, timeout=WAIT):
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_sorting(page: LibraryView) -> None:
    def by(order: str) -> list[str]:
        page.order.setCurrentIndex(page.order.findData(order))
        page.order.activated.emit(page.order.currentIndex())
        return names(page)

    assert by("name") == ["garden", "hum", "interview", "quarrel"]
    assert by("duration")[0] == "hum"
    assert by("fused")[:2] == ["quarrel", "interview"]
    assert by("added") == ["hum", "garden", "interview", "quarrel"]


def test_many_places_are_folded(qtbot: QtBot, place: Path, folder: Path, make_clip: Any, open_page: Any) -> None:
    with Library(place) as library:
        rows = [(float(n), n + 0.5, f"again and again {n}") for n in range(40)]
        put(library, make_clip(folder / "long.mp4", 1.0), said(*rows))
    page = open_page(place)
    search(qtbot, page, "again")
    assert page.model.rowCount() < 12
    more = index_of(page, lambda row: isinstance(row, More))
    page.list.setCurrentIndex(more)
    at = more.row()
    QTest.keyClick(page.list, Qt.Key.Key_Return)
    assert page.model.rowCount() == 41
    assert page.list.currentIndex().row() == at


def test_who_goes_through_what_was_found_stays_there_when_the_library_grows(
    qtbot: QtBot, place: Path, folder: Path, make_clip: Any, open_page: Any
) -> None:
    with Library(place) as library:
        rows = [(float(n), n + 0.5, f"again and again {n}") for n in range(60)]
        put(library, make_clip(folder / "long.mp4", 1.0), said(*rows))
    page = open_page(place)
    search(qtbot, page, "again")
    page.list.setCurrentIndex(index_of(page, lambda row: isinstance(row, More)))
    QTest.keyClick(page.list, Qt.Key.Key_Return)
    page.list.setCurrentIndex(index_of(page, lambda row: isinstance(row, Line) and row.text.endswith(" 50")))
    seen, down = page.list.currentIndex().data(ROW), page.list.verticalScrollBar().value()
    assert down > 0
    with Library(place) as library:
        put(library, make_clip(folder / "short.mp4", 1.4), said((0.0, 0.5, "again")))
    before = page.model.answer
    page.refresh()  # as whenever the queue is through with a medium
    qtbot.waitUntil(lambda: page.model.answer is not before, timeout=WAIT)
    assert set(names(page)) == {"long", "short"}
    assert page.list.currentIndex().data(ROW) == seen
    assert page.list.selectedIndexes() == [page.list.currentIndex()]
    assert page.list.verticalScrollBar().value() == down
    search(qtbot, page, "again 50")
    assert page.list.verticalScrollBar().value() == 0


def test_pictures_appear_and_are_kept(qtbot: QtBot, page: LibraryView, mien_home: Path) -> None:
    kept = mien_home / "cache" / "thumbnails"
    qtbot.waitUntil(lambda: kept.is_dir() and len(list(kept.glob("*.jpg"))) == 3, timeout=WAIT)
    cards = [card for card in page.model.shown if card.video]
    qtbot.waitUntil(lambda: all(page.thumbnails.of(card) is not None for card in cards), timeout=WAIT)


def test_500_media_do_not_hold_the_window(
    qtbot: QtBot, place: Path, folder: Path, make_clip: Any, new_page: Callable[[Path], LibraryView]
) -> None:
    clip = make_clip(folder / "one.mp4", 1.0)
    with Library(place) as library:
        probed = probe(clip)
        for n in range(500):
            copy = folder / f"clip{n:03}.mp4"
            copy.hardlink_to(clip)
            library.add_medium(replace(probed, path=copy), f"id-{n:03}")
            if n % 25 == 0:
                put(library, copy, said((0.1, 0.9, f"take number {n}")), conflict(-0.9, n / 500), medium=f"id-{n:03}")
    page = new_page(place)
    longest, last = 0.0, time.thread_time()

    def ready() -> bool:
        nonlocal longest, last
        now = time.thread_time()
        longest, last = max(longest, now - last), now
        return page.loaded and all(card.complete for card in page.model.cards.values())

    qtbot.waitUntil(ready, timeout=WAIT)
    assert len(page.model.shown) == 500
    # Work of this thread between two turns of the event loop, which a crowded machine does not lengthen.
    assert longest < 0.5
    page.search("conflict above 0.5")
    qtbot.waitUntil(lambda: len(page.model.shown) == 9, timeout=WAIT)


def test_a_folder_is_told_from_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert folder_of(tmp_path / "Videos" / "x.mp4") == os.path.join("~", "Videos")
    assert folder_of(tmp_path / "x.mp4") == "~"
    assert folder_of(tmp_path.parent / "x.mp4") == str(tmp_path.parent)


def test_grid_and_rows_light_and_dark(qtbot: QtBot, page: LibraryView) -> None:
    page.grid.setChecked(True)
    page.wear(LIGHT)
    assert not page.grab().isNull()
    search(qtbot, page, "never")  # places need rows
    assert any(isinstance(page.model.index(n).data(ROW), Line) for n in range(page.model.rowCount()))
    assert page.list.viewMode() == page.list.ViewMode.ListMode


def test_everything_can_be_reached_and_speaks(page: LibraryView) -> None:
    for widget in page.findChildren(QWidget):
        if widget.isVisible() and isinstance(widget, QAbstractButton | QLineEdit):
            if widget.objectName().startswith("qt_") or type(widget).__name__ == "QToolButton":
                continue  # Qt's own button that clears the field: Escape does so
            assert widget.accessibleName(), widget
            assert widget.toolTip(), widget
            assert widget.focusPolicy() != Qt.FocusPolicy.NoFocus, widget
    page.field.setFocus()
    QTest.keyClick(page.field, Qt.Key.Key_Down)
    assert page.list.currentIndex().isValid()
    assert isinstance(page.list.currentIndex().data(ROW), Card)


def test_closing_while_it_still_reads(
    new_page: Callable[[Path], LibraryView], stocked: Path, background: Background
) -> None:
    page = new_page(stocked)
    page.search("never")
    page.shutdown()
    background.close()


def test_a_damaged_medium_is_marked_and_told_once(
    qtbot: QtBot, stocked: Path, new_page: Callable[[Path], LibraryView]
) -> None:
    with sqlite3.connect(stocked) as file:
        file.execute(
            "UPDATE medium SET streams = 'x' WHERE id = (SELECT medium_id FROM medium_path WHERE path LIKE '%garden.mp4')"
        )
    file.close()
    page = new_page(stocked)
    qtbot.waitUntil(lambda: page.loaded, timeout=WAIT)
    assert set(names(page)) == {"quarrel", "interview", "garden", "hum"}
    assert [card.path.stem for card in page.model.shown if card.damaged] == ["garden"]
    index = index_of(page, lambda row: row.path.stem == "garden")
    assert "damaged" in index.data(Qt.ItemDataRole.AccessibleTextRole)
    assert "analyze it again" in index.data(Qt.ItemDataRole.ToolTipRole)
    assert "garden.mp4" in page.error
    search(qtbot, page, "never")
    assert not page.error
    page.refresh()
    qtbot.waitUntil(lambda: not page._loading, timeout=WAIT)
    assert not page.error
