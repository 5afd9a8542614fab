"""The folders that the queue watches, in a row under its table."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from mien.errors import shown
from mien_desktop.library.candidates import Watched
from mien_desktop.library.queue import Queue
from mien_desktop.look.flow import Flow
from mien_desktop.look.icons import icon
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import button, label


class QueueWatch(QWidget):
    """A button for each folder, which ends its being watched; hidden where none is.

    Signals:
        ended(Watched): this one is to be watched no more.
    """

    ended = Signal(object)

    def __init__(self, queue: Queue, palette: Palette) -> None:
        super().__init__()
        self._queue, self._palette = queue, palette
        self._shown: tuple[Watched, ...] = ()
        self.buttons: list[QPushButton] = []
        self._state = label(kind="small")
        folders = QWidget()
        self._flow = Flow(folders)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(label("Watching", "dim"), 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(folders, 1)
        row.addWidget(self._state, 0, Qt.AlignmentFlag.AlignVCenter)
        self.setAccessibleName("Folders that are watched")
        self.wear(palette)
        self.follow()

    @property
    def state(self) -> str:
        """What is said of files that are not taken yet, or empty."""
        return self._state.text()

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._palette = palette
        self.setStyleSheet("QPushButton { padding: 2px 9px; border-radius: 10px; }")
        for made in self.buttons:
            made.setIcon(icon("close", palette, palette.dim))

    def follow(self) -> None:
        """Show what the queue watches by now."""
        text = "waiting until a file has stopped growing" if self._queue.unsettled else ""
        self._state.setText(text)
        self._state.setAccessibleName(text)
        watched = self._queue.watched
        self.setVisible(bool(watched))
        if watched == self._shown:
            return
        self._shown = watched
        while (item := self._flow.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self.buttons = [self._button(one) for one in watched]

    def _button(self, watched: Watched) -> QPushButton:
        only = f", only {', '.join(watched.include)}" if watched.include else ""
        without = f", without {', '.join(watched.exclude)}" if watched.exclude else ""
        links = ", links followed," if watched.follow else ""
        made = button(
            watched.folder.name or str(watched.folder),
            f"Watch {shown(watched.folder)}{only}{without}{links} no more; what of it is in the queue stays",
        )
        made.setAccessibleName(f"Watch {watched.folder.name} no more")
        made.setAutoDefault(False)
        made.setIcon(icon("close", self._palette, self._palette.dim))
        made.clicked.connect(lambda _=False: self.ended.emit(watched))
        self._flow.addWidget(made)
        made.show()
        return made
