"""All media with what is current of each, in three queries however many there are."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mien.errors import LibraryError
from mien.library import schema
from mien.library.codec import decode, empty, joined, undamaged
from mien.library.library import Library
from mien.library.medium import Medium
from mien.library.rows import moment
from mien.library.tracks import FUSION, superseded
from mien.tracks import Kind, Quantity
from mien.tracks.track import AnyTrack, Provenance

_UNTOLD = Provenance("", "")


@dataclass(frozen=True, slots=True)
class StoredTrack:
    """A current track without its rows: its id in the library, its run, and what it measures.

    Args:
        analyzer, params: who wrote it, and how.
    """

    id: int
    run_id: str
    name: str
    kind: Kind
    quantities: tuple[Quantity, ...]
    analyzer: str = ""
    params: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Entry:
    """One medium of the library as a list shows it.

    Args:
        medium: the medium.
        tracks: its current tracks by name, as `Library.tracks` chooses them.
        partial: why the readings do not cover the whole medium, or empty.
        analysed: when its last run ended (UTC), None when nothing is complete.
    """

    medium: Medium
    tracks: Mapping[str, StoredTrack]
    partial: str = ""
    analysed: datetime | None = None


@undamaged()
def overview(library: Library) -> list[Entry]:
    """Every medium, the one added last first.

    Raises:
        LibraryError: the library cannot be read.
    """
    run, track = schema.run, schema.track
    complete = run.c.status == "complete"
    runs = (
        sa.select(run.c.id, run.c.medium_id, run.c.analyzer, run.c.partial, run.c.reason, run.c.finished)
        .where(complete)
        .order_by(run.c.used.desc(), run.c.started.desc(), run.c.id.desc())
    )
    # As texts: thousands of tracks share a few, each of which is read once.
    described = sa.cast(track.c.quantities, sa.Text), sa.cast(run.c.params, sa.Text)
    tracks = sa.select(track.c.id, track.c.run_id, track.c.name, track.c.kind, run.c.analyzer, *described).join(
        run, run.c.id == track.c.run_id
    )
    current: dict[str, dict[str, Any]] = {}
    stored: dict[str, list[StoredTrack]] = {}
    damaged: set[str] = set()
    with library._database.read() as connection:
        for row in connection.execute(runs):
            current.setdefault(row.medium_id, {}).setdefault(row.analyzer, row)
        known: dict[str, tuple[Quantity, ...]] = {}
        settings: dict[str, Mapping[str, Any]] = {}
        found = connection.execute(tracks.where(complete).order_by(track.c.id)).all()
        for number, run_id, name, kind, analyzer, quantities, params in found:
            try:
                with undamaged():
                    if quantities not in known:
                        known[quantities] = tuple(Quantity.from_dict(fields) for fields in json.loads(quantities))
                    if params not in settings:
                        settings[params] = _settings(params)
                    made = StoredTrack(number, run_id, name, kind, known[quantities], analyzer, settings[params])
            except LibraryError:
                damaged.add(run_id)
                continue  # the others of its medium are listed, and all other media
            stored.setdefault(run_id, []).append(made)
    return [_entry(medium, list(current.get(medium.id, {}).values()), stored, damaged) for medium in library.media()]


def _settings(params: str) -> Mapping[str, Any]:
    read = json.loads(params) or {}
    if not isinstance(read, dict):
        raise ValueError("parameters are no object")
    return read


def read_track(library: Library, track: StoredTrack) -> AnyTrack:
    """All rows of a current track, without its provenance.

    Raises:
        LibraryError: it is damaged, or the library cannot be read.
    """
    whole = read_tracks(library, [track])[0]
    if isinstance(whole, LibraryError):
        raise whole
    return whole


def read_tracks(library: Library, tracks: Sequence[StoredTrack]) -> list[AnyTrack | LibraryError]:
    """The same of several in one query, in their order; for a damaged one its error, which keeps no other from being read.

    Raises:
        LibraryError: the library cannot be read.
    """
    piece = schema.piece
    query = (
        sa.select(piece.c.track_id, piece.c.data)
        .where(piece.c.track_id.in_([track.id for track in tracks]))
        .order_by(piece.c.track_id, piece.c.seq)
    )
    pieces: dict[int, list[bytes]] = {}
    with library._database.read() as connection:
        for number, data in connection.execute(query):
            pieces.setdefault(number, []).append(data)
    return [_whole(track, pieces.get(track.id, [])) for track in tracks]


def _whole(track: StoredTrack, pieces: Sequence[bytes]) -> AnyTrack | LibraryError:
    try:
        parts: list[Any] = [decode(data, _UNTOLD) for data in pieces]
        return joined(parts) if parts else empty(track.name, track.kind, track.quantities, _UNTOLD)
    except LibraryError as error:
        return error


def _entry(medium: Medium, runs: list[Any], stored: Mapping[str, list[StoredTrack]], damaged: Collection[str]) -> Entry:
    # Of several tracks of one name that of the run used last wins, so it comes last; of several fusions only the last counts.
    found = [t for run in reversed(runs) for t in stored.get(run.id, ())]
    left = superseded((track.run_id, track.name) for track in found)
    tracks = {t.name: t for t in found if not (t.run_id in left and t.name.startswith(FUSION))}
    partial = next((str(run.reason) for run in runs if run.partial), "")
    finished = [run.finished for run in runs if isinstance(run.finished, int | float)]
    try:
        analysed = moment(max(finished)) if finished else None
    except (ValueError, ArithmeticError, OSError):
        analysed = None
    if any(run.id in damaged for run in runs):
        medium = replace(medium, damaged=True)
    return Entry(medium, tracks, partial, analysed)
