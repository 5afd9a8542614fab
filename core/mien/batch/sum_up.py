"""Sums up files that somebody else went through, the window's queue for one: as `mien scan` does, and nothing is analysed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mien.batch.find import Unread, look_again
from mien.batch.finish import Finish, Finisher
from mien.batch.journal import Journal
from mien.batch.places import OutFolder, Places, sweep
from mien.batch.rank import wanted_rank
from mien.batch.summary import Asked, Summary, ranked, write_summary
from mien.batch.survey import Item, Surveyor
from mien.engine.choice import Choice
from mien.engine.registry import Registry
from mien.errors import MienError, StorageError, shown
from mien.library.holdings import complete_runs
from mien.library.library import Library
from mien.library.readings import known_readings


@dataclass(frozen=True)
class Order:
    """What is to be summed up, and how.

    Args:
        items: in order, as they are known. One that is done without runs is looked for in the library. They are changed.
        unread: folders that could not be read.
        library: the library's place.
        choice: what was or is to be read; it says which readings there are to rank by.
        rank: as written, or empty for the usual one.
        out: the folder that is written to; it is made if it is not there.
        goes_on: how what is not analysed yet will be, a sentence.
    """

    items: Sequence[Item]
    unread: Sequence[Unread]
    library: str
    choice: Choice
    rank: str
    out: Path
    goes_on: str


def sum_up(
    order: Order,
    registry: Registry,
    watch: Callable[[float], None] = lambda share: None,
    stopped: Callable[[], bool] = lambda: False,
) -> list[Path]:
    """Write `summary.html`, `summary.csv` and `summary.parquet`.

    Args:
        watch: told the share that is done, from 0 to 1; what it raises ends all before anything is written.
        stopped: asked while files are looked into; once it says so the rest is left as it is.

    Raises:
        UsageError: the rank cannot be understood, the choice not be followed, or a scan writes to that folder.
        StorageError: the folder may not be written or the disk is full; what was there stays.
        LibraryError: the library cannot be read.
    """
    with Library(order.library) as library, Journal(library.place) as journal:
        surveyor = Surveyor(order.choice, registry, library, journal, touch=False)
        whole = surveyor.whole
        rank = wanted_rank(order.rank, known_readings(whole.readings()))
        with OutFolder(order.out):
            sweep(order.out)
            finisher = Finisher(library, registry, journal, Places(order.out), rank, (), {})
            items = _found_again(order.items, library, surveyor, stopped)
            for number, item in enumerate(items):
                watch(number / len(items))
                if item.state == "done":
                    _finish(item, finisher)
            watch(1.0)
            plugins = [f"{plugin} {version}" for plugin, version in whole.plugins().items()]
            # Some media may have been read before other plugins were chosen.
            plugins += sorted({plugin for item in items for plugin in item.runs} - whole.plugins().keys())
            roots = list(dict.fromkeys(item.found.root for item in items))
            asked = Asked(roots, rank, plugins, order.goes_on)
            return write_summary(Summary(ranked(items, rank), order.unread, asked, finisher.facts), order.out)


def _found_again(
    items: Sequence[Item], library: Library, surveyor: Surveyor, stopped: Callable[[], bool]
) -> list[Item]:
    """The items; those whose runs are not known, or not in this library, as they are found there under the present choice."""
    lost = [n for n, item in enumerate(items) if item.state == "done" and not _is_held(item, library)]
    found = surveyor.survey([look_again(items[n].found) for n in lost], stopped=stopped)
    for item in found:
        if item.state == "todo":
            item.reason = f"The library does not hold its readings any more; analyse it again: {shown(item.path)}"
    there = dict(zip(lost, found, strict=True))
    return [there.get(n, item) for n, item in enumerate(items)]


def _is_held(item: Item, library: Library) -> bool:
    if not item.runs:
        return bool(item.failed)  # all plugins failed, and there is nothing to hold
    held = complete_runs(library, item.medium)
    return all(key in held for key in item.runs.values())


def _finish(item: Item, finisher: Finisher) -> None:
    """Its place in the ranking, as a scan finds it."""
    finish = finisher.known(item)
    if finish is None:
        try:
            finish = finisher.work(item)
        except StorageError:
            raise
        except MienError as error:
            finish = Finish(error=error)
        finisher.keep(item, finish)
    item.standing = finish.standing
    if finish.error is not None:
        item.reason, item.exit_code = str(finish.error), finish.error.exit_code
