"""What the library answers with: frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from mien.tracks import Kind, Quantity
from mien.tracks.track import AnyTrack, Provenance

Status = Literal["running", "complete", "failed", "cancelled", "interrupted", "superseded"]


def moment(seconds: float) -> datetime:
    """Seconds since 1970 as a date and time in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


@dataclass(frozen=True)
class Run:
    """One analyzer on one medium with frozen parameters, models and version.

    Args:
        id: unique name of this run.
        key: the cache key; at most one run of a medium is complete under one key.
        models: model id → SHA-256 of its weights.
        status: `interrupted` is a run whose process died; `superseded` one whose key has a newer complete
            run.
        partial: complete, but part of the medium could not be read; `reason` says which.
        reason: why it failed, was cancelled or is partial.
        notes: what happened on the way that the user should know (a fallback to the CPU).
        started, finished: UTC.
    """

    id: str
    medium_id: str
    key: str
    analyzer: str
    version: str
    params: Mapping[str, Any]
    models: Mapping[str, str]
    device: str
    precision: str
    status: Status
    partial: bool
    reason: str
    notes: tuple[str, ...]
    started: datetime
    finished: datetime | None


@dataclass(frozen=True)
class TrackInfo:
    """What is known of a stored track without reading its rows; times in seconds."""

    name: str
    kind: Kind
    quantities: tuple[Quantity, ...]
    provenance: Provenance
    run_id: str
    rows: int
    start: float
    end: float
    id: int


@dataclass(frozen=True)
class Piece:
    """A stored piece; `seq` is the cursor to ask for what comes after it (rows of the track so far)."""

    seq: int
    track: AnyTrack


@dataclass(frozen=True)
class Hit:
    """One utterance found by a search; `snippet` has the found words in [brackets]."""

    medium_id: str
    path: str
    start: float
    end: float
    text: str
    snippet: str
    run_id: str


@dataclass(frozen=True)
class Correction:
    """What a person says instead of a prediction, kept beside it.

    Args:
        track: name of the corrected track.
        run_id: the run that made the prediction, None when that run is gone.
        start, end: the corrected stretch, in seconds.
        person: whose reading it is, None when it belongs to the medium.
        field: the corrected column or channel (`text`, `label`, `arousal`).
        old, new: the value before and after, JSON-ready.
    """

    id: int
    medium_id: str
    run_id: str | None
    track: str
    start: float
    end: float
    person: int | None
    field: str
    old: Any
    new: Any
    author: str
    made: datetime
    note: str
