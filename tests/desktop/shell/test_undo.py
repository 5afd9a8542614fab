"""Undo and redo in the window: lanes, fusion, comparison, plugins; each medium keeps its own steps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from mien.library import Library
from mien_desktop.shell.window import MainWindow
from mien_desktop.timeline.view import TimelineView
from mien_desktop.work.steps import KEPT, Steps

from .conftest import DEMO, PATIENCE

ALT, SHIFT = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ShiftModifier


def shown(timeline: TimelineView) -> list[str]:
    return [slot.lane.id for slot in timeline.slots]


def heights(timeline: TimelineView) -> dict[str, int]:
    return {lane.id: lane.height for lane in timeline.lanes}


def test_what_is_done_to_lanes_can_be_undone(opened: MainWindow, qtbot: QtBot) -> None:
    timeline, actions = opened.workspace.timeline, opened.actions_.actions
    before, high = shown(timeline), heights(timeline)
    timeline.setFocus()
    timeline.choose(timeline.lane("fused"))
    qtbot.keyClick(timeline, Qt.Key.Key_Up, ALT)
    moved = shown(timeline)
    assert moved != before
    assert actions["undo"].text() == "Undo: Move Fused reading"
    timeline.choose(timeline.lane("words"))
    qtbot.keyClick(timeline, Qt.Key.Key_H)
    assert actions["undo"].text() == "Undo: Hide Words"
    hidden = shown(timeline)
    qtbot.keyClick(timeline, Qt.Key.Key_H, SHIFT)
    every = shown(timeline)
    assert "spectrogram" in every
    for wanted in (hidden, moved, before):
        actions["undo"].trigger()
        assert shown(timeline) == wanted
    assert heights(timeline) == high
    for wanted in (moved, hidden, every):
        actions["redo"].trigger()
        assert shown(timeline) == wanted
    assert not actions["redo"].isEnabled()


def test_dragging_a_lower_edge_is_one_step(opened: MainWindow, qtbot: QtBot) -> None:
    timeline, actions = opened.workspace.timeline, opened.actions_.actions
    slot = timeline.slots[0]
    before = slot.lane.height
    at = QPoint(20, timeline.plot.top() + slot.bottom - timeline.scrolled)
    QTest.mousePress(timeline, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
    for down in range(1, 31):
        there = at + QPoint(0, down)
        event = QMouseEvent(
            QMouseEvent.Type.MouseMove,
            there.toPointF(),
            timeline.mapToGlobal(there).toPointF(),
            Qt.MouseButton.NoButton,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
        timeline.mouseMoveEvent(event)
    QTest.mouseRelease(timeline, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at + QPoint(0, 30))
    assert slot.lane.height == before + 30
    assert actions["undo"].text() == f"Undo: Height of {slot.lane.title}"
    actions["undo"].trigger()
    assert slot.lane.height == before
    assert not actions["undo"].isEnabled()
    actions["redo"].trigger()
    assert slot.lane.height == before + 30


def test_another_fusion_can_be_undone(opened: MainWindow, qtbot: QtBot) -> None:
    tools, conductor, document = opened.tools, opened.conductor, opened.document
    first = conductor.choice.fusion

    def fused_by() -> str:
        track = document.readings.get("fusion.score")
        return track.provenance.analyzer if track is not None and track.provenance is not None else ""

    qtbot.waitUntil(lambda: fused_by() == first, timeout=PATIENCE)
    tools.fusion_chosen.emit("fusion.majority")
    qtbot.waitUntil(lambda: fused_by() == "fusion.majority" and conductor._job is None, timeout=PATIENCE)
    assert tools.fusion.currentData() == "fusion.majority"
    opened.actions_.actions["undo"].trigger()
    assert (tools.fusion.currentData(), conductor.choice.fusion) == (first, first)
    qtbot.waitUntil(lambda: fused_by() == first and conductor._job is None, timeout=PATIENCE)
    opened.actions_.actions["redo"].trigger()
    qtbot.waitUntil(lambda: fused_by() == "fusion.majority" and conductor._job is None, timeout=PATIENCE)


def test_a_comparison_can_be_undone(opened: MainWindow, qtbot: QtBot) -> None:
    tools = opened.tools
    tools.compare.setCurrentIndex(tools.compare.findData("fusion.majority"))
    with qtbot.waitSignal(opened.conductor.compared, check_params_cb=bool, timeout=PATIENCE):
        tools.compare_chosen.emit("fusion.majority")
    text = opened.actions_.actions["undo"].text()
    assert text == f"Undo: Compare with {tools.compare.currentText()}"
    with qtbot.waitSignal(opened.conductor.compared, check_params_cb=lambda tracks: not tracks, timeout=PATIENCE):
        opened.actions_.actions["undo"].trigger()
    assert (tools.compare.currentData(), opened.conductor.compare) == ("", "")


def test_plugins_and_parameters_can_be_undone_and_the_device_stays(opened: MainWindow) -> None:
    conductor = opened.conductor
    before = conductor.choice
    opened.choose(replace(before, settings={"conflict": {"hop": 8.0}}))
    opened.choose(replace(conductor.choice, device="cpu"))
    assert opened.actions_.actions["undo"].text() == "Undo: Plugins and their parameters"
    opened.actions_.actions["undo"].trigger()
    assert conductor.choice == replace(before, device="cpu")
    assert not opened.actions_.actions["undo"].isEnabled()
    opened.actions_.actions["redo"].trigger()
    assert conductor.choice.settings == {"conflict": {"hop": 8.0}}
    assert opened.rooms.settings is None or opened.rooms.settings.choice == conductor.choice


def test_steps_are_there_again_when_their_medium_is(opened: MainWindow, qtbot: QtBot, other: Path) -> None:
    timeline, undo = opened.workspace.timeline, opened.actions_.actions["undo"]
    timeline.lane("words").visible = False
    opened.open(other)
    qtbot.waitUntil(lambda: opened.document.path == other and timeline.range is not None, timeout=PATIENCE)
    assert not undo.isEnabled()
    timeline.lane("fused").height += 12
    high = timeline.lane("fused").height
    opened.open(DEMO)
    qtbot.waitUntil(lambda: opened.document.medium != "", timeout=PATIENCE)
    assert undo.text() == "Undo: Hide Words"
    undo.trigger()
    assert timeline.lane("words").visible
    assert timeline.lane("fused").height == high  # done beside the other medium


def test_steps_of_media_left_long_ago_are_forgotten(qtbot: QtBot) -> None:
    steps, held = Steps(), [0]
    for n in range(KEPT + 5):
        steps.open(f"medium-{n}")
        steps.change("Step", object(), held[0], n + 1, lambda value: held.__setitem__(0, value))
    assert steps.of("medium-4") is None
    assert steps.of("medium-5") is not None
    steps.open("medium-5")
    steps.stack.undo()
    assert held == [5]
    steps.forget(["medium-5"])
    assert not steps.canUndo()
    steps.forget()
    assert steps.of("medium-20") is None


def test_what_is_being_typed_is_saved_when_the_window_closes(opened: MainWindow, qtbot: QtBot, place: Path) -> None:
    events, medium = opened.workspace.events, opened.document.medium
    qtbot.waitUntil(lambda: events.ready, timeout=PATIENCE)
    events.set_threshold(0.05)
    events.choose(events.events[0])
    events.act("correct")
    events.strip.form.name.setText("quarrel")
    opened.close()
    with Library(place) as library:
        assert [c.new["label"] for c in library.corrections(medium)] == ["quarrel"]
