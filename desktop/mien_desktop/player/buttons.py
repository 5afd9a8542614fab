"""Buttons of the bar under the picture."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeyEvent
from PySide6.QtWidgets import QMenu, QToolButton

from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import explain, native
from mien_desktop.player.glyphs import icon

SPEEDS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0)
"""That can be chosen."""
ICON = 18
"""Size of the signs in pixels at 100 %."""


class Button(QToolButton):
    """A flat button with a sign. Enter presses it too, as the window takes Space for play.

    Args:
        glyph: name of the sign; title: for screen readers; tip: what it does.
        command: id by which its keys are looked up.
    """

    def __init__(self, glyph: str, title: str, tip: str, command: str = "", *, checkable: bool = False) -> None:
        super().__init__()
        self.glyph, self.command = glyph, command
        self._title, self._tip, self._keys, self._note = title, tip, "", ""
        self.setProperty("kind", "flat")
        self.setCheckable(checkable)
        self.setIconSize(QSize(ICON, ICON))
        # Who clicks goes on using the keys of the view that has the focus.
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.tell()

    def tell(self, title: str = "", tip: str = "", keys: str | None = None, note: str | None = None) -> None:
        """Say what it does now, and a note on that; what is left out stays."""
        self._title, self._tip = title or self._title, tip or self._tip
        self._keys = self._keys if keys is None else keys
        self._note = self._note if note is None else note
        named = native(self._keys)
        told = f"{self._tip} ({named})" if named else self._tip
        told = f"{told} – {self._note}" if self._note else told
        if (told, self._title) != (self.toolTip(), self.accessibleName()):
            explain(self, self._title, told)

    def show_glyph(self, glyph: str, palette: Palette) -> None:
        """Show a sign in a palette's colours."""
        self.glyph = glyph
        self.setIcon(icon(glyph, palette, self.iconSize().width()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.isAutoRepeat():
            self.animateClick()
        else:
            super().keyPressEvent(event)


class SpeedButton(Button):
    """Shows the speed, and opens a list of those that can be chosen.

    Signals:
        chosen(float): one was.
    """

    chosen = Signal(float)

    def __init__(self) -> None:
        super().__init__("", "Speed", "Choose how fast it plays; voices keep their pitch")
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.choices = QActionGroup(self)
        menu = QMenu(self)
        menu.setAccessibleName("Speed")
        for rate in SPEEDS:
            action = QAction(self.written(rate), self.choices, checkable=True)
            action.setData(rate)
            menu.addAction(action)
        self.choices.triggered.connect(lambda action: self.chosen.emit(action.data()))
        self.setMenu(menu)
        self.show_rate(1.0)

    @staticmethod
    def written(rate: float) -> str:
        """As it is shown: `0.25×`."""
        return f"{rate:g}×"

    def show_rate(self, rate: float) -> None:
        """Show a speed, whether it is in the list or not."""
        self.setText(self.written(rate))
        self.setAccessibleName(f"Speed {self.written(rate)}")
        for action in self.choices.actions():
            action.setChecked(abs(action.data() - rate) < 1e-6)

    def sizeHint(self) -> QSize:
        """As wide as it ever gets, so that nothing beside it moves; no room for the arrow, which is not drawn."""
        metrics = self.fontMetrics()
        most = max(metrics.horizontalAdvance(self.written(rate)) for rate in SPEEDS)
        return QSize(most + 14, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Down):
            self.showMenu()
        else:
            super().keyPressEvent(event)
