"""Small widgets that all rooms use, so that they look and speak alike."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QToolButton, QWidget

from mien_desktop.look.icons import icon
from mien_desktop.look.palette import Palette


def label(text: str = "", kind: str = "", *, wrap: bool = False) -> QLabel:
    """A line of text. kind: "", "dim", "small", "heading", "title" or "bad"."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setProperty("kind", kind)
    made.setWordWrap(wrap)
    return made


def panel(kind: str = "panel") -> QFrame:
    """A framed ground. kind: "panel", "bar", "foot" or "message"."""
    made = QFrame()
    made.setProperty("kind", kind)
    return made


def button(text: str, tip: str, *, kind: str = "", shortcut: str = "") -> QPushButton:
    """A button with words. kind: "", "primary", "flat" or "row"."""
    made = QPushButton(text)
    made.setProperty("kind", kind)
    made.setCursor(Qt.CursorShape.PointingHandCursor)
    # Who clicks goes on using the keys of the view that has the focus.
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    explain(made, text, tip, shortcut)
    return made


class IconButton(QToolButton):
    """A button with an icon, which follows the palette."""

    def __init__(self, name: str, title: str, tip: str = "", *, shortcut: str = "", checkable: bool = False) -> None:
        super().__init__()
        self._name = name
        self.setProperty("kind", "flat")
        self.setCheckable(checkable)
        explain(self, title, tip or title, shortcut)

    def show_icon(self, name: str, palette: Palette) -> None:
        """Another icon."""
        self._name = name
        self.wear(palette)

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self.setIcon(icon(self._name, palette))


def explain(widget: QWidget, name: str, tip: str, shortcut: str = "") -> None:
    """Give a widget its accessible name and description, and a tooltip that names its shortcut.

    The shortcut itself belongs to an action of the window (`shell.actions`): keys that two things listen to do nothing.
    """
    keys = QKeySequence(shortcut).toString(QKeySequence.SequenceFormat.NativeText) if shortcut else ""
    widget.setToolTip(f"{tip} ({keys})" if keys else tip)
    widget.setAccessibleName(name)
    widget.setAccessibleDescription(widget.toolTip())
