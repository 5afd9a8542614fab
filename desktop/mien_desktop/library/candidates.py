"""From what was dropped, chosen or is watched to media for the queue. Called in a background thread; no Qt in here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from mien.batch.find import Found, Wanted, find
from mien.batch.settle import Settling
from mien.errors import MediaMissing, MienError

EVERY = 5.0
"""s between two looks for new files, as of `mien scan --watch`; a file that looked the same at two of them has settled."""


@dataclass(frozen=True)
class Watched:
    """A folder whose new and changed media go into the queue; globs as in `mien.batch.find.Wanted`."""

    folder: Path
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass
class Seen:
    """Media, and why some folder could not be looked into, one sentence each."""

    files: list[Found] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    unsettled: bool = False


def find_media(paths: Iterable[Path], wanted: Wanted, stopped: Callable[[], bool] = lambda: False) -> Seen:
    """Files as named, folders as the media in them at all levels, each once, in order; one that is not there is a file.

    Args:
        stopped: asked at every folder; the walk ends once it says so.
    """
    files: dict[Path, Found] = {}
    seen = Seen()
    for path in paths:
        try:
            tree = find([path], wanted, stopped)
        except MediaMissing:
            path = path.absolute()
            files.setdefault(path, Found(path, path.parent, -1, ""))  # who looks into it will say so
            continue
        for found in tree.files:
            files.setdefault(found.path, found)
        seen.troubles += [folder.reason for folder in tree.unread]
    seen.files = list(files.values())
    return seen


class Lookout:
    """Looks again and again for what is new in a folder."""

    def __init__(self, watched: Watched, every: float = EVERY) -> None:
        self.watched = watched
        self._settling = Settling(every)
        self._first = True

    def look(self, stopped: Callable[[], bool] = lambda: False) -> Seen:
        """The media that are new or changed and have stopped growing."""
        wanted = Wanted(self.watched.include, self.watched.exclude)
        try:
            tree = find([self.watched.folder], wanted, stopped)
        except MienError as error:
            return Seen(troubles=[str(error)])
        ready = self._settling.ready(tree.files, by_date=self._first)
        self._first = False
        return Seen(ready, [folder.reason for folder in tree.unread], self._settling.is_waiting())
