"""The keys of the window's actions: which they came with, and which they have now that somebody chose others. No page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu

from mien_desktop.settings import kept

NAME = "mien_name"
"""Property of an action: what it is called, whatever its text tells at the moment."""
_CAME_WITH = "mien_keys"  # property of an action


@dataclass(frozen=True)
class Shortcut:
    """What an action's keys are when nobody changed them.

    Args:
        area: the menu or panel it belongs to; action: what it does.
        keys: Qt's portable text, alternatives joined by `; `, empty for none.
        name: under which a change is kept, `area/action` where it has none.
    """

    area: str
    action: str
    keys: str
    name: str = ""

    @property
    def id(self) -> str:
        """The key of the mapping of changed shortcuts."""
        return self.name or f"{self.area}/{self.action}"


Actions = Mapping[str, QAction] | Sequence[Shortcut | tuple[str, str, str]]


def bind(actions: Mapping[str, QAction], mapping: Mapping[str, str] | None = None) -> None:
    """Give the window's actions the keys that were chosen, and those they came with where none were.

    Args:
        actions: id → action; the keys it has at the first call are those it came with.
        mapping: id → keys, as `SettingsDialog.shortcuts_changed` tells them; None reads what was kept.
    """
    mapping = kept.load().shortcuts if mapping is None else mapping
    for name, action in actions.items():
        keys = mapping.get(name, came_with(action))
        action.setShortcuts(QKeySequence.listFromString(keys) if keys else [])


def came_with(action: QAction) -> str:
    """The keys an action had when it was first seen here."""
    known = action.property(_CAME_WITH)
    if known is None:
        known = QKeySequence.listToString(action.shortcuts())
        action.setProperty(_CAME_WITH, known)
    return str(known)


def listed(actions: Actions) -> list[Shortcut]:
    """All actions with the keys they came with; an action's area is the menu it is in."""
    if isinstance(actions, Mapping):
        return [
            Shortcut(_menu(a), _plain(str(a.property(NAME) or a.text())), came_with(a), name)
            for name, a in actions.items()
        ]
    return [a if isinstance(a, Shortcut) else Shortcut(*a) for a in actions]


def portable(keys: str) -> str:
    """Keys as they are kept, in Qt's one spelling."""
    return QKeySequence.listToString(QKeySequence.listFromString(keys)) if keys else ""


def native(keys: str) -> str:
    """Keys as people read them: `Ctrl+Shift+Z or Ctrl+Y`."""
    return " or ".join(k.toString(QKeySequence.SequenceFormat.NativeText) for k in QKeySequence.listFromString(keys))


def clash(one: str, other: str) -> bool:
    """Whether two lists of keys have keys in common."""
    return bool(set(filter(None, portable(one).split("; "))) & set(filter(None, portable(other).split("; "))))


def _menu(action: QAction) -> str:
    menu = next((m for m in action.associatedObjects() if isinstance(m, QMenu)), None)
    return _plain(menu.title()) if menu is not None else "Window"


def _plain(text: str) -> str:
    """A menu's words without the mark of its mnemonic."""
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&")
