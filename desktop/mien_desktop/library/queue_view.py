"""The queue's window: what is analysed, what waits, what failed and why. It may be closed while the queue goes on."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QMenu,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from mien.batch.find import SUFFIXES
from mien.errors import UsageError
from mien_desktop.library.item import QueueItem, State
from mien_desktop.library.queue import Queue
from mien_desktop.library.queue_delegate import QueueDelegate
from mien_desktop.library.queue_model import QueueModel, left
from mien_desktop.library.queue_table import QueueEmpty, QueueTable
from mien_desktop.library.queue_terms import QueueTerms
from mien_desktop.library.queue_watch import QueueWatch
from mien_desktop.look.icons import icon
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import button, explain, label, open_at, panel

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
        self.add_files_button = self._button("Add files…", "Choose videos and sound files", self.ask_files, "Ctrl+O")
        self.add_folder_button = self._button(
            "Add folder…", "Choose a folder: the media in it are added, at all levels", self.ask_folder, "Ctrl+Shift+O"
        )
        self.go_button = self._button("Pause", "", self.toggle, "Ctrl+P")
        self.retry_button = self._button("Retry failed", "Let what failed wait again", lambda: queue.retry(), "Ctrl+R")
        self.remove_button = self._button(
            "Remove", "Take the selected media out of the queue (Delete)", self.remove_chosen
        )
        self.open_button = self._button("Open", "Show the selected medium in the main window (Enter)", self.open_chosen)
        self.terms, self.watch = QueueTerms(queue.workers), QueueWatch(queue, palette)
        self._error, self._count = label(kind="bad", wrap=True), label(kind="dim")
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

    def _button(self, text: str, tip: str, act: Callable[[], object], shortcut: str = "") -> QPushButton:
        made = button(text, tip, shortcut=shortcut)
        made.setShortcut(shortcut)
        made.setAutoDefault(False)  # Enter belongs to the table
        made.clicked.connect(lambda _=False: act())
        return made

    def _build(self) -> None:
        self.setWindowTitle("Scan queue")
        self.setAccessibleName("Scan queue")
        self.setModal(False)
        self.setAcceptDrops(True)
        self.setSizeGripEnabled(False)
        open_at(self, 920, 560)
        head = QHBoxLayout()
        head.setSpacing(8)
        for part in (self.add_files_button, self.add_folder_button):
            head.addWidget(part)
        head.addStretch(1)
        for part in (self.go_button, self.retry_button, self.remove_button, self.open_button):
            head.addWidget(part)
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
        box.addLayout(head)
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
        self.add_files_button.setIcon(icon("add", palette))
        self.add_folder_button.setIcon(icon("open", palette))
        self.retry_button.setIcon(icon("restart", palette))
        self.bar.setStyleSheet(f"QProgressBar {{ background: {palette.line}; }}")  # it lies on the window's own ground
        self._empty.wear(palette)
        self.watch.wear(palette)
        self.table.viewport().update()
        self._follow()

    def shutdown(self) -> None:
        """Close for good; the queue is ended by who made it."""
        self._soon.stop()
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
        paused = self.queue.paused
        self.table.setVisible(bool(items))
        self._empty.setVisible(not items)
        self._show_go(paused, bool(todo))
        self.retry_button.setEnabled(bool(states["failed"]))
        self.remove_button.setEnabled(bool(chosen))
        self.open_button.setEnabled(len(chosen) == 1)
        self.bar.setVisible(bool(items))
        self.bar.setValue(round(1000 * self.queue.progress))
        self._count.setText(self._told(items, states, todo))

    def _changed(self, *_: object) -> None:
        if not self._soon.isActive():
            self._soon.start()

    def _show_go(self, paused: bool, todo: bool) -> None:
        text, kind = "Resume" if paused else "Pause", "primary" if paused and todo else ""
        self.go_button.setEnabled(todo)
        self.go_button.setIcon(
            icon("analyse", self._palette, self._palette.on_accent) if kind else icon("pause", self._palette)
        )
        if (text, kind) == (self.go_button.text(), self.go_button.property("kind")):
            return
        self.go_button.setText(text)
        self.go_button.setShortcut("Ctrl+P")  # a new text takes it away
        self.go_button.setProperty("kind", kind)
        self.go_button.style().unpolish(self.go_button)  # the style sheet goes by the kind
        self.go_button.style().polish(self.go_button)
        tip = "Go on with what waits" if paused else "Stop at once; what was read so far is kept"
        explain(self.go_button, text, f"{tip} (Ctrl+P)")

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
