"""Which devices compute here, found out in a process of its own: torch is never loaded into the window's."""

from __future__ import annotations

import json
import sys

from PySide6.QtCore import QObject, QProcess, Signal

from mien.engine.backend import cores

_ASK = (
    "import json, os; getattr(os, 'nice', int)(10);"  # nobody waits for the answer, while the window is made and used
    "from mien.engine.backend import available; print(json.dumps(available()))"
)


class DeviceFinder(QObject):
    """Asks once; importing torch takes seconds, a driver that hangs for ever.

    Signals:
        found(list): (device, its real name), the best first; only the CPU where it cannot be found out.
    """

    found = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process = QProcess(self)
        self._process.finished.connect(self._finished)
        self._process.errorOccurred.connect(self._failed)
        self._told = False

    def start(self) -> None:
        """Begin to look."""
        self._process.start(sys.executable, ["-c", _ASK])

    def stop(self) -> None:
        """End the process if it still looks; nothing is told any more."""
        self._told = True
        if self._process.state() != QProcess.ProcessState.NotRunning:
            self._process.kill()
            self._process.waitForFinished(2000)

    def _finished(self) -> None:
        try:
            answer = json.loads(bytes(self._process.readAllStandardOutput().data()))
            self._tell([(str(device), str(name)) for device, name in answer])
        except (ValueError, TypeError):
            self._tell([])

    def _failed(self, _: QProcess.ProcessError) -> None:
        self._tell([])

    def _tell(self, devices: list[tuple[str, str]]) -> None:
        if not self._told:
            self._told = True
            self.found.emit(devices or [("cpu", f"CPU, {cores()} cores")])
