"""Labels that are loaded, and how they become figures; runs in the background, no widgets."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mien.errors import LibraryError
from mien.library.library import Library
from mien.library.medium import Medium
from mien.truth.labels import Label, LabelColumn, Labels
from mien.truth.match import Match, Sample, by_medium, readings_in, samples_of
from mien.truth.media import Found, find_media
from mien.truth.readings import Reading, fits, suggest

_AT_ONCE = 0.15  # s of work after which others get their turn in the background


@dataclass(frozen=True)
class Loaded:
    """Label files with what the library holds for them.

    Args:
        suggested: name of a column → the reading that it most likely means.
    """

    files: tuple[Path, ...]
    labels: Labels
    found: Found
    readings: tuple[Reading, ...]
    suggested: dict[str, Reading]

    @property
    def columns(self) -> tuple[LabelColumn, ...]:
        """Columns that can be compared with some reading; those that most likely mean one come first."""
        some = [c for c in self.labels.columns if any(fits(c, r) for r in self.readings)]
        return tuple(sorted(some, key=lambda c: c.name not in self.suggested))

    def readings_for(self, column: LabelColumn) -> tuple[Reading, ...]:
        """Readings that a column can be compared with, the likely one first."""
        likely = self.suggested.get(column.name)
        fit = [r for r in self.readings if fits(column, r)]
        return tuple(sorted(fit, key=lambda r: r != likely))

    @property
    def nameless(self) -> bool:
        """Whether some labels do not name their medium, so that the open one may be meant."""
        return any(not name for name, _ in self.labels.media)


def load(files: Sequence[Path], labels: Labels, library: Library, open_medium: str) -> Loaded:
    """Look for the media of labels that were read, and for readings.

    Args:
        open_medium: id of the medium that labels mean which name none; empty for none.

    Raises:
        LibraryError: none of the media is in the library.
    """
    fallback = library.find_medium(open_medium) if open_medium else None
    found = find_media(labels, library.media(), fallback)
    if not found.media:
        raise LibraryError(found.problems[0])
    readings = readings_in(library, found.distinct)
    likely = {column.name: suggest(column, readings) for column in labels.columns}
    return Loaded(tuple(files), labels, found, readings, {n: r for n, r in likely.items() if r is not None})


@dataclass
class Collecting:
    """The samples of a match, medium after medium."""

    match: Match
    waiting: list[tuple[Medium, list[Label]]]
    samples: list[Sample]
    total: int

    @classmethod
    def of(cls, loaded: Loaded, match: Match) -> Collecting:
        """All media of the match's labels, none read yet."""
        waiting = list(by_medium(match.column.labels, loaded.found.media).values())
        return cls(match, waiting, [], len(waiting))

    def go_on(self, library: Library) -> Collecting:
        """Read some media; call again while there are some waiting."""
        began = time.monotonic()
        while self.waiting and time.monotonic() - began < _AT_ONCE:
            medium, labels = self.waiting.pop(0)
            self.samples += samples_of(library, medium, labels, self.match)
        return self


def span_to_play(sample: Sample) -> tuple[float, float]:
    """Start and end in s of what is played of a sample: a second at least, half a minute where the end is not known."""
    end = sample.end if math.isfinite(sample.end) else sample.start + 30.0
    return sample.start, max(end, sample.start + 1.0)


def files_among(paths: Iterable[Path], suffixes: Sequence[str]) -> list[Path]:
    """Those that may be label files."""
    return [path for path in paths if path.suffix.lower() in suffixes]
