"""What a person said instead of a reading, as exporters get it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Correction:
    """One decision or change. The reading that it speaks of stays in its track; several may speak of one stretch.

    Args:
        track: name of the track that is spoken of.
        start, end: the stretch as it was predicted (or added by hand), in seconds.
        person: whose reading it is, None when it belongs to the medium.
        field: what was changed (`state`, `label`, `state,end`).
        old, new: before and after, JSON-ready.
        note: what the person wrote.
        author: who; made: when, UTC.
        run: key of the run that made the prediction, and analyzer: its plugin and version; empty when that is gone.
    """

    track: str
    start: float
    end: float
    person: int | None
    field: str
    old: Any
    new: Any
    note: str
    author: str
    made: datetime
    run: str = ""
    analyzer: str = ""
