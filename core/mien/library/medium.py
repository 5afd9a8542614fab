"""Media: what is known of each file, and the way to what was read from it."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import sqlalchemy as sa

from mien.errors import shown
from mien.library import schema
from mien.library.codec import undamaged
from mien.library.rows import Correction, Run, moment
from mien.library.search import clean
from mien.library.tracks import Tracks

if TYPE_CHECKING:
    from mien.library.library import Library

_MEDIUM, _PLACE = schema.medium, schema.medium_path


class Listed(Protocol):
    """What a list knows of a medium."""

    @property
    def path(self) -> Path: ...
    @property
    def damaged(self) -> bool: ...


class MediumFacts(Protocol):
    """What must be known of a medium; its size, format and streams are taken too when they are there."""

    @property
    def path(self) -> Path: ...
    @property
    def duration(self) -> float | None: ...


@dataclass(frozen=True)
class Medium:
    """One medium of a library.

    Args:
        id: hash of the content.
        paths: where it was seen, the last place first.
        size: bytes.
        duration: s, None when unknown.
        format: the container (`mov,mp4,m4a`).
        streams: what the probe said of each stream.
        added: UTC.
        damaged: what the library says of it cannot be read, so that it is taken for unknown; an analysis tells it anew.
    """

    id: str
    paths: tuple[Path, ...]
    size: int
    duration: float | None
    format: str
    streams: tuple[Any, ...]
    added: datetime
    library: Library = field(repr=False, compare=False)
    damaged: bool = False

    @property
    def path(self) -> Path:
        """Where it was seen last."""
        return self.paths[0]

    def tracks(self) -> Tracks:
        """Its current tracks; see `Library.tracks`."""
        return self.library.tracks(self)

    def runs(self, *, current: bool = True) -> list[Run]:
        """Its runs; see `Library.runs`."""
        return self.library.runs(self, current=current)

    def corrections(self, track: str | None = None) -> list[Correction]:
        """What people corrected in it; see `Library.corrections`."""
        return self.library.corrections(self, track)


def facts_of(info: MediumFacts) -> Mapping[str, Any]:
    """The columns that a probe's result fills, but path and id.

    Raises:
        OSError: the size is not given and the file is not there.
    """
    size = getattr(info, "size_bytes", None)
    return {
        "size": Path(info.path).stat().st_size if size is None else int(size),
        "duration": info.duration,
        "format": str(getattr(info, "format", "")),
        "streams": json.loads(json.dumps(list(getattr(info, "streams", ())), default=_plain)),
    }


def enter(connection: sa.Connection, content_id: str, path: Path, facts: Mapping[str, Any]) -> None:
    """Add a medium or renew what is known of it."""
    now = time.time()
    renewed = connection.execute(sa.update(_MEDIUM).where(_MEDIUM.c.id == content_id).values(**facts))
    if not renewed.rowcount:
        connection.execute(sa.insert(_MEDIUM).values(id=content_id, added=now, **facts))
    text = _text(path)
    seen = connection.execute(
        sa.update(_PLACE).where(_PLACE.c.medium_id == content_id, _PLACE.c.path == text).values(seen=now)
    )
    if not seen.rowcount:
        connection.execute(sa.insert(_PLACE).values(medium_id=content_id, path=text, seen=now))


def find(connection: sa.Connection, library: Library, path_or_id: str | Path) -> Medium | None:
    """The medium with that id, or the one seen last at that path."""
    at_path = (
        sa.select(_PLACE.c.medium_id)
        .where(_PLACE.c.path == _text(Path(os.path.abspath(path_or_id))))
        .order_by(_PLACE.c.seen.desc(), _PLACE.c.id.desc())
        .limit(1)
    )
    found = load(connection, library, _MEDIUM.c.id == clean(str(path_or_id)))
    found = found or load(connection, library, _MEDIUM.c.id == at_path.scalar_subquery())
    return found[0] if found else None


@undamaged("What the library says of its media is damaged; put back a copy of it, or begin another with --library")
def load(connection: sa.Connection, library: Library, *where: sa.ColumnElement[bool]) -> list[Medium]:
    """The media that fit, the one added last first; a damaged one keeps no other from being listed."""
    # As text: a list of streams that is none would keep all rows from being read.
    columns = [sa.cast(c, sa.Text).label(c.name) if c is _MEDIUM.c.streams else c for c in _MEDIUM.c]
    rows = connection.execute(
        sa.select(*columns).where(*where).order_by(_MEDIUM.c.added.desc(), _MEDIUM.c.id)
    ).fetchall()
    places = paths(connection, [rows[0].id] if len(rows) == 1 else None) if rows else {}
    return [_medium(row, places.get(row.id, []), library) for row in rows]


def _medium(row: Any, places: Collection[str], library: Library) -> Medium:
    seen = tuple(Path(path) for path in places if isinstance(path, str))
    # One that was seen nowhere is called by its id.
    unknown = Medium(str(row.id), seen or (Path(str(row.id)),), 0, None, "", (), moment(0.0), library, damaged=True)
    if not seen or len(seen) < len(places) or not (isinstance(row.size, int) and isinstance(row.format, str)):
        return unknown
    if row.duration is not None and not (isinstance(row.duration, float | int) and 0 <= row.duration < math.inf):
        return unknown
    try:
        streams, added = tuple(json.loads(row.streams)), moment(row.added)
    except (TypeError, ValueError, ArithmeticError, OSError, RecursionError):
        return unknown
    return replace(
        unknown, size=row.size, duration=row.duration, format=row.format, streams=streams, added=added, damaged=False
    )


def damage(media: Iterable[Listed]) -> str:
    """One sentence on those that are damaged; empty where none is."""
    damaged = [medium for medium in media if medium.damaged]
    if not damaged:
        return ""
    rest = f" and {len(damaged) - 1} more" if len(damaged) > 1 else ""
    return f"What the library says of a medium is damaged; analyze it again: {shown(damaged[0].path)}{rest}"


def paths(connection: sa.Connection, medium_ids: Collection[str] | None = None) -> dict[str, list[str]]:
    """Where each medium, or each of some, was seen, the last place first."""
    query = sa.select(_PLACE.c.medium_id, _PLACE.c.path).order_by(_PLACE.c.seen.desc(), _PLACE.c.id.desc())
    if medium_ids is not None:
        query = query.where(_PLACE.c.medium_id.in_(medium_ids))
    places: dict[str, list[str]] = {}
    for owner, path in connection.execute(query):
        places.setdefault(owner, []).append(path)
    return places


def _text(path: Path) -> str:
    # A name that is no UTF-8 is kept in a readable form, which its own lookup meets again.
    return os.fspath(path).encode("utf-8", "backslashreplace").decode("utf-8")


def _plain(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)
