"""The window by the keyboard alone: every control within reach of Tab, every key at the widget it is meant for."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from mien_desktop.shell.window import MainWindow

from .conftest import PATIENCE

KEY = Qt.Key


def press(key: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """A key, wherever the focus is."""
    widget = QApplication.focusWidget()
    assert widget is not None
    QTest.keyClick(widget, key, held)


def with_an_event(opened: MainWindow, qtbot: QtBot) -> None:
    """Lower the threshold until there is an event, and choose it."""
    events = opened.workspace.events
    opened.workspace.tabs.setCurrentWidget(events)
    qtbot.waitUntil(lambda: events.ready, timeout=PATIENCE)
    events.set_threshold(0.4)
    qtbot.waitUntil(lambda: len(events.events) > 0, timeout=PATIENCE)
    events.choose(events.events[0])


def test_space_plays_after_opening_and_presses_what_has_the_focus(opened: MainWindow, qtbot: QtBot) -> None:
    player, tools = opened.workspace.player, opened.tools
    assert opened.workspace.timeline.hasFocus()
    press(KEY.Key_Space)
    assert player.playing
    press(KEY.Key_Space)
    assert not player.playing
    tools._library.setFocus()
    press(KEY.Key_Space)
    assert not player.playing
    assert opened.pages.currentWidget() is opened.rooms.library
    opened.show_library()
    tools.fusion.setFocus()
    press(KEY.Key_Space)
    assert tools.fusion.view().isVisible()
    tools.fusion.hidePopup()
    assert not player.playing


def test_a_letter_chooses_from_the_list_that_has_the_focus(opened: MainWindow, qtbot: QtBot) -> None:
    events, player = opened.workspace.events, opened.workspace.player
    opened.workspace.tabs.setCurrentWidget(events)
    events.head.state.setFocus()
    press(KEY.Key_R)  # an event's key in the table
    assert events.head.state.currentText() == "Rejected"
    press(KEY.Key_M)  # the window's key
    press(KEY.Key_Period)
    assert not player.muted
    assert player.position == 0.0
    opened.workspace.timeline.setFocus()
    press(KEY.Key_M)
    assert player.muted


def test_a_click_on_a_button_leaves_the_keys_where_they_were(opened: MainWindow, qtbot: QtBot) -> None:
    qtbot.mouseClick(opened.tools._library, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(opened.tools._library, Qt.MouseButton.LeftButton)
    opened.workspace.timeline.setFocus()
    qtbot.mouseClick(opened.tools.analyse, Qt.MouseButton.LeftButton)
    assert opened.workspace.timeline.hasFocus()
    opened.conductor.cancel()
    qtbot.waitUntil(lambda: not opened.document.analysing, timeout=PATIENCE)


def test_tab_reaches_every_control(opened: MainWindow, qtbot: QtBot) -> None:
    space = opened.workspace
    space.timeline.select(3.0, 5.0)
    for page in range(space.tabs.count()):
        space.tabs.setCurrentIndex(page)
        opened.tools._opener.setFocus()
        reached: set[QWidget] = set()
        while (widget := QApplication.focusWidget()) is not None and widget not in reached:
            reached.add(widget)
            press(KEY.Key_Tab)
        missed = [
            f"{type(w).__name__} {w.accessibleName()}"
            for w in opened.findChildren(QWidget)
            if w.window() is opened and w.isVisible() and w.isEnabled() and w.focusProxy() is None
            if w.focusPolicy() & Qt.FocusPolicy.TabFocus and w not in reached
        ]
        assert not missed, space.tabs.tabText(page)
        assert not [w for w in reached if not w.accessibleName()]


def test_the_events_letters_act_in_the_table_and_on_the_timeline(opened: MainWindow, qtbot: QtBot) -> None:
    with_an_event(opened, qtbot)
    events, player = opened.workspace.events, opened.workspace.player
    events.setFocus()
    assert events.view.hasFocus()
    press(KEY.Key_M)  # a note here, though the window mutes by it
    assert not player.muted
    assert events.view.state() == events.view.State.EditingState
    press(KEY.Key_Escape)
    opened.workspace.timeline.setFocus()
    press(KEY.Key_R)
    qtbot.waitUntil(lambda: events.events[0].state == "rejected", timeout=PATIENCE)
    press(KEY.Key_A)
    qtbot.waitUntil(lambda: events.events[0].state == "accepted", timeout=PATIENCE)


def test_escape_leaves_the_full_screen(opened: MainWindow, qtbot: QtBot) -> None:
    press(KEY.Key_F11)
    assert opened.isFullScreen()
    assert not opened.menuBar().isVisible()
    press(KEY.Key_Space)  # shortcuts of a hidden menu bar work all the same
    assert opened.workspace.player.playing
    press(KEY.Key_Escape)
    assert not opened.isFullScreen()
    assert opened.menuBar().isVisible()
    qtbot.waitUntil(lambda: opened.workspace.upper.sizes()[1] > 0, timeout=PATIENCE)
    opened.toggle_full_screen()
    opened.shutdown()
    assert opened.state.splits["upper"][1] > 0


def test_the_librarys_own_keys_act_in_the_library(opened: MainWindow, qtbot: QtBot) -> None:
    with_an_event(opened, qtbot)
    events = opened.workspace.events
    events.act("accept")
    qtbot.waitUntil(lambda: events.events[0].state == "accepted", timeout=PATIENCE)
    library = opened.rooms.show_library()
    qtbot.waitUntil(lambda: library.loaded and library.model.rowCount() == 1, timeout=PATIENCE)
    library.list.setFocus()
    press(KEY.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert library.field.hasFocus()
    library.list.setCurrentIndex(library.model.index(0))
    library.remove_chosen()
    library.leaving.confirm()
    assert library.leaving.media
    press(KEY.Key_Z, Qt.KeyboardModifier.ControlModifier)  # the removal, not the decision that cannot be seen
    assert not library.leaving.media
    assert events.events[0].state == "accepted"
    opened.show_library()
    opened.workspace.timeline.setFocus()
    press(KEY.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: events.events[0].state == "open", timeout=PATIENCE)


def test_find_is_one_shortcut(opened: MainWindow) -> None:
    opened.workspace.transcript.setFocus()
    press(KEY.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert opened.workspace.transcript.search.hasFocus()
