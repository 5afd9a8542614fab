"""Writing one run: pieces as they come, each on the disk when `write` returns."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol

import sqlalchemy as sa

from mien.errors import LibraryError
from mien.library import schema, search
from mien.library.codec import encode
from mien.library.compact import merge
from mien.library.database import Database
from mien.library.rows import Status
from mien.tracks import Kind, Quantity
from mien.tracks.track import AnyTrack, Provenance


class Output(Protocol):
    """A track that the run will write even when it finds nothing; `mien.sdk.Writes` is one."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def quantities(self) -> tuple[Quantity, ...]: ...


class _Open:
    """A track being written: its row, and how many rows of it are stored."""

    __slots__ = ("id", "kind", "rows")

    def __init__(self, id: int, kind: Kind, rows: int) -> None:
        self.id, self.kind, self.rows = id, kind, rows


class RunWriter:
    """The only writer of one run; usable from any thread. Got from `Library.begin_run`."""

    def __init__(self, database: Database, run_id: str, key: str, medium_id: str, provenance: Provenance) -> None:
        self.run_id = run_id
        self.key = key
        self.medium_id = medium_id
        self._database = database
        self._provenance = provenance
        self._tracks: dict[str, _Open] = {}
        self._notes: list[str] = []
        self._lock = threading.Lock()
        self.open = True

    def declare(self, outputs: Iterable[Output]) -> None:
        """Make tracks, so that a run which finds nothing still leaves them, empty."""
        with self._lock:
            made = {}
            with self._database.write() as connection:
                for output in outputs:
                    if output.name not in self._tracks:
                        made[output.name] = self._insert_track(
                            connection, output.name, output.kind, output.quantities, self._provenance
                        )
            self._tracks.update(made)

    def write(self, piece: AnyTrack) -> int:
        """Store one piece in one transaction.

        Returns:
            The rows of that track so far: the cursor that `Library.pieces` takes.

        Raises:
            LibraryError: it could not be written; what was written before is kept and the call can be
                repeated.
        """
        with self._lock:
            known = self._tracks.get(piece.name)
            if known is not None and known.kind != piece.kind:
                raise ValueError(f"{piece.name} is a track of {known.kind}, not of {piece.kind}")
            if known is not None and not len(piece):
                return known.rows
            data = encode(piece)
            with self._database.write() as connection:
                self._require_running(connection)
                track = known or self._insert_track(
                    connection,
                    piece.name,
                    piece.kind,
                    _quantities(piece),
                    self._of(piece.provenance),
                )
                seq = track.rows + len(piece)
                if len(piece):
                    self._insert_piece(connection, track, piece, seq, data, first=track.rows == 0)
            # Only now: a transaction that failed leaves this object as it was.
            track.rows = seq
            self._tracks[piece.name] = track
            return seq

    def note(self, text: str) -> None:
        """Add a remark to the run's record that a user should read."""
        with self._lock:
            self._set(notes=[*self._notes, text])
            self._notes.append(text)

    def used(self, *, device: str, precision: str) -> None:
        """Correct what the run really computed on, after a fallback."""
        with self._lock:
            self._set(device=device, precision=precision)

    def complete(self, partial: str | None = None) -> None:
        """End the run well: merge its pieces and let it answer for its key from now on.

        Args:
            partial: what of the medium could not be read, None when all of it was.
        """
        with self._lock:
            for track in self._tracks.values():
                merge(self._database, track.id)
            with self._database.write(alone=self.medium_id) as connection:
                self._require_running(connection)
                older = (
                    (schema.run.c.medium_id == self.medium_id)
                    & (schema.run.c.key == self.key)
                    & (schema.run.c.status == "complete")
                )
                connection.execute(sa.update(schema.run).where(older).values(status="superseded"))
                self._end(connection, "complete", partial or "", partial=partial is not None)
            self.open = False

    def fail(self, reason: str) -> None:
        """End the run as failed; what it wrote stays readable by its id and is never taken for a result."""
        self._stop("failed", reason)

    def cancel(self, reason: str = "") -> None:
        """End the run as cancelled by the user."""
        self._stop("cancelled", reason)

    def interrupt(self) -> None:
        """End the run as one whose program stopped in the middle; nothing happens when it has ended."""
        if self.open:
            self._stop("interrupted", "the program ended before the run did")

    def _stop(self, status: Status, reason: str) -> None:
        with self._lock, self._database.write() as connection:
            self._end(connection, status, reason, partial=False)
            self.open = False

    def _end(self, connection: sa.Connection, status: Status, reason: str, *, partial: bool) -> None:
        now = time.time()
        values = {"status": status, "reason": reason, "partial": partial, "finished": now, "used": now}
        connection.execute(self._own_row().values(**values))

    def _set(self, **values: Any) -> None:
        with self._database.write() as connection:
            connection.execute(self._own_row().values(**values))

    def _own_row(self) -> sa.Update:
        return sa.update(schema.run).where(schema.run.c.id == self.run_id, schema.run.c.status == "running")

    def _require_running(self, connection: sa.Connection) -> None:
        status = connection.execute(sa.select(schema.run.c.status).where(schema.run.c.id == self.run_id)).scalar()
        if status != "running":
            ended = "was removed from the library" if status is None else f"has already ended ({status})"
            raise LibraryError(f"The run {ended}; analyze the medium again")

    def _of(self, told: Provenance | None) -> Provenance:
        """What the analyzer tells of a track, and what of it is known of the whole run besides."""
        if told is None:
            return self._provenance
        return replace(told, details={**self._provenance.details, **told.details})

    def _insert_track(
        self,
        connection: sa.Connection,
        name: str,
        kind: Kind,
        quantities: tuple[Quantity, ...],
        provenance: Provenance,
    ) -> _Open:
        values: Mapping[str, Any] = {
            "run_id": self.run_id,
            "name": name,
            "kind": kind,
            "quantities": [q.to_dict() for q in quantities],
            "provenance": provenance.to_dict(),
        }
        inserted = connection.execute(sa.insert(schema.track).values(**values)).inserted_primary_key
        assert inserted is not None
        return _Open(int(inserted[0]), kind, 0)

    def _insert_piece(
        self, connection: sa.Connection, track: _Open, piece: AnyTrack, seq: int, data: bytes, *, first: bool
    ) -> None:
        start, end = piece.extent
        connection.execute(
            sa.insert(schema.piece).values(track_id=track.id, seq=seq, rows=len(piece), t0=start, t1=end, data=data)
        )
        if first and piece.provenance is not None:
            # The analyzer knows more than the descriptor did when the track was declared.
            connection.execute(
                sa.update(schema.track)
                .where(schema.track.c.id == track.id)
                .values(
                    provenance=self._of(piece.provenance).to_dict(),
                    quantities=[q.to_dict() for q in _quantities(piece)],
                )
            )
        search.index(connection, track.id, piece)


def _quantities(piece: AnyTrack) -> tuple[Quantity, ...]:
    return getattr(piece, "quantities", ())
