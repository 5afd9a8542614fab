"""Errors that reach the top of the command line: logged in full, told in one sentence."""

from __future__ import annotations

import logging
from pathlib import Path

from mien.cli.say import log_file
from mien.engine.log import log_to
from mien.errors import shown


def refusal(error: OSError) -> str:
    """Log what the operating system refused where nobody nearer to it had a better sentence; the sentence."""
    _log(error)
    named = f": {shown(error.filename)}" if isinstance(error.filename, str) else ""
    return (
        f"Something could not be read or written ({error.strerror}); check its name, who may use it and its disk{named}"
    )


def unexpected(error: Exception) -> str:
    """Log an exception that nobody expected; the sentence that tells of it."""
    path = _log(error)
    if path is None:
        said = " ".join(str(error).split())[:300]
        return f"Something went wrong that should not have ({type(error).__name__}: {said}), and no log can be written"
    return f"Something went wrong that should not have; please report it with the last lines of {path}"


def _log(error: Exception) -> Path | None:
    path = log_file()
    log_to(path)
    logging.getLogger("mien.cli").error("an error that nobody expected", exc_info=error)
    return path
