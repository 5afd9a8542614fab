"""Reads label files in a thread of its own: a large one takes a while, in which decisions are written as ever."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal

from mien.errors import Cancelled, MienError
from mien.truth.labels import read_labels
from mien_desktop.work.single import SingleJob

_log = logging.getLogger(__name__)
_PATIENCE = 3.0  # s; one file of many megabytes is taken in as a whole


class LabelReading(SingleJob):
    """Signals (in the GUI's thread):
    done(object): the `Labels`.
    failed(str): one sentence; empty where it was stopped.
    """

    done = Signal(object)
    failed = Signal(str)
    _answered = Signal(object, object, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent, _PATIENCE)
        self._answered.connect(self._finish, Qt.ConnectionType.QueuedConnection)

    def start(self, files: Sequence[Path]) -> None:
        """Read these; what is read already is given up for them."""
        self.close()
        stop = self._stop = threading.Event()

        def look_up() -> None:
            if stop.is_set():
                raise Cancelled("Stopped.")

        def run() -> None:
            try:
                labels = read_labels(files, look_up)
            except Cancelled:
                self._answered.emit(stop, None, "")
            except MienError as error:
                self._answered.emit(stop, None, str(error))
            except Exception as error:  # noqa: BLE001 - it is logged, and told in the panel
                _log.exception("reading labels failed")
                self._answered.emit(stop, None, f"{type(error).__name__}: {error}; details are in the log.")
            else:
                self._answered.emit(stop, labels, "")

        self._thread = threading.Thread(target=run, name="mien-labels", daemon=True)
        self._thread.start()

    def _finish(self, stop: threading.Event, labels: object, sentence: str) -> None:
        if not self._ended(stop):
            return
        if labels is None or stop.is_set():
            self.failed.emit(sentence)
        else:
            self.done.emit(labels)
