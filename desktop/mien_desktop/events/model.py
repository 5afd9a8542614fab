"""Events: what a threshold finds in a source, together with what people decided about it. No Qt, no input or output."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

import numpy as np

from mien.library.rows import Correction
from mien.tracks.track import AnyTrack, Spans
from mien_desktop.events.ledger import Decision, Entry, Key, decisions, matched
from mien_desktop.events.sources import Found, Prepared, Reading, Rule, Source, readings
from mien_desktop.player.overlay import person_name

State = Literal["open", "accepted", "rejected", "corrected"]
_BESIDE = 0.1
"""s; how near to an event's start counts as at it: a picture there may lie a frame before, or after."""


@dataclass(frozen=True)
class Event:
    """One event as it stands.

    Args:
        key: what its decisions are kept under.
        start, end: s, as corrected by people.
        source: what it was found in; person: whose reading it is, or None.
        score: highest reading, in the source's unit, as corrected; NaN where the source has no score.
        peak: time of the highest reading, s.
        state: open until somebody decides.
        label, note: what people call it and say of it.
        added: by hand; no prediction stands behind it.
        author, made: of the last decision.
        predicted: what was found, None when it was added.
    """

    key: Key
    start: float
    end: float
    source: Source
    score: float
    peak: float
    state: State
    label: str
    note: str = ""
    person: int | None = None
    added: bool = False
    author: str = ""
    made: datetime | None = None
    predicted: Found | None = None

    @property
    def length(self) -> float:
        """s."""
        return self.end - self.start

    @property
    def source_title(self) -> str:
        """Where it comes from, for people."""
        if self.added:
            return "by hand"
        return self.source.title if self.person is None else f"{self.source.title}, person {person_name(self.person)}"


class EventModel:
    """Finds events anew whenever source, rule or decisions change; `events` is always in order of time.

    A decision belongs to an extent of a source. When the threshold moves, a stretch that is found keeps the decision
    with which it shares at least half of what both cover together; where several compete the closest pair wins. A decision
    that fits nothing at present stays in the library and holds again once its stretch is found again; `hidden` is how many
    of the source do so. Events that people added are always there.
    """

    def __init__(self) -> None:
        self.prepared: Prepared | None = None
        self.rule = Rule()
        self.rows: dict[int, Correction] = {}
        self.tracks: Mapping[str, AnyTrack | None] = {}
        self.events: tuple[Event, ...] = ()
        self.hidden = 0
        self._found: list[Found] = []

    def set_source(self, prepared: Prepared | None) -> None:
        """Find events in another source, or the same one as it has grown."""
        self.prepared = prepared
        self._find()

    def set_rule(self, rule: Rule) -> None:
        """Move the threshold or the least length."""
        self.rule = rule
        self._find()

    def set_rows(self, rows: Iterable[Correction]) -> None:
        """Take what the library holds."""
        self.rows = {row.id: row for row in rows}
        self._join()

    def change_rows(self, added: Iterable[Correction] = (), removed: Iterable[Correction] = ()) -> None:
        """Follow what was written to the library, or withdrawn from it."""
        for row in removed:
            self.rows.pop(row.id, None)
        self.rows.update({row.id: row for row in added})
        self._join()

    def track(self) -> tuple[Spans, dict[int, State]]:
        """The events as a track, row by row as in `events`, and the state of each row that is not open."""
        events = self.events
        spans = Spans(
            "events",
            np.array([e.start for e in events], np.float64),
            np.array([e.end for e in events], np.float64),
            tuple(e.label for e in events),
            tuple(e.note for e in events),
            np.array([e.score for e in events], np.float32),
            ("",) * len(events),
        )
        return spans, {row: e.state for row, e in enumerate(events) if e.state != "open"}

    def extent(self, event: Event) -> tuple[float, float]:
        """Lowest and highest score that an event can be given, in the unit of its source."""
        prepared = self.prepared
        low, high = (prepared.low, prepared.high) if prepared and prepared.source == event.source else (0.0, 1.0)
        return (low, high) if event.score != event.score else (min(low, event.score), max(high, event.score))

    def readings(self, event: Event) -> list[Reading]:
        """What each modality says at the event's peak."""
        return readings(self.tracks, event.peak, event.person)

    def entry(self, event: Event, changes: Mapping[str, Any]) -> Entry | None:
        """The row that says `changes` (field → new value) of an event; None when nothing would change."""
        new = {name: value for name, value in changes.items() if self._value(event, name) != value}
        if not new:
            return None
        old = {"event": self._context(event), **{name: self._value(event, name) for name in new}}
        note = str(new.get("note", event.note))
        return Entry(event.key, ",".join(new), old, new, note, self.prepared.run if self.prepared else "")

    def addition(self, start: float, end: float, label: str = "") -> Entry:
        """The row that adds an event by hand; it is accepted at once.

        Raises:
            ValueError: it has no length, or there is one with just this extent.
        """
        start, end = max(0.0, float(start)), float(end)
        if not end > start:
            raise ValueError("An event needs an end after its start; select a stretch of time first.")
        source = self.prepared.source if self.prepared is not None else Source("fusion.score", "hostility")
        key = Key(source, None, start, end, True)
        if any(event.key == key for event in self.events):
            raise ValueError("There is an event with just this extent already.")
        label = label or (self.prepared.quantity.name if self.prepared is not None else "event")
        new = {"state": "accepted", "label": label, "start": start, "end": end, "deleted": False}
        old = {"event": {"channel": source.channel, "added": True, "threshold": self.rule.threshold}}
        return Entry(key, "added", old, new)

    def _find(self) -> None:
        self._found = self.prepared.find(self.rule) if self.prepared is not None else []
        self._join()

    def _join(self) -> None:
        known = decisions(self.rows.values())
        source = self.prepared.source if self.prepared is not None else None
        own = [key for key in known if key.source == source and not key.added]
        keys = matched([(f.start, f.end, f.person) for f in self._found], own)
        self.hidden = len(own) - len(keys)
        events = []
        for n, found in enumerate(self._found):
            assert source is not None
            key = keys.get(n) or Key(source, found.person, found.start, found.end)
            events.append(_event(key, found, known.get(key)))
        events += [_event(key, None, known[key]) for key in known if key.added and not known[key].deleted]
        self.events = tuple(sorted(events, key=lambda e: (e.start, e.end, e.added)))

    def _context(self, event: Event) -> dict[str, Any]:
        context: dict[str, Any] = {"channel": event.key.source.channel, "threshold": self.rule.threshold}
        if event.added:
            return {**context, "added": True}
        assert event.predicted is not None
        score = round(event.predicted.score, 6)
        return {**context, "label": event.predicted.label, "score": score if score == score else None}

    @staticmethod
    def _value(event: Event, name: str) -> Any:
        if name == "deleted":
            return False
        value = getattr(event, name)
        return None if value != value else value


def _event(key: Key, found: Found | None, decision: Decision | None) -> Event:
    said = decision.values if decision is not None else {}
    start = float(said.get("start", found.start if found else key.start))
    end = float(said.get("end", found.end if found else key.end))
    score = said.get("score", found.score if found else None)
    return Event(
        key=key,
        start=start,
        end=end,
        source=key.source,
        score=float("nan") if score is None else float(score),
        peak=found.peak if found else (start + end) / 2,
        state=cast(State, said.get("state", "open")),
        label=str(said.get("label", found.label if found else "")),
        note=str(said.get("note", "")),
        person=key.person,
        added=key.added,
        author=decision.author if decision is not None else "",
        made=decision.made if decision is not None else None,
        predicted=found,
    )


def beside(events: Iterable[Event], step: int, position: float) -> Event | None:
    """The first event that begins after a time in s (step 1), or the last before it (−1)."""
    ordered = sorted(events, key=lambda e: (e.start, e.end))
    if step > 0:
        return next((e for e in ordered if e.start > position + _BESIDE), None)
    return next((e for e in reversed(ordered) if e.start < position - _BESIDE), None)
