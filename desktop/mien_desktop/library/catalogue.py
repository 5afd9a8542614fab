"""What the library's page shows, read from the database. Called in a background thread only; no Qt in here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from mien.engine.reach import reach_of_run
from mien.engine.registry import Registry
from mien.errors import LibraryError
from mien.library.find import Finder, Match
from mien.library.library import Library
from mien.library.medium import Medium
from mien.library.overview import Entry, overview
from mien.library.peaks import Peaks
from mien.library.query import Query, parse
from mien.library.readings import FUSED, channels_of, known_readings
from mien.library.rows import Hit
from mien.sdk.media import MediaInfo
from mien.sdk.protocols import Analysis
from mien.tracks import AROUSAL, CONFLICT, HOSTILITY, Quantity, probability
from mien_desktop.events.wishes import forget
from mien_desktop.library.relocate import Found, join
from mien_desktop.timeline.readings import figure

PEAKS: dict[str, Quantity] = {
    FUSED: HOSTILITY,
    "conflict": CONFLICT,
    "offence": probability("offence"),
    "arousal": AROUSAL,
}
"""The readings whose highest value is shown of each medium."""


@dataclass(frozen=True)
class Card:
    """One medium as it is listed.

    Args:
        peaks: reading → its highest value; None where it was not read.
        complete: whether all peaks are known yet.
        partial: why its readings do not cover all of it, or empty.
        missing: its file is not where it was.
        damaged: what the library says of it cannot be read.
    """

    id: str
    path: Path
    seconds: float | None
    added: datetime
    video: bool
    partial: str = ""
    missing: bool = False
    peaks: dict[str, float | None] = field(default_factory=dict)
    complete: bool = False
    damaged: bool = False

    @property
    def title(self) -> str:
        """The file's name."""
        return self.path.name


@dataclass(frozen=True)
class Line:
    """One place in a medium that was found.

    Args:
        start, end: s.
        parts: the text in pieces; of each whether it is what was looked for.
        said: spoken words, else the extremes of readings.
    """

    medium: str
    path: Path
    start: float
    end: float
    parts: tuple[tuple[str, bool], ...]
    said: bool

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(text for text, _ in self.parts)


@dataclass(frozen=True)
class Answer:
    """What a query found: medium → its places, in order of time (words: the best first)."""

    query: Query
    lines: dict[str, tuple[Line, ...]]


class Catalogue:
    """The library as cards and answers. Opened with the first call.

    Args:
        place: the library's path or URL, None for the one that the settings name.
    """

    def __init__(self, place: str | Path | None) -> None:
        self._place = place
        self._library: Library | None = None
        self._peaks: Peaks | None = None
        self._finder: Finder | None = None
        self._entries: dict[str, Entry] = {}
        self._registry: Registry | None = None
        self._closed = False
        self.readings: dict[str, Quantity] = {}

    def close(self) -> None:
        """Close the database."""
        if self._library is not None and self._peaks is not None:
            self._peaks.close()
            self._library.close()
        self._library, self._closed = None, True

    def load(self) -> tuple[list[Card], dict[str, Quantity]]:
        """All media, with the peaks that are known already, and every reading's name.

        Raises:
            LibraryError: the library cannot be opened or read.
        """
        library, peaks, _ = self._open()
        entries = overview(library)
        self._entries = {entry.medium.id: entry for entry in entries}
        peaks.prune({track.run_id for entry in entries for track in entry.tracks.values()})
        stored = {(t.name, t.kind, t.quantities) for entry in entries for t in entry.tracks.values()}
        self.readings = known_readings([*stored, *self._from_plugins()])
        return [self._card(entry) for entry in entries], self.readings

    def fill(self, media: Iterable[str]) -> list[Card]:
        """The cards of these media with all their peaks, read from the tracks where need be."""
        _, peaks, _ = self._open()
        cards = []
        for entry in (self._entries[m] for m in media if m in self._entries):
            wanted = {track.id: track for reading in PEAKS for track, _ in channels_of(entry, reading)}
            for track in wanted.values():
                try:
                    peaks.fill([track])
                except LibraryError:
                    continue  # a damaged track has no peak; opening the medium tells
            cards.append(self._card(entry, final=True))
        return cards

    def find(self, query: Query, outdated: Callable[[], bool]) -> Answer:
        """The media that fit and where."""
        _, _, finder = self._open()
        matches = finder.find(query, list(self._entries.values()), outdated=outdated)
        return Answer(query, {m.entry.medium.id: _lines(m, query, self.readings) for m in matches})

    def parse(self, typed: str) -> Query:
        """What was typed; raises UsageError with one sentence."""
        return parse(typed, self.readings)

    def remove(self, media: Sequence[str]) -> None:
        """Take media out of the library, with the thresholds that were set for them; their files are left alone."""
        library, _, _ = self._open()
        for medium in media:
            library.remove(medium)
            forget(medium)
            self._entries.pop(medium, None)

    def missing(self, medium: str) -> tuple[Medium, list[Medium]]:
        """A medium, and all whose files are not where they were."""
        library, _, _ = self._open()
        gone = [entry.medium for entry in self._entries.values() if _place(entry) is None]
        return library.medium(medium), gone

    def join(self, found: Sequence[Found]) -> int:
        """Tell the library where these media lie now; returns how many they are."""
        library, _, _ = self._open()
        return join(library, found)

    def analysis(self, medium: str) -> Analysis | None:
        """What the engine's thumbnails are made from: the medium and its verdicts. None when it is gone."""
        entry = self._entries.get(medium)
        if entry is None:
            return None
        library, _, _ = self._open()
        tracks = library.tracks(entry.medium)
        shown = {name: tracks[name] for name in ("fusion.verdicts", "fusion.score") if name in tracks}
        info = MediaInfo(_place(entry) or entry.medium.path, entry.medium.duration, has_video=_has_video(entry))
        return Analysis(info, shown)

    def _open(self) -> tuple[Library, Peaks, Finder]:
        if self._closed:
            raise LibraryError("The library was closed; another one is in use now.")
        if self._library is None or self._peaks is None or self._finder is None:
            self._library = Library(self._place)
            self._peaks = Peaks(self._library)
            registry = self._plugins()
            self._finder = Finder(
                self._library, self._peaks, lambda track: reach_of_run(registry, track.analyzer, track.params)
            )
        return self._library, self._peaks, self._finder

    def _from_plugins(self) -> list[tuple[str, Any, tuple[Quantity, ...]]]:
        outputs = [w for analyzer in self._plugins().analyzers.values() for w in analyzer.outputs]
        return [*((w.name, w.kind, w.quantities) for w in outputs), ("fusion.score", "curve", (HOSTILITY,))]

    def _plugins(self) -> Registry:
        if self._registry is None:
            self._registry = Registry.load()
        return self._registry

    def _card(self, entry: Entry, *, final: bool = False) -> Card:
        assert self._peaks is not None
        found: dict[str, float | None] = {}
        complete = True
        for reading in PEAKS:
            found[reading] = None
            for track, channel in channels_of(entry, reading):
                known = self._peaks.known(track)
                if known is None:
                    complete = False
                    break
                peak = known[channel] if channel < len(known) else None
                if peak is not None:
                    found[reading] = peak.high
                    break
        medium, place = entry.medium, _place(entry)
        return Card(
            id=medium.id,
            path=place or medium.path,
            seconds=medium.duration,
            added=medium.added.astimezone(),
            video=_has_video(entry),
            partial=entry.partial,
            missing=place is None,
            damaged=medium.damaged,
            peaks=found,
            complete=complete or final,
        )


def _place(entry: Entry) -> Path | None:
    """Where its file is: the place where it was seen last, if it is still there."""
    return next((path for path in entry.medium.paths if path.is_file()), None)


def _has_video(entry: Entry) -> bool:
    return any(
        isinstance(s, dict) and s.get("kind") == "video" and not s.get("attached_picture") for s in entry.medium.streams
    )


def _lines(match: Match, query: Query, readings: dict[str, Quantity]) -> tuple[Line, ...]:
    medium, path = match.entry.medium, _place(match.entry) or match.entry.medium.path
    if query.text:
        return tuple(Line(medium.id, path, h.start, h.end, marked(h, query.text), said=True) for h in match.hits)
    lines = []
    for stretch in match.stretches:
        parts: list[tuple[str, bool]] = []
        for condition, value in zip(query.conditions, stretch.values, strict=True):
            quantity = readings.get(condition.reading)
            shown = signed(value, quantity)
            parts.append((("   " if parts else "") + f"{condition.reading} ", False))
            parts.append((f"{'up to' if condition.above else 'down to'} {shown}", True))
        lines.append(Line(medium.id, path, stretch.start, stretch.end, tuple(parts), said=False))
    return tuple(lines)


def marked(hit: Hit, text: str) -> tuple[tuple[str, bool], ...]:
    """A hit's snippet in pieces; of each whether it was looked for."""
    if "[" not in hit.text and "]" not in hit.text:
        pieces = re.split(r"\[([^\]]*)\]", hit.snippet)
    else:
        # The text has brackets of its own (sounds in subtitles), so the snippet's cannot be told from them.
        words = "|".join(re.escape(w) for w in text.replace('"', " ").split())
        pieces = re.split(rf"(?i)((?<!\w)(?:{words})\w*)", hit.text)
    return tuple((piece, n % 2 == 1) for n, piece in enumerate(pieces) if piece)


def signed(value: float, quantity: Quantity | None) -> str:
    """A value with two digits, and its sign where the extent has both."""
    both = quantity is not None and quantity.low is not None and quantity.low < 0
    return figure(value, signed=both)
