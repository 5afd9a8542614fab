"""What people said instead of readings, for the formats: every change with its author and time, or the last word."""

from __future__ import annotations

import csv
import fnmatch
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

from mien.exchange.manifest import finite
from mien.exchange.text import clean, one_line
from mien.exchange.tiers import Mark, Tier, disjoint
from mien.sdk.correction import Correction

FILE = "corrections.csv"
COLUMNS = (
    "track", "start", "end", "person", "field", "old", "new", "note", "author", "made", "run", "analyzer",
)  # fmt: skip

_STATES = ("open", "accepted", "rejected", "corrected")


def of_tracks(corrections: Sequence[Correction], patterns: str) -> list[Correction]:
    """The corrections of tracks whose names match one of the patterns (joined by commas), in order of stretch and time."""
    wanted = [p.strip() for p in patterns.split(",") if p.strip()]
    mine = [c for c in corrections if any(fnmatch.fnmatchcase(c.track, p) for p in wanted)]
    return sorted(mine, key=lambda c: (c.start, c.end, c.made))


def describe_correction(correction: Correction) -> dict[str, Any]:
    """One correction, JSON-ready; its moment as ISO 8601 in UTC."""
    values = {name: getattr(correction, name) for name in COLUMNS}
    values["made"] = correction.made.astimezone(UTC).isoformat(timespec="seconds")
    values["start"], values["end"] = round(correction.start, 6), round(correction.end, 6)
    ready: dict[str, Any] = json.loads(json.dumps(finite(values), default=str))
    return ready


def write_table(corrections: Sequence[Correction], path: Path, guard: Any, encoding: str = "utf-8") -> None:
    """Write one line a correction; old and new values are JSON.

    Args:
        guard: makes text safe to be opened in a spreadsheet.
    """
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for correction in corrections:
            values = describe_correction(correction)
            for name in ("old", "new"):
                values[name] = json.dumps(values[name], ensure_ascii=False)
            times = (f"{values.pop(name):.6f}" for name in ("start", "end"))
            track, person = guard(values.pop("track")), values.pop("person")
            writer.writerow(
                [track, *times, "" if person is None else person, *(guard(str(v)) for v in values.values())]
            )


@dataclass(frozen=True)
class Judged:
    """One stretch that people spoke of.

    Args:
        changes: everything that was said of it, in order of time.
        values: field → what holds in the end.
    """

    changes: tuple[Correction, ...]
    values: Mapping[str, Any]

    @property
    def last(self) -> Correction:
        """What was said last."""
        return self.changes[-1]

    @property
    def event(self) -> Mapping[str, Any]:
        """What was predicted, as the desktop wrote it down: channel, label, score, threshold; empty elsewhere."""
        old = self.changes[0].old
        found = old.get("event") if isinstance(old, Mapping) else None
        return found if isinstance(found, Mapping) else {}

    @property
    def extent(self) -> tuple[float, float]:
        """Start and end in s where people put it, else as it was predicted."""
        values, last = self.values, self.last
        start, end = float(values.get("start", last.start)), float(values.get("end", last.end))
        return start, max(start, end)

    @property
    def deleted(self) -> bool:
        """Whether it was taken back."""
        return bool(self.values.get("deleted"))

    @property
    def words(self) -> str:
        """The last word: `corrected: insult 0.40 – spoken in jest`."""
        return _words(self.last, self.values)

    def touches(self, start: float, end: float) -> bool:
        """Whether it lies in [start, end) of s, as it was predicted or where people put it."""
        predicted = self.last.start, self.last.end
        return any(first < end and last > start for first, last in (predicted, self.extent))


def judged(corrections: Iterable[Correction]) -> list[Judged]:
    """Corrections by the stretch that they speak of, in order of stretch."""
    stretches: dict[tuple[Any, ...], list[Correction]] = {}
    for correction in sorted(corrections, key=lambda c: c.made):
        stretches.setdefault(_stretch(correction), []).append(correction)
    found = [Judged(tuple(said), _together(said)) for said in stretches.values()]
    return sorted(found, key=lambda one: (one.last.start, one.last.end))


def moment(correction: Correction) -> str:
    """When it was made: `2026-11-21 16:02 UTC`."""
    return f"{correction.made.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def correction_tiers(corrections: Iterable[Correction], ticks: int, *, named: bool = False) -> list[Tier]:
    """A tier for each track and author: the last word on each stretch, where the person put it.

    Args:
        ticks: a second has.
        named: put the author into the tier's name, for formats whose tiers have nothing but a name.
    """
    marks: dict[tuple[str, str], list[Mark]] = {}
    for one in judged(corrections):
        if one.deleted:
            continue
        start, end = one.extent
        first = max(round(start * ticks), 0)
        text = one_line(f"{one.words} ({moment(one.last)})")
        mark = Mark(first, max(round(end * ticks), first + 1), text)
        marks.setdefault((one.last.track, one.last.author), []).append(mark)
    return [
        Tier(
            one_line(f"corrections {track}" + (f" by {author}" if named else "")) + (f" ({n + 1})" if n else ""),
            lane,
            "",
            one_line(author),
        )
        for (track, author), found in marks.items()
        for n, lane in enumerate(disjoint(found))
    ]


def _stretch(correction: Correction) -> tuple[Any, ...]:
    """What a correction speaks of: the channel as well, where the desktop wrote it down."""
    event = correction.old.get("event") if isinstance(correction.old, Mapping) else None
    channel = str(event.get("channel", "")) if isinstance(event, Mapping) else correction.field
    return correction.track, channel, correction.start, correction.end, correction.person


def _together(said: Sequence[Correction]) -> dict[str, Any]:
    """Field → what holds in the end."""
    values: dict[str, Any] = {}
    for correction in said:
        values |= correction.new if isinstance(correction.new, Mapping) else {correction.field: correction.new}
    return values


def _words(last: Correction, values: Mapping[str, Any]) -> str:
    """`corrected: insult 0.40 – spoken in jest`."""
    state = values.get("state") if values.get("state") in _STATES else ""
    others = {
        k: v for k, v in values.items() if k not in ("state", "start", "end", "note", "deleted", "label", "score")
    }
    said = " ".join(
        [str(values.get("label") or "")]
        + ([f"{values['score']:.2f}"] if isinstance(values.get("score"), int | float) else [])
        + [f"{name} {value}" for name, value in others.items()]
    ).strip()
    text = ": ".join(part for part in (str(state or ""), said) if part) or "open"
    note = str(values.get("note") or last.note or "")
    return one_line(clean(text + (f" – {note}" if note else "")))
