"""The search field: completes the names of readings, and shows examples that can be clicked."""

from __future__ import annotations

import re
from collections.abc import Sequence

from PySide6.QtCore import QRect, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCompleter, QLineEdit, QListView, QWidget

from mien_desktop.look.flow import Flow
from mien_desktop.look.icons import icon
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import button, explain

PAUSE = 220
"""ms without a key after which a search begins."""

_WORD = re.compile(r'[^\s"<>≥≤,]+$')
EXAMPLES = ("conflict above 0.5 for 10 s", "arousal < -0.3", "fused > 0.7", "offence above 0.8", '"never"')


class SearchField(QLineEdit):
    """Signals:
    asked(str): what is to be found, a moment after the last key or at once with Enter.
    left: the arrow down was pressed: the results are to be walked through.
    """

    asked = Signal(str)
    left = Signal()

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self.setPlaceholderText("Words in any transcript, or a reading: conflict above 0.5 for 10 s")
        self.setClearButtonEnabled(True)
        explain(
            self,
            "Search the library",
            "Words must all be spoken in one utterance; words in quotes must follow each other. A reading with a level "
            "finds where it is reached, several joined by “and” where they hold at one time (Ctrl+F)",
        )
        self._magnifier = self.addAction(icon("search", palette, palette.dim), QLineEdit.ActionPosition.LeadingPosition)
        self._completer = QCompleter([], self)
        self._completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._completer.setWidget(self)
        self._list = self._completer.popup() or QListView(self)
        self._completer.activated.connect(self._complete)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE)
        self._pause.timeout.connect(lambda: self.asked.emit(self.text().strip()))
        self.textChanged.connect(lambda _: self._pause.start())
        self.textEdited.connect(self._offer)
        self.returnPressed.connect(self._ask_now)

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._magnifier.setIcon(icon("search", palette, palette.dim))

    def stop(self) -> None:
        """Ask nothing any more."""
        self._pause.stop()
        self._list.hide()

    def set_readings(self, names: Sequence[str]) -> None:
        """The names to complete."""
        self._completer.model().setStringList(list(names))  # type: ignore[attr-defined]

    def add(self, text: str) -> None:
        """Join a condition to what is there."""
        before = self.text().strip()
        self.setText(f"{before} and {text}" if before else text)
        self.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys that the list of completions or the results take."""
        shown = self._list.isVisible()
        taken = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab, Qt.Key.Key_Escape)
        if shown and event.key() in taken:
            event.ignore()  # the completer's
            return
        if event.key() == Qt.Key.Key_Down:
            self.left.emit()
            return
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
            return
        super().keyPressEvent(event)

    def _ask_now(self) -> None:
        self._pause.stop()
        self.asked.emit(self.text().strip())

    def _offer(self) -> None:
        before = self.text()[: self.cursorPosition()]
        word = _WORD.search(before)
        popup = self._list
        if word is None or len(word[0]) < 2 or before.count('"') % 2:
            popup.hide()
            return
        self._completer.setCompletionPrefix(word[0])
        whole = self._completer.completionCount() == 1 and self._completer.currentCompletion() == word[0].casefold()
        if not self._completer.completionCount() or whole:
            popup.hide()
            return
        rect = QRect(self.cursorRect())
        rect.setWidth(popup.sizeHintForColumn(0) + 40)
        self._completer.complete(rect)

    def _complete(self, name: str) -> None:
        at = self.cursorPosition()
        before = _WORD.sub("", self.text()[:at]) + f"{name} above "
        self.setText(before + self.text()[at:].lstrip())
        self.setCursorPosition(len(before))


class Chips(QWidget):
    """Examples in a row that wraps.

    Signals:
        chosen(str): one was clicked.
    """

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._flow = Flow(self)
        self.setAccessibleName("Examples of filters")

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self.setStyleSheet(
            f"QPushButton {{ background: transparent; color: {palette.dim}; border: 1px solid {palette.line}; "
            f"border-radius: 10px; padding: 2px 10px; }}"
            f"QPushButton:hover {{ color: {palette.text}; background: {palette.hover}; }}"
            f"QPushButton:focus {{ border-color: {palette.focus}; color: {palette.text}; }}"
        )

    def show_texts(self, texts: Sequence[str]) -> None:
        """Other examples."""
        while (item := self._flow.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for text in texts:
            chip = button(text, f"Add this filter: {text}")
            chip.clicked.connect(lambda _=False, text=text: self.chosen.emit(text))
            self._flow.addWidget(chip)
