"""What the dialogs that write files have in common: the folder, how far it is, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from mien.exchange.text import one_line
from mien_desktop.look.parts import button, explain, label
from mien_desktop.plugins.checks import Line
from mien_desktop.settings.page import show
from mien_desktop.work.writing import WritingJob


@dataclass(frozen=True)
class Words:
    """What a dialog says.

    Args:
        name: of the window; title: over it.
        start: on the button that begins, and its tip; so for the one that shows what was written.
        files: what the folder is for, as in “the files are written into”.
        into: title of the dialog that chooses the folder.
        bar: the accessible name of the progress; cancel, leave: tips of those buttons.
        stopped: the sentence once it was cancelled.
    """

    name: str
    title: str
    start: tuple[str, str]
    shown: tuple[str, str]
    files: str
    into: str
    bar: str
    cancel: str
    leave: str
    stopped: str


class WritingDialog(QDialog):
    """Not modal. Made once by a window and shown again; `shutdown` ends its thread.

    Signals:
        written(list): paths of what was written (`list[Path]`).
        failed(str): why nothing or not all was written, a sentence; it stands in the dialog too.
    """

    written = Signal(list)
    failed = Signal(str)

    def __init__(self, job: WritingJob, words: Words, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setWindowTitle(words.name)
        self.setAccessibleName(words.name)
        self.setModal(False)
        self._into = words.into
        job.setParent(self)
        job.progressed.connect(self._progressed)
        job.written.connect(self._done)
        job.failed.connect(self._failed)
        job.stopped.connect(lambda: self._ended(words.stopped))
        self._writer = job
        self._fields: Sequence[QWidget] = ()
        self._paths: list[Path] = []
        self._title, self._of = label(words.title, "title"), label(kind="dim", wrap=True)
        self.folder = Line()
        explain(self.folder, "Folder", f"Where {words.files} written; the folder is made if it is not there")
        self.folder.textChanged.connect(lambda _: self._changed())
        self.choose = button("Choose…", "Choose the folder")
        explain(self.choose, "Choose the folder", f"Choose the folder that {words.files} written into")
        self.choose.clicked.connect(self._choose)
        self._said = label(wrap=True)
        self._said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._bar = QProgressBar()
        self._bar.setRange(0, 1000)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(words.bar)
        self.start = button(*words.start, kind="primary")
        self.start.setDefault(True)
        self.start.clicked.connect(self.begin)
        self.cancel = button("Cancel", words.cancel)
        self.cancel.clicked.connect(self._cancel)
        self.shown = button(*words.shown)
        self.shown.clicked.connect(self.show_written)
        self.leave = button("Close", words.leave)
        self.leave.clicked.connect(self.close)
        for made in (self.choose, self.cancel, self.shown, self.leave):
            made.setAutoDefault(False)

    @property
    def said(self) -> str:
        """The sentence that stands at the foot."""
        return self._said.text()

    def begin(self) -> None:
        """Write, in the background."""
        raise NotImplementedError

    def show_written(self) -> None:
        """Show what was written."""
        raise NotImplementedError

    def shutdown(self) -> None:
        """Stop what runs and wait for it."""
        self._writer.close()

    def bring(self) -> None:
        """Show the window, before the others."""
        self.show()
        self.raise_()
        self.activateWindow()

    # -- for the dialogs ----------------------------------------------------------------------------------------

    def _lay_out(self, *body: QWidget, fields: Sequence[QWidget], beside: bool) -> None:
        """Lay out the title, the body and the buttons.

        Args:
            fields: what cannot be changed while it is written, the folder apart.
            beside: the first part of the body takes what room there is, and what came of it stands beside the buttons, not
                over them.
        """
        self._fields = fields
        foot = QHBoxLayout()
        foot.setSpacing(10)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(22, 18, 22, 18)
        outer.setSpacing(4)
        outer.addWidget(self._title)
        outer.addWidget(self._of)
        outer.addSpacing(10)
        for part in body:
            outer.addWidget(part, int(beside and part is body[0]))
            outer.addSpacing(8)
        if beside:
            foot.addWidget(self._bar, 1)
            foot.addWidget(self._said, 1)
            foot.addStretch(0)  # takes the room while neither is there
        else:
            outer.addWidget(self._said)
            outer.addWidget(self._bar)
            outer.addStretch(1)
            outer.addSpacing(8)
            foot.addStretch(1)
        for widget in (self.shown, self.leave, self.cancel, self.start):
            foot.addWidget(widget)
        outer.addLayout(foot)
        for hidden in (self._said, self._bar, self.cancel, self.shown):
            hidden.hide()

    def _changed(self) -> None:
        """Something else is asked for: Return writes that."""
        self.start.setDefault(True)
        self._check()

    def _check(self) -> None:
        """Whether what is asked for can be written."""
        raise NotImplementedError

    def _told(self, written: Sequence[Path]) -> str:
        """What was written, a sentence."""
        return f"Written: {', '.join(one_line(path.name) for path in written)}."

    def _clear(self) -> None:
        """Nothing is written yet."""
        self._say("")
        self._bar.setValue(0)

    @property
    def _writing(self) -> bool:
        """Whether something is being written."""
        return self._writer.runs

    def _show_running(self) -> None:
        running = self._writing
        self._bar.setVisible(running)
        self.cancel.setVisible(running)
        self.cancel.setEnabled(running)
        self.start.setVisible(not running)
        for widget in (*self._fields, self.folder, self.choose):
            widget.setEnabled(not running)
        self._check()

    def _say(self, text: str, *, bad: bool = False) -> None:
        self.shown.hide()
        self.start.setDefault(True)
        show(self._said, text, bad=bad)

    def _ended(self, sentence: str, *, bad: bool = False) -> None:
        self._show_running()
        self._say(sentence, bad=bad)
        self.start.setFocus()

    # -- what happens -------------------------------------------------------------------------------------------

    def _choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, self._into, self.folder.text())
        if folder:
            self.folder.setText(folder)

    def _cancel(self) -> None:
        self.cancel.setEnabled(False)
        self._writer.cancel()

    def _progressed(self, share: float) -> None:
        self._bar.setValue(round(1000 * share))

    def _done(self, written: list[Path]) -> None:
        self._paths = written
        self._show_running()
        self._say(self._told(written))
        self.shown.show()
        self.shown.setDefault(True)
        self.shown.setFocus()
        self.written.emit(written)

    def _failed(self, sentence: str) -> None:
        self._ended(sentence, bad=True)
        self.failed.emit(sentence)
