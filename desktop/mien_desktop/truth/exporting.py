"""All figures of all labels that some reading answers to, and the pairs behind them, as files; made piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mien.errors import UsageError
from mien.library.library import Library
from mien.truth.match import Match, match
from mien.truth.report import write_check, write_samples
from mien.truth.score import Scored, score
from mien_desktop.truth.session import Collecting, Loaded
from mien_desktop.work.background import Background

Results = Mapping[tuple[str, str], Scored]
"""What was compared, by the names of the column and the reading."""


@dataclass
class Gathering:
    """Comparisons that are there, and those that are still to be made."""

    loaded: Loaded
    there: list[Scored]
    waiting: list[Match]
    part: Collecting | None = None

    @classmethod
    def of(cls, loaded: Loaded, results: Results) -> Gathering:
        """What was compared as it was compared; other columns with the reading that they most likely mean."""
        compared = {column for column, _ in results}
        waiting = []
        for column in loaded.columns:
            likely = loaded.suggested.get(column.name)
            if likely is not None and column.name not in compared:
                try:
                    waiting.append(match(column, likely))
                except UsageError:
                    continue  # it cannot be compared as it is; whoever wants it chooses how
        return cls(loaded, list(results.values()), waiting)

    @property
    def total(self) -> int:
        """How many comparisons it will be."""
        return len(self.there) + len(self.waiting) + (self.part is not None)

    @property
    def complete(self) -> bool:
        """Whether nothing is left to be done."""
        return not self.waiting and self.part is None

    def go_on(self, library: Library) -> Gathering:
        """Read some media, or score what was read; call again until it is complete."""
        if self.part is None:
            self.part = Collecting.of(self.loaded, self.waiting.pop(0))
        if self.part.waiting:
            self.part.go_on(library)
        else:
            self.there.append(score(self.part.match, self.part.samples))
            self.part = None
        return self

    def ordered(self) -> list[Scored]:
        """By the labels' columns."""
        names = [column.name for column in self.loaded.columns]
        return sorted(self.there, key=lambda one: names.index(one.match.column.name))


def samples_beside(path: Path) -> Path:
    """The file of pairs that goes with one of figures: `check-samples.csv` beside `check.csv`."""
    return path.with_name(f"{path.stem}-samples.csv")


def write(results: Sequence[Scored], path: Path, problems: Sequence[str] = ()) -> list[Path]:
    """Write the figures (JSON where the name ends so, else CSV), and every labelled stretch with what was read there.

    Raises:
        ExportError: a file cannot be written.
    """
    return [write_check(results, path, problems), write_samples(results, samples_beside(path))]


def export(
    background: Background,
    library: Callable[[], Library],
    gathering: Gathering,
    path: Path,
    say: Callable[[str], None],
    failed: Callable[[str], None],
) -> None:
    """Compare what is not compared yet, then write.

    Args:
        say: told how far it is, and at last what was written; failed: told why not, a sentence.
    """
    if not gathering.complete:
        say(f"Comparing … {len(gathering.there)} of {gathering.total} labels")
        background.run(
            lambda: gathering.go_on(library()),
            lambda gone_on: export(background, library, gone_on, path, say, failed),
            failed,
        )
        return
    results, problems = gathering.ordered(), gathering.loaded.found.problems
    background.run(
        lambda: write(results, path, problems),
        lambda written: say(f"Written: {' and '.join(file.name for file in written)}"),
        failed,
    )
