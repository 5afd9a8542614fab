"""What people decided about events, as rows of the library's corrections, and what those rows add up to. No Qt.

A row never changes: each decision is one more row beside the prediction, and the last word on a field holds.

    track, start, end, person   the prediction the row speaks of (its source and extent), or where an event was added
    field                       what was changed: `state`, `label`, `note`, `start`, `end`, `score`, joined by commas
    old                         {"event": {channel, label, score, threshold, added}, and the changed fields before}
    new                         the changed fields after
    note                        the event's note at that time
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.library.rows import Correction
from mien.tracks.track import TimeArray
from mien_desktop.events.sources import Source

STATES = ("open", "accepted", "rejected", "corrected")
FIELDS = ("state", "label", "note", "start", "end", "score", "deleted")


@dataclass(frozen=True)
class Key:
    """Which event a decision is about: its source and the extent that was predicted, or where it was added."""

    source: Source
    person: int | None
    start: float
    end: float
    added: bool = False


@dataclass(frozen=True)
class Entry:
    """One row to be written.

    Args:
        run: key of the run that made the prediction, or empty.
    """

    key: Key
    field: str
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    note: str = ""
    run: str = ""


@dataclass(frozen=True)
class Decision:
    """All rows about one event together.

    Args:
        values: field → what holds now.
        prediction: label, score and threshold when it was first decided on.
        author, made: of the last row.
    """

    key: Key
    values: Mapping[str, Any] = field(default_factory=dict)
    prediction: Mapping[str, Any] = field(default_factory=dict)
    author: str = ""
    made: datetime | None = None

    @property
    def deleted(self) -> bool:
        """Whether the event was taken back."""
        return bool(self.values.get("deleted"))


def decisions(rows: Iterable[Correction]) -> dict[Key, Decision]:
    """What the rows add up to; corrections that speak of no event are left alone."""
    found: dict[Key, Decision] = {}
    for row in sorted(rows, key=lambda row: row.id):
        key = key_of(row)
        if key is None:
            continue
        before = found.get(key) or Decision(key, {}, dict(row.old["event"]))
        found[key] = Decision(key, {**before.values, **row.new}, before.prediction, row.author, row.made)
    return found


def key_of(row: Correction) -> Key | None:
    """The event that a row speaks of, or None when it is another kind of correction."""
    if not isinstance(row.old, Mapping) or not isinstance(row.new, Mapping):
        return None
    event = row.old.get("event")
    if not isinstance(event, Mapping):
        return None
    source = Source(row.track, str(event.get("channel", "")))
    return Key(source, row.person, row.start, row.end, bool(event.get("added")))


def matched(
    extents: Sequence[tuple[float, float, int | None]], keys: Sequence[Key], least: float = 0.5
) -> dict[int, Key]:
    """Which prediction keeps which decision: the pairs that have at least `least` of what both cover
    in common (intersection over union), the closest first, one to one.

    Args:
        extents: start, end and person of each prediction.
        keys: of the decisions on that source.

    Returns:
        Number of the prediction → key.
    """
    if not extents or not keys:
        return {}
    order = sorted(range(len(keys)), key=lambda m: keys[m].start)
    first, last, whose = _columns([(keys[m].start, keys[m].end, keys[m].person) for m in order])
    start, end, own = _columns(extents)
    # What has `least` in common is at most 1 / `least` times as long, and begins before the other ends: of thousands of
    # decisions only a few are near enough to a stretch to be compared with it.
    begin = np.searchsorted(first, start - (end - start) / least)
    count = np.maximum(np.searchsorted(first, end) - begin, 0)
    ns = np.repeat(np.arange(start.size), count)
    ms = np.arange(ns.size) - np.repeat(np.cumsum(count) - count, count) + begin[ns]
    shared = np.clip(np.minimum(end[ns], last[ms]) - np.maximum(start[ns], first[ms]), 0.0, None)
    share = shared / np.maximum(np.maximum(end[ns], last[ms]) - np.minimum(start[ns], first[ms]), 1e-9)
    # A person's reading and that of nobody in particular are never the same event.
    close = np.flatnonzero((share >= least) & (own[ns] == whose[ms]))
    pairs = [(-float(share[i]), int(ns[i]), order[ms[i]]) for i in close.tolist()]
    taken: set[int] = set()
    found: dict[int, Key] = {}
    for _, n, m in sorted(pairs):
        if n not in found and m not in taken:
            found[n] = keys[m]
            taken.add(m)
    return found


def _columns(rows: Sequence[tuple[float, float, int | None]]) -> tuple[TimeArray, TimeArray, npt.NDArray[np.int64]]:
    """Starts, ends (s) and persons; a number that nobody has for None."""
    times = np.array([row[:2] for row in rows], np.float64).reshape(-1, 2)
    persons = np.fromiter((np.iinfo(np.int64).min if row[2] is None else row[2] for row in rows), np.int64, len(rows))
    return times[:, 0], times[:, 1], persons
