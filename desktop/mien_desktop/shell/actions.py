"""Menus and shortcuts: every command of the window once, with its name, its keys and where it stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMessageBox

from mien import __version__
from mien.exchange.text import one_line
from mien_desktop.look.parts import literal
from mien_desktop.settings.keys import NAME
from mien_desktop.timeline.menu import fill_lanes
from mien_desktop.work.files import GONE

if TYPE_CHECKING:
    from mien_desktop.shell.window import MainWindow


LOUDER = 0.1
"""By what share of the full loudness a press of its keys changes it."""


@dataclass(frozen=True)
class Command:
    """One command. keys: in Qt's portable spelling, the first is shown; empty for none."""

    id: str
    menu: str
    title: str
    keys: tuple[str, ...]
    act: Callable[[], object]


def _enable(action: QAction, kind: str) -> None:
    """Its file is there, or gone; so may the menu be by now."""
    if shiboken6.isValid(action):
        action.setEnabled(kind != GONE)


class Actions:
    """The window's commands, in its menu bar."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self.commands = tuple(self._commands())
        self.actions: dict[str, QAction] = {}
        menus: dict[str, QMenu] = {}
        for command in self.commands:
            if command.menu not in menus:
                menus[command.menu] = window.menuBar().addMenu(command.menu)
            action = QAction(command.title, window)
            action.setShortcuts([QKeySequence(keys) for keys in command.keys])
            action.setToolTip(command.title)
            action.setProperty(NAME, command.title)  # for settings, when the text tells what would be undone
            action.triggered.connect(lambda _=False, act=command.act: act())
            menus[command.menu].addAction(action)
            window.addAction(action)  # its keys work while the menu bar is hidden, too
            self.actions[command.id] = action
        self._add_recent(menus["&File"])
        self._add_lanes(menus["&View"])
        steps = window.workspace.steps
        # They tell once more while they are destroyed; what they tell is used, and they are not asked.
        steps.undoTextChanged.connect(lambda text: self._name_step("undo", "Undo", text))
        steps.redoTextChanged.connect(lambda text: self._name_step("redo", "Redo", text))
        self._can = {"undo": False, "redo": False}
        for name, changed in (("undo", steps.canUndoChanged), ("redo", steps.canRedoChanged)):
            changed.connect(lambda can, name=name: self._allow(name, can))
        window.pages.currentChanged.connect(lambda _: self._turn())
        self._turn()

    def _allow(self, name: str, can: bool) -> None:
        self._can[name] = can
        if not self._window.closed:  # they tell once more while they are destroyed, with all that is asked here
            self._turn()

    def _turn(self) -> None:
        """Keys of the workspace are free for the page that is shown instead: its search and its undo have the same."""
        here = self._window.pages.currentWidget() is self._window.workspace
        for name in ("find", "find-next", "find-previous"):
            self.actions[name].setEnabled(here)
        for name, can in self._can.items():
            self.actions[name].setEnabled(here and can)

    def _name_step(self, name: str, title: str, text: str) -> None:
        """Say in the menu what would be undone or redone."""
        told = f"{title}: {text}" if text else title
        self.actions[name].setText(told)
        self.actions[name].setToolTip(literal(told))

    def _add_recent(self, into: QMenu) -> None:
        recent = QMenu("Open recent", into)
        recent.setToolTipsVisible(True)
        recent.aboutToShow.connect(lambda: self._fill_recent(recent))
        into.insertMenu(self.actions["demo"], recent)
        self.recent = recent

    def _fill_recent(self, menu: QMenu) -> None:
        menu.clear()
        files = self._window.opener.files
        for name in self._window.state.recent:
            path = Path(name)
            action = menu.addAction(one_line(path.name).replace("&", "&&"))
            action.setToolTip(literal(name))
            action.setEnabled(files.known(path) != GONE)
            files.ask(path, partial(_enable, action))
            action.triggered.connect(lambda _=False, path=path: self._window.open(path))
        if menu.isEmpty():
            menu.addAction("Nothing yet").setEnabled(False)

    def _add_lanes(self, into: QMenu) -> None:
        lanes = QMenu("Lanes", into)
        lanes.aboutToShow.connect(lambda: fill_lanes(lanes, self._window.workspace.timeline))
        into.insertMenu(self.actions["full-screen"], lanes)
        self.lanes = lanes

    def _commands(self) -> list[Command]:
        window, space = self._window, self._window.workspace
        player, timeline = space.player, space.timeline
        return [
            Command("open", "&File", "Open…", ("Ctrl+O",), window.ask_open),
            Command("demo", "&File", "Open the demo clip", (), window.open_demo),
            Command("close", "&File", "Close the medium", ("Ctrl+W",), window.close_medium),
            Command("export", "&File", "Export…", ("Ctrl+E",), window.show_export),
            Command("scan", "&File", "Scan files and folders…", ("Ctrl+Shift+O",), window.show_queue),
            Command("library", "&File", "Library", ("Ctrl+L",), window.show_library),
            Command("settings", "&File", "Settings…", ("Ctrl+,",), window.show_settings),
            Command("quit", "&File", "Quit", ("Ctrl+Q",), window.close),
            Command("undo", "&Edit", "Undo", ("Ctrl+Z",), space.undo),
            Command("redo", "&Edit", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), space.redo),
            Command("find", "&Edit", "Find in the transcript", ("Ctrl+F",), space.find_words),
            Command("find-next", "&Edit", "Next hit", ("F3",), space.transcript.next_hit),
            Command("find-previous", "&Edit", "Previous hit", ("Shift+F3",), space.transcript.previous_hit),
            Command("search", "&Edit", "Search the library", ("Ctrl+Shift+F",), window.tools.search.setFocus),
            Command("analyse", "&Analysis", "Analyse", ("Ctrl+Return",), window.conductor.analyse),
            Command("cancel", "&Analysis", "Cancel", ("Ctrl+.",), window.conductor.cancel),
            Command("explain", "&Analysis", "Explain the playhead's moment", ("Ctrl+I",), space.explain_here),
            Command("play", "&Playback", "Play or pause", ("Space",), player.toggle),
            Command("step", "&Playback", "Next frame", (".",), lambda: player.step(1)),
            Command("back", "&Playback", "Previous frame", (",",), lambda: player.step(-1)),
            Command("mute", "&Playback", "Sound on or off", ("M",), lambda: player.set_muted(not player.muted)),
            Command("louder", "&Playback", "Louder", ("Ctrl+Shift+Up",), lambda: space.turn_up(LOUDER)),
            Command("quieter", "&Playback", "Quieter", ("Ctrl+Shift+Down",), lambda: space.turn_up(-LOUDER)),
            Command("next-event", "&Playback", "Next event", ("Ctrl+Right",), lambda: space.go_to_event(1)),
            Command("previous-event", "&Playback", "Previous event", ("Ctrl+Left",), lambda: space.go_to_event(-1)),
            Command("loop", "&Playback", "Loop the selection", ("Shift+L",), space.toggle_loop),
            Command("fit", "&View", "Show the whole medium", ("Ctrl+0",), timeline.fit),
            Command("zoom-selection", "&View", "Zoom to the selection", ("Ctrl+Shift+0",), timeline.zoom_to_selection),
            Command("full-screen", "&View", "Full screen", ("F11",), window.toggle_full_screen),
            Command("light", "&View", "Light", (), lambda: window.set_theme("light")),
            Command("dark", "&View", "Dark", (), lambda: window.set_theme("dark")),
            Command("system", "&View", "As the system", (), lambda: window.set_theme("system")),
            Command("about", "&Help", "About Mien", (), self._about),
        ]

    def _about(self) -> None:
        box = QMessageBox(self._window)
        box.setStyleSheet(self._window.wardrobe.sheet)
        box.setWindowTitle("About Mien")
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(
            f"Mien {__version__}\n\nWhat is said, how it is said, what the face shows and how heated the exchange is."
        )
        box.open()
