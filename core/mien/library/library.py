"""The library as the rest of Mien sees it."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa

from mien.errors import LibraryError, LibraryUnreachable, shown
from mien.library import corrections, runs, schema, search
from mien.library import medium as media
from mien.library.compact import merge
from mien.library.database import Database
from mien.library.faults import LibraryUnwritable
from mien.library.medium import Medium, MediumFacts, facts_of
from mien.library.rows import Correction, Hit, Piece, Run
from mien.library.tracks import Tracks, pieces_after, track_infos
from mien.library.undo import Notes, Undo
from mien.library.writer import Output, RunWriter
from mien.tracks.track import Provenance

_log = logging.getLogger(__name__)


class Library:
    """The database of media, runs, tracks and corrections.

    Open one for each process; threads may share it. Several processes may read and write one library at once, and those of
    several machines one on PostgreSQL. `Library(other.where)` opens the same one, in another process too; so does unpickling.

    Args:
        place: path of the SQLite file, a database URL, or None for the place that the settings name.
        busy: how long to wait for another program's transaction, in seconds.
        look: change nothing by opening it: it keeps an older schema, and runs of dead processes their mark. What it is then good
            for is `mien.library.holdings`, whose questions every schema can answer.

    Attributes:
        place: the path or URL as messages and lists show it, without a password.
        where: the path or URL that opens the same library again; may hold a password.

    Raises:
        LibraryError: it cannot be opened; the message says why and what to do.
    """

    def __init__(self, place: str | Path | None = None, *, busy: float = 30.0, look: bool = False) -> None:
        if place is None:
            from mien.config import library_place

            place = library_place()
        self._database = Database(place, busy=busy, make=not look)
        self.place = self._database.place
        self.where = self._database.backend.where
        self._owners = self._database.backend.owners(self._database)
        self._notes = Notes(self._database.backend.beside)
        self._writers: list[RunWriter] = []
        self._lock = threading.Lock()
        if look:
            return
        try:
            # Who may only read can still do that; what may not be written says so when it is.
            with contextlib.suppress(LibraryUnwritable):
                self.recover()
        except BaseException:
            self._database.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[type[Library], tuple[str]]:
        return Library, (self.where,)

    def close(self) -> None:
        """Close it; runs that are still open are marked interrupted."""
        try:
            for writer in self._writers:
                writer.interrupt()
        except LibraryUnreachable as error:
            # Whoever opens it next marks them.
            _log.warning("runs were left open: %s", error)
        finally:
            self._writers.clear()
            self._owners.leave()
            self._database.close()

    # Media
    # ------------------------------------------------------------------------------------------------------

    def add_medium(self, info: MediumFacts, content_id: str) -> Medium:
        """Enter a medium, or renew what is known of it (its path, its streams).

        Args:
            info: the probe's result.
            content_id: hash of the file's content.
        """
        facts = facts_of(info)
        with self._database.write(alone=content_id) as connection:
            media.enter(connection, content_id, Path(os.path.abspath(info.path)), facts)
        return self.medium(content_id)

    def medium(self, path_or_id: str | Path) -> Medium:
        """The medium with that id, or the one seen last at that path.

        Raises:
            LibraryError: the library does not know it.
        """
        found = self.find_medium(path_or_id)
        if found is None:
            raise LibraryError(f"The library does not know this medium; analyze it first: {shown(path_or_id)}")
        return found

    def find_medium(self, path_or_id: str | Path) -> Medium | None:
        """As `medium`, with None for one that is not there."""
        with self._database.read() as connection:
            return media.find(connection, self, path_or_id)

    def media(self) -> list[Medium]:
        """All media, the one added last first."""
        with self._database.read() as connection:
            return media.load(connection, self)

    def remove(self, medium: Medium | str) -> None:
        """Take a medium, its runs, tracks and corrections out of the library; the file is left alone."""
        with self._database.write(alone=_id(medium)) as connection:
            connection.execute(sa.delete(schema.medium).where(schema.medium.c.id == _id(medium)))

    def take_back(self, medium: Medium | str, since: float, *, forget: bool) -> None:
        """Take out what this process added to a medium, as if it had never been analyzed: for a disk that is full.

        Where not even that can be written, it is done when the library is next opened and can be.

        Args:
            since: when its first run began at the earliest, s since 1970 UTC.
            forget: the medium was not in the library before; it goes too, unless others have read or corrected it.
        """
        mine = [writer for writer in self._writers if writer.medium_id == _id(medium)]
        for writer in mine:
            writer.open = False  # nobody needs to end them any more
        undo = Undo(_id(medium), self._own(), int(since * 1e6), int(time.time() * 1e6) + 1, forget)
        self._owners.give_room()
        try:
            self._undo(undo)
        except LibraryUnwritable as error:
            _log.warning("what was written of %s is taken out later: %s", undo.medium, error)
            self._notes.leave(undo)

    def _undo(self, undo: Undo) -> None:
        with self._database.write(alone=undo.medium) as connection:
            self._database.backend.light(connection)
            undo.carry_out(connection)

    # Runs
    # -------------------------------------------------------------------------------------------------------

    def begin_run(
        self,
        medium: Medium | str,
        *,
        key: str,
        analyzer: str,
        version: str,
        params: Mapping[str, Any] | None = None,
        models: Mapping[str, str] | None = None,
        device: str = "cpu",
        precision: str = "float32",
        outputs: Iterable[Output] = (),
        details: Mapping[str, Any] | None = None,
    ) -> RunWriter:
        """Begin a run and get its writer.

        Args:
            key: the cache key: all that determines the result.
            params: frozen parameters, JSON-ready.
            models: model id → SHA-256 of its weights.
            outputs: tracks that must exist afterwards even when nothing is found (the descriptor's
                `outputs`).
            details: of the provenance of its tracks, JSON-ready.
        """
        medium_id = _id(medium)
        what: dict[str, Any] = {
            "analyzer": analyzer,
            "version": version,
            "params": dict(params or {}),
            "models": dict(models or {}),
        }
        where = {"medium_id": medium_id, "key": key, "device": device, "precision": precision}
        owner = self._own()
        with self._database.write() as connection:
            run_id = runs.insert(connection, {**what, **where, "owner": owner})
        provenance = Provenance(run=key, details=dict(details or {}), **what)
        writer = RunWriter(self._database, run_id, key, medium_id, provenance)
        with self._lock:
            self._writers = [*(w for w in self._writers if w.open), writer]
        writer.declare(outputs)
        return writer

    def find_run(self, medium: Medium | str, key: str) -> Run | None:
        """The complete run with that cache key, or None. Call `reuse` when its result is taken."""
        run = schema.run
        found = self._runs(run.c.medium_id == _id(medium), run.c.key == key, run.c.status == "complete")
        return found[0] if found else None

    def reuse(self, run: Run | str) -> None:
        """Make an older complete run the current one again: the user asked for just its parameters."""
        row = schema.run
        with self._database.write() as connection:
            connection.execute(sa.update(row).where(row.c.id == _id(run)).values(used=time.time()))

    def run(self, run_id: str) -> Run:
        """One run by its id.

        Raises:
            LibraryError: there is none.
        """
        found = self._runs(schema.run.c.id == run_id)
        if not found:
            raise LibraryError(f"The library has no run {run_id}; list them with: mien library show MEDIUM")
        return found[0]

    def runs(self, medium: Medium | str, *, current: bool = True) -> list[Run]:
        """A medium's runs, the one used last first.

        Args:
            current: only the complete run used last of each analyzer; else every run, whatever became of it.
        """
        every = self._runs(schema.run.c.medium_id == _id(medium))
        if not current:
            return every
        newest: dict[str, Run] = {}
        for run in every:
            if run.status == "complete":
                newest.setdefault(run.analyzer, run)
        return list(newest.values())

    def _runs(self, *where: sa.ColumnElement[bool]) -> list[Run]:
        with self._database.read() as connection:
            return runs.load(connection, *where)

    # Tracks
    # -----------------------------------------------------------------------------------------------------

    def tracks(self, of: Medium | str | Run | Iterable[Run | str]) -> Tracks:
        """Tracks by name, each read when asked for.

        Args:
            of: a medium (or its id) for its current tracks, where of several of one name the one used last
                wins;
                or a run, or runs and run ids, whatever became of them.
        """
        if isinstance(of, Medium | str):
            run_ids = [run.id for run in reversed(self.runs(of))]
        else:
            run_ids = [_id(run) for run in ([of] if isinstance(of, Run) else of)]
        with self._database.read() as connection:
            return Tracks(self._database, track_infos(connection, run_ids))

    def pieces(self, run: Run | str, track: str, after_seq: int = 0) -> list[Piece]:
        """What a run has stored of a track since `after_seq` (0 for all), for a live reader."""
        with self._database.read() as connection:
            return pieces_after(connection, _id(run), track, after_seq)

    # Search and corrections
    # -------------------------------------------------------------------------------------

    def search(
        self, text: str, *, among: Collection[Medium | str] | Medium | str | None = None, limit: int = 100
    ) -> list[Hit]:
        """Utterances of current transcripts that hold every word of `text`, the best first.

        The last word may be a beginning; words in double quotes must follow each other; nothing else has a
        meaning.

        Args:
            among: only what is said in this medium, or in these; a few thousand at most.
        """
        of = None if among is None else [_id(m) for m in ([among] if isinstance(among, Medium | str) else among)]
        with self._database.read() as connection:
            rows = search.find(connection, text, media=of, limit=limit)
            places = media.paths(connection, {row.medium_id for row in rows})
        return [
            Hit(row.medium_id, places[row.medium_id][0], row.t0, row.t1, row.text, row.snippet, row.run_id)
            for row in rows
            if row.medium_id in places  # a damaged library may have what belongs to nothing
        ]

    def correct(
        self,
        medium: Medium | str,
        track: str,
        *,
        start: float,
        end: float,
        field: str,
        old: Any,
        new: Any,
        author: str,
        note: str = "",
        person: int | None = None,
        run: Run | str | None = None,
    ) -> Correction:
        """Keep what a person says instead of a prediction. The prediction stays as it is."""
        values = {
            "medium_id": _id(medium),
            "run_id": None if run is None else _id(run),
            "track": track,
            "t0": start,
            "t1": end,
            "person": person,
            "field": field,
            "old": old,
            "new": new,
            "author": author,
            "note": note,
        }
        with self._database.write() as connection:
            return corrections.add(connection, values)

    def corrections(self, medium: Medium | str, track: str | None = None) -> list[Correction]:
        """A medium's corrections in order of time, the older first where they speak of one moment."""
        with self._database.read() as connection:
            return corrections.of(connection, _id(medium), track)

    def withdraw(self, correction: Correction | int) -> None:
        """Take a correction back."""
        with self._database.write() as connection:
            corrections.delete(connection, correction if isinstance(correction, int) else correction.id)

    # Care
    # -------------------------------------------------------------------------------------------------------

    def recover(self) -> int:
        """Mark the runs of dead processes as interrupted, and take back what a full disk kept from it; done on opening.

        Returns:
            How many runs were interrupted.
        """
        for undo in self._notes.left():
            self._undo(undo)
            self._notes.drop(undo)
        with self._database.read() as connection:
            dead = [name for name in runs.running_owners(connection) if not self._owners.alive(name)]
        if not dead:
            return 0
        with self._database.write() as connection:
            lost = runs.interrupt(connection, dead)
        for name in dead:
            self._owners.bury(name)
        return lost

    def compact(self) -> None:
        """Merge the pieces of every complete run and give free space back to the disk."""
        with self._database.read() as connection:
            complete = sa.select(schema.run.c.id).where(schema.run.c.status == "complete")
            ids: Sequence[int] = (
                connection.execute(sa.select(schema.track.c.id).where(schema.track.c.run_id.in_(complete)))
                .scalars()
                .all()
            )
        for track_id in ids:
            merge(self._database, track_id)
        self._database.backend.shrink(self._database)

    def verify(self) -> list[str]:
        """What is wrong with the database, in its own words; empty when all is well."""
        return self._database.backend.verify(self._database)

    def _own(self) -> str:
        with self._lock:
            try:
                return self._owners.join()
            except OSError as error:
                raise LibraryUnwritable(
                    f"The library's folder may not be written ({error.strerror}); allow it or choose another "
                    f"place with MIEN_HOME or --library: {self.place}"
                ) from error


def _id(of: Medium | Run | str) -> str:
    return of if isinstance(of, str) else of.id
