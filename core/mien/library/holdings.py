"""What a library has of many media, in few questions: for whom goes through thousands of files."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from mien.library import schema
from mien.library.library import Library
from mien.library.medium import enter
from mien.library.medium import load as load_media


@dataclass(frozen=True, slots=True)
class Complete:
    """A complete run: its id, analyzer, why it is partial (or empty), and whether it is the analyzer's current one."""

    id: str
    analyzer: str
    partial: str
    current: bool


def sizes(library: Library) -> set[int]:
    """The sizes in bytes of all media: a file of another size is not among them, and need not be read to know it.

    Raises:
        LibraryError: the library cannot be read.
    """
    with library._database.read() as connection:
        return set(connection.execute(sa.select(schema.medium.c.size).distinct()).scalars())


def plugins(library: Library) -> dict[str, list[str]]:
    """Medium's id → ids of the plugins that have readings of it, the one used last first; media without any are left out.

    Raises:
        LibraryError: the library cannot be read.
    """
    run = schema.run
    query = (
        sa.select(run.c.medium_id, run.c.analyzer)
        .where(run.c.status == "complete")
        .order_by(run.c.used.desc(), run.c.started.desc(), run.c.id.desc())
    )
    found: dict[str, dict[str, None]] = {}
    with library._database.read() as connection:
        for medium, analyzer in connection.execute(query):
            found.setdefault(medium, {})[analyzer] = None
    return {medium: list(analyzers) for medium, analyzers in found.items()}


def complete_runs(library: Library, medium: str) -> dict[str, Complete]:
    """Key → complete run of a medium.

    Args:
        medium: its id; the library need not know it.

    Raises:
        LibraryError: the library cannot be read.
    """
    run = schema.run
    query = (
        sa.select(run.c.id, run.c.key, run.c.analyzer, run.c.partial, run.c.reason)
        .where(run.c.medium_id == medium, run.c.status == "complete")
        .order_by(run.c.used.desc(), run.c.started.desc(), run.c.id.desc())
    )
    found: dict[str, Complete] = {}
    seen: set[str] = set()
    with library._database.read() as connection:
        for row in connection.execute(query):
            reason = row.reason if row.partial else ""
            found.setdefault(row.key, Complete(row.id, row.analyzer, reason, row.analyzer not in seen))
            seen.add(row.analyzer)
    return found


def make_current(library: Library, runs: Mapping[str, Complete], keys: Collection[str]) -> None:
    """Make these runs of a medium the current ones, if they are not: the user asked for just their parameters."""
    for key in keys:
        if key in runs and not runs[key].current:
            library.reuse(runs[key].id)


def seen_at(library: Library, medium: str, path: Path) -> None:
    """Note another place of a medium that the library knows."""
    with library._database.read() as connection:
        known = load_media(connection, library, schema.medium.c.id == medium)
    if known and path not in known[0].paths:
        entry = known[0]
        facts = {"size": entry.size, "duration": entry.duration, "format": entry.format, "streams": [*entry.streams]}
        with library._database.write(alone=medium) as connection:
            enter(connection, medium, path, facts)


def discard(library: Library, medium: str, keys: Collection[str], since: float) -> None:
    """Take runs out whose readings are not the medium's: its file became another one while it was analysed.

    Args:
        keys: of the runs.
        since: only runs that were begun at this moment or later (s since 1970).
    """
    run = schema.run
    doomed = sa.delete(run).where(run.c.medium_id == medium, run.c.key.in_(list(keys)), run.c.started >= since)
    with library._database.write(alone=medium) as connection:
        connection.execute(doomed)
        left = connection.execute(sa.select(run.c.id).where(run.c.medium_id == medium).limit(1)).first()
    if left is None:
        library.remove(medium)
