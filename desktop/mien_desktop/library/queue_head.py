"""The buttons over the queue, in as many lines as they need."""

from __future__ import annotations

from PySide6.QtCore import Signal, SignalInstance
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QWidget

from mien_desktop.look.flow import Flow
from mien_desktop.look.icons import icon
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import button, explain


class QueueHead(QWidget):
    """Signals: what is asked for.

    Args:
        palette: of the icons.
    """

    files_asked = Signal()
    folder_asked = Signal()
    toggled = Signal()
    restart_asked = Signal()
    retry_asked = Signal()
    summary_asked = Signal()
    remove_asked = Signal()
    open_asked = Signal()

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette = palette
        self.add_files = _made("Add files…", "Choose videos and sound files", self.files_asked, "Ctrl+O")
        tip = "Choose a folder: the media in it are added, at all levels"
        self.add_folder = _made("Add folder…", tip, self.folder_asked, "Ctrl+Shift+O")
        self.go = _made("Pause", "", self.toggled, "Ctrl+P")
        tip = "End the workers and begin again what they were at; what was read so far is kept"
        self.restart = _made("Restart", tip, self.restart_asked, "Ctrl+Shift+R")
        self.restart.setProperty("kind", "primary")
        self.restart.hide()
        self.retry = _made("Retry failed", "Let what failed wait again", self.retry_asked, "Ctrl+R")
        tip = "Write one page and two tables of all that is in the queue, ranked by what you ask for"
        self.summary = _made("Summary…", tip, self.summary_asked, "Ctrl+S")
        self.remove = _made("Remove", "Take the selected media out of the queue (Delete)", self.remove_asked)
        self.open = _made("Open", "Show the selected medium in the main window (Enter)", self.open_asked)
        row = Flow(self, across=8, down=8)
        row.addWidget(_group(self.add_files, self.add_folder, grows=True))
        row.addWidget(_group(self.restart, self.go, self.retry, self.summary, self.remove, self.open))

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours; `show_go` gives one button its own."""
        self._palette = palette
        for made, name in (
            (self.add_files, "add"),
            (self.add_folder, "open"),
            (self.retry, "restart"),
            (self.summary, "ranked"),
        ):
            made.setIcon(icon(name, palette))
        self.restart.setIcon(icon("restart", palette, palette.on_accent))

    def show_go(self, paused: bool, todo: bool) -> None:
        """The button that pauses the queue or lets it go on; `todo`: whether there is anything to do."""
        text, kind = "Resume" if paused else "Pause", "primary" if paused and todo else ""
        self.go.setEnabled(todo)
        self.go.setIcon(
            icon("analyse", self._palette, self._palette.on_accent) if kind else icon("pause", self._palette)
        )
        if (text, kind) == (self.go.text(), self.go.property("kind")):
            return
        self.go.setText(text)
        self.go.setShortcut("Ctrl+P")  # a new text takes it away
        self.go.setProperty("kind", kind)
        self.go.style().unpolish(self.go)  # the style sheet goes by the kind
        self.go.style().polish(self.go)
        tip = "Go on with what waits" if paused else "Stop at once; what was read so far is kept"
        explain(self.go, text, f"{tip} (Ctrl+P)")


def _made(text: str, tip: str, asked: SignalInstance, shortcut: str = "") -> QPushButton:
    made = button(text, tip, shortcut=shortcut)
    made.setShortcut(shortcut)
    made.setAutoDefault(False)  # Enter belongs to the table
    made.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Preferred)  # as high as those with icons
    made.clicked.connect(lambda _=False: asked.emit())
    return made


def _group(*buttons: QPushButton, grows: bool = False) -> QWidget:
    """Buttons that stay on one line; `grows`: what comes after them stands at the far end."""
    made = QWidget()
    row = QHBoxLayout(made)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(8)
    for one in buttons:
        row.addWidget(one)
    if grows:
        row.addStretch(1)
    return made
