"""Opens what is named, dropped or chosen: a medium in the window, folders and several at once in the queue."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer

from mien.errors import MienError, shown
from mien_desktop.work.files import FOLDER, GONE, PATIENCE, FileLook

if TYPE_CHECKING:
    from mien_desktop.shell.window import MainWindow


class Opener:
    """What is to be opened, and what to do when it can be played. Files are looked at beside the window."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self.files = FileLook(window)
        self._number = 0
        self._then: Callable[[], None] | None = None
        window.workspace.player.opened.connect(self._playable)

    def open(self, path: Path, then: Callable[[], None] | None = None) -> None:
        """Open a medium, and call `then` when it can be played; a folder goes to the queue. Trouble is told."""
        window = self._window
        self.give_up()
        window.message.clear()
        if window.document.path == path.absolute():
            window.show_workspace()
            if then is not None:
                then()
            return
        number = self._number
        if not self.files.ask(path, lambda kind: self._found(number, path, kind, then), PATIENCE):
            window.message.tell(f"The drive has not answered yet: {shown(path)}")

    def give_up(self) -> None:
        """What has not been opened yet is not wanted any more."""
        self._number += 1

    def reopen(self, then: Callable[[], None]) -> None:
        """Open the same medium anew."""
        path = self._window.document.path
        if path is not None:
            self._then = then
            self._window.conductor.open(path)

    def _found(self, number: int, path: Path, kind: str, then: Callable[[], None] | None) -> None:
        window = self._window
        if number != self._number or window.closed:
            return
        window.message.clear()
        if kind == FOLDER:
            window.rooms.show_queue().add([path])
            return
        if kind == GONE:
            window.message.tell(f"There is no such file; check the name: {shown(path)}")
            return
        self._then = then
        try:
            window.conductor.open(path)
        except MienError as error:
            window.message.tell(str(error))
            return
        window.remember_recent(path.absolute())

    def _playable(self, _: object) -> None:
        then, self._then = self._then, None
        if then is not None:
            QTimer.singleShot(0, self._window, then)  # the player itself goes to the beginning first
