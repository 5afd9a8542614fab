"""What all pages have: a heading, a line of what went wrong, sections, and room that scrolls."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFormLayout, QFrame, QLabel, QVBoxLayout, QWidget

from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import explain, label, panel
from mien_desktop.plugins.checks import scrolling

TITLES: Final = {
    "device": ("Device", "What the models compute on. The next analysis uses it; nothing has to be restarted."),
    "models": ("Models", "Mien works with the models it comes with; larger ones are yours to add."),
    "plugins": ("Plugins", "What reads a medium, with which parameters, and where it came from."),
    "appearance": ("Appearance", "How the window looks. It changes at once."),
    "shortcuts": ("Shortcuts", "Choose an action, then press its new keys below."),
    "data": ("Data", "Everything stays on this machine. Here is where."),
}
"""Pages in the order of the list: the name under which each is opened, its title, and what it is for."""


class Page(QWidget):
    """A page of the settings.

    Args:
        name: one of `TITLES`.
        scrolls: whether the page scrolls as a whole; lists fill the room instead.
    """

    def __init__(self, name: str, palette: Palette, *, scrolls: bool = True) -> None:
        super().__init__()
        self.name = name
        title, line = TITLES[name]
        self.palette_now = palette
        self._notice = label(wrap=True)
        self._notice.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._notice.hide()
        self.body = QVBoxLayout()
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(12)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(22, 18, 22, 18)
        outer.setSpacing(4)
        outer.addWidget(label(title, "title"))
        outer.addWidget(label(line, "dim", wrap=True))
        outer.addWidget(self._notice)
        outer.addSpacing(10)
        if scrolls:
            inside = QWidget()
            inside.setLayout(self.body)
            outer.addWidget(scrolling(inside), 1)
        else:
            outer.addLayout(self.body, 1)
        self.setAccessibleName(title)
        self.setAccessibleDescription(line)

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self.palette_now = palette

    def entered(self) -> None:
        """The page is seen now."""

    def shutdown(self) -> None:
        """End what runs for it."""

    def say(self, text: str, *, bad: bool = False) -> None:
        """One sentence under the heading, or none."""
        show(self._notice, text, bad=bad)

    @property
    def said(self) -> str:
        """The sentence under the heading."""
        return self._notice.text()


def show(line: QLabel, text: str, *, bad: bool = False) -> None:
    """Show a sentence on a line that is hidden while it has none."""
    line.setText(text)
    line.setAccessibleName(text)
    line.setProperty("kind", "bad" if bad else "dim")
    line.style().unpolish(line)
    line.style().polish(line)
    line.setVisible(bool(text))


def section(title: str, line: str = "") -> tuple[QFrame, QVBoxLayout]:
    """A framed part of a page with its heading."""
    ground = panel()
    box = QVBoxLayout(ground)
    box.setContentsMargins(16, 12, 16, 14)
    box.setSpacing(6)
    box.addWidget(label(title, "heading"))
    if line:
        box.addWidget(label(line, "small", wrap=True))
    return ground, box


def form() -> QFormLayout:
    """Rows of label and control."""
    made = QFormLayout()
    made.setHorizontalSpacing(18)
    made.setVerticalSpacing(10)
    made.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.FieldsStayAtSizeHint)
    made.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    return made


def lock(widget: QWidget, variable: str, name: str, tip: str) -> None:
    """Enable a control, or show that an environment variable decides in its place."""
    widget.setEnabled(not variable)
    explain(widget, name, f"{variable} in the environment decides this" if variable else tip)


def size_text(count: float) -> str:
    """Bytes in words."""
    for unit, scale, digits in (("GB", 1e9, 2), ("MB", 1e6, 1), ("kB", 1e3, 0)):
        if count >= scale:
            return f"{count / scale:.{digits}f} {unit}"
    return f"{count:.0f} bytes"
