"""What a scan needs of those who analyse, wherever they are: processes here (`pool`) or actors on a cluster (`ray_pool`)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, Self

from mien.engine.choice import Choice
from mien.engine.events import Event, MediumFailed
from mien.engine.worker import Worker
from mien.errors import WorkerError, shown

Said = tuple[int, Event]
"""The number of a task, and an event of it; `Done` and `MediumFailed` are the last."""

_log = logging.getLogger(__name__)


class Workers(Protocol):
    """Analyse several media at once. Used from one thread, as a context."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    @property
    def free(self) -> int:
        """How many have nothing to do."""

    @property
    def busy(self) -> int:
        """How many media are being analysed."""

    def submit(self, number: int, path: Path) -> None:
        """Analyse a medium; only to be called while somebody is free."""

    def next(self, timeout: float = 0.2) -> Said | None:
        """The next event, or None after a moment (s) without one. Pieces are left out: they are in the library.

        Raises:
            MienError: nobody can analyse any more.
        """

    def cancel(self, number: int | None = None) -> None:
        """Stop what runs, or one of them; each ends with `MediumFailed` soon. To be called until it has."""

    def close(self) -> None:
        """End all of them."""


def analysed(worker: Worker, path: Path, choice: Choice) -> Iterator[Event]:
    """A medium's events; the last is `Done` or `MediumFailed` whatever happens."""
    try:
        yield from worker.analyze(path, choice)
    except WorkerError as error:
        yield MediumFailed(str(path), str(error), error.exit_code, type(error).__name__)
    except Exception as error:  # noqa: BLE001 - the scan waits for a last word whatever happens
        _log.exception("the analysis failed: %s", path)
        text = f"The analysis failed with {type(error).__name__}: {shown(path)}"
        yield MediumFailed(str(path), text, 70, type(error).__name__)


def stalled(path: Path, patience: float) -> MediumFailed:
    """What is said of a medium that was given up after `patience` s without a sign of life."""
    text = f"There was no sign of life for {patience:.0f} s, so it was given up: {shown(path)}"
    return MediumFailed(str(path), text, WorkerError.exit_code, "Stalled")
