"""What was arranged and chosen is on disk as soon as it was: the next start has it, whatever ended this one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from mien_desktop.shell import state
from mien_desktop.shell.window import MainWindow
from mien_desktop.work import chosen

from .conftest import PATIENCE, MakeWindow

KEY, NONE = Qt.Key, Qt.KeyboardModifier.NoModifier


def test_lanes_sizes_and_loudness_are_kept_before_the_window_closes(
    opened: MainWindow, make_window: MakeWindow, place: Path, qtbot: QtBot
) -> None:
    space = opened.workspace
    timeline = space.timeline
    timeline.setFocus()
    timeline.choose(timeline.lane("words"))
    QTest.keyClick(timeline, KEY.Key_H)
    timeline.choose(timeline.lane("conflict"))
    QTest.keyClick(timeline, KEY.Key_Up, Qt.KeyboardModifier.AltModifier)
    QTest.keyClick(timeline, KEY.Key_Down, Qt.KeyboardModifier.ControlModifier)
    space.transport.volume.setValue(37)
    handle, far = space.upper.handle(1), QPoint(90, 0)
    at = handle.rect().center()
    QTest.mousePress(handle, Qt.MouseButton.LeftButton, NONE, at)
    QTest.mouseMove(handle, at - far)
    QTest.mouseRelease(handle, Qt.MouseButton.LeftButton, NONE, at - far)
    lanes = timeline.layout()
    qtbot.waitUntil(lambda: state.load().lanes == lanes and state.load().volume == 0.37, timeout=PATIENCE)
    assert state.load().splits == {"upper": space.upper.sizes(), "all": space.all.sizes()}
    # As after a crash: another window while this one was never closed.
    again = make_window(place).workspace
    assert again.timeline.layout() == lanes
    assert again.player.volume == 0.37


def test_a_large_window_that_is_only_looked_at_keeps_nothing(window: MainWindow, qtbot: QtBot) -> None:
    before = state.load()
    qtbot.wait(300)
    assert state.load() == before


def test_the_fusion_and_the_parameters_are_there_at_the_next_start(
    opened: MainWindow, make_window: MakeWindow, place: Path, qtbot: QtBot
) -> None:
    box = opened.tools.fusion
    box.setCurrentIndex(box.findData("fusion.majority"))
    box.activated.emit(box.currentIndex())
    opened.choose(replace(opened.conductor.choice, settings={"emotion": {"hop": 2.0}}, analyzers=("emotion", "text")))
    again = make_window(place)  # as after a crash
    choice = again.conductor.choice
    assert choice.fusion == again.tools.fusion.currentData() == "fusion.majority"
    assert choice.settings == {"emotion": {"hop": 2.0}}
    assert choice.analyzers == ("emotion", "text")
    opened.actions_.actions["undo"].trigger()  # what was taken back is kept as well
    assert make_window(place).conductor.choice.settings == {}
    qtbot.waitUntil(lambda: opened.conductor._job is None, timeout=PATIENCE)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        '{"analyzers": 3, "fusion": ["x"], "settings": {"emotion": 7}}',
        '{"analyzers": ["gone"], "fusion": "fusion.gone", "settings": {"gone": {"a": 1}, "emotion": {"hop": "wide"}}}',
        '{"analyzers": ["gone", "emotion"], "settings": {"conflict": {"hop": 6}, "emotion": {"gone": 1}}}',
    ],
)
def test_what_is_kept_and_no_longer_fits_costs_only_itself(make_window: MakeWindow, place: Path, text: str) -> None:
    chosen.path().parent.mkdir(parents=True, exist_ok=True)
    chosen.path().write_text(text)
    choice = make_window(place).conductor.choice
    assert choice.fusion == "fusion.late"
    assert choice.settings == ({"conflict": {"hop": 6}} if "conflict" in text else {})
    assert choice.analyzers == (("emotion",) if '"gone", "emotion"' in text else None)


def test_the_tool_bar_names_the_fusion_that_made_what_is_drawn(
    opened: MainWindow, make_window: MakeWindow, place: Path, other: Path, qtbot: QtBot
) -> None:
    box = opened.tools.fusion
    box.setCurrentIndex(box.findData("fusion.majority"))
    box.activated.emit(box.currentIndex())
    qtbot.waitUntil(lambda: drawn(opened) == "fusion.majority" and opened.conductor._job is None, timeout=PATIENCE)
    box.setCurrentIndex(box.findData("fusion.late"))
    opened.close()
    chosen.path().unlink()  # whatever is wished for at the next start
    again = make_window(place)
    assert again.tools.fusion.currentData() == "fusion.late"
    again.open_demo()
    qtbot.waitUntil(lambda: drawn(again) == "fusion.majority", timeout=PATIENCE)
    assert again.tools.fusion.currentData() == again.conductor.choice.fusion == "fusion.majority"
    compare = again.tools.compare
    offered = {compare.itemData(n) for n in range(compare.count()) if compare.model().item(n).isEnabled()}
    assert "fusion.late" in offered
    assert "fusion.majority" not in offered  # it would be compared with itself
    # A medium that was never fused is, as it is wished; what was only looked at is no wish.
    again.open(other)
    qtbot.waitUntil(lambda: again.document.path == other, timeout=PATIENCE)
    assert again.tools.fusion.currentData() == again.conductor.choice.fusion == "fusion.late"
    assert chosen.load() == chosen.Chosen()


def drawn(window: MainWindow) -> str:
    """Id of the fusion whose score is drawn; empty for none."""
    score = window.document.readings.get("fusion.score")
    return score.provenance.analyzer if score is not None and score.provenance is not None else ""
