"""Reading stored tracks: by name, each only when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from mien.library import schema
from mien.library.codec import decode, empty, joined, undamaged
from mien.library.database import Database
from mien.library.rows import Piece, TrackInfo
from mien.tracks import Quantity
from mien.tracks.track import AnyTrack, Provenance

FUSION, SCORE = "fusion.", "fusion.score"
"""What the names of a fusion's tracks begin with, and the one that every fusion writes."""


def superseded(tracks: Iterable[tuple[str, str]]) -> set[str]:
    """Runs of fusions that came before another: what they wrote belongs to their score, and goes with it.

    Args:
        tracks: run and name of each, those of the run used last at the end.
    """
    fusions = [run for run, name in tracks if name == SCORE]
    return set(fusions) - set(fusions[-1:])


class Tracks(Mapping[str, AnyTrack]):
    """The tracks of some runs by name. `tracks[name]` reads that one from the library, each time anew.

    Of several of one name the last wins; a fusion's tracks belong together, so that only those of the last fusion are here.
    """

    def __init__(self, database: Database, infos: Sequence[TrackInfo]) -> None:
        self._database = database
        left = superseded((info.run_id, info.name) for info in infos)
        self._infos = {i.name: i for i in infos if not (i.run_id in left and i.name.startswith(FUSION))}

    def __getitem__(self, name: str) -> AnyTrack:
        return self.read(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._infos)

    def __len__(self) -> int:
        return len(self._infos)

    def __contains__(self, name: object) -> bool:
        return name in self._infos

    def __repr__(self) -> str:
        return f"Tracks({', '.join(self._infos)})"

    def info(self, name: str) -> TrackInfo:
        """What is known of a track without reading its rows.

        Raises:
            KeyError: there is no such track.
        """
        return self._infos[name]

    def infos(self) -> tuple[TrackInfo, ...]:
        """All of them, in the order of the runs."""
        return tuple(self._infos.values())

    def read(self, name: str, start: float | None = None, end: float | None = None) -> AnyTrack:
        """A whole track, or its rows in [start, end) in seconds; only the pieces that touch the window are
        read.

        Raises:
            KeyError: there is no such track.
        """
        info = self._infos[name]
        piece = schema.piece
        query = sa.select(piece.c.data).where(piece.c.track_id == info.id).order_by(piece.c.seq)
        if start is not None:
            query = query.where(piece.c.t1 >= start)
        if end is not None:
            query = query.where(piece.c.t0 < end)
        with self._database.read() as connection:
            parts: list[Any] = [decode(data, info.provenance) for data in connection.execute(query).scalars()]
        if not parts:
            return empty(name, info.kind, info.quantities, info.provenance)
        whole = joined(parts)
        if start is None and end is None:
            return whole
        return whole.slice(-float("inf") if start is None else start, float("inf") if end is None else end)


@undamaged()
def track_infos(connection: sa.Connection, run_ids: Sequence[str]) -> list[TrackInfo]:
    """The tracks of those runs, run by run in the order given."""
    track, piece = schema.track, schema.piece
    query = (
        sa.select(track, sa.func.max(piece.c.seq), sa.func.min(piece.c.t0), sa.func.max(piece.c.t1))
        .select_from(track.outerjoin(piece, piece.c.track_id == track.c.id))
        .where(track.c.run_id.in_(run_ids))
        .group_by(track.c.id)
        .order_by(track.c.id)
    )
    infos = [
        TrackInfo(
            name=row.name,
            kind=row.kind,
            quantities=tuple(Quantity.from_dict(q) for q in row.quantities),
            provenance=Provenance.from_dict(row.provenance),
            run_id=row.run_id,
            rows=row[-3] or 0,
            start=row[-2] or 0.0,
            end=row[-1] or 0.0,
            id=row.id,
        )
        for row in connection.execute(query)
    ]
    order = {run_id: place for place, run_id in enumerate(run_ids)}
    return sorted(infos, key=lambda info: order[info.run_id])


@undamaged()
def pieces_after(connection: sa.Connection, run_id: str, name: str, after_seq: int) -> list[Piece]:
    """What a run has written of a track since the cursor; see `Library.pieces`."""
    track, piece = schema.track, schema.piece
    query = (
        sa.select(piece.c.seq, piece.c.rows, piece.c.data, track.c.provenance)
        .join(track, track.c.id == piece.c.track_id)
        .where(track.c.run_id == run_id, track.c.name == name, piece.c.seq > after_seq)
        .order_by(piece.c.seq)
    )
    # A merged piece may begin before the cursor.
    return [
        Piece(
            row.seq,
            decode(row.data, Provenance.from_dict(row.provenance), skip=max(0, after_seq - (row.seq - row.rows))),
        )
        for row in connection.execute(query)
    ]
