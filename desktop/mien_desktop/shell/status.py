"""The foot of the window: how far each plugin is, whether the worker lives, whether every change lies on the disk."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QTimer
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QSizePolicy, QWidget

from mien_desktop.document import Document, Standing
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import button, explain, label, panel
from mien_desktop.shell.progress import ProgressList, far

MARKS = {"done": "✓", "cached": "✓", "failed": "✗", "skipped": "–"}
NOTED = 6000
"""ms for which a note stays."""
_ANY = (1 << 24) - 1
"""Qt's own bound on a width, logical pixels."""
_TIP = "How far every plugin is, and how long it will take"


class StatusBar(QWidget):
    """Follows a document: in one line here, plugin by plugin in the list that its button opens."""

    def __init__(self, document: Document, palette: Palette) -> None:
        super().__init__()
        self._document = document
        ground = panel("foot")
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(ground)
        row = QHBoxLayout(ground)
        row.setContentsMargins(6, 2, 12, 2)
        row.setSpacing(10)
        self.details = button("Progress", _TIP, kind="flat")
        self.details.clicked.connect(self.show_list)
        room = self.details.sizePolicy()
        # The foot stays as high as it is, whether there is something to list or not; see `_follow` for its width.
        room.setRetainSizeWhenHidden(True)
        self.details.setSizePolicy(room)
        self.list = ProgressList(document, self)
        self._bar = QProgressBar()
        self._bar.setRange(0, 1000)
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(140)
        self._bar.setAccessibleName("Progress of the analysis")
        self._line = label(kind="small")
        # A long line is cut, it never makes the window wider.
        self._line.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._worker, self._saved = label(kind="small"), label(kind="small")
        explain(self._worker, "Worker", "What the process that analyses is doing")
        row.addWidget(self.details)
        row.addWidget(self._bar)
        row.addWidget(self._line, 1)
        row.addWidget(self._worker)
        row.addWidget(self._saved)
        self._pending, self._lost, self._note = 0, "", ""
        self._fading = QTimer(self, singleShot=True, interval=NOTED)
        self._fading.timeout.connect(self._forget_note)
        document.progressed.connect(self._follow)
        document.opened.connect(self._follow)
        self.setAccessibleName("Progress")
        self.wear(palette)
        self._follow()

    @property
    def line(self) -> str:
        """What it says of the plugins, or the note that stands there for a moment."""
        return self._line.text()

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours (all in the style sheet)."""

    @property
    def saved(self) -> str:
        """What it says of changes, empty while none was made."""
        return self._saved.text()

    def say(self, text: str) -> None:
        """What the worker does; empty for nothing."""
        self._worker.setText(text)

    def note(self, text: str) -> None:
        """Say in a few words why a command did nothing, for a moment, before what it says of the plugins."""
        self._note = text
        self._fading.start()
        self._follow()

    def _forget_note(self) -> None:
        self._note = ""
        self._follow()

    def show_pending(self, steps: int) -> None:
        """So many changes are not in the library yet; a new one begins with the last failure forgotten."""
        if steps > self._pending:
            self._lost = ""
        self._pending = steps
        if steps:
            self._say_saved("saving…", "A change is being written into the library")
        elif not self._lost:
            self._say_saved("all changes saved", "Every change lies in the library")

    def show_lost(self, reason: str) -> None:
        """The last change could not be written, and was taken back."""
        self._lost = reason
        self._say_saved("last change not saved", reason)

    def forget_changes(self) -> None:
        """Another medium: nothing was changed yet. What is still being written of the last one is told to its end."""
        if not self._pending:
            self._lost = ""
            self._say_saved("", "")

    def _say_saved(self, text: str, tip: str) -> None:
        self._saved.setText(text)
        explain(self._saved, text, tip)
        self._saved.setProperty("kind", "bad" if self._lost else "small")
        self._saved.style().unpolish(self._saved)
        self._saved.style().polish(self._saved)

    def show_list(self) -> None:
        """Open the list of all plugins over the foot."""
        self.list.adjustSize()
        self.list.move(self.mapToGlobal(QPoint(8, -self.list.height() - 4)))
        self.list.show()

    def _follow(self) -> None:
        standings = list(self._document.standings.values())
        ended = [s for s in standings if s.state in MARKS]
        running = [s for s in standings if s.state == "running"]
        busy = self._document.analysing
        self.details.setVisible(bool(standings))
        self.details.setMaximumWidth(_ANY if standings else 0)
        self.details.setText(f"{len(ended)} of {len(standings)}" if busy and standings else "Progress")
        explain(self.details, "Progress of every plugin", _TIP)
        self._bar.setVisible(busy)
        if self._note:
            self._line.setText(self._note)
            return
        if not busy:
            self._line.setText("   ".join(f"{short(s)} {MARKS[s.state]}" for s in ended))
            return
        if not running:
            self._bar.setRange(0, 0)
            self._line.setText("starting" if len(ended) < len(standings) or not standings else "finishing")
            return
        self._bar.setRange(0, 1000)
        self._bar.setValue(round(1000 * sum(s.fraction for s in (*running, *ended)) / max(1, len(standings))))
        # Those that take longest first: they are what one waits for.
        running.sort(key=lambda s: (-(s.left or 0.0), s.fraction))
        self._line.setText("    ".join(f"{short(s)} {far(s)}" for s in running))


def short(standing: Standing) -> str:
    """A plugin's name in one word."""
    family, _, own = standing.plugin.partition(".")
    return own.split(".")[-1] if own and family in ("speech", "face") else family
