"""Undo and redo of every decision. Each step is written to the library first; what is shown is what lies on the disk."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from mien.library.library import Library
from mien.library.rows import Correction
from mien_desktop.events.ledger import Entry
from mien_desktop.work.background import Background
from mien_desktop.work.steps import Steps


@dataclass
class _Step:
    """Rows that are written and withdrawn together. `rows` is touched in the background thread only."""

    medium: str
    entries: Sequence[Entry]
    rows: list[Correction] = field(default_factory=list)


class History(QObject):
    """Writes decisions through the background thread and tells what then lies in the library.

    Signals:
        loaded(object): all rows of the medium, read anew.
        changed(object, object): rows that were added, rows that were withdrawn.
        failed(str): one sentence on what could not be written, or read.
        lost(str): the same of a change alone; nothing of that step has happened.
        pending(int): steps that are not on the disk yet.
    """

    loaded = Signal(object)
    changed = Signal(object, object)
    failed = Signal(str)
    lost = Signal(str)
    pending = Signal(int)

    def __init__(
        self,
        background: Background,
        library: Callable[[], Library],
        author: str = "",
        parent: QObject | None = None,
    ) -> None:
        """Args:
        library: gives the open library; called in the background thread only.
        author: who decides; by default the name of the account.
        """
        super().__init__(parent)
        self.steps = Steps(self)
        self.author = author or _account()
        self._background, self._library = background, library
        self._medium = ""
        self._waiting = 0
        self._silent = False

    @property
    def stack(self) -> QUndoStack:
        """The steps of the open medium."""
        return self.steps.stack

    def open(self, medium: str) -> None:
        """Another medium (its id), or none: rows are read, and its own steps can be undone."""
        self._medium = medium
        self.steps.open(medium)
        if medium:
            self._reload()
        else:
            self.loaded.emit([])

    def do(self, text: str, entries: Sequence[Entry]) -> bool:
        """Write rows as one step that can be undone; False where there is nothing to write, or nowhere.

        Args:
            text: what it is, for the Undo menu (`Accept event at 01:21.9`).
        """
        if not entries:
            return False
        if not self._medium:
            self._lose("The medium is not in the library yet; analyse it first.")
            return False
        self.stack.push(_Command(self, text, _Step(self._medium, tuple(entries))))
        return True

    def undo(self) -> None:
        """Take the last step back."""
        self.stack.undo()

    def redo(self) -> None:
        """Do the step again that was taken back last."""
        self.stack.redo()

    def _run(self, command: _Command, forward: bool) -> None:
        if self._silent:
            return
        self._waiting += 1
        self.pending.emit(self._waiting)
        step = command.step
        work = self._write if forward else self._withdraw
        self._background.run(
            lambda: work(step),
            lambda rows: self._done(step, rows, forward),
            lambda reason: self._undone(command, reason, forward),
        )

    def _write(self, step: _Step) -> list[Correction]:
        library = self._library()
        runs: dict[str, str | None] = {}
        try:
            for entry in step.entries:
                if entry.run not in runs:
                    found = library.find_run(step.medium, entry.run) if entry.run else None
                    runs[entry.run] = found.id if found is not None else None
                row = library.correct(
                    step.medium,
                    entry.key.source.track,
                    start=entry.key.start,
                    end=entry.key.end,
                    person=entry.key.person,
                    field=entry.field,
                    old=dict(entry.old),
                    new=dict(entry.new),
                    author=self.author,
                    note=entry.note,
                    run=runs[entry.run],
                )
                step.rows.append(row)
        except BaseException:
            # A step happens as a whole or not at all.
            self._withdraw(step)
            raise
        return list(step.rows)

    def _withdraw(self, step: _Step) -> list[Correction]:
        withdrawn = []
        while step.rows:
            self._library().withdraw(step.rows[-1])
            withdrawn.append(step.rows.pop())
        return withdrawn

    def _done(self, step: _Step, rows: list[Correction], forward: bool) -> None:
        self._settle()
        if step.medium == self._medium:
            self.changed.emit(rows if forward else [], [] if forward else rows)

    def _undone(self, command: _Command, reason: str, forward: bool) -> None:
        """A step could not be written: the stack goes back to before it, and the rows are read anew."""
        self._settle()
        stack = self.steps.of(command.step.medium)  # that of another medium by now, or forgotten
        if stack is not None:
            at = stack.index()
            last = stack.command(at - 1 if forward else at)
            if self._waiting == 0 and last is not None and getattr(last, "step", None) is command.step:
                self._step_back(stack, command, forward)
            else:
                # Other steps were begun upon it; which of them still make sense cannot be known.
                stack.clear()
        if command.step.medium == self._medium:
            self._reload()
        self._lose(reason)

    def _step_back(self, stack: QUndoStack, command: _Command, forward: bool) -> None:
        self._silent = True
        try:
            if forward:
                command.setObsolete(True)
                stack.undo()
            else:
                stack.redo()
        finally:
            self._silent = False

    def _lose(self, reason: str) -> None:
        self.lost.emit(reason)
        self.failed.emit(reason)

    def _settle(self) -> None:
        self._waiting -= 1
        self.pending.emit(self._waiting)

    def _reload(self) -> None:
        medium = self._medium
        self._background.run(
            lambda: self._library().corrections(medium),
            lambda rows: self.loaded.emit(rows) if medium == self._medium else None,
            self.failed.emit,
        )


class _Command(QUndoCommand):
    """One step on the stack."""

    def __init__(self, history: History, text: str, step: _Step) -> None:
        super().__init__(text)
        self._history = history
        self.step = step

    def redo(self) -> None:
        self._history._run(self, True)

    def undo(self) -> None:
        self._history._run(self, False)


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
