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

from mien.library.rows import Correction
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
    start, end = np.array([e[:2] for e in extents], np.float64).T[:, :, None]
    first, last = np.array([(k.start, k.end) for k in keys], np.float64).T[:, None, :]
    # A person's reading and that of nobody in particular are never the same event.
    mine = (
        np.array([[e[2] == k.person for k in keys] for e in extents])
        if any(e[2] is not None for e in extents)
        else True
    )
    shared = np.clip(np.minimum(end, last) - np.maximum(start, first), 0.0, None)
    share = shared / np.maximum(np.maximum(end, last) - np.minimum(start, first), 1e-9)
    close = np.argwhere((share >= least) & mine)
    pairs = [(-float(share[n, m]), int(n), int(m)) for n, m in close]
    taken: set[int] = set()
    found: dict[int, Key] = {}
    for _, n, m in sorted(pairs):
        if n not in found and m not in taken:
            found[n] = keys[m]
            taken.add(m)
    return found
