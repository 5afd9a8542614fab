"""What stands where there are no media: what to do about it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout

from mien_desktop.look.icons import pixmap
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import button, label


class Nothing(QFrame):
    """Signals:
    scan_asked: media are to be chosen.
    clear_asked: the search is to be taken back.
    """

    scan_asked = Signal()
    clear_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "panel")
        self._searched = ""
        self._picture = QLabel()
        self._title, self._detail = label(kind="heading", wrap=True), label(kind="dim", wrap=True)
        self._scan = button("Scan files or folders…", "Choose what is to be analysed", kind="primary")
        self._clear = button("Show all media", "Take the search back (Escape)")
        self._scan.clicked.connect(self.scan_asked)
        self._clear.clicked.connect(self.clear_asked)
        box = QVBoxLayout(self)
        box.addStretch(2)
        for widget in (self._picture, self._title, self._detail):
            widget.setAlignment(Qt.AlignmentFlag.AlignCenter)
            box.addWidget(widget)
        box.addSpacing(10)
        for action in (self._scan, self._clear):
            box.addWidget(action, 0, Qt.AlignmentFlag.AlignCenter)
        box.addStretch(3)

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._palette = palette
        self._draw()

    def say(self, loaded: bool, searched: str) -> None:
        """Why there is nothing: not read yet, nothing found, or nothing analysed."""
        self._searched = searched
        if not loaded:
            self._title.setText("Reading the library…")
            self._detail.setText("")
        elif searched:
            self._title.setText(f"Nothing fits “{searched}”" if '"' not in searched else f"Nothing fits {searched}")
            self._detail.setText("Fewer words, a lower level or a shorter time find more.")
        else:
            self._title.setText("No medium has been analysed yet")
            self._detail.setText(
                "Open a video or a sound file, or scan a folder: what is read of each medium is kept here, "
                "and everything that is said in it can be searched."
            )
        self._scan.setVisible(loaded and not searched)
        self._clear.setVisible(loaded and bool(searched))
        self._draw()

    def _draw(self) -> None:
        name = "search" if self._searched else "library"
        self._picture.setPixmap(pixmap(name, self._palette.faint, 44, self.devicePixelRatioF()))
