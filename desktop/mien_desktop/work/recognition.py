"""A file that may be a known medium at another place is read through in a thread of its own, never where the library is asked."""

from __future__ import annotations

import threading
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal

from mien.errors import Cancelled, MediaError
from mien.library.medium import MediumFacts
from mien.media.identity import content_id
from mien.media.probe import probe
from mien_desktop.work.single import SingleJob, pace


class Recognition(SingleJob):
    """Signals (in the GUI's thread):
    recognised(Path, str, MediumFacts): what the file's content is known by, and what it is.
    given_up(Path): it cannot be read; what is wrong with it is told by those who play or analyse it.
    """

    recognised = Signal(object, str, object)
    given_up = Signal(object)
    _answered = Signal(object, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent, patience=0.5)  # a drive that does not answer keeps no window
        self._answered.connect(self._finish, Qt.ConnectionType.QueuedConnection)

    def start(self, path: Path) -> None:
        """Begin; one that still runs is given up."""
        self.close()
        stop = self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, args=(path, stop), name="mien-recognise", daemon=True)
        self._thread.start()

    def _work(self, path: Path, stop: threading.Event) -> None:
        due = pace(stop)

        def watch(share: float) -> None:
            due(share >= 1)  # raises when it is to stop

        found: tuple[str, MediumFacts] | None = None
        try:
            found = content_id(path, watch), probe(path)
        except Cancelled:
            return
        except (OSError, MediaError):
            pass
        self._answered.emit(stop, path, found)

    def _finish(self, stop: threading.Event, path: Path, found: tuple[str, MediumFacts] | None) -> None:
        if not self._ended(stop):
            return
        if found is None:
            self.given_up.emit(path)
        else:
            self.recognised.emit(path, *found)
