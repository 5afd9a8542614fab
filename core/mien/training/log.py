"""The log of a training, one line of JSON an epoch, as it is read again when the training goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mien.errors import TrainingError, shown

LOG = "log.jsonl"


def logged(log: Path) -> list[dict[str, Any]]:
    """The epochs in a log, an empty list where there is none; a last line that was not written to its end is left out.

    Raises:
        TrainingError: a line is none that a training wrote.
    """
    try:
        text = log.read_text(encoding="utf-8") if log.is_file() else ""
        return [_epoch(line) for line in text.split("\n")[:-1]]
    except (OSError, ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise TrainingError(
            f"The log of the training that was begun is damaged; add --fresh to begin anew: {shown(log)}"
        ) from error


def shorten(log: Path, epochs: int) -> None:
    """Take out what comes after so many epochs, which were logged but not saved: they come again. Raises TrainingError."""
    if log.is_file():
        kept = [epoch for epoch in logged(log) if epoch["epoch"] <= epochs]
        log.write_text("".join(json.dumps(epoch) + "\n" for epoch in kept), encoding="utf-8")


def _epoch(line: str) -> dict[str, Any]:
    told = json.loads(line)
    valid = {str(name): float(value) for name, value in told["valid"].items()}
    figures = {name: float(told[name]) for name in ("train_loss", "lr", "seconds")}
    return {**told, "epoch": int(told["epoch"]), "valid": {"loss": float(told["valid"]["loss"]), **valid}, **figures}
