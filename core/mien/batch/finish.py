"""What is done with a file whose readings are complete: its figures, its place in the ranking, its exports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import mien
from mien.batch.facts import VERSION, facts_of
from mien.batch.journal import Journal
from mien.batch.places import Places, sweep
from mien.batch.rank import Rank, Standing
from mien.batch.survey import Item
from mien.engine.plan import digest
from mien.engine.registry import Registry
from mien.engine.results import analysis_of
from mien.errors import MienError, StorageError
from mien.exchange.write import export
from mien.library.library import Library


@dataclass(frozen=True)
class Finish:
    """What came of it; `error` is why an export could not be written."""

    facts: Mapping[str, float | int] = field(default_factory=dict)
    standing: Standing | None = None
    written: tuple[Path, ...] = ()
    error: MienError | None = None


class Finisher:
    """Finishes files. `known` and `keep` belong to the journal's thread; `work` may run in any.

    Args:
        rank: None to rank nothing.
        formats: ids of exporters.
        options: exporter → parameters.
    """

    def __init__(
        self,
        library: Library,
        registry: Registry,
        journal: Journal,
        places: Places,
        rank: Rank | None,
        formats: Sequence[str],
        options: Mapping[str, Mapping[str, Any]],
    ) -> None:
        self._library, self._registry, self._journal, self._places = library, registry, journal, places
        self._rank, self._formats, self._options = rank, tuple(formats), options
        self._swept: set[Path] = set()

    def known(self, item: Item) -> Finish | None:
        """What the journal knows, None if something is still to be worked out or written."""
        kept = self._kept(item)
        written = self._journal.written(item.path, self._export_key(item)) if self._formats else []
        if kept is None or written is None:
            return None
        return Finish(kept[0], kept[1], tuple(written))

    def work(self, item: Item) -> Finish:
        """Read what was found and write the exports.

        Raises:
            StorageError: the disk is full or may not be written: no other file would fare better.
            LibraryError: the readings cannot be read.
        """
        runs = [run.id for key in item.runs.values() if (run := self._library.find_run(item.medium, key)) is not None]
        tracks = self._library.tracks(runs)
        facts = facts_of(tracks)
        standing = self._rank.of(tracks, item.seconds) if self._rank is not None else None
        if not self._formats:
            return Finish(facts, standing)
        analysis = analysis_of(self._library, item.medium, list(item.runs.values()))
        # The same content may lie in several places: this is about the file, not about where it was seen last.
        analysis = replace(analysis, title=item.path.name, media=replace(analysis.media, path=item.path))
        folder, stem = self._places.of(item.found)
        try:
            self._places.check(item.found)
            if folder not in self._swept:
                self._swept.add(folder)
                sweep(folder)
            written = export(analysis, self._formats, folder, self._registry.exporters, self._options, stem=stem)
        except StorageError:
            raise
        except MienError as error:
            return Finish(facts, standing, (), error)
        return Finish(facts, standing, tuple(written))

    def keep(self, item: Item, finish: Finish) -> None:
        """Keep it in the journal."""
        standing = list(finish.standing) if finish.standing is not None else None
        self._journal.keep_facts(self._facts_key(item), {"facts": dict(finish.facts), "standing": standing})
        if self._formats and finish.error is None:
            self._journal.keep_written(item.path, self._export_key(item), list(finish.written))

    def facts(self, item: Item) -> Mapping[str, float | int]:
        """The figures of a finished file: from the journal, else worked out again."""
        kept = self._kept(item)
        if kept is not None:
            return kept[0]
        runs = [run.id for key in item.runs.values() if (run := self._library.find_run(item.medium, key)) is not None]
        return facts_of(self._library.tracks(runs))

    def _kept(self, item: Item) -> tuple[Mapping[str, float | int], Standing | None] | None:
        kept = self._journal.facts(self._facts_key(item))
        try:
            if kept is None:
                return None
            return kept["facts"], Standing(*kept["standing"]) if kept["standing"] is not None else None
        except (KeyError, TypeError):
            return None

    def _facts_key(self, item: Item) -> str:
        rank = self._rank.text if self._rank is not None else ""
        return digest({"version": VERSION, "medium": item.medium, "runs": dict(item.runs), "rank": rank})

    def _export_key(self, item: Item) -> str:
        folder, stem = self._places.of(item.found)
        corrections = [
            [c.id, c.track, c.start, c.end, c.field, repr(c.new)] for c in self._library.corrections(item.medium)
        ]
        return digest(
            {
                "mien": mien.__version__,
                "medium": item.medium,
                "runs": dict(item.runs),
                "formats": self._formats,
                "options": repr(sorted((name, sorted(values.items())) for name, values in self._options.items())),
                "place": [folder.as_posix().encode("utf-8", "backslashreplace").decode(), stem],
                "corrections": corrections,
            }
        )
