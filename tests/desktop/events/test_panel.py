"""The panel with a real library: what it lists, where its keys go, how it follows threshold, source and playhead."""

from __future__ import annotations

import time

import numpy as np
import pytest
from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from mien.tracks import HOSTILITY, Curve
from mien_desktop.document import Document
from mien_desktop.events.model import Event
from mien_desktop.events.panel import EventsPanel
from mien_desktop.events.sources import Source
from mien_desktop.events.table import ORDER, TIME
from mien_desktop.look.palette import LIGHT

from .conftest import Settle, keys


def test_the_fused_score_gives_the_first_events(panel: EventsPanel) -> None:
    assert panel.source == Source("fusion.score", "hostility")
    assert [e.state for e in panel.events] == ["open"] * 6
    assert panel.threshold == 0.7
    assert panel.count.text() == "6 events · 6 open"


def test_keys_step_seek_and_choose(panel: EventsPanel, qtbot: QtBot) -> None:
    sought: list[float] = []
    chosen: list[Event] = []
    panel.seek_requested.connect(sought.append)
    panel.event_chosen.connect(chosen.append)
    keys(panel, qtbot, Qt.Key.Key_N, Qt.Key.Key_N, Qt.Key.Key_P)
    first, second = panel.events[:2]
    assert sought == [first.start, second.start, first.start]
    assert [e.key for e in chosen] == [first.key, second.key, first.key]
    with qtbot.waitSignal(panel.explain_requested) as asked:
        keys(panel, qtbot, Qt.Key.Key_E)
    assert asked.args[0].key == first.key
    assert "fused 0.72 (threshold 0.70)" in panel.strip.line.text()
    assert "conflict" in panel.strip.line.text()


def test_the_threshold_is_told_once(panel: EventsPanel, qtbot: QtBot) -> None:
    told: list[float] = []
    drawn: list[int] = []
    panel.threshold_changed.connect(told.append)
    panel.events_changed.connect(lambda: drawn.append(len(panel.events)))
    panel.set_threshold(0.85)
    panel.set_threshold(0.85)
    assert told == [0.85]
    assert drawn == [2]
    panel.head.level.setValue(0.75)
    assert told == [0.85, 0.75]
    assert panel.threshold == 0.75


def test_another_source_has_other_events(panel: EventsPanel, qtbot: QtBot) -> None:
    choice = panel.head.choice
    choice.setCurrentText("conflict")
    choice.activated.emit(choice.currentIndex())
    qtbot.waitUntil(lambda: {e.source.track for e in panel.events} == {"conflict.intensity"}, timeout=20_000)
    assert panel.threshold == pytest.approx(0.4)
    choice.setCurrentText("face angry")
    choice.activated.emit(choice.currentIndex())
    qtbot.waitUntil(lambda: [e.person for e in panel.events] == [1], timeout=20_000)


def test_events_come_while_the_analysis_runs(panel: EventsPanel, qtbot: QtBot, document: Document) -> None:
    whole = document.readings.get("fusion.score")
    assert isinstance(whole, Curve)
    document.readings.parts["fusion.score"] = [whole.slice(0.0, 46.0)]
    document.replaced.emit("fusion.score")
    qtbot.waitUntil(lambda: len(panel.events) == 2, timeout=20_000)
    document.readings.add(whole.slice(46.0, 120.0))
    document.grew.emit(whole.slice(46.0, 120.0))
    qtbot.waitUntil(lambda: len(panel.events) == 6, timeout=20_000)


def test_rows_are_sorted_and_filtered(panel: EventsPanel, qtbot: QtBot, settle: Settle) -> None:
    panel.change(panel.events[:2], {"label": "insult"})
    panel.change([panel.events[0]], {"state": "accepted"})
    settle()
    panel.head.words.setText("insu")
    assert panel.rows.rowCount() == 2
    panel.head.state.setCurrentText("Accepted")
    assert panel.rows.rowCount() == 1
    assert "1 shown" in panel.count.text()
    panel.head.words.clear()
    panel.head.state.setCurrentText("All")
    panel.view.sortByColumn(4, Qt.SortOrder.DescendingOrder)
    scores = [float(panel.rows.index(row, 4).data()) for row in range(6)]
    assert scores == sorted(scores, reverse=True)


def test_a_threshold_that_makes_a_thousand_events_does_not_hold_the_window_up(
    panel: EventsPanel, qtbot: QtBot, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = np.arange(0.125, 7200.0, 0.25)
    wave = (0.5 + 0.45 * np.sin(times * 2 * np.pi / 4.5)).astype(np.float32)
    document.load({"fusion.score": Curve("fusion.score", times, wave[:, None], (HOSTILITY,))})
    panel.set_threshold(1.0)
    qtbot.waitUntil(lambda: panel.ready and panel.model.prepared is not None and panel.model.prepared.duration > 7000)
    compared: list[int] = []
    data = panel.table.data

    def counted(index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        compared.append(role)
        return data(index, role)

    monkeypatch.setattr(type(panel.table), "data", lambda _, *args: counted(*args))
    began = time.thread_time()
    panel.set_threshold(0.7)
    took = time.thread_time() - began
    assert len(panel.events) == panel.rows.rowCount() == 1600
    assert compared.count(ORDER) < 10  # they are in order of time already
    assert took < 0.35  # 0.07 on a quiet core; sorted in the table it was five times as much
    starts = [event.start for event in panel.view.events()]
    assert starts == sorted(starts)
    panel.view.sortByColumn(TIME, Qt.SortOrder.DescendingOrder)
    assert [event.start for event in panel.view.events()] == starts[::-1]
    panel.view.sortByColumn(TIME, Qt.SortOrder.AscendingOrder)
    assert [event.start for event in panel.view.events()] == starts


def test_an_empty_table_says_why(panel: EventsPanel) -> None:
    panel.head.words.setText("nowhere")
    assert "another filter" in panel.view._said
    panel.head.words.clear()
    panel.set_threshold(1.0)
    assert panel.events == ()
    assert panel.view._said.startswith("Fused does not reach 1.00 for 0.5 s anywhere")
    assert panel.strip.line.text() == "No event yet"
    panel.set_threshold(0.7)
    assert panel.strip.line.text() == "No event chosen"


def test_every_control_says_what_it_is(panel: EventsPanel) -> None:
    panel.wear(LIGHT)
    for widget in panel.findChildren(QWidget):
        if widget.focusPolicy() != Qt.FocusPolicy.NoFocus and widget.isVisible() and widget.objectName()[:3] != "qt_":
            assert widget.accessibleName() or widget.toolTip(), widget


def test_a_click_seeks(panel: EventsPanel, qtbot: QtBot) -> None:
    box = panel.view.visualRect(panel.rows.index(2, 1))
    with qtbot.waitSignal(panel.seek_requested) as sought:
        qtbot.mouseClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=box.center() + QPoint(0, 0))
    assert sought.args == [panel.events[2].start]


def test_next_and_previous_are_about_the_playhead(panel: EventsPanel, settle: Settle) -> None:
    sought: list[float] = []
    panel.seek_requested.connect(sought.append)
    starts = [e.start for e in panel.events]
    panel.go(1, 0.0)
    panel.go(1, sought[-1] - 0.03)  # the picture at an event's start begins a little before it
    panel.go(-1, 55.0)
    panel.go(-1, starts[0] + 0.05)
    panel.go(1, 119.9)
    assert sought == [starts[0], starts[1], starts[2]]
    current = panel.current()
    assert current is not None
    assert current.key == panel.events[2].key
    panel.change([panel.events[1]], {"state": "rejected"})
    settle()
    panel.head.state.setCurrentText("Open")
    panel.go(1, starts[0])
    assert sought[-1] == starts[2]  # what the filter hides is passed over
    panel.view.sortByColumn(4, Qt.SortOrder.DescendingOrder)
    panel.go(1, 0.0)
    assert sought[-1] == starts[0]  # time decides, however the table is sorted


def test_the_form_is_in_one_piece_and_comes_into_sight(panel: EventsPanel, qtbot: QtBot) -> None:
    """However high the panel is, its names stand over its fields; where it is low, it scrolls to them, and back to the table."""
    form = panel.strip.form
    panel.resize(480, 900)
    keys(panel, qtbot, Qt.Key.Key_N, Qt.Key.Key_C)
    qtbot.waitUntil(form.isVisible)
    for head in form.findChildren(QLabel):
        if (field := head.buddy()) is not None:
            assert 0 <= field.y() - head.geometry().bottom() < 12, head.text()
    assert form.name.width() >= form.begin.width()
    form.cancel.click()
    panel.resize(420, 170)
    qtbot.waitUntil(lambda: form.visibleRegion().isEmpty() and not panel.view.visibleRegion().isEmpty())
    keys(panel, qtbot, Qt.Key.Key_C)
    for part in (form.begin, form.score, form.save):
        qtbot.waitUntil(lambda part=part: part.visibleRegion().boundingRect() == part.rect())
    assert form.begin.hasFocus()
    form.cancel.click()
    qtbot.waitUntil(lambda: panel.view.visibleRegion().boundingRect() == panel.view.rect())
