"""How long the worker may be silent over a job before it is said that it may hang, and how a lost job is begun again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, QTimer, Signal

from mien_desktop.work.analyst import Job

QUIET = 60_000
"""ms; nothing that ships is silent so long on a machine that is not overloaded."""

Again = Callable[[], object]


@dataclass(frozen=True)
class _Expected:
    job: Job
    again: Again
    timer: QTimer


class Patience(QObject):
    """Waits for each job by itself: one that talks says nothing of another that hangs beside it.

    Signals:
        silent: nothing was heard of a job for as long.
    """

    silent = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._interval = QUIET
        self._expected: dict[int, _Expected] = {}
        self._lost: _Expected | None = None
        self._when_ended: dict[int, Again] = {}

    def set_interval(self, interval: int) -> None:
        """Wait for so many ms, from now on and for all that is waited for."""
        self._interval = interval
        for expected in self._expected.values():
            if expected.timer.isActive():
                expected.timer.start(interval)

    def expect(self, job: Job, again: Again) -> None:
        """An answer to this job, from when it is heard of first: what waits for its turn does not hang.

        Args:
            again: begins it anew.
        """
        timer = QTimer(self)
        timer.setSingleShot(True)
        expected = self._expected[job.number] = _Expected(job, again, timer)
        timer.timeout.connect(lambda: self._hangs(expected))

    def heard(self, job: Job) -> None:
        """It has begun, or said something."""
        if job.number in self._expected:
            self._expected[job.number].timer.start(self._interval)

    def died(self, job: Job) -> None:
        """The worker died over it."""
        self._lost = self._expected.get(job.number, self._lost)

    def ended(self, job: Job) -> None:
        """Nothing more will be heard of it; if it was ended to be begun again, that is done now."""
        self.forget(job)
        again = self._when_ended.pop(job.number, None)
        if again is not None:
            again()

    def forget(self, job: Job) -> None:
        """Nobody waits for it any more."""
        expected = self._expected.pop(job.number, None)
        if expected is not None:
            expected.timer.stop()
            expected.timer.deleteLater()

    def stay(self) -> None:
        """Nothing is begun again after its end."""
        self._when_ended.clear()

    def clear(self) -> None:
        """Nobody waits for anything any more, nor is anything begun again."""
        for expected in list(self._expected.values()):
            self.forget(expected.job)
        self._lost = None
        self.stay()

    def restart(self, cancel: Callable[[Job], None]) -> bool:
        """Begin again what hung or died last; False where nothing did.

        Args:
            cancel: ends the job; called with one that still runs.
        """
        lost, self._lost = self._lost, None
        if lost is None:
            return False
        if lost.job.number in self._expected:
            cancel(lost.job)
            self._when_ended[lost.job.number] = lost.again
        else:
            lost.again()
        return True

    def _hangs(self, expected: _Expected) -> None:
        self._lost = expected
        self.silent.emit()
