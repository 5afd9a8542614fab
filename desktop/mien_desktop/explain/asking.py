"""One section of the Explain tab whose answer is computed in the worker: what to ask, how far it is, or why it failed."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from mien_desktop.look.flow import Flow
from mien_desktop.look.parts import button, explain, label


class Asking(QWidget):
    """Buttons, then a bar with Cancel while the worker computes, then a line of what was found or why not.

    Signals:
        cancel_asked: stop computing.
    """

    cancel_asked = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self.buttons: list[QPushButton] = []
        self._computing = self._stopping = False
        row = QWidget()
        self._row = Flow(row)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(f"{name}: progress")
        self.cancel = button("Cancel", "Stop computing the explanation", kind="flat")
        self.cancel.clicked.connect(self._stop)
        self._line = label("", "small", wrap=True)
        self._busy = QWidget()
        busy = QHBoxLayout(self._busy)
        busy.setContentsMargins(0, 0, 0, 0)
        busy.addWidget(self._bar, 1)
        busy.addWidget(self.cancel)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        box.addWidget(row)
        box.addWidget(self._busy)
        box.addWidget(self._line)
        self._busy.hide()
        self._say("", "small")

    def add_button(self, text: str, tip: str) -> QPushButton:
        """A button that asks."""
        made = button(text, tip)
        made.setEnabled(False)
        self.buttons.append(made)
        self._row.addWidget(made)
        return made

    def add_choice(self, name: str, tip: str, words: tuple[str, ...]) -> QComboBox:
        """A list to choose from, beside the last button."""
        made = QComboBox()
        made.addItems(list(words))
        explain(made, name, tip)
        self._row.addWidget(made)
        return made

    @property
    def computing(self) -> bool:
        """Whether an answer is being computed."""
        return self._computing

    @property
    def text(self) -> str:
        """The line that is shown."""
        return self._line.text()

    def wait(self, text: str) -> None:
        """It is being computed."""
        self._computing, self._stopping = True, False
        self._bar.setRange(0, 0)
        self._busy.show()
        self.allow(False)
        self._say(text, "small")

    def progress(self, fraction: float) -> None:
        """How far it is, from 0 to 1."""
        if self._computing:
            self._bar.setRange(0, 100)
            self._bar.setValue(round(100 * fraction))

    def done(self, text: str, bad: bool = False) -> None:
        """It has ended; `bad` when it failed."""
        self._computing = False
        self._busy.hide()
        self.cancel.setEnabled(True)
        self.allow(True)
        if bad and self._stopping:
            text, bad = "Stopped.", False
        self._say(text, "bad" if bad else "small")

    def tell(self, text: str, bad: bool = False) -> None:
        """Say something of what was found, if nothing is being computed by now."""
        if not self._computing:
            self._say(text, "bad" if bad else "small")

    def allow(self, allowed: bool) -> None:
        """Whether it can be asked."""
        for made in self.buttons:
            made.setEnabled(allowed)

    def _stop(self) -> None:
        self.cancel.setEnabled(False)
        self._stopping = True
        self._say("Stopping …", "small")
        self.cancel_asked.emit()

    def _say(self, text: str, kind: str) -> None:
        self._line.setProperty("kind", kind)
        self._line.style().unpolish(self._line)
        self._line.style().polish(self._line)
        self._line.setText(text)
        self._line.setVisible(bool(text))
