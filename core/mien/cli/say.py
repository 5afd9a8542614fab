"""How the command line talks: text for people, JSON for machines, errors as one sentence on standard error."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import typer


def fail(sentence: str, code: int, as_json: bool = False) -> int:
    """Say what is wrong on standard error; returns the exit code."""
    if as_json:
        typer.echo(json.dumps({"error": sentence, "exit_code": code}, ensure_ascii=False))
    typer.echo(f"mien: {sentence}", err=True)
    return code


def emit_json(value: Any) -> None:
    """One JSON value on one line of standard output. What is not a number becomes null."""
    typer.echo(json.dumps(_plain(value), ensure_ascii=False, allow_nan=False, default=str))


def console() -> Any:
    """The terminal for tables and bars, wide enough when the output is a file."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 140, highlight=False)


def log_file() -> Path:
    """Where tracebacks and log lines go."""
    from mien.config import log_dir

    return log_dir() / "mien.log"


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
