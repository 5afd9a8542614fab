"""Files that may be moved media are read through in a thread of their own: told how far it is, stopped at any moment."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal

from mien.errors import Cancelled, MienError
from mien.library.medium import Medium
from mien_desktop.library.relocate import Found, identify
from mien_desktop.work.single import SingleJob, pace

_log = logging.getLogger(__name__)


class Locating(SingleJob):
    """Signals (in the GUI's thread):
    progressed(str, float): name of the file that is read, and how much of it, from 0 to 1.
    found(list): `Found` files, the one asked for first.
    failed(str): why it is not the one, a sentence.
    stopped: it was cancelled; nothing is joined.
    """

    progressed = Signal(str, float)
    found = Signal(object)
    failed = Signal(str)
    stopped = Signal()
    _reported = Signal(object, str, float)
    _answered = Signal(object, str, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reported.connect(self._tell, Qt.ConnectionType.QueuedConnection)
        self._answered.connect(self._finish, Qt.ConnectionType.QueuedConnection)

    def start(self, medium: Medium, path: Path, missing: Sequence[Medium]) -> None:
        """Begin, as of `relocate.identify`; one that still runs is given up."""
        self.close()
        stop = self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._work, args=(medium, path, tuple(missing), stop), name="mien-locate", daemon=True
        )
        self._thread.start()

    def _work(self, medium: Medium, path: Path, missing: Sequence[Medium], stop: threading.Event) -> None:
        due = pace(stop)

        def watch(file: Path, share: float) -> None:
            if due(share >= 1):
                self._reported.emit(stop, file.name, share)

        try:
            found: list[Found] = identify(medium, path, missing, watch)
        except Cancelled:
            self._answered.emit(stop, "stopped", None)
        except MienError as error:
            self._answered.emit(stop, "failed", str(error))
        except Exception as error:  # noqa: BLE001 - it is logged, and told in the page
            _log.exception("a moved file could not be looked through")
            self._answered.emit(stop, "failed", f"{type(error).__name__}: {error}; details are in the log.")
        else:
            self._answered.emit(stop, "found", found)

    def _tell(self, stop: threading.Event, name: str, share: float) -> None:
        if self._is_current(stop):
            self.progressed.emit(name, share)

    def _finish(self, stop: threading.Event, how: str, answer: object) -> None:
        if not self._ended(stop):
            return
        if how == "stopped":
            self.stopped.emit()
        elif how == "failed":
            self.failed.emit(str(answer))
        else:
            self.found.emit(answer)
