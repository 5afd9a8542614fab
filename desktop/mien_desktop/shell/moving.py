"""Another place for the library while the window is open: the present one is closed, the other one opened, nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mien_desktop.shell.window import MainWindow


class LibraryMove:
    """Sees that nothing is being written into the library, has the conductor change it, and takes the rooms along."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        window.conductor.library_changed.connect(self._changed)

    def obstacle(self) -> str:
        """Why the library cannot be moved now, a sentence; empty when it can."""
        return self._window.conductor.obstacle() or self._window.rooms.obstacle()

    def begin(self, place: str, copy_from: str, done: Callable[[], None], failed: Callable[[str], None]) -> None:
        """Use the library at another place from now on.

        Args:
            place: a file or a database's address.
            copy_from: the library that it begins as a copy of, where there is none yet; empty for a new one.
            done: called when it is in use. failed: called with a sentence; then nothing has changed.
        """
        told = self.obstacle()
        if told:
            failed(told)
            return
        self._window.rooms.before_move()  # before: what it still writes goes into the old library, and along to the new
        self._window.conductor.move_library(place, copy_from, done, failed)

    def _changed(self, place: str, copied: bool) -> None:
        window = self._window
        window.library_asked_for = None
        window.rooms.use_library(place)
        if not copied:
            window.workspace.steps.forget()  # what was done in one library cannot be undone in another
        path = window.document.path
        if path is not None and not copied:
            # The same medium, as the other library knows it; a copy knows it as it stands.
            position = window.workspace.player.position
            window.reopen(position)
        window.workspace.truth.look_again()
