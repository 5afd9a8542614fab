"""Where log lines go: a file in the user's folder, never the terminal."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

_FORMAT = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"


class _File(RotatingFileHandler):
    """A log that can no longer be written (its disk is full) stays silent, instead of telling on the terminal."""

    def handleError(self, record: logging.LogRecord) -> None:
        pass


def log_to(path: Path | None, level: int = logging.INFO) -> None:
    """Send all log lines and warnings of this process to a file (5 MB, one older one kept), or nowhere."""
    handler: logging.Handler
    if path is None:
        handler = logging.NullHandler()
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = _File(path, maxBytes=5_000_000, backupCount=1, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter(_FORMAT))
    root = logging.getLogger()
    for old in root.handlers:
        if isinstance(old, RotatingFileHandler):  # an earlier one of ours
            old.close()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)
