"""Removal from the library: a question in the page itself, then a moment to think better of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from mien_desktop.library.catalogue import Card
from mien_desktop.look.parts import button, label, panel

MOMENT = 8000
"""ms in which a removal can be undone."""


class Leaving(QWidget):
    """Asks whether media shall be removed, then says that they are, with “Undo”.

    One removal at a time: the next carries out the last.

    Args:
        hide: called with the ids that are to be left out of the list.
        carry_out: called with the ids that are really to be removed.
    """

    def __init__(self, hide: Callable[[Sequence[str]], None], carry_out: Callable[[Sequence[str]], None]) -> None:
        super().__init__()
        self._hide, self._carry_out = hide, carry_out
        self._asked: tuple[Card, ...] = ()
        self._media: tuple[str, ...] = ()
        self._text = label(wrap=True)
        self.remove_button = button("Remove", "Take it out of the library (Enter)")
        self.keep_button = button("Keep", "Leave everything as it is (Escape)")
        self.undo_button = button("Undo", "Put it back into the library (Ctrl+Z)")
        self.remove_button.clicked.connect(self.confirm)
        self.keep_button.clicked.connect(self.undo)
        self.undo_button.clicked.connect(self.undo)
        ground = panel("message")
        row = QHBoxLayout(ground)
        row.setContentsMargins(12, 5, 8, 5)
        row.addWidget(self._text, 1)
        for action in (self.remove_button, self.keep_button, self.undo_button):
            row.addWidget(action)
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(ground)
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
        """Ask whether these shall leave."""
        self.finish()
        if not cards:
            return
        self._asked = tuple(cards)
        one = len(cards) == 1
        what = f"“{cards[0].title}”" if one else f"{len(cards)} media"
        self._say(
            f"Remove {what} from the library, with all that was read of {'it' if one else 'them'} and every correction? "
            f"The {'file itself stays where it is' if one else 'files themselves stay where they are'}.",
            asking=True,
        )
        self.remove_button.setFocus()

    def confirm(self) -> None:
        """Take them out of the list now, and out of the library after a moment."""
        cards, self._asked = self._asked, ()
        if not cards:
            return
        self._media = tuple(card.id for card in cards)
        self._say(f"Removed {f'“{cards[0].title}”' if len(cards) == 1 else f'{len(cards)} media'}.", asking=False)
        self._hide(self._media)
        self.undo_button.setFocus()
        self._timer.start()

    def undo(self) -> None:
        """Keep them."""
        self._timer.stop()
        self._asked = self._media = ()
        self.hide()
        self._hide(())

    def finish(self) -> None:
        """Carry out what was confirmed now; what was only asked is kept."""
        self._timer.stop()
        media, self._media = self._media, ()
        self._asked = ()
        self.hide()
        if media:
            self._carry_out(media)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape keeps them while it is asked; Enter is the button's."""
        if event.key() == Qt.Key.Key_Escape and self._asked:
            self.undo()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.remove_button.hasFocus():
            self.confirm()
        else:
            super().keyPressEvent(event)

    def _say(self, text: str, *, asking: bool) -> None:
        self._text.setText(text)
        self._text.setAccessibleName(text)
        for action, shown in ((self.remove_button, asking), (self.keep_button, asking), (self.undo_button, not asking)):
            action.setVisible(shown)
        self.show()
