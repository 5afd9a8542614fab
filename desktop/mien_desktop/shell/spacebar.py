"""Space presses the button that has the focus, and letters choose from the list that has it; everywhere else they are the
window's keys, for play and the like."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QWidget


class Spacebar(QObject):
    """Watches the one widget that has the focus: a filter over all events of the application would cost time.

    Args:
        window: whose shortcut Space would otherwise be.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._turn)

    def _turn(self, before: QWidget | None, now: QWidget | None) -> None:
        if isinstance(before, QAbstractButton | QComboBox):
            before.removeEventFilter(self)
        if isinstance(now, QAbstractButton | QComboBox):
            now.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A key that is accepted here reaches the widget and not the shortcut."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.modifiers() == Qt.KeyboardModifier.NoModifier
        ):
            letter = isinstance(watched, QComboBox) and event.text().isprintable() and event.text() != ""
            if letter or event.key() == Qt.Key.Key_Space:
                event.accept()
                return True
        return super().eventFilter(watched, event)
