"""How the command line talks: text for people, JSON for machines, errors as one sentence on standard error."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import typer

from mien.errors import shown


def plain(text: str) -> str:
    """Text from media, files and plugins for a terminal: what would steer the terminal is escaped."""
    return "\n".join(shown(line) for line in text.split("\n"))


def escaped(text: str) -> str:
    """The same for Rich, which shows it as it is: brackets are no markup."""
    from rich.markup import escape

    return escape(plain(text))


def fail(sentence: str, code: int, as_json: bool = False) -> int:
    """Say what is wrong on standard error; returns the exit code."""
    # Where that cannot be written either, nobody is left to tell but whoever sees the exit code.
    with contextlib.suppress(OSError):
        if as_json:
            emit_json({"error": sentence, "exit_code": code})
    with contextlib.suppress(OSError):
        typer.echo(f"mien: {plain(sentence)}", err=True)
    return code


def emit_json(value: Any) -> None:
    """One JSON value on one line of standard output. What is not a number becomes null.

    What has no place in UTF-8 (names of files may be any bytes) or in the output's own encoding is escaped.
    """
    ready = _plain(value)
    text = json.dumps(ready, ensure_ascii=False, allow_nan=False, default=str)
    try:
        for encoding in ("utf-8", getattr(sys.stdout, "encoding", None) or "utf-8"):
            text.encode(encoding)
    except UnicodeEncodeError:
        text = json.dumps(ready, ensure_ascii=True, allow_nan=False, default=str)
    typer.echo(text)


def suit_terminal() -> None:
    """Show what the terminal has no sign for as ?, rather than stop at it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace")


def console() -> Any:
    """The terminal for tables and bars, wide enough when the output is a file."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 140, highlight=False)


def log_file() -> Path | None:
    """Where tracebacks and log lines go; None where nothing can be written, which is no reason to stop."""
    from mien.config import log_dir

    path = log_dir() / "mien.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600))
    except OSError:
        return None
    return path


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
