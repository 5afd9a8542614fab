"""A reviewer at work: text of another size, an event explained, words that follow, another model on the same lane."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from mien import config
from mien.exchange.text import clock
from mien.library import Library
from mien.tracks import Curve
from mien_desktop.shell.conduct import RUN
from mien_desktop.shell.window import MainWindow

from .conftest import PATIENCE

# -- text ---------------------------------------------------------------------------------------------------------


def rows_and_fonts(window: MainWindow) -> dict[str, float]:
    """How large text is, and rows that hold it, where it is painted by hand or laid out once."""
    space, rooms = window.workspace, window.rooms
    assert rooms.library is not None
    assert rooms.queue is not None
    assert rooms.settings is not None
    return {
        "lanes": space.timeline.small_font.pixelSize(),
        "titles": space.timeline.titles_width,
        "words": space.transcript.view._look.line,
        "picture": space.canvas.font().pixelSize(),
        "events": space.events.view.verticalHeader().defaultSectionSize(),
        "figures": space.truth.results.figure_view.verticalHeader().defaultSectionSize(),
        "scatter": space.truth.results.scatter.font().pixelSize(),
        "library": rooms.library.list.sizeHintForRow(0),
        "queue": rooms.queue.table.verticalHeader().defaultSectionSize(),
        "shortcuts": rooms.settings.shortcuts.table.verticalHeader().defaultSectionSize(),
        "axis": space.timeline.ticks.step,
    }


def test_the_size_of_text_changes_everywhere_at_once(opened: MainWindow, qtbot: QtBot) -> None:
    opened.resize(1600, 900)
    opened.show_library()
    library = opened.rooms.library
    assert library is not None
    qtbot.waitUntil(lambda: library.loaded and library.model.rowCount() == 1, timeout=PATIENCE)
    opened.show_library()
    opened.rooms.show_queue().hide()
    settings = opened.rooms.show_settings("appearance")
    qtbot.wait(50)
    before, picture = rows_and_fonts(opened), opened.workspace.timeline.grab().toImage()
    settings.appearance.slider.setValue(150)
    assert not opened.wardrobe.settled
    qtbot.waitUntil(lambda: opened.wardrobe.settled, timeout=PATIENCE)
    qtbot.wait(50)
    after = rows_and_fonts(opened)
    small = {name: (before[name], after[name]) for name in before if not after[name] >= 1.2 * before[name]}
    assert small.keys() <= {"axis"}, small
    assert opened.workspace.timeline.grab().toImage() != picture
    told = [
        f"{type(w).__name__} {w.accessibleName() or w.objectName()} {w.font().pixelSize()}"
        for w in opened.findChildren(QWidget)
        if isinstance(w, QLabel | QAbstractButton | QComboBox | QLineEdit)
        if w.font().pixelSize() < 18  # 13 px, of what is small 12, at 150 %
    ]
    assert not told
    settings.appearance.usual.click()
    qtbot.waitUntil(lambda: opened.wardrobe.settled, timeout=PATIENCE)
    qtbot.wait(50)
    assert rows_and_fonts(opened) == before
    settings.hide()


def test_large_text_makes_low_lanes_higher(opened: MainWindow, qtbot: QtBot) -> None:
    timeline = opened.workspace.timeline
    slot = next(s for s in timeline.slots if s.lane.id == "words")
    assert slot.height == slot.lane.height
    opened.set_text_scale(2.0)
    qtbot.waitUntil(lambda: opened.wardrobe.settled, timeout=PATIENCE)
    slot = next(s for s in timeline.slots if s.lane.id == "words")
    assert slot.height >= timeline.fontMetrics().height()
    assert slot.lane.height < slot.height  # what the user gave it is kept


# -- offline ------------------------------------------------------------------------------------------------------


def test_the_offline_switch_in_the_window(window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MIEN_OFFLINE", raising=False)
    settings = window.rooms.show_settings("models")
    page = settings.models
    qtbot.waitUntil(lambda: page.isVisible() and page.offline.isEnabled(), timeout=PATIENCE)
    assert not page.offline.isChecked()
    page.offline.click()
    qtbot.waitUntil(lambda: settings.preferences.now.offline, timeout=PATIENCE)
    assert config.load().offline
    page.offline.click()
    qtbot.waitUntil(lambda: not settings.preferences.now.offline, timeout=PATIENCE)
    assert not config.load().offline
    settings.hide()


# -- explaining an event ------------------------------------------------------------------------------------------


@pytest.fixture
def event(opened: MainWindow, qtbot: QtBot) -> Iterator[MainWindow]:
    """The window with its first event chosen."""
    events = opened.workspace.events
    opened.workspace.tabs.setCurrentWidget(events)
    qtbot.waitUntil(lambda: events.ready, timeout=PATIENCE)
    events.set_threshold(0.4)
    qtbot.waitUntil(lambda: len(events.events) > 0, timeout=PATIENCE)
    events.choose(events.events[0])
    yield opened
    popup = QApplication.activePopupWidget()
    if popup is not None:
        popup.close()


def explained(window: MainWindow) -> bool:
    """Whether the event's highest moment is what is explained."""
    space = window.workspace
    peak = space.events.events[0].peak
    return space.tabs.currentWidget() is space.explain and clock(peak) in space.explain.title.text()


def test_an_event_is_explained_by_its_button(event: MainWindow) -> None:
    buttons = event.workspace.events.strip.findChildren(QAbstractButton)
    next(b for b in buttons if b.text().startswith("Explain")).click()
    assert explained(event)


def test_an_event_is_explained_by_its_key(event: MainWindow) -> None:
    event.workspace.events.view.setFocus()
    QTest.keyClick(event.workspace.events.view, Qt.Key.Key_E)
    assert explained(event)


def test_an_event_is_explained_by_its_menu(event: MainWindow, qtbot: QtBot) -> None:
    view = event.workspace.events.view
    at = view.visualRect(view.currentIndex()).center()
    QApplication.sendEvent(
        view.viewport(),
        QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, view.viewport().mapToGlobal(at)),
    )
    menu = QApplication.activePopupWidget()
    assert menu is not None
    entries = {action.text(): action for action in menu.actions()}
    assert list(filter(None, entries)) == [
        "Go there", "Explain", "Accept", "Reject", "Correct…", "Label…", "Note…", "Delete",
    ]  # fmt: skip
    assert not entries["Delete"].isEnabled()  # it was found, not added
    entries["Explain"].trigger()
    menu.close()
    assert explained(event)


# -- playing ------------------------------------------------------------------------------------------------------


def test_the_transcript_follows_while_it_plays(opened: MainWindow, qtbot: QtBot) -> None:
    space = opened.workspace
    space.tabs.setCurrentWidget(space.transcript)
    view = space.transcript.view
    space.player.seek(14.0)
    qtbot.waitUntil(lambda: abs(space.player.position - 14.0) < 0.05, timeout=PATIENCE)
    seen: list[tuple[float, float]] = []
    space.player.moved.connect(lambda at: seen.append((at, view._position)))
    space.player.play()
    qtbot.waitUntil(lambda: space.player.position > 17.0, timeout=PATIENCE)
    space.player.pause()
    assert len(seen) > 10
    assert all(at == pytest.approx(shown) for at, shown in seen)  # the word that is spoken, at every step
    text = opened.document.readings.get("speech.transcript")
    assert text is not None
    (spoken,) = np.flatnonzero((text.start <= space.player.position) & (text.end > space.player.position))[-1:]
    assert view.row == spoken  # which is marked, and in sight
    top = view.verticalScrollBar().value()
    assert top <= view._layout.top[view.row] < top + view.viewport().height()


# -- another model ------------------------------------------------------------------------------------------------


def test_another_model_is_compared_on_the_same_lane(opened: MainWindow, qtbot: QtBot, place: Path) -> None:
    space = opened.workspace
    with Library(place) as library:
        (medium,) = library.media()
        now = next(run for run in library.runs(medium) if run.analyzer == "conflict")
        track = library.tracks(now)["conflict.intensity"]
        assert isinstance(track, Curve)
        other = library.begin_run(
            medium, key="another-model", analyzer="conflict", version=now.version, params=dict(now.params),
            models={"conflictnet": "0" * 64},
        )  # fmt: skip
        other.write(Curve(track.name, track.times, np.full_like(track.values, -0.5), track.quantities))
        other.complete()
        library.reuse(now)  # the one that is shown stays the medium's own
    opened.conductor._look_for_earlier()
    box = opened.tools.compare
    qtbot.waitUntil(lambda: any("other weights" in box.itemText(n) for n in range(box.count())), timeout=PATIENCE)
    at = next(n for n in range(box.count()) if "other weights" in box.itemText(n))
    assert str(box.itemData(at)).startswith(RUN)
    assert box.itemText(at).startswith("Intensity of conflict")
    box.setCurrentIndex(at)
    box.activated.emit(at)
    lane = space.lanes.conflict
    qtbot.waitUntil(lambda: lane.compares, timeout=PATIENCE)
    said = lane.values_at(float(track.times[0]))
    assert [r.name for r in said] == ["conflict", "conflict (second run)"]
    assert said[1].value == pytest.approx(-0.5)
    assert not space.lanes.fused.compares  # that run has no such track
    opened.tools.compare.setCurrentIndex(0)
    opened.tools.compare.activated.emit(0)
    assert not lane.compares


def test_a_single_reading_fills_its_lane(opened: MainWindow, qtbot: QtBot) -> None:
    """The demo clip is shorter than a window of conflict: what was read of it holds for all of it."""
    lane, duration = opened.workspace.lanes.conflict, opened.workspace.timeline.range
    assert duration is not None
    for at in (0.2, 5.0, 11.0, 20.0):
        assert lane.values_at(at), at
    library_hits = opened.rooms.show_library()
    qtbot.waitUntil(lambda: library_hits.loaded, timeout=PATIENCE)
    value = float(lane.values_at(11.0)[0].value)
    library_hits.search(f"conflict above {value - 0.2:.2f} for 10 s")
    qtbot.waitUntil(lambda: library_hits.model.answer is not None, timeout=PATIENCE)
    assert library_hits.model.found == 1
