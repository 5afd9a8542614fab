"""A scan from beginning to end: find, look into, analyse, sum up; and go on watching, if that is wanted."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from mien.batch.devices import Slot
from mien.batch.find import Found, Tree, Wanted, find
from mien.batch.finish import Finisher
from mien.batch.journal import Journal
from mien.batch.nodes import Use
from mien.batch.places import OutFolder, Places, sweep
from mien.batch.pool import Pool
from mien.batch.rank import Rank, wanted_rank
from mien.batch.scan import Scan, Watcher
from mien.batch.settle import Settling
from mien.batch.summary import Asked, Summary, ranked, write_summary
from mien.batch.survey import Item, Surveyor
from mien.batch.workers import Workers
from mien.engine.choice import Choice
from mien.engine.registry import Registry
from mien.errors import MienError
from mien.library.database import is_empty
from mien.library.library import Library
from mien.library.readings import known_readings


@dataclass(frozen=True)
class Order:
    """What is wanted of a scan.

    Args:
        paths: folders and files.
        out: where the summary and the exports go.
        library: the library's place.
        choice: checked; its device and threads are the slots'.
        slots: of the workers; with `ray` those that look into files before, and then the cluster's.
        ray: the cluster that analyses, None for workers on this computer.
        include, exclude, follow: see `mien.batch.find.Wanted`.
        rank: as written, or empty for the usual one.
        formats: ids of exporters, and `options` their parameters.
        again: read every file anew instead of trusting size and date.
        patience: s without a sign of life after which a medium is given up, None for never.
        watch: s between two looks for new files, None to end when all is done.
        dry: change nothing.
    """

    paths: Sequence[Path]
    out: Path
    library: str
    choice: Choice
    slots: Sequence[Slot]
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    follow: bool = False
    rank: str = ""
    formats: Sequence[str] = ()
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    again: bool = False
    patience: float | None = None
    watch: float | None = None
    dry: bool = False
    log_file: Path | None = None
    ray: Use | None = None


class Session:
    """One scan. Used as a context; `survey` first, then `run`, and `watch` where that is wanted.

    Raises:
        MienError: the order cannot be followed.
    """

    def __init__(self, order: Order, registry: Registry) -> None:
        self.order = order
        self._registry = registry
        self._stack = ExitStack()
        self.items: list[Item] = []
        self.tree = Tree()
        try:
            self._open()
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _open(self) -> None:
        order = self.order
        place = order.library
        empty = order.dry and is_empty(place)
        if empty:  # looking would find no tables to ask
            place = os.path.join(self._stack.enter_context(tempfile.TemporaryDirectory()), "library.db")
        if not order.dry:
            self._stack.enter_context(OutFolder(order.out))
            sweep(order.out)
        if order.ray is not None:
            from mien.batch.cluster import Cluster

            self._cluster = self._stack.enter_context(Cluster(order.ray.address))
            self.order = replace(order, slots=self._cluster.slots(order.ray))
        library = self._stack.enter_context(Library(place, look=order.dry and not empty))
        journal = self._stack.enter_context(Journal(library.place))
        self._surveyor = Surveyor(
            order.choice,
            self._registry,
            library,
            journal,
            again=order.again,
            processes=len(order.slots),
            touch=not order.dry,
        )
        readings = known_readings(self._surveyor.whole.readings())
        self.rank: Rank | None = wanted_rank(order.rank, readings)
        self._places = Places(order.out)
        self._finisher = Finisher(
            library, self._registry, journal, self._places, self.rank, order.formats, order.options
        )
        self._library = library
        self._settling = Settling(order.watch or 0.0)

    def find(self) -> Tree:
        """Walk through what was named.

        Raises:
            MediaMissing: something is not there.
        """
        order = self.order
        wanted = Wanted(order.include, order.exclude, order.out, order.follow)
        self.tree = find(order.paths, wanted)
        return self.tree

    def survey(self, on_item: Callable[[Item], None] = lambda item: None) -> list[Item]:
        """Look into the files that were found, those that still grow left out where new ones are watched for."""
        files = self.tree.files
        if self.order.watch is not None:
            files = self._settling.ready(files, by_date=True)
        self.items = self._take(files, on_item)
        return self.items

    def run(self, watcher: Watcher, on_round: Callable[[], None] = lambda: None) -> MienError | None:
        """Analyse what is to be done; with `watch` go on for ever with new and changed files.

        Args:
            on_round: called whenever everything that was there is done.

        Returns:
            What kept it from going on: every other file would meet the same.

        Raises:
            KeyboardInterrupt: after what ran was ended in order.
        """
        order = self.order
        items: list[Item] = self.items
        with self._workers(watcher) as pool:
            while True:
                if items:
                    scan = Scan(self._library, self._surveyor, self._finisher, pool, watcher)
                    scan.run(items)
                    if scan.stopped_by is not None:
                        return scan.stopped_by
                    on_round()
                if order.watch is None:
                    return None
                time.sleep(order.watch)
                ready = self._settling.ready(self.find().files)
                items = self._take(ready, lambda item: None)
                self._merge(items)

    def _workers(self, watcher: Watcher) -> Workers:
        order = self.order
        if order.ray is None:
            return Pool(self._library.where, order.log_file, order.slots, order.choice, order.patience)
        from mien.batch.ray_pool import RayPool
        from mien.batch.seat import terms_of

        terms = terms_of(order.choice, self._surveyor.asked, self._library.where)
        return RayPool(self._cluster, order.ray, terms, order.patience, watcher.noted)

    def summarise(self) -> list[Path]:
        """Write the summary of what is done by now.

        Raises:
            StorageError: it cannot be written.
        """
        order = self.order
        roots = [Path(os.path.abspath(path)) for path in order.paths]
        plugins = [f"{plugin} {version}" for plugin, version in self._surveyor.whole.plugins().items()]
        asked = Asked(list(dict.fromkeys(roots)), self.rank, plugins)
        summary = Summary(ranked(self.items, self.rank), self.tree.unread, asked, self._finisher.facts)
        return write_summary(summary, order.out)

    @property
    def failed(self) -> int:
        """How many files failed wholly or in part, and folders could not be read."""
        return sum(bool(item.trouble) for item in self.items) + len(self.tree.unread)

    def _take(self, files: Sequence[Found], on_item: Callable[[Item], None]) -> list[Item]:
        self._places.add(files)
        return self._surveyor.survey(files, on_item)

    def _merge(self, items: Sequence[Item]) -> None:
        """New items behind the old ones, changed ones in their place."""
        fresh = {item.path: item for item in items}
        self.items = [fresh.pop(item.path, item) for item in self.items] + list(fresh.values())
