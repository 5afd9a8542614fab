"""What stands in the page when a medium's file is not where it was: a sentence, the way to find it again, how far that is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QProgressBar, QWidget

from mien.errors import shown
from mien_desktop.library.catalogue import Card
from mien_desktop.look.parts import button, explain, label, panel
from mien_desktop.work.files import within


class Moved(QWidget):
    """One line with “Locate…”, or with a bar and “Cancel” while a file is looked through.

    Args:
        located: called with the medium and the file that the user says it is.
        cancelled: called when the user does not want to wait for it.
    """

    def __init__(self, located: Callable[[Card, Path], None], cancelled: Callable[[], None]) -> None:
        super().__init__()
        self._located = located
        self._card: Card | None = None
        self._text = label(wrap=True)
        self.locate_button = button("Locate…", "Choose the file where it lies now; its readings are joined to it again")
        self.close_button = button("Close", "Close this message")
        self.locate_button.clicked.connect(lambda: self.choose(self._card))
        self.close_button.clicked.connect(lambda: self.ask(None))
        self.cancel_button = button("Cancel", "Stop looking through the file; nothing is changed")
        self.cancel_button.clicked.connect(cancelled)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(160)
        explain(
            self.bar, "How much of the file is read", "What makes a file the medium is its content: all of it is read"
        )
        ground = panel("message")
        row = QHBoxLayout(ground)
        row.setContentsMargins(12, 5, 8, 5)
        row.addWidget(self._text, 1)
        for part in (self.bar, self.cancel_button, self.locate_button, self.close_button):
            row.addWidget(part)
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(ground)
        self.setAccessibleName("File that was moved")
        self.hide()

    @property
    def text(self) -> str:
        """What is said, or empty."""
        return self._text.text() if not self.isHidden() else ""

    def ask(self, card: Card | None) -> None:
        """Say that a medium's file is missing; None says nothing."""
        self._card = card
        if card is None:
            self.hide()
            return
        self.tell(f"The file is not where it was; its readings are still here: {shown(card.path)}")
        self.locate_button.setFocus()

    def tell(self, text: str) -> None:
        """Say a sentence."""
        self._show(text, looking=False)

    def show_progress(self, name: str, share: float) -> None:
        """Say which file is looked through, and how much of it, from 0 to 1."""
        self._show(f"Looking through {name}…", looking=True)
        self.bar.setValue(round(1000 * share))

    def _show(self, text: str, *, looking: bool) -> None:
        self._text.setText(text)
        self._text.setAccessibleName(text)
        for part in (self.bar, self.cancel_button):
            part.setVisible(looking)
        self.locate_button.setVisible(not looking and self._card is not None)
        self.close_button.setVisible(not looking)
        self.show()

    def choose(self, card: Card | None) -> None:
        """Let the user point to the file."""
        if card is None:
            return
        near = within(lambda: next((str(p) for p in card.path.parents if p.is_dir()), ""), otherwise="")
        name, _ = QFileDialog.getOpenFileName(self, f"Where is {card.title} now?", near, f"{card.title};;All files (*)")
        if name:
            self._located(card, Path(name))
