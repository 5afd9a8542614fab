"""Answers a query over the whole library: media with the utterances and the stretches that fit."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mien.errors import LibraryError
from mien.library.library import Library
from mien.library.overview import Entry, StoredTrack, read_track, read_tracks
from mien.library.peaks import Peak, Peaks
from mien.library.query import Condition, Query
from mien.library.readings import channels_of
from mien.library.rows import Hit
from mien.library.stretches import Stretch, common, find_stretches
from mien.tracks.track import AnyTrack

_KEPT_ROWS: Final = 2_000_000
"""Rows of tracks that are kept for the next query: who narrows a filter asks for the same tracks again."""
_AHEAD: Final = 16
"""Media whose tracks are read in one query: a query for each costs more than reading its rows."""

_FEW: Final = 1000
"""Media that may fit by their readings, so few that a search in them alone takes no longer than one in all."""

_Chosen = tuple[Condition, StoredTrack, int]
"""A condition, the track that it speaks of, and the channel."""


@dataclass(frozen=True)
class Match:
    """A medium that fits.

    Args:
        entry: the medium.
        stretches: where all conditions hold at one time; empty when there are none.
        hits: utterances with the text, the best first; of a query with conditions only those within the stretches.
        named: the text is (also) in the file's name.
    """

    entry: Entry
    stretches: tuple[Stretch, ...] = ()
    hits: tuple[Hit, ...] = ()
    named: bool = False


class Finder:
    """Answers queries; usable from any thread, one query at a time.

    Args:
        library: open.
        peaks: of that library.
        reach: s that a track's first and last reading reach outwards, half the window that they were computed on
            (`mien.engine.reach`); without it they hold for half their usual distance, and a single one for no time.
    """

    def __init__(self, library: Library, peaks: Peaks, reach: Callable[[StoredTrack], float] = lambda _: 0.0) -> None:
        self._library, self._peaks, self._reach = library, peaks, reach
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, AnyTrack] = OrderedDict()
        self._rows = 0

    def find(
        self,
        query: Query,
        entries: Sequence[Entry],
        *,
        limit: int = 1000,
        outdated: Callable[[], bool] = lambda: False,
    ) -> list[Match]:
        """The media that fit, in the order of `entries`.

        Args:
            entries: from `overview`.
            limit: of utterances in all.
            outdated: asked again and again; once this says so the search ends, and what it returns is not all.

        Raises:
            LibraryError: the library cannot be read.
        """
        with self._lock:
            hits: dict[str, list[Hit]] = {}
            all_heard = False
            possible = self._possible(query, entries, outdated, read=not query.text)
            if possible is None:  # peaks take long to find: only those of media with the words
                hits = self._heard(query.text, limit)
                all_heard = sum(map(len, hits.values())) < limit
                heard = [entry for entry in entries if entry.medium.id in hits] if all_heard else entries
                possible = self._possible(query, heard, outdated) or []
            if not all_heard:
                # Utterances of media that do not fit would take the room of those that do.
                few = bool(query.conditions) and len(possible) <= _FEW
                hits = self._heard(query.text, limit, [entry.medium.id for entry, _ in possible] if few else None)
            if query.conditions and query.text:
                possible = [(entry, chosen) for entry, chosen in possible if entry.medium.id in hits]
            found = []
            for first in range(0, len(possible), _AHEAD):
                if outdated():
                    break
                some = possible[first : first + _AHEAD]
                self._read_ahead([track for _, chosen in some for _, track, _ in chosen])
                for entry, chosen in some:
                    match = self._match(query, entry, chosen, hits.get(entry.medium.id, []))
                    if match is not None:
                        found.append(match)
            return found

    def peak(self, entry: Entry, reading: str) -> Peak | None:
        """The extremes of a reading in a medium: of the first of its tracks that has one."""
        for track, channel in channels_of(entry, reading):
            peak = self._peaks.of(track, channel)
            if peak is not None:
                return peak
        return None

    def _possible(
        self, query: Query, entries: Sequence[Entry], outdated: Callable[[], bool], read: bool = True
    ) -> list[tuple[Entry, list[_Chosen]]] | None:
        """The media whose peaks let all conditions hold, with the track of each condition: the cheap question first.

        Without `read`, None where a peak is not known yet.
        """
        if not query.conditions:
            return [(entry, []) for entry in entries]
        found = []
        for entry in entries:
            if outdated():
                break
            if not read and not self._known(query.conditions, entry):
                return None
            chosen = self._chosen(query.conditions, entry)
            if chosen:
                found.append((entry, chosen))
        return found

    def _known(self, conditions: Sequence[Condition], entry: Entry) -> bool:
        """Whether no track has to be read to say if the conditions can hold."""
        tracks = (track for c in conditions for track, _ in channels_of(entry, c.reading))
        return all(self._peaks.known(track) is not None for track in tracks)

    def _heard(self, text: str, limit: int, among: Sequence[str] | None = None) -> dict[str, list[Hit]]:
        """The best utterances with a text, by medium."""
        hits: dict[str, list[Hit]] = {}
        for hit in self._library.search(text, among=among, limit=limit) if text else ():
            hits.setdefault(hit.medium_id, []).append(hit)
        return hits

    def _match(self, query: Query, entry: Entry, chosen: Sequence[_Chosen], hits: list[Hit]) -> Match | None:
        if not query.conditions:
            named = _named(query.text, entry.medium.path)
            return Match(entry, (), tuple(hits), named) if hits or named else None
        try:
            stretches = self._stretches(chosen, entry)
        except LibraryError:
            return None  # one damaged track must not keep all other media from being found
        if query.text:
            hits = [h for h in hits if any(h.start < s.end and h.end > s.start for s in stretches)]
        return Match(entry, tuple(stretches), tuple(hits)) if stretches and (hits or not query.text) else None

    def _chosen(self, conditions: Sequence[Condition], entry: Entry) -> list[_Chosen]:
        """Each condition with the track and channel that it speaks of; empty when one of them cannot hold."""
        chosen = []
        try:
            for condition in conditions:
                meant = self._track(condition, entry)
                if meant is None:
                    return []
                chosen.append((condition, *meant))
        except LibraryError:
            return []  # as above
        return chosen

    def _stretches(self, chosen: Sequence[_Chosen], entry: Entry) -> list[Stretch]:
        found: list[Stretch] | None = None
        for condition, track, channel in chosen:
            whole, reach = self._read(track), self._reach(track)
            held = find_stretches(whole, channel, condition, entry.medium.duration, reach)
            found = held if found is None else common(found, held)
            if not found:
                return []
        return found or []

    def _track(self, condition: Condition, entry: Entry) -> tuple[StoredTrack, int] | None:
        """The track that a condition speaks of, None when its peak says that it cannot hold."""
        for track, channel in channels_of(entry, condition.reading):
            peak = self._peaks.of(track, channel)
            if peak is not None:
                return (track, channel) if _can_hold(peak, condition) else None
        return None

    def _read(self, track: StoredTrack) -> AnyTrack:
        if track.id in self._kept:
            self._kept.move_to_end(track.id)
            return self._kept[track.id]
        whole = read_track(self._library, track)
        self._keep(track, whole)
        return whole

    def _read_ahead(self, tracks: Sequence[StoredTrack]) -> None:
        """Read those that are not kept in one go; a damaged one is told when it is asked for."""
        missing = [track for track in tracks if track.id not in self._kept]
        if missing:
            for track, whole in zip(missing, read_tracks(self._library, missing), strict=True):
                if not isinstance(whole, LibraryError):
                    self._keep(track, whole)

    def _keep(self, track: StoredTrack, whole: AnyTrack) -> None:
        self._kept[track.id] = whole
        self._rows += len(whole)
        while self._rows > _KEPT_ROWS:
            self._rows -= len(self._kept.popitem(last=False)[1])


def _can_hold(peak: Peak, condition: Condition) -> bool:
    if condition.above:
        return peak.high >= condition.level - 1e-6
    return peak.low <= condition.level + 1e-6


def _named(text: str, path: Path) -> bool:
    """Whether every word of the text is in the file's name."""
    name = path.name.casefold()
    words = text.replace('"', " ").casefold().split()
    return bool(words) and all(word in name for word in words)
