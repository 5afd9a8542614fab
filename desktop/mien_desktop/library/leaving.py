"""Removal from the library with a moment to think better of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QHBoxLayout, QWidget

from mien_desktop.library.catalogue import Card
from mien_desktop.look.parts import button, label, panel

MOMENT = 8000
"""ms in which a removal can be undone."""


class Leaving(QWidget):
    """A line that says what is being removed, with “Undo”. One removal at a time: the next carries out the last.

    Args:
        hide: called with the ids that are to be left out of the list.
        carry_out: called with the ids that are really to be removed.
    """

    def __init__(self, hide: Callable[[Sequence[str]], None], carry_out: Callable[[Sequence[str]], None]) -> None:
        super().__init__()
        self._hide, self._carry_out = hide, carry_out
        self._media: tuple[str, ...] = ()
        ground = panel("message")
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(ground)
        row = QHBoxLayout(ground)
        row.setContentsMargins(12, 5, 8, 5)
        self._text = label()
        self.undo_button = button("Undo", "Keep it in the library (Ctrl+Z)")
        self.undo_button.clicked.connect(self.undo)
        row.addWidget(self._text, 1)
        row.addWidget(self.undo_button)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(MOMENT)
        self._timer.timeout.connect(self.finish)
        self.setAccessibleName("Removal")
        self.hide()

    @property
    def media(self) -> tuple[str, ...]:
        """The ids that are on their way out."""
        return self._media

    def remove(self, cards: Sequence[Card]) -> None:
        """Take media out of the list now, and out of the library after a moment."""
        self.finish()
        if not cards:
            return
        self._media = tuple(card.id for card in cards)
        what = f"“{cards[0].title}”" if len(cards) == 1 else f"{len(cards)} media"
        files = "The file itself stays" if len(cards) == 1 else "The files themselves stay"
        self._text.setText(f"{what} and what was read of it leaves the library. {files} where it is." if len(cards) == 1 else
                           f"{what} and what was read of them leave the library. {files} where they are.")  # fmt: skip
        self._text.setAccessibleName(self._text.text())
        self._hide(self._media)
        self.show()
        self._timer.start()

    def undo(self) -> None:
        """Keep them."""
        self._timer.stop()
        self._media = ()
        self.hide()
        self._hide(())

    def finish(self) -> None:
        """Carry it out now."""
        self._timer.stop()
        media, self._media = self._media, ()
        self.hide()
        if media:
            self._carry_out(media)
