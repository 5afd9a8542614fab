"""The summary of the queue: what it is ranked by, and where it goes."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QComboBox, QGridLayout, QWidget

from mien.batch.rank import parse_rank
from mien.batch.sum_up import Order
from mien.batch.survey import Item
from mien.errors import MienError, UsageError
from mien.exchange.text import safe_name
from mien_desktop.export.writing import Words, WritingDialog
from mien_desktop.library.item import QueueItem
from mien_desktop.library.queue import Queue
from mien_desktop.look.parts import explain, label, open_at, panel
from mien_desktop.plugins.checks import Combo
from mien_desktop.settings.page import show
from mien_desktop.work.summing import Ranks, SummaryJob

_WORDS = Words(
    name="Summary of the queue",
    title="Summary",
    start=("Write", "Write the summary (Return)"),
    shown=("Open", "Open the page in the browser"),
    files="the summary is",
    into="Write the summary into",
    bar="How far the summary is",
    cancel="Stop; a summary that is there already stays as it is",
    leave="Close this window (Escape); a summary that is being written goes on",
    stopped="Stopped; nothing was written.",
)


class SummaryDialog(WritingDialog):
    """Made by the queue's window and shown with `ask`."""

    def __init__(self, queue: Queue, parent: QWidget | None = None) -> None:
        job = SummaryJob()
        super().__init__(job, _WORDS, parent)
        self.job = job
        self._queue = queue
        self._ranks: Ranks | None = None
        self.job.known.connect(self._offer)
        self.rank = Combo()
        self.rank.setEditable(True)
        self.rank.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.rank.setCompleter(None)  # type: ignore[arg-type]  # it would write more than was typed
        self.rank.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        explain(
            self.rank,
            "Rank by",
            "“highest”, “lowest” or “mean” with a reading, “verdict:” with a label, or a level such as "
            "“conflict above 0.5 for 10 s”; empty ranks by what was fused",
        )
        self.rank.editTextChanged.connect(lambda _: self._changed())
        self._wrong = label(kind="bad", wrap=True)
        self._wrong.hide()
        self._lay_out(self._ground(), fields=(self.rank,), beside=False)
        open_at(self, 640, 320)

    # -- for the queue's window ---------------------------------------------------------------------------------

    def ask(self) -> None:
        """Show it, with what was asked for last; what runs goes on."""
        count = len(self._queue.items)
        self._of.setText(
            f"A page and two tables of {'the medium' if count == 1 else f'all {count} media'} in the queue."
        )
        if not self.job.runs:
            rank, out = self._queue.summary
            self.rank.setEditText(rank)
            self.folder.setText(out or str(_usual_out(self._queue)))
            self.folder.setCursorPosition(0)
            self._ranks = None
            self._say("")
            try:
                _, registry, choice = self._queue.sources
                self.job.look(choice, registry)
            except MienError as error:
                self._failed(str(error))
        self._show_running()
        self.bring()
        self.rank.setFocus()

    @property
    def wrong(self) -> str:
        """Why the rank cannot be understood, the sentence under its line; or empty."""
        return self._wrong.text()

    # -- writing ------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Write the summary, in the background, if the rank can be understood."""
        if not self.start.isEnabled() or self._ranks is None or self.job.runs:
            return
        rank = self.rank.currentText().strip()
        why = self._why_not(rank)
        show(self._wrong, why, bad=True)
        if why:
            self.rank.setFocus()
            return
        folder = self.folder.text().strip()
        try:
            library, registry, choice = self._queue.sources
        except MienError as error:
            self._failed(str(error))
            return
        self._queue.set_summary(rank, folder)
        out = Path(os.path.abspath(os.path.expanduser(folder)))
        items = [_summed(item) for item in self._queue.items]
        self._clear()
        order = Order(items, self._queue.unread, library, choice, rank, out, "They wait in the queue.")
        self.job.start(order, registry)
        self._show_running()
        self.cancel.setFocus()

    def show_written(self) -> None:
        """Open the page in the browser."""
        if self._paths:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._paths[0])))

    # -----------------------------------------------------------------------------------------------------------

    def _ground(self) -> QWidget:
        ground = panel()
        grid = QGridLayout(ground)
        grid.setContentsMargins(16, 14, 16, 14)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        names = label("Writes summary.html, summary.csv and summary.parquet anew.", "small", wrap=True)
        for row, (title, field) in enumerate((("Rank by", self.rank), ("Folder", self.folder))):
            named = label(title, "dim")
            named.setBuddy(field)
            grid.addWidget(named, 2 * row, 0)
            grid.addWidget(field, 2 * row, 1, 1, 2 - row)
        grid.addWidget(self._wrong, 1, 1, 1, 2)
        grid.addWidget(self.choose, 2, 2)
        grid.addWidget(names, 3, 1, 1, 2)
        grid.setColumnStretch(1, 1)
        return ground

    def _offer(self, ranks: Ranks) -> None:
        """The ranks that make sense, under what is typed already."""
        typed = self.rank.currentText()
        self._ranks = ranks
        self.rank.clear()
        self.rank.addItems(list(ranks.offered))
        self.rank.setEditText(typed or next(iter(ranks.offered), ""))
        self._show_running()

    def _why_not(self, rank: str) -> str:
        """Why a rank cannot be, a sentence; empty where it can or nothing is known yet."""
        if not rank or self._ranks is None:
            return ""
        try:
            parse_rank(rank, self._ranks.readings)
        except UsageError as error:
            return str(error)
        return ""

    def _check(self) -> None:
        """What is typed is marked at once, and spoken of when it is to be used."""
        self.rank.wrong = bool(self._why_not(self.rank.currentText().strip()))
        self.folder.wrong = not self.folder.text().strip()
        show(self._wrong, "")
        for field in (self.rank, self.folder):
            field.update()
        ready = self._ranks is not None and not self.folder.wrong and bool(self._queue.items)
        self.start.setEnabled(ready and not self.job.runs)

    @property
    def _writing(self) -> bool:
        """Not while it is found out what can be ranked by."""
        return self.job.writes


def _summed(row: QueueItem) -> Item:
    """A medium of the queue as a scan has it."""
    known = row.known
    # One on which all plugins failed has failed in the queue; a scan says which did.
    state = "done" if row.state == "done" or known.failed else "failed" if row.state == "failed" else "todo"
    item = Item(row.found, state, known.medium, row.seconds, known.side_car)  # type: ignore[arg-type]
    item.runs, item.failed, item.partial = known.runs, known.failed, known.partial
    item.reason = row.reason if state == "failed" else ""
    return item


def _usual_out(queue: Queue) -> Path:
    """Beside what was scanned first, and called after it."""
    root = next((item.found.root for item in queue.items), Path.home())
    return root.parent / f"{safe_name(root.name, 'media')}-mien"
