"""One export at a time, in a thread of its own: told how far it is, stopped at any moment."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from mien.engine.results import analysis_of
from mien.errors import Cancelled, MienError
from mien.exchange.cut import Span
from mien.exchange.write import export
from mien.library.library import Library
from mien.sdk.descriptors import ExporterInfo
from mien_desktop.work.single import SingleJob, pace

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Order:
    """What is to be written.

    Args:
        medium: its path or id; library: the library's place.
        names: ids of exporters; options: id → parameters that differ from the defaults.
        folder: where to; span: the only stretch, in s, None for the whole medium.
        runs: keys of the runs to take, None for the current ones.
    """

    medium: Path | str
    library: str
    names: Sequence[str]
    folder: Path
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    span: Span | None = None
    runs: tuple[str, ...] | None = None


class ExportJob(SingleJob):
    """An export stops after the picture of a video that is drawn, another format when it is written.

    Signals (in the GUI's thread):
        progressed(float): the share that is done, from 0 to 1.
        exported(list): paths of what was written.
        failed(str): why not, a sentence.
        stopped: it was cancelled; formats that were complete stay.
    """

    progressed = Signal(float)
    exported = Signal(list)
    failed = Signal(str)
    stopped = Signal()
    _reported = Signal(object, float)
    _answered = Signal(object, str, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reported.connect(self._tell, Qt.ConnectionType.QueuedConnection)
        self._answered.connect(self._finish, Qt.ConnectionType.QueuedConnection)

    def start(self, order: Order, exporters: Mapping[str, ExporterInfo]) -> None:
        """Begin; nothing happens while one runs."""
        if self._thread is not None:
            return
        stop = self._stop = threading.Event()
        known = dict(exporters)
        self._thread = threading.Thread(target=self._work, args=(order, known, stop), name="mien-export", daemon=True)
        self._thread.start()

    def _work(self, order: Order, exporters: Mapping[str, ExporterInfo], stop: threading.Event) -> None:
        due = pace(stop)

        def watch(share: float) -> None:
            if due(share >= 1):
                self._reported.emit(stop, share)

        try:
            with Library(order.library) as library:
                analysis = analysis_of(library, library.medium(order.medium), order.runs)
                written = export(
                    analysis, order.names, order.folder, exporters, order.options, span=order.span, watch=watch
                )
        except Cancelled:
            self._answered.emit(stop, "stopped", None)
        except MienError as error:
            self._answered.emit(stop, "failed", str(error))
        except Exception as error:  # noqa: BLE001 - it is logged, and told in the dialog
            _log.exception("an export failed")
            self._answered.emit(stop, "failed", f"{type(error).__name__}: {error}; details are in the log.")
        else:
            self._answered.emit(stop, "exported", written)

    def _tell(self, stop: threading.Event, share: float) -> None:
        if self._is_current(stop):
            self.progressed.emit(share)

    def _finish(self, stop: threading.Event, how: str, answer: Any) -> None:
        if not self._ended(stop):
            return
        if how == "stopped":
            self.stopped.emit()
        elif how == "failed":
            self.failed.emit(answer)
        else:
            self.exported.emit(answer)
