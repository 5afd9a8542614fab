"""Shortcuts: changed, kept, never shared by accident."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow
from pytestqt.qtbot import QtBot

from mien_desktop.settings import kept
from mien_desktop.settings.dialog import SettingsDialog
from mien_desktop.settings.keys import bind, listed

Make = Callable[..., SettingsDialog]
WAIT = 20_000


@pytest.fixture
def actions(qtbot: QtBot) -> Iterator[dict[str, QAction]]:
    """A window with two menus."""
    window = QMainWindow()
    qtbot.addWidget(window)
    made = {}
    for name, menu, title, keys in (
        ("open", "&File", "&Open…", ["Ctrl+O"]),
        ("redo", "&Edit", "Redo", ["Ctrl+Shift+Z", "Ctrl+Y"]),
        ("back", "&Playback", "Previous frame", [","]),
        ("about", "&Help", "About", []),
    ):
        action = QAction(title, window)
        action.setShortcuts([QKeySequence(k) for k in keys])
        window.menuBar().addMenu(menu).addAction(action)
        made[name] = action
    yield made
    window.close()


def _keys(action: QAction) -> list[str]:
    return [k.toString() for k in action.shortcuts()]


def test_actions_are_listed_by_their_menus(actions: dict[str, QAction]) -> None:
    told = [(s.id, s.area, s.action, s.keys) for s in listed(actions)]
    assert told == [
        ("open", "File", "Open…", "Ctrl+O"),
        ("redo", "Edit", "Redo", "Ctrl+Shift+Z; Ctrl+Y"),
        ("back", "Playback", "Previous frame", ","),
        ("about", "Help", "About", ""),
    ]


def test_a_change_works_at_once_and_after_a_restart(settings: Make, actions: dict[str, QAction], qtbot: QtBot) -> None:
    dialog = settings(actions=actions)
    page = dialog.shortcuts
    page.select("Edit", "Redo")
    assert page.keys.keySequence() == QKeySequence("Ctrl+Shift+Z")  # the first of several
    assert not page.set_.isEnabled()
    page.select("Help", "About")
    page.keys.setKeySequence(QKeySequence("F1"))
    with qtbot.waitSignal(dialog.shortcuts_changed) as told:
        page.set_.click()
    assert told.args == [{"about": "F1"}]
    assert _keys(actions["about"]) == ["F1"]
    dialog.shutdown()  # what was to be kept is kept by then
    assert kept.load().shortcuts == {"about": "F1"}
    actions["about"].setShortcuts([])
    bind(actions)
    assert _keys(actions["about"]) == ["F1"]
    assert _keys(actions["redo"]) == ["Ctrl+Shift+Z", "Ctrl+Y"]
    again = settings(actions=actions)
    with qtbot.waitSignal(again.shortcuts_changed) as told:
        again.shortcuts.reset_all.click()
    assert told.args == [{}]
    assert _keys(actions["about"]) == []


def test_keys_of_another_action_are_refused_with_a_sentence(
    settings: Make, actions: dict[str, QAction], qtbot: QtBot
) -> None:
    page = settings(actions=actions).shortcuts
    opening = listed(actions)[0]
    with qtbot.assertNotEmitted(page.changed):
        told = page.change(opening, "Ctrl+Y")
    assert told == "Ctrl+Y already belongs to “Redo” (Edit)."
    assert page.keys_of(opening) == "Ctrl+O"
    page.select("File", "Open…")
    page.keys.setKeySequence(QKeySequence("Ctrl+Y"))
    assert page.problem == told
    assert page.set_.text() == "Set all the same"
    page.set_.click()
    assert _keys(actions["open"]) == ["Ctrl+Y"]
    assert _keys(actions["redo"]) == []


def test_the_table_is_searched_by_words_and_keys(settings: Make, actions: dict[str, QAction]) -> None:
    page = settings(actions=actions).shortcuts

    def seen() -> list[str]:
        rows = [r for r in range(page.table.rowCount()) if not page.table.isRowHidden(r)]
        return [item.text() for r in rows if (item := page.table.item(r, 1)) is not None]

    page.search.setText("ctrl")
    assert seen() == ["Open…", "Redo"]
    page.search.setText("playback frame")
    assert seen() == ["Previous frame"]


def test_what_another_version_named_is_kept(settings: Make, actions: dict[str, QAction], qtbot: QtBot) -> None:
    kept.save(kept.Kept(shortcuts={"gone": "Ctrl+G", "about": "F2"}))
    dialog = settings(actions=actions)
    assert _keys(actions["about"]) == ["F2"]
    with qtbot.waitSignal(dialog.shortcuts_changed) as told:
        dialog.shortcuts.reset_all.click()
    assert told.args == [{"gone": "Ctrl+G"}]
