"""Lanes, sizes and loudness, on disk as they are changed: a window that ends badly has lost none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

if TYPE_CHECKING:
    from mien_desktop.shell.window import MainWindow

OFTEN = 200
"""ms between two writings at least: an edge that is dragged moves sixty times a second."""


class Arrangement(QObject):
    """Follows the workspace of a window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._timer = QTimer(self, singleShot=True, interval=OFTEN)
        self._timer.timeout.connect(window.keep_arrangement)
        space = window.workspace
        for signal in (
            space.timeline.lanes_changed,
            space.upper.splitterMoved,
            space.all.splitterMoved,
            space.transport.volume.valueChanged,
        ):
            signal.connect(self._changed)

    def _changed(self, *_: object) -> None:
        # Without a medium nobody sees them.
        if not self._timer.isActive() and not self._window.closed and self._window.document.path is not None:
            self._timer.start()

    def stop(self) -> None:
        """Write no more: the window closes, and does so itself."""
        self._timer.stop()
