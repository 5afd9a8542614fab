"""What of folders goes into the queue, whether they are watched and links followed, and how many media are analysed at once."""

from __future__ import annotations

import re

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QHBoxLayout, QSpinBox, QWidget

from mien.batch.find import Wanted, check_globs
from mien.errors import UsageError
from mien_desktop.library.item import MOST_WORKERS
from mien_desktop.look.flow import Flow
from mien_desktop.look.parts import explain, label
from mien_desktop.plugins.checks import CheckBox, Line

_GLOBS = "A pattern without / speaks of a name, one with / of the path inside the folder; ** stands for any number of folders."


class QueueTerms(QWidget):
    """A row over the queue, which wraps. What it says of folders holds for those that are added from then on.

    Signals:
        workers_chosen(object): how many media at once on each device, None for what is sensible.
    """

    workers_chosen = Signal(object)

    def __init__(self, workers: int | None) -> None:
        super().__init__()
        self.include, self.exclude = _Globs(), _Globs()
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
        self.follow = CheckBox("Follow links")
        explain(
            self.follow,
            "Follow links to folders",
            "Folders that links point to are looked into too, each real folder once: a link that leads back makes no circle",
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
        row = Flow(self, across=18, down=8)
        row.addWidget(_together(label("From folders take", "dim"), self.include))
        row.addWidget(_together(label("but not", "dim"), self.exclude))
        both = _together(label("Workers", "dim"), self.workers)
        row.addWidget(_together(self.watch, self.follow, both, apart=18))
        for line in (self.include, self.exclude):
            line.textChanged.connect(lambda _=None, line=line: self._check(line))
        self.workers.valueChanged.connect(lambda count: self.workers_chosen.emit(count or None))

    def wanted(self) -> Wanted:
        """What of a folder is wanted; raises UsageError if a pattern stands for nothing."""
        include, exclude = (check_globs(_globs(line.text())) for line in (self.include, self.exclude))
        return Wanted(include, exclude, follow=self.follow.isChecked())

    def _check(self, line: Line) -> None:
        try:
            check_globs(_globs(line.text()))
            line.wrong = False
        except UsageError:
            line.wrong = True
        line.update()


class _Globs(Line):
    """Has room for the example in it."""

    def sizeHint(self) -> QSize:
        hint = super().sizeHint()
        frame = hint.width() - 17 * self.fontMetrics().horizontalAdvance("x")  # Qt's own has room for so many
        return QSize(frame + self.fontMetrics().horizontalAdvance(self.placeholderText()), hint.height())


def _together(*parts: QWidget, apart: int = 8) -> QWidget:
    """Parts that stay on one line, `apart` px from each other."""
    made = QWidget()
    row = QHBoxLayout(made)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(apart)
    for part in parts:
        row.addWidget(part)
    return made


def _globs(text: str) -> list[str]:
    return [glob.strip() for glob in re.split(r"[,;]", text) if glob.strip()]
