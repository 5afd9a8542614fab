"""The menu of the events' table: what can be done with those that are chosen, each with its key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from mien_desktop.events.model import Event

ENTRIES = (
    ("Go there", "seek", Qt.Key.Key_Return),
    ("Explain", "explain", Qt.Key.Key_E),
    ("", "", Qt.Key.Key_unknown),
    ("Accept", "accept", Qt.Key.Key_A),
    ("Reject", "reject", Qt.Key.Key_R),
    ("Correct…", "correct", Qt.Key.Key_C),
    ("Label…", "label", Qt.Key.Key_L),
    ("Note…", "note", Qt.Key.Key_M),
    ("", "", Qt.Key.Key_unknown),
    ("Delete", "delete", Qt.Key.Key_Delete),
)
_OF_ONE = ("seek", "explain", "correct")


def build(parent: QWidget, chosen: Sequence[Event], act: Callable[[str], object]) -> QMenu:
    """The menu; it deletes itself when it closes.

    Args:
        chosen: the events that are selected, at least one.
        act: called with what is to be done, as of `EventView.acted`.
    """
    menu = QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    for title, action, key in ENTRIES:
        if not action:
            menu.addSeparator()
            continue
        entry = menu.addAction(title, QKeySequence(key), partial(act, action))
        entry.setEnabled(
            len(chosen) == 1 if action in _OF_ONE else any(e.added for e in chosen) if action == "delete" else True
        )
    return menu
