"""Playback by hand in the real window: frames by keys, the full screen, loudness, and commands that have nothing to act on."""

from __future__ import annotations

import av
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mien_desktop.shell.window import MainWindow

from .conftest import DEMO, PATIENCE

KEY, LEFT = Qt.Key, Qt.MouseButton.LeftButton
SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


def press(key: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """A key, wherever the focus is."""
    widget = QApplication.focusWidget()
    assert widget is not None
    QTest.keyClick(widget, key, held)


def frame_times() -> list[float]:
    """Presentation times of the clip's pictures in s, from its packets."""
    with av.open(str(DEMO)) as file:
        stream = file.streams.video[0]
        times = sorted(p.pts * float(stream.time_base) for p in file.demux(stream) if p.pts is not None)
    return [time - times[0] for time in times]


def test_keys_step_by_true_frame_times(opened: MainWindow, qtbot: QtBot) -> None:
    player, times = opened.workspace.player, frame_times()
    qtbot.waitUntil(lambda: player.index.complete, timeout=PATIENCE)
    start = 150
    player.seek(times[start])
    qtbot.waitUntil(lambda: player.frame_time == pytest.approx(times[start], abs=1e-6), timeout=PATIENCE)
    shown = [opened.workspace.canvas.grab().toImage()]
    for key, number in ((KEY.Key_Period, 151), (KEY.Key_Period, 152), (KEY.Key_Comma, 151), (KEY.Key_Comma, 150)):
        press(key)
        qtbot.waitUntil(lambda n=number: player.frame_time == pytest.approx(times[n], abs=1e-6), timeout=PATIENCE)
        assert player.position == pytest.approx(times[number], abs=1e-6)
        assert opened.workspace.timeline.playhead == pytest.approx(times[number], abs=1e-6)
        shown.append(opened.workspace.canvas.grab().toImage())
    assert shown[0] == shown[4]
    assert shown[1] == shown[3]
    assert len({bytes(image.constBits()) for image in shown[:3]}) == 3  # type: ignore[arg-type]
    assert not player.playing


def test_the_button_shows_the_picture_alone_and_escape_leaves_it(opened: MainWindow, qtbot: QtBot) -> None:
    space = opened.workspace
    others = (opened.menuBar(), opened.tools, opened.foot, space.timeline, space.tabs)
    qtbot.mouseClick(space.transport.full_screen, LEFT)
    assert opened.isFullScreen()
    assert space.canvas.isVisible()
    assert not any(part.isVisible() for part in others)
    press(KEY.Key_Escape)
    assert not opened.isFullScreen()
    assert all(part.isVisible() for part in others)


def test_a_double_click_shows_the_picture_alone_and_playback_is_as_before(opened: MainWindow, qtbot: QtBot) -> None:
    space, player = opened.workspace, opened.workspace.player
    middle = space.canvas.rect().center()
    QTest.mouseClick(space.canvas, LEFT, Qt.KeyboardModifier.NoModifier, middle)
    QTest.mouseDClick(space.canvas, LEFT, Qt.KeyboardModifier.NoModifier, middle)
    assert opened.isFullScreen()
    assert not space.timeline.isVisible()
    qtbot.wait(QApplication.doubleClickInterval() + 50)
    assert not player.playing
    assert opened.isFullScreen()
    press(KEY.Key_Escape)
    assert not opened.isFullScreen()
    assert space.timeline.isVisible()


def test_keys_make_it_louder_and_quieter_and_the_slider_names_them(opened: MainWindow) -> None:
    player, transport = opened.workspace.player, opened.workspace.transport
    assert transport.volume.toolTip() == "Loudness: louder (Ctrl+Shift+Up), quieter (Ctrl+Shift+Down)"
    assert transport.volume.accessibleDescription() == transport.volume.toolTip()
    player.set_volume(0.5)
    press(KEY.Key_Down, CTRL | SHIFT)
    assert (player.volume, transport.volume.value()) == (0.4, 40)
    player.set_muted(True)
    press(KEY.Key_Up, CTRL | SHIFT)
    assert (player.volume, player.muted) == (0.5, False)
    for _ in range(8):
        press(KEY.Key_Up, CTRL | SHIFT)
    assert player.volume == 1.0


def test_loop_without_a_selection_says_so_and_stays_off(opened: MainWindow, qtbot: QtBot) -> None:
    space = opened.workspace
    qtbot.mouseClick(space.transport.loop, LEFT)
    assert not space.transport.loop.isChecked()
    assert space.player.loop is None
    assert opened.foot.line == "Select a stretch of time first to loop it."
    space.timeline.select(3.0, 4.0)
    press(KEY.Key_L, SHIFT)
    assert space.transport.loop.isChecked()
    assert space.player.loop == (3.0, 4.0)
    space.timeline.clear_selection()  # nothing is left to be looped
    assert not space.transport.loop.isChecked()
    assert space.player.loop is None


def test_next_event_says_why_it_goes_nowhere(opened: MainWindow, qtbot: QtBot) -> None:
    space, events = opened.workspace, opened.workspace.events
    qtbot.waitUntil(lambda: events.ready, timeout=PATIENCE)
    events.set_threshold(1.0)
    qtbot.waitUntil(lambda: events.ready and not events.events, timeout=PATIENCE)
    qtbot.mouseClick(space.transport.event_on, LEFT)
    assert opened.foot.line == "No events to go to."
    events.set_threshold(0.4)
    qtbot.waitUntil(lambda: len(events.events) > 0, timeout=PATIENCE)
    opened.foot.note("")
    space.player.seek(0.0)
    press(KEY.Key_Left, CTRL)
    assert opened.foot.line == "No event before the playhead."
    space.player.seek(events.events[-1].start + 0.1)
    press(KEY.Key_Right, CTRL)
    assert opened.foot.line == "No event after the playhead."
    events.head.words.setText("nothing is called so")
    press(KEY.Key_Right, CTRL)
    assert opened.foot.line == "The filter hides all events."


def test_a_note_goes_by_itself(opened: MainWindow, qtbot: QtBot) -> None:
    before = opened.foot.line
    opened.foot.note("No events to go to.")
    assert opened.foot.line == "No events to go to."
    qtbot.waitUntil(lambda: opened.foot.line == before, timeout=20_000)
