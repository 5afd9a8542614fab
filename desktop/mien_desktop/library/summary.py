"""The summary of the queue: what it is ranked by, and where it goes."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from mien.batch.rank import parse_rank
from mien.batch.sum_up import Order
from mien.batch.survey import Item
from mien.errors import MienError, UsageError
from mien.exchange.text import one_line, safe_name
from mien_desktop.library.item import QueueItem
from mien_desktop.library.queue import Queue
from mien_desktop.look.parts import button, explain, label, open_at, panel
from mien_desktop.plugins.checks import Combo, Line
from mien_desktop.settings.page import show
from mien_desktop.work.summing import Ranks, SummaryJob


class SummaryDialog(QDialog):
    """Not modal. Made once by the queue's window and shown with `ask`; `shutdown` ends its thread.

    Signals:
        written(list): paths of the page and the tables (`list[Path]`).
        failed(str): why nothing was written, a sentence; it stands in the dialog too.
    """

    written = Signal(list)
    failed = Signal(str)

    def __init__(self, queue: Queue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Summary of the queue")
        self.setAccessibleName("Summary of the queue")
        self.setModal(False)
        self._queue = queue
        self._ranks: Ranks | None = None
        self._page: Path | None = None
        self.job = SummaryJob(self)
        self.job.known.connect(self._offer)
        self.job.progressed.connect(self._progressed)
        self.job.written.connect(self._done)
        self.job.failed.connect(self._failed)
        self.job.stopped.connect(lambda: self._ended("Stopped; nothing was written."))
        self._of = label(kind="dim", wrap=True)
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
        self.folder = Line()
        explain(self.folder, "Folder", "Where the summary is written; the folder is made if it is not there")
        self.folder.textChanged.connect(lambda _: self._changed())
        self.choose = button("Choose…", "Choose the folder")
        explain(self.choose, "Choose the folder", "Choose the folder that the summary is written into")
        self.choose.clicked.connect(self._choose)
        self._said = label(wrap=True)
        self._said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._bar = QProgressBar()
        self._bar.setRange(0, 1000)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("How far the summary is")
        self.start = button("Write", "Write the summary (Return)", kind="primary")
        self.start.setDefault(True)
        self.start.clicked.connect(self.begin)
        self.cancel = button("Cancel", "Stop; a summary that is there already stays as it is")
        self.cancel.clicked.connect(self._cancel)
        self.show_page = button("Open", "Open the page in the browser")
        self.show_page.clicked.connect(self.open_page)
        self.leave = button("Close", "Close this window (Escape); a summary that is being written goes on")
        self.leave.clicked.connect(self.close)
        for made in (self.choose, self.cancel, self.show_page, self.leave):
            made.setAutoDefault(False)
        self._lay_out()
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
        self.show()
        self.raise_()
        self.activateWindow()
        self.rank.setFocus()

    def shutdown(self) -> None:
        """Stop what runs and wait for it."""
        self.job.close()

    @property
    def wrong(self) -> str:
        """Why the rank cannot be understood, the sentence under its line; or empty."""
        return self._wrong.text()

    @property
    def said(self) -> str:
        """The sentence that stands at the foot."""
        return self._said.text()

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
        self._say("")
        self._bar.setValue(0)
        order = Order(items, self._queue.unread, library, choice, rank, out, "They wait in the queue.")
        self.job.start(order, registry)
        self._show_running()
        self.cancel.setFocus()

    def open_page(self) -> None:
        """Open the page in the browser."""
        if self._page is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._page)))

    # -----------------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
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
        foot = QHBoxLayout()
        foot.setSpacing(10)
        foot.addStretch(1)
        for widget in (self.show_page, self.leave, self.cancel, self.start):
            foot.addWidget(widget)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(22, 18, 22, 18)
        outer.setSpacing(4)
        outer.addWidget(label("Summary", "title"))
        outer.addWidget(self._of)
        outer.addSpacing(10)
        outer.addWidget(ground)
        outer.addSpacing(8)
        outer.addWidget(self._said)
        outer.addWidget(self._bar)
        outer.addStretch(1)
        outer.addSpacing(8)
        outer.addLayout(foot)
        for hidden in (self._wrong, self._said, self._bar, self.cancel, self.show_page):
            hidden.hide()

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

    def _changed(self) -> None:
        """What is typed is marked at once, and spoken of when it is to be used."""
        self.rank.wrong = bool(self._why_not(self.rank.currentText().strip()))
        self.folder.wrong = not self.folder.text().strip()
        show(self._wrong, "")
        for field in (self.rank, self.folder):
            field.update()
        ready = self._ranks is not None and not self.folder.wrong and bool(self._queue.items)
        self.start.setEnabled(ready and not self.job.runs)

    def _choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Write the summary into", self.folder.text())
        if folder:
            self.folder.setText(folder)

    def _cancel(self) -> None:
        self.cancel.setEnabled(False)
        self.job.cancel()

    def _progressed(self, share: float) -> None:
        self._bar.setValue(round(1000 * share))

    def _done(self, written: list[Path]) -> None:
        self._page = written[0]
        self._show_running()
        self._say(f"Written: {', '.join(one_line(path.name) for path in written)}.")
        self.show_page.show()
        self.show_page.setDefault(True)
        self.show_page.setFocus()
        self.written.emit(written)

    def _failed(self, sentence: str) -> None:
        self._ended(sentence, bad=True)
        self.failed.emit(sentence)

    def _ended(self, sentence: str, *, bad: bool = False) -> None:
        self._show_running()
        self._say(sentence, bad=bad)
        self.start.setFocus()

    def _show_running(self) -> None:
        running = self.job.writes
        self._bar.setVisible(running)
        self.cancel.setVisible(running)
        self.cancel.setEnabled(running)
        self.start.setVisible(not running)
        for widget in (self.rank, self.folder, self.choose):
            widget.setEnabled(not running)
        self._changed()

    def _say(self, text: str, *, bad: bool = False) -> None:
        self.show_page.hide()
        self.start.setDefault(True)
        show(self._said, text, bad=bad)


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
