"""`mien.analyze`: one call from a path to readings, as a stream of events."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mien.engine.choice import Choice
from mien.engine.events import Event, MediumFailed
from mien.engine.registry import Registry
from mien.engine.worker import Worker
from mien.errors import MienError
from mien.library.library import Library


def analyze(
    path: str | os.PathLike[str],
    *,
    library: Library | str | os.PathLike[str] | None = None,
    analyzers: Sequence[str] | None = None,
    fusion: str = "late",
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    device: str = "auto",
    precision: str = "auto",
) -> Iterator[Event]:
    """Analyse one medium in a worker process.

    Args:
        path: of the medium.
        library: where readings go; the user's own by default.
        analyzers: ids, or None for the defaults.
        fusion: id of the fusion, or empty for none.
        settings: plugin id → parameter → value.
        device, precision: see `mien.engine.backend.select`.

    Yields:
        Started, then Piece, Progress, Failed and Finished as they happen, then Done. Closing the iterator cancels.

    Raises:
        MienError: anything that stops the whole medium, in one sentence.
    """
    choice = Choice(
        analyzers=None if analyzers is None else tuple(analyzers),
        fusion=fusion,
        settings=dict(settings or {}),
        device=device,
        precision=precision,
    ).checked(Registry.load())
    place = library.where if isinstance(library, Library) else library
    with Worker(None if place is None else str(place)) as worker:
        for event in worker.analyze(Path(path), choice):
            if isinstance(event, MediumFailed):
                raise failure(event)
            yield event


def failure(event: MediumFailed) -> MienError:
    """The error that a worker reported, as an exception again."""
    import mien.errors

    kind = getattr(mien.errors, event.kind, MienError)
    return kind(event.reason) if issubclass(kind, MienError) else MienError(event.reason)
