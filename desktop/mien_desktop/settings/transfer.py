"""One long job on models at a time – fetching, copying in, reading through – in a thread of its own, told and stopped."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal

from mien.errors import Cancelled, LicenceError, MienError
from mien.models import install, store
from mien.models.download import Report
from mien.models.statement import Statement
from mien_desktop.work.single import SingleJob, pace

_log = logging.getLogger(__name__)
_PATIENCE = 3.0  # s; a server that says nothing keeps its thread for up to its own time limit


class Transfer(SingleJob):
    """What has come of a download that is stopped stays for the next attempt.

    Signals (in the GUI's thread):
        began(str, str): model and what is done with it.
        moved(str, int, int): model, bytes done, bytes in all (0 when unknown).
        done(str, str): model, and a sentence on how it went.
        failed(str, str): model, and what went wrong.
        consent_needed(str): the model's licence must be agreed to first.
        trust_needed(str, Statement): Mien has no pin of its own for the model; what the hub states must be agreed to first.
    """

    began = Signal(str, str)
    moved = Signal(str, object, object)
    done = Signal(str, str)
    failed = Signal(str, str)
    consent_needed = Signal(str)
    trust_needed = Signal(str, object)
    # From the thread; told on in the GUI's, so that whoever listens may go at any moment.
    _reported = Signal(object, object, object)
    _answered = Signal(object, str, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent, _PATIENCE)
        self.model = ""
        self._pulls = False
        self._reported.connect(self._tell, Qt.ConnectionType.QueuedConnection)
        self._answered.connect(self._finish, Qt.ConnectionType.QueuedConnection)

    def pull(self, model: str, agreed: bool = False, trusted: Statement | None = None) -> None:
        """Download a model of the catalogue.

        Args:
            agreed: to its licence; trusted: what the hub stated and the user agreed to, where Mien has no pin of its own.
        """

        def work(report: Report) -> str:
            if trusted is None and (stated := install.stated(model, accept_licence=agreed)) is not None:
                raise _TrustNeeded(stated)
            installed = install.pull(model, progress=report, accept_licence=agreed, trusted=trusted)
            return f"{installed.title} is installed."

        self._begin(model, "Downloading", work, pulls=True)

    def import_folder(self, model: str, source: Path, agreed: bool = False) -> None:
        """Copy a model from a folder or a file of weights."""

        def work(report: Report) -> str:
            installed = install.import_folder(model, source, progress=report, accept_licence=agreed)
            left = ", ".join(installed.left_out)
            return f"{installed.title} is installed." + (
                f" Left out, for it could run code or is not known: {left}." if left else ""
            )

        self._begin(model, "Importing", work)

    def verify(self, model: str) -> None:
        """Read all of a model's files and compare them with what was recorded."""

        def work(report: Report) -> str:
            folder = _folder(model)
            total = sum(p.stat().st_size for p in folder.iterdir() if p.is_file())
            done = 0

            def sha256(path: Path) -> str:
                nonlocal done
                digest = hashlib.sha256()
                with path.open("rb") as file:
                    while chunk := file.read(1 << 20):
                        digest.update(chunk)
                        done += len(chunk)
                        report(done, total)
                return digest.hexdigest()

            problems = store.problems(folder, sha256)
            if problems:
                raise MienError(f"The model {model} is damaged: {'; '.join(problems)}.")
            return "All files are as they were recorded."

        self._begin(model, "Verifying", work)

    def _begin(self, model: str, what: str, work: Callable[[Report], str], *, pulls: bool = False) -> None:
        if self._thread is not None:
            return
        self._pulls = pulls
        stop = self._stop = threading.Event()
        self.model = model
        due = pace(stop)

        def report(done: int, total: int) -> None:
            if due(done == total):
                self._reported.emit(stop, done, total)

        def run() -> None:
            try:
                sentence = work(report)
            except Cancelled:
                self._answered.emit(stop, "cancelled", "")
            except _TrustNeeded as question:
                self._answered.emit(stop, "trust", question.stated)
            except LicenceError as error:
                self._answered.emit(stop, "consent", str(error))
            except MienError as error:
                self._answered.emit(stop, "failed", str(error))
            except Exception as error:  # noqa: BLE001 - it is logged, and told beside the model
                _log.exception("%s %s failed", what, model)
                self._answered.emit(stop, "failed", f"{type(error).__name__}: {error}; details are in the log.")
            else:
                self._answered.emit(stop, "done", sentence)

        self._thread = threading.Thread(target=run, name="mien-models", daemon=True)
        self.began.emit(model, what)
        self._thread.start()

    def _tell(self, stop: threading.Event, done: int, total: int) -> None:
        if self._is_current(stop):
            self.moved.emit(self.model, done, total)

    def _finish(self, stop: threading.Event, how: str, told: str | Statement) -> None:
        if not self._ended(stop):
            return
        model, self.model = self.model, ""
        if how == "consent":
            self.consent_needed.emit(model)
        elif how == "trust":
            self.trust_needed.emit(model, told)
        elif how == "failed":
            self.failed.emit(model, told)
        elif how == "cancelled":
            self.done.emit(model, "Stopped; what has come is kept." if self._pulls else "Stopped.")
        else:
            self.done.emit(model, told)


class _TrustNeeded(Exception):
    """Nobody has agreed to what the hub states yet."""

    def __init__(self, stated: Statement) -> None:
        super().__init__(stated.revision)
        self.stated = stated


def _folder(model: str) -> Path:
    found = next((m for m in store.available() if m.id == model), None)
    if found is None:
        raise store.missing(model)
    return found.path
