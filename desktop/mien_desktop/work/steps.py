"""Steps that can be undone and redone: one stack for each medium, whoever comes back to a medium goes on there."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from PySide6.QtCore import QObject
from PySide6.QtGui import QUndoCommand, QUndoGroup, QUndoStack

TOGETHER = 1.0
"""s; changes of one thing that follow each other sooner are one drag, and one step."""
KEPT = 20
"""Media whose steps are remembered; of those left longest ago they are forgotten first."""

Value = TypeVar("Value")


class Steps(QUndoGroup):
    """The stacks; the active one is that of the open medium. Its signals are those of the active stack."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._stacks: dict[str, QUndoStack] = {}  # by medium, the one opened last at the end
        self._free = QUndoStack(self)  # of a medium without an id, or of none
        self.setActiveStack(self._free)

    @property
    def stack(self) -> QUndoStack:
        """The steps of the open medium."""
        return self.activeStack()

    def of(self, medium: str) -> QUndoStack | None:
        """The steps of a medium (its id); None where there are none."""
        return self._stacks.get(medium)

    def open(self, medium: str) -> None:
        """Another medium is open (its id), or one that has none yet; once that has one, it keeps its steps."""
        if not medium:
            self._free.clear()
            self.setActiveStack(self._free)
            return
        stack = self._stacks.pop(medium, None)
        if stack is None:
            stack = QUndoStack(self)
            if self.stack is self._free:
                stack, self._free = self._free, stack
        self._stacks[medium] = stack
        self.setActiveStack(stack)
        self.forget(list(self._stacks)[:-KEPT])

    def forget(self, media: Iterable[str] | None = None) -> None:
        """Drop the steps of media (their ids), or of all: they left the library, or it is another one."""
        for medium in list(self._stacks if media is None else media):
            stack = self._stacks.pop(medium, None)
            if stack is None:
                continue
            if stack is self.stack:
                self.setActiveStack(self._free)
            self.removeStack(stack)
            stack.deleteLater()

    def change(self, text: str, what: Hashable, before: Value, after: Value, put: Callable[[Value], object]) -> None:
        """Put one value for another, as a step; quick changes of the same thing are one.

        Args:
            text: what it is, for the Undo menu.
            what: names the thing that is changed.
            put: makes a value hold; called with `after` now, and with either of them later.
        """
        if before != after:
            self.stack.push(_Change(text, what, before, after, put))


class _Change(QUndoCommand):
    """One value for another."""

    def __init__(self, text: str, what: Hashable, before: Value, after: Value, put: Callable[[Value], object]) -> None:
        super().__init__(text)
        self._what, self._before, self._after = what, before, after
        self._put: Callable[..., object] = put
        self._made = time.monotonic()

    def id(self) -> int:
        """Steps of this kind may become one."""
        return 1

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Take the next move of the same drag."""
        if not isinstance(other, _Change) or other._what != self._what or other._made - self._made > TOGETHER:
            return False
        self._after, self._made = other._after, other._made
        return True

    def redo(self) -> None:
        self._put(self._after)

    def undo(self) -> None:
        self._put(self._before)
        self._made = -TOGETHER  # a change after this is another step
