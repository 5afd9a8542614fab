"""A drive that does not answer: the window never asks it itself, and goes on."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from mien_desktop.shell import state
from mien_desktop.shell.window import MainWindow
from mien_desktop.work.files import FILE, FOLDER, GONE, FileLook, kind_of, within

from .conftest import DEMO, PATIENCE, MakeWindow


class Drive:
    """A folder whose files are not to be seen until `wakes` is set. asked: what the window's own thread asked of it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.wakes = folder, threading.Event()
        self.asked: list[str] = []
        self._stat = {name: getattr(os, name) for name in ("stat", "lstat")}

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, real in self._stat.items():

            def look(path: Any, *args: Any, real: Any = real, **kwargs: Any) -> Any:
                if isinstance(path, str | os.PathLike) and str(path).startswith(str(self.folder)):
                    if threading.current_thread() is threading.main_thread():
                        self.asked.append(str(path))
                    else:
                        self.wakes.wait(PATIENCE / 1e3)
                return real(path, *args, **kwargs)

            monkeypatch.setattr(os, name, look)


@pytest.fixture
def drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Drive]:
    folder = tmp_path / "drive"
    folder.mkdir()
    (folder / "there.mp4").write_bytes(DEMO.read_bytes())
    (folder / "folder").mkdir()
    made = Drive(folder)
    with monkeypatch.context() as patch:
        made.install(patch)
        yield made
        made.wakes.set()


def rows(window: MainWindow) -> dict[str, QPushButton]:
    return {name: row for name, row in window.welcome._rows.items() if row.isVisible()}


def test_the_welcome_page_and_the_menu_stand_while_a_drive_is_silent(
    make_window: MakeWindow, tmp_path: Path, drive: Drive, qtbot: QtBot
) -> None:
    there, gone = str(drive.folder / "there.mp4"), str(drive.folder / "gone.mp4")
    state.save(state.WindowState(recent=(there, gone, str(DEMO))))
    window = make_window(tmp_path / "none.db")
    assert list(rows(window)) == [there, gone, str(DEMO)]
    menu = window.actions_.recent
    menu.aboutToShow.emit()
    assert [action.text() for action in menu.actions()] == ["there.mp4", "gone.mp4", "demo.mp4"]
    assert all(row.isEnabled() for row in rows(window).values())
    assert not drive.asked
    drive.wakes.set()
    qtbot.waitUntil(lambda: [row.isEnabled() for row in rows(window).values()] == [True, False, True], timeout=PATIENCE)
    qtbot.waitUntil(lambda: [a.isEnabled() for a in menu.actions()] == [True, False, True], timeout=PATIENCE)
    menu.aboutToShow.emit()
    assert [a.isEnabled() for a in menu.actions()] == [True, False, True]  # from the first moment on


@pytest.mark.parametrize("name", ["there.mp4", "gone.mp4", "folder"])
def test_what_lies_on_a_silent_drive_is_opened_when_it_answers(
    make_window: MakeWindow, tmp_path: Path, drive: Drive, qtbot: QtBot, name: str
) -> None:
    window = make_window(tmp_path / "none.db")
    begun = time.thread_time()
    window.open(drive.folder / name)
    assert time.thread_time() - begun < 0.5
    assert window.document.path is None
    assert f"The drive has not answered yet: {drive.folder / name}" in window.message.text
    assert not drive.asked
    drive.wakes.set()
    if name == "there.mp4":
        qtbot.waitUntil(lambda: window.workspace.player.frame is not None, timeout=PATIENCE)
        assert window.document.path == drive.folder / name
        assert not window.message.isVisible()
        assert window.state.recent[0] == str(drive.folder / name)
    elif name == "gone.mp4":
        qtbot.waitUntil(lambda: "There is no such file" in window.message.text, timeout=PATIENCE)
        assert window.document.path is None
    else:
        qtbot.waitUntil(lambda: window.rooms.queue is not None and window.rooms.queue.isVisible(), timeout=PATIENCE)
        window.rooms.queue.hide()
    assert not drive.asked


def test_what_was_opened_since_stays_open(make_window: MakeWindow, tmp_path: Path, drive: Drive, qtbot: QtBot) -> None:
    window = make_window(tmp_path / "none.db")
    window.open(drive.folder / "there.mp4")
    window.open(DEMO)
    assert window.document.path == DEMO
    drive.wakes.set()
    qtbot.waitUntil(lambda: window.opener.files.known(drive.folder / "there.mp4") == FILE, timeout=PATIENCE)
    assert window.document.path == DEMO
    assert not window.message.isVisible()


def test_the_window_closes_while_a_drive_is_silent(make_window: MakeWindow, tmp_path: Path, drive: Drive) -> None:
    window = make_window(tmp_path / "none.db")
    window.open(drive.folder / "there.mp4")
    event = QCloseEvent()
    window.closeEvent(event)
    assert event.isAccepted()
    assert window.document.path is None
    drive.wakes.set()


def test_the_export_asks_no_silent_drive(opened: MainWindow, drive: Drive) -> None:
    dialog = opened.rooms.show_export()
    dialog.show_medium(drive.folder / "there.mp4", None)
    assert dialog.folder.text() == str(drive.folder)
    assert not drive.asked
    drive.wakes.set()
    dialog.hide()


def test_looks_are_told_once_each_and_within_their_time(tmp_path: Path, drive: Drive, qtbot: QtBot) -> None:
    files, told = FileLook(), []
    assert files.ask(tmp_path, told.append, patience=PATIENCE / 1e3)
    assert files.ask(DEMO, told.append, patience=PATIENCE / 1e3)
    assert files.ask(tmp_path / "none\0", told.append, patience=PATIENCE / 1e3)
    assert told == [FOLDER, FILE, GONE]
    there = drive.folder / "there.mp4"
    assert files.known(there) is None
    for _ in range(5):
        assert not files.ask(there, told.append, patience=0.01)
    assert len(files._looks) == 1
    assert sum(thread is files._looks[str(there)].thread for thread in threading.enumerate()) == 1
    assert within(lambda: kind_of(there), otherwise="otherwise", seconds=0.01) == "otherwise"
    assert within(lambda: kind_of(DEMO), otherwise="otherwise", seconds=PATIENCE / 1e3) == FILE
    drive.wakes.set()
    qtbot.waitUntil(lambda: told[3:] == [FILE] * 5, timeout=PATIENCE)
    assert files.known(there) == FILE
    files.close()
    assert not files.ask(DEMO, told.append)
    files.deleteLater()
