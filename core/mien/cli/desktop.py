"""`mien desktop`: opens the window."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

from mien.errors import MediaMissing, UsageError, shown


def open_window(medium: Path | None, library: str | None) -> int:
    """Start the application; returns its exit code.

    Raises:
        UsageError: what the window is made with is not installed.
        MediaMissing: there is no such medium.
    """
    if medium is not None and not os.path.exists(medium):
        raise MediaMissing(f"There is no such file; check the name: {shown(medium)}")
    try:
        # By name: the engine knows no window (import contract), it only starts it.
        window = importlib.import_module("mien_desktop.app")
    except ImportError as error:
        raise UsageError(
            f"The window cannot be opened ({error}); install what it needs with: pip install 'mien[desktop]'"
        ) from error
    return int(window.run(medium, library))
