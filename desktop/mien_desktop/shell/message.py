"""One line over the workspace for what the user must know, with at most one thing to do about it. Never a dialog."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from mien_desktop.look.icons import pixmap
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import IconButton, button, label, panel


@dataclass(frozen=True)
class Message:
    """A sentence, and what a button beside it does."""

    text: str
    action: str = ""
    act: Callable[[], None] | None = None


class MessageBar(QWidget):
    """Shows one message at a time; others wait, the same one is not shown twice in a row."""

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._waiting: deque[Message] = deque(maxlen=20)
        self._shown: Message | None = None
        ground = panel("message")
        self._icon = label()
        self._text = label(wrap=True)
        self._action = button("", "What can be done about it")
        self._action.clicked.connect(self.act)
        self._close = IconButton("close", "Close the message")
        self._close.clicked.connect(self.dismiss)
        row = QHBoxLayout(ground)
        row.setContentsMargins(12, 6, 6, 6)
        row.addWidget(self._icon)
        row.addWidget(self._text, 1)
        row.addWidget(self._action)
        row.addWidget(self._close)
        box = QVBoxLayout(self)
        box.setContentsMargins(10, 8, 10, 0)
        box.addWidget(ground)
        self.setAccessibleName("Message")
        self.wear(palette)
        self.hide()

    @property
    def text(self) -> str:
        """The sentence that is shown, or empty."""
        return self._shown.text if self._shown else ""

    @property
    def action(self) -> str:
        """What the button beside it does, or empty."""
        return self._shown.action if self._shown else ""

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._icon.setPixmap(pixmap("warning", palette.warn, ratio=self.devicePixelRatioF()))
        self._close.wear(palette)

    def tell(self, text: str, action: str = "", act: Callable[[], None] | None = None) -> None:
        """Show a message, or let it wait for its turn."""
        message = Message(text, action, act)
        if self._shown is None:
            self._show(message)
        elif all(m.text != text for m in (self._shown, *self._waiting)):
            self._waiting.append(message)

    def dismiss(self) -> None:
        """The next message, or none."""
        self._shown = None
        if self._waiting:
            self._show(self._waiting.popleft())
        else:
            self.hide()

    def clear(self) -> None:
        """Forget all messages: they were about something that is gone."""
        self._waiting.clear()
        self.dismiss()

    def _show(self, message: Message) -> None:
        self._shown = message
        self._text.setText(message.text)
        self._text.setAccessibleName(message.text)
        self._action.setVisible(bool(message.action))
        self._action.setText(message.action)
        self._action.setAccessibleName(message.action)
        self.show()

    def act(self) -> None:
        """Do what the button says, and go on to the next message."""
        message = self._shown
        self.dismiss()
        if message is not None and message.act is not None:
            message.act()
