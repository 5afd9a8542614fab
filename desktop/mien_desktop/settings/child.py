"""A Python process beside the window that answers in lines of JSON, and that can be ended at any moment."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Signal

_PATIENCE = 2000  # ms that a killed process has to go


class Child(QObject):
    """Signals:
    answered(dict): a line.
    ended(str): it is over; what went wrong, or empty. Not emitted after `stop`.
    """

    answered = Signal(dict)
    ended = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        self._rest = b""

    @property
    def runs(self) -> bool:
        """Whether a process is there."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """Its process id, 0 for none."""
        return self._process.processId() if self._process is not None else 0

    def start(self, module: str, arguments: Sequence[str] = (), variables: Mapping[str, str] | None = None) -> None:
        """Run `python -m module` with these environment variables more; one that runs already is ended first."""
        self.stop()
        process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("PYTHONPATH", _search_path())
        environment.insert("PYTHONUNBUFFERED", "1")
        for name, value in (variables or {}).items():
            environment.insert(name, value)
        process.setProcessEnvironment(environment)
        process.readyReadStandardOutput.connect(self._read)
        process.finished.connect(self._finished)
        process.errorOccurred.connect(self._failed)
        self._process, self._rest = process, b""
        process.start(sys.executable, ["-m", module, *arguments])

    def stop(self) -> None:
        """End it at once."""
        process, self._process = self._process, None
        if process is None:
            return
        process.blockSignals(True)
        process.kill()
        process.waitForFinished(_PATIENCE)
        process.deleteLater()

    def _read(self) -> None:
        if self._process is None:
            return
        *lines, self._rest = (self._rest + bytes(self._process.readAllStandardOutput().data())).split(b"\n")
        for line in lines:
            answer = _parsed(line)
            if answer is not None:
                self.answered.emit(answer)

    def _failed(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._end("Python could not be started beside the window.")

    def _finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._read()
        crashed = status == QProcess.ExitStatus.CrashExit
        self._end(f"The process ended by itself (code {code})." if code or crashed else "")

    def _end(self, problem: str) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.deleteLater()
            self.ended.emit(problem)


def _parsed(line: bytes) -> dict[str, Any] | None:
    """An answer; whatever else a library prints is left out."""
    try:
        answer = json.loads(line)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _search_path() -> str:
    """Where this process finds its modules: the same for a checkout and for what is installed."""
    import os

    return os.pathsep.join(dict.fromkeys(p for p in sys.path if p))
