"""The library as the window uses it: opened once, asked only from the background thread."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mien.engine.results import analysis_of
from mien.errors import MediaError
from mien.library.library import Library
from mien.library.medium import Medium
from mien.media.identity import content_id
from mien.media.probe import probe
from mien.sdk.media import MediaInfo
from mien.tracks.track import AnyTrack


@dataclass(frozen=True)
class Stored:
    """What the library holds of a medium.

    Args:
        medium: its id, or empty when the library does not know it; media: its facts.
        tracks: by name, Features left out (nothing draws them).
        fusion: id of the fusion that was used last, or empty.
        partial: why the readings do not cover the whole medium, or empty.
    """

    medium: str = ""
    media: MediaInfo | None = None
    tracks: dict[str, AnyTrack] = field(default_factory=dict)
    fusion: str = ""
    partial: str = ""


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

    def stored(self, path: Path, runs: list[str] | None = None) -> Stored:
        """The readings of the medium at `path`, or of these run keys; empty when it has none."""
        entry = self._find(path)
        if entry is None or not self.library.runs(entry):
            return Stored()
        current = self.library.runs(entry)
        if runs is not None:
            found = (self.library.find_run(entry, key) for key in runs)
            current = [run for run in found if run is not None]
        analysis = analysis_of(self.library, entry, [run.key for run in current])
        stored = self.library.tracks(list(reversed(current)))
        tracks = {info.name: stored[info.name] for info in stored.infos() if info.kind != "features"}
        used = [run.analyzer for run in current if run.analyzer.startswith("fusion.")]
        return Stored(entry.id, analysis.media, tracks, used[0] if used else "", analysis.partial)

    def _find(self, path: Path) -> Medium | None:
        """The medium of a file: by its place, or by its content where it was moved, copied or replaced.

        Content is hashed only where a medium of the same size is known: that reads the whole file.
        """
        try:
            size = path.stat().st_size
            entry = self.library.find_medium(path)
            if entry is not None and entry.size == size:
                return entry
            if all(medium.size != size for medium in self.library.media()):
                return None
            entry = self.library.find_medium(content_id(path))
            return self.library.add_medium(probe(path), entry.id) if entry is not None else None
        except (OSError, MediaError):
            return None  # what is wrong with the file is told by those who play or analyse it

    def of_run(self, run: str) -> dict[str, AnyTrack]:
        """The tracks of one run, by name, for a comparison; Features left out."""
        tracks = self.library.tracks(self.library.run(run))
        return {info.name: tracks[info.name] for info in tracks.infos() if info.kind != "features"}

    def close(self) -> None:
        """Close the library."""
        if self._library is not None:
            self._library.close()
            self._library = None
