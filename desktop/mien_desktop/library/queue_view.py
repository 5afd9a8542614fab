"""The queue's window: what is analysed, what waits, what failed and why. It may be closed while the queue goes on."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QMenu,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from mien.batch.find import SUFFIXES
from mien.errors import UsageError
from mien_desktop.library.item import QueueItem, State
from mien_desktop.library.queue import Queue
from mien_desktop.library.queue_delegate import QueueDelegate
from mien_desktop.library.queue_head import QueueHead
from mien_desktop.library.queue_model import QueueModel, left
from mien_desktop.library.queue_table import QueueEmpty, QueueTable
from mien_desktop.library.queue_terms import QueueTerms
from mien_desktop.library.queue_watch import QueueWatch
from mien_desktop.library.summary import SummaryDialog
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import explain, label, open_at, panel

_SOON = 40  # ms; a scan of thousands of files changes rows faster than anybody reads them


class QueueWindow(QDialog):
    """Signals:
    open_asked(Path): a medium of the queue is to be shown.
    """

    open_asked = Signal(object)

    def __init__(self, queue: Queue, palette: Palette, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.queue, self._palette = queue, palette
        self.model = QueueModel(queue, self)
        self._delegate = QueueDelegate(palette, self)
        self.table = QueueTable(self.model, self._delegate)
        self.head = QueueHead(palette)
        self.terms, self.watch = QueueTerms(queue.workers), QueueWatch(queue, palette)
        self._error, self._count = label(kind="bad", wrap=True), label(kind="dim")
        self.summary: SummaryDialog | None = None
        self.bar = QProgressBar()
        self._empty = QueueEmpty()
        self._build()
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON)
        self._soon.timeout.connect(self._follow)
        for signal in (queue.standing, queue.changed, queue.added, queue.removed):
            signal.connect(self._changed)
        queue.watching.connect(self.watch.follow)
        queue.trouble.connect(self._tell)
        head = self.head
        for asked, act in (
            (head.files_asked, self.ask_files),
            (head.folder_asked, self.ask_folder),
            (head.toggled, self.toggle),
            (head.restart_asked, queue.restart),
            (head.retry_asked, queue.retry),
            (head.summary_asked, self.sum_up),
            (head.remove_asked, self.remove_chosen),
            (head.open_asked, self.open_chosen),
        ):
            asked.connect(act)
        self.terms.workers_chosen.connect(queue.set_workers)
        self.watch.ended.connect(queue.unwatch)
        self.table.selectionModel().selectionChanged.connect(self._changed)
        self.model.modelReset.connect(self._changed)  # what was selected is so no more
        self.table.opened.connect(self.open_chosen)
        self.table.removed.connect(self.remove_chosen)
        self.table.customContextMenuRequested.connect(self._menu)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Close), self, self.close)
        self.wear(palette)
        self._follow()

    def _build(self) -> None:
        self.setWindowTitle("Scan queue")
        self.setAccessibleName("Scan queue")
        self.setModal(False)
        self.setAcceptDrops(True)
        self.setSizeGripEnabled(False)
        open_at(self, 920, 560)
        ground = panel()
        inside = QVBoxLayout(ground)
        inside.setContentsMargins(1, 1, 1, 1)
        inside.addWidget(self.table, 1)
        inside.addWidget(self._empty, 1)
        foot = QHBoxLayout()
        foot.setSpacing(12)
        foot.addWidget(self.bar, 1)
        foot.addWidget(self._count)
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        explain(self.bar, "Progress of the whole queue", "How much of all media is analysed")
        box = QVBoxLayout(self)
        box.setContentsMargins(14, 12, 14, 12)
        box.setSpacing(10)
        box.addWidget(self.head)
        box.addWidget(self.terms)
        box.addWidget(self._error)
        box.addWidget(ground, 1)
        box.addWidget(self.watch)
        box.addLayout(foot)
        self._error.hide()

    # -- for the shell ------------------------------------------------------------------------------------------

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._palette = palette
        self._delegate.wear(palette)
        self.head.wear(palette)
        self.bar.setStyleSheet(f"QProgressBar {{ background: {palette.line}; }}")  # it lies on the window's own ground
        self._empty.wear(palette)
        self.watch.wear(palette)
        self.table.viewport().update()
        self._follow()

    def shutdown(self) -> None:
        """Close for good; the queue is ended by who made it."""
        self._soon.stop()
        if self.summary is not None:
            self.summary.shutdown()
        self.close()
        self.deleteLater()

    @property
    def error(self) -> str:
        """What is told to have gone wrong, or empty."""
        return self._error.text()

    # -- showing ------------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Buttons, bar and count after anything has changed."""
        items = self.queue.items
        states = Counter(item.state for item in items)
        chosen = self.chosen()
        todo = sum(item.open for item in items)
        self.table.setVisible(bool(items))
        self._empty.setVisible(not items)
        self.head.show_go(self.queue.paused, bool(todo))
        self.head.restart.setVisible(self.queue.silent)
        self.head.retry.setEnabled(bool(states["failed"]))
        self.head.summary.setEnabled(bool(items))
        self.head.remove.setEnabled(bool(chosen))
        self.head.open.setEnabled(len(chosen) == 1)
        self.bar.setVisible(bool(items))
        self.bar.setValue(round(1000 * self.queue.progress))
        self._count.setText(self._told(items, states, todo))

    def _changed(self, *_: object) -> None:
        if not self._soon.isActive():
            self._soon.start()

    def _told(self, items: tuple[QueueItem, ...], states: Mapping[State, int], todo: int) -> str:
        if not items:
            return ""
        parts = [f"{states['done']} of {len(items)} done"]
        if states["running"] > 1:
            parts.append(f"{states['running']} at work")
        if states["failed"]:
            parts.append(f"{states['failed']} failed")
        time_left = self.queue.left
        if self.queue.paused and todo:
            parts.append("stopping…" if self.queue.busy else "paused")
        elif todo:
            parts.append("about " + left(time_left) + " left" if time_left is not None else "working out the time left")
        return "  ·  ".join(parts)

    def _tell(self, sentence: str) -> None:
        self._error.setText(sentence)
        self._error.setAccessibleName(sentence)
        self._error.setVisible(bool(sentence))

    # -- doing --------------------------------------------------------------------------------------------------

    def chosen(self) -> list[QueueItem]:
        """The selected items, in order."""
        rows = sorted({index.row() for index in self.table.selectionModel().selectedRows()})
        return [self.model.item(row) for row in rows]

    def add(self, paths: Iterable[Path]) -> None:
        """Put files and folders into the queue, of folders what is wanted."""
        self._tell("")
        try:
            self.queue.add(paths, self.terms.wanted(), self.terms.watch.isChecked())
        except UsageError as error:
            self._tell(str(error))

    def ask_files(self) -> None:
        """Let the user choose files."""
        patterns = " ".join(f"*{suffix}" for suffix in sorted(SUFFIXES))
        names, _ = QFileDialog.getOpenFileNames(
            self, "Add videos and sound files", self._near(), f"Media ({patterns});;All files (*)"
        )
        if names:
            self.add(Path(name) for name in names)

    def ask_folder(self) -> None:
        """Let the user choose a folder."""
        name = QFileDialog.getExistingDirectory(self, "Add all media in a folder", self._near())
        if name:
            self.add([Path(name)])

    def toggle(self) -> None:
        """Pause, or go on."""
        self._tell("")
        self.queue.resume() if self.queue.paused else self.queue.pause()

    def remove_chosen(self) -> None:
        """Take the selected items out."""
        self.queue.remove([item.path for item in self.chosen()])

    def open_chosen(self) -> None:
        """Ask for the selected medium to be shown."""
        chosen = self.chosen()
        if len(chosen) == 1:
            self.open_asked.emit(chosen[0].path)

    def sum_up(self) -> SummaryDialog:
        """Ask what a summary is to be ranked by and where it goes."""
        if self.summary is None:
            self.summary = SummaryDialog(self.queue, self)
        self.summary.ask()
        return self.summary

    def menu(self) -> QMenu:
        """What can be done with the rows."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        chosen = self.chosen()
        menu.addAction("Open", self.open_chosen).setEnabled(len(chosen) == 1)
        again = menu.addAction("Analyse again", lambda: self.queue.retry([item.path for item in chosen]))
        again.setEnabled(any(not item.open for item in chosen))
        menu.addSeparator()
        menu.addAction("Remove", QKeySequence(Qt.Key.Key_Delete), self.remove_chosen).setEnabled(bool(chosen))
        done = [item.path for item in self.queue.items if item.state == "done"]
        menu.addAction("Remove all that are done", lambda: self.queue.remove(done)).setEnabled(bool(done))
        return menu

    def _menu(self, at: QPoint) -> None:
        self.menu().popup(self.table.viewport().mapToGlobal(at))

    def _near(self) -> str:
        items = self.queue.items
        return str(items[-1].path.parent) if items else os.path.expanduser("~")

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files and folders are welcome everywhere in the window."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Add them all."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.add(paths)
