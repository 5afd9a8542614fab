"""Starts the application: `mien desktop [VIDEO]`."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from mien import __version__

if TYPE_CHECKING:
    from mien_desktop.shell.window import MainWindow


def run(medium: Path | None = None, library: str | None = None) -> int:
    """Open the window, with a medium if one is named, and stay until it is closed. Returns the exit code."""
    # Ctrl-C in the terminal, its end and that of the session close the window as its button does, from the first moment on:
    # broken off in the middle of being made, a window would leave threads behind that talk to what is gone.
    interrupted = threading.Event()
    names = ("SIGINT", "SIGTERM", "SIGHUP")  # not every system has them all
    ending = [number for name in names if (number := getattr(signal, name, None)) is not None]
    before = {number: signal.signal(number, lambda *_: interrupted.set()) for number in ending}
    try:
        return _run(medium, library, interrupted)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(medium: Path | None, library: str | None, interrupted: threading.Event) -> int:
    from mien.config import log_dir
    from mien.engine.log import log_to

    log_file = log_dir() / "desktop.log"
    log_to(log_file)
    app = application()
    window = open_window(library)
    if medium is not None:
        # When the window stands: what is wrong with the medium is told in it.
        QTimer.singleShot(0, lambda: window.open(medium))

    def look() -> None:
        if interrupted.is_set():
            window.close()
            app.quit()

    # Python sees signals only while it runs, and Qt ends only what has begun.
    pulse = QTimer(app)
    pulse.start(250)
    pulse.timeout.connect(look)
    try:
        return app.exec()
    finally:
        pulse.stop()
        window.shutdown()


def open_window(library: str | None = None) -> MainWindow:
    """The window, shown. What was made up to then is there to stay, and Python's collector of garbage leaves it alone: to go
    through all of it holds every thread up for a tenth of a second, whenever that may be."""
    collects = gc.isenabled()
    gc.disable()
    try:
        from mien_desktop.shell.window import MainWindow

        window = MainWindow(library=library)
        window.show()
        window.dress()
    finally:
        gc.freeze()
        if collects:
            gc.enable()
    return window


def application() -> QApplication:
    """The one application object, named for the desktop's task bar and settings."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = QApplication([sys.argv[0]])
    app.setApplicationName("mien")
    app.setApplicationDisplayName("Mien")
    app.setApplicationVersion(__version__)
    app.setDesktopFileName("mien")
    return app
