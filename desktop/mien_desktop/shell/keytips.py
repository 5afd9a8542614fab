"""Tooltips name the keys that the window's commands have now, whoever changed them."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from mien_desktop.look.parts import name_keys
from mien_desktop.player.transport import Transport


class KeyTips(QObject):
    """Follows the actions of a window.

    Args:
        window: in it, and in its dialogs, tooltips are looked for.
        actions: id → action.
    """

    def __init__(self, window: QWidget, actions: Mapping[str, QAction]) -> None:
        super().__init__(window)
        self._window = window
        self._keys = {name: _first(action) for name, action in actions.items()}
        for name, action in actions.items():
            action.changed.connect(lambda name=name, action=action: self._follow(name, action))
        self._tell(window, self._keys)

    def tell(self, room: QWidget) -> None:
        """A part of the window that has just been made learns the keys."""
        self._tell(room, self._keys)

    def _follow(self, name: str, action: QAction) -> None:
        """An action has changed; that may be its keys."""
        keys = _first(action)
        if keys != self._keys[name]:
            self._keys[name] = keys
            self._tell(self._window, {name: keys})

    @staticmethod
    def _tell(root: QWidget, keys: Mapping[str, str]) -> None:
        name_keys(root, keys)
        for transport in root.findChildren(Transport):
            transport.set_shortcuts(keys)


def _first(action: QAction) -> str:
    """The keys that are shown of an action, in the portable spelling."""
    return action.shortcut().toString(QKeySequence.SequenceFormat.PortableText)
