"""What of folders goes into the queue, whether they are watched, and how many media are analysed at once."""

from __future__ import annotations

import re

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QSpinBox, QWidget

from mien.batch.find import Wanted, check_globs
from mien.errors import UsageError
from mien_desktop.library.item import MOST_WORKERS
from mien_desktop.look.parts import explain, label
from mien_desktop.plugins.checks import CheckBox, Line

_GLOBS = "A pattern without / speaks of a name, one with / of the path inside the folder; ** stands for any number of folders."


class QueueTerms(QWidget):
    """One row over the queue. What it says of folders holds for those that are added from then on.

    Signals:
        workers_chosen(object): how many media at once on each device, None for what is sensible.
    """

    workers_chosen = Signal(object)

    def __init__(self, workers: int | None) -> None:
        super().__init__()
        self.include, self.exclude = Line(), Line()
        self.include.setPlaceholderText("every medium, or *.mp4")
        self.exclude.setPlaceholderText("raw, 2019/**/drafts")
        explain(
            self.include, "Only files like this", f"Only these files of folders, with commas between them. {_GLOBS}"
        )
        explain(
            self.exclude,
            "No files or folders like this",
            f"These files and folders are left out, with commas between them. {_GLOBS}",
        )
        self.watch = CheckBox("Watch them")
        explain(
            self.watch,
            "Watch the folders that are added",
            "New and changed files in the folders go into the queue too, as soon as they have stopped growing",
        )
        self.workers = QSpinBox()
        self.workers.setRange(0, MOST_WORKERS)
        self.workers.setSpecialValueText("Automatic")
        self.workers.setKeyboardTracking(False)
        self.workers.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self.workers.setValue(workers or 0)
        explain(
            self.workers,
            "Workers on each device",
            "How many media are analysed at once on each device. Automatic is one on a GPU, one for each four cores of the "
            "processor; each worker has the models in memory for itself",
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(label("From folders take", "dim"))
        row.addWidget(self.include, 3)
        row.addWidget(label("but not", "dim"))
        row.addWidget(self.exclude, 2)
        row.addWidget(self.watch)
        row.addSpacing(12)
        row.addWidget(label("Workers", "dim"))
        row.addWidget(self.workers)
        for line in (self.include, self.exclude):
            line.textChanged.connect(lambda _=None, line=line: self._check(line))
        self.workers.valueChanged.connect(lambda count: self.workers_chosen.emit(count or None))

    def wanted(self) -> Wanted:
        """What of a folder is wanted; raises UsageError if a pattern stands for nothing."""
        return Wanted(check_globs(_globs(self.include.text())), check_globs(_globs(self.exclude.text())))

    def _check(self, line: Line) -> None:
        try:
            check_globs(_globs(line.text()))
            line.wrong = False
        except UsageError:
            line.wrong = True
        line.update()


def _globs(text: str) -> list[str]:
    return [glob.strip() for glob in re.split(r"[,;]", text) if glob.strip()]
