"""The library as the window uses it: opened once, asked only from the background thread."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from mien.engine.results import analysis_of
from mien.library.library import Library
from mien.library.medium import Medium, MediumFacts
from mien.sdk.media import MediaInfo
from mien.tracks.track import AnyTrack
from mien_desktop.settings.places import is_url


@dataclass(frozen=True)
class Stored:
    """What the library holds of a medium.

    Args:
        medium: its id, or empty when the library does not know it; media: its facts.
        tracks: by name, Features left out (nothing draws them).
        fusion: id of the fusion that was used last, or empty.
        partial: why the readings do not cover the whole medium, or empty.
        unread: whether it may be a medium that is known at another place, which only its content tells (`recognise`).
    """

    medium: str = ""
    media: MediaInfo | None = None
    tracks: dict[str, AnyTrack] = field(default_factory=dict)
    fusion: str = ""
    partial: str = ""
    unread: bool = False


class Shelf:
    """Opens the library when it is first asked; every method is called from the background thread."""

    def __init__(self, place: str) -> None:
        self.place = place
        self._library: Library | None = None

    @property
    def library(self) -> Library:
        """The library; raises LibraryError when it cannot be opened."""
        if self._library is None:
            self._library = Library(self.place)
        return self._library

    def stored(self, path: Path) -> Stored:
        """The readings of the medium at `path`; empty when it has none. No library is made for that."""
        if not is_url(self.place) and not os.path.lexists(os.path.expanduser(self.place)):
            return Stored()
        try:
            size = path.stat().st_size
        except OSError:
            return Stored()  # what is wrong with the file is told by those who play or analyse it
        entry = self.library.find_medium(path)
        if entry is None or entry.size != size:
            return Stored(unread=any(medium.size == size for medium in self.library.media()))
        return self._of(entry)

    def recognise(self, content: str, facts: MediumFacts) -> Stored:
        """The readings of a file that was moved, copied or replaced; from now on its place is known too.

        Args:
            content: what its content is known by (`mien.media.identity`); facts: what it is, with its place.
        """
        entry = self.library.find_medium(content)
        return Stored() if entry is None else self._of(self.library.add_medium(facts, entry.id))

    def _of(self, entry: Medium) -> Stored:
        current = self.library.runs(entry)
        if not current:
            return Stored()
        analysis = analysis_of(self.library, entry, [run.key for run in current])
        stored = self.library.tracks(list(reversed(current)))
        tracks = {info.name: stored[info.name] for info in stored.infos() if info.kind != "features"}
        used = [run.analyzer for run in current if run.analyzer.startswith("fusion.")]
        return Stored(entry.id, analysis.media, tracks, used[0] if used else "", analysis.partial)

    def of_run(self, run: str) -> dict[str, AnyTrack]:
        """The tracks of one run, by name, for a comparison; Features left out."""
        tracks = self.library.tracks(self.library.run(run))
        return {info.name: tracks[info.name] for info in tracks.infos() if info.kind != "features"}

    def fused_by(self, fusion: str, medium: str, own: str) -> dict[str, AnyTrack]:
        """The tracks of a medium's last run of a fusion; `own` is the one that stays the medium's, for that is the last used."""
        runs = {run.analyzer: run for run in self.library.runs(medium)}
        if own in runs:
            self.library.reuse(runs[own])
        return self.of_run(runs[fusion].id) if fusion in runs else {}

    def close(self) -> None:
        """Close the library."""
        if self._library is not None:
            self._library.close()
            self._library = None
