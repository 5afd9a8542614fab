"""What the windows wear: every part has the style sheet for itself, so that those nobody sees need not change with the rest.

One style sheet on the application is exchanged on all its widgets in one go, a sixth of a millisecond for each of some
thousand, and the window answers nobody meanwhile. Here it is one part after the other with room for other events between.
Windows paint nothing until all that is seen of them has changed; hidden parts follow, or change when they are shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import shiboken6
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from mien_desktop.look.palette import Palette
from mien_desktop.look.style import ground, sheet

Wear = Callable[[Palette], None]


@dataclass
class _Part:
    """A widget with all that lies in it; `worn` is the number of the look that it has."""

    widget: QWidget
    wear: Wear | None
    sheeted: bool
    worn: int


class Wardrobe(QObject):
    """Palette and size of text of all parts. No part may lie within another one.

    Args:
        app: gets palette and font, which everything inherits that is no part.
        palette, scale: what is worn at first.
    """

    def __init__(self, app: QApplication, palette: Palette, scale: float = 1.0, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._app, self.palette = app, palette
        self._look = 0
        self._parts: dict[QObject, _Part] = {}
        self._still: list[QWidget] = []  # windows that paint nothing for the moment
        self._rest = QTimer(self, interval=0)  # one part a turn, after the events that wait
        self._rest.timeout.connect(self._next)
        ground(app, palette, scale)
        self.sheet = sheet(palette, scale)

    def add(self, widget: QWidget, wear: Wear | None = None, *, sheeted: bool = True) -> None:
        """Dress a part from now on.

        Args:
            wear: gives it a palette, for all that it paints itself; it was made with the present one.
            sheeted: whether it gets the style sheet; without it may have parts in it.
        """
        if sheeted:
            widget.setStyleSheet(self.sheet)
        self._parts[widget] = _Part(widget, wear, sheeted, self._look)
        widget.destroyed.connect(lambda: self._parts.pop(widget, None))
        widget.installEventFilter(self)

    def change(self, palette: Palette, scale: float) -> None:
        """Another palette or size of text; `settled` tells when all of it is worn."""
        self.palette, self.sheet = palette, sheet(palette, scale)
        self._look += 1
        ground(self._app, palette, scale)
        for part in self._parts.values():
            window = part.widget.window()
            if part.widget.isVisible() and window.updatesEnabled():
                window.setUpdatesEnabled(False)
                self._still.append(window)
        self._rest.start()

    @property
    def settled(self) -> bool:
        """Whether all parts wear the present look."""
        return not self._still and all(part.worn == self._look for part in self._parts.values())

    def shutdown(self) -> None:
        """What has not changed yet stays as it is."""
        self._rest.stop()
        self._paint()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A part that is about to be seen."""
        if event.type() == QEvent.Type.Show and (part := self._parts.get(watched)) is not None:
            self._dress(part)
        return False

    def _next(self) -> None:
        left = [part for part in self._parts.values() if part.worn != self._look]
        seen = [part for part in left if part.widget.isVisible()]
        if not seen:
            self._paint()
        if left:
            self._dress((seen or left)[0])
        else:
            self._rest.stop()

    def _paint(self) -> None:
        for window in self._still:
            if shiboken6.isValid(window):
                window.setUpdatesEnabled(True)
        self._still.clear()

    def _dress(self, part: _Part) -> None:
        """Take the sheet off and put the new one on: to exchange them is slower, and ends in the same look."""
        if part.worn == self._look:
            return
        part.worn = self._look
        if part.sheeted:
            part.widget.setStyleSheet("")
            part.widget.setStyleSheet(self.sheet)
        if part.wear is not None:
            part.wear(self.palette)
