"""From what was dropped, chosen or is watched to media for the queue. Called in a background thread; no Qt in here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from mien.batch.find import Found, Unread, Wanted, find
from mien.batch.settle import Settling
from mien.errors import MienError

EVERY = 5.0
"""s between two looks for new files, as of `mien scan --watch`; a file that looked the same at two of them has settled."""


@dataclass(frozen=True)
class Watched:
    """A folder whose new and changed media go into the queue; globs and links as in `mien.batch.find.Wanted`."""

    folder: Path
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    follow: bool = False


@dataclass
class Seen:
    """Media, and what could not be looked into.

    Args:
        unread: for each folder that was named, those in it that could not be read.
        links: how many links to folders were left alone.
        trouble: why nothing could be looked into, a sentence, or empty.
    """

    files: list[Found] = field(default_factory=list)
    unread: dict[Path, tuple[Unread, ...]] = field(default_factory=dict)
    links: int = 0
    trouble: str = ""
    unsettled: bool = False

    @property
    def troubles(self) -> list[str]:
        """Why some folders could not be looked into, one sentence each."""
        reasons = [folder.reason for folders in self.unread.values() for folder in folders]
        return [self.trouble] * bool(self.trouble) + list(dict.fromkeys(reasons))


def find_media(paths: Iterable[Path], wanted: Wanted, stopped: Callable[[], bool] = lambda: False) -> Seen:
    """Files as named, folders as the media in them at all levels, each once, in order; at the end those that are not there.

    Args:
        stopped: asked at every folder; the walk ends once it says so.

    Raises:
        MediaMissing: something went away at this moment.
    """
    named = list(dict.fromkeys(Path(os.path.abspath(path)) for path in paths))
    gone = {path: Found(path, path.parent, -1, "") for path in named if not os.path.lexists(path)}
    there = [path for path in named if path not in gone]  # of what is gone whoever looks into it will say so
    tree = find(there, wanted, stopped)
    unread = {
        root: tuple(u for u in tree.unread if root in (u.path, *u.path.parents)) for root in there if root.is_dir()
    }
    return Seen([*tree.files, *gone.values()], unread, len(tree.links))


class Lookout:
    """Looks again and again for what is new in a folder."""

    def __init__(self, watched: Watched, every: float = EVERY) -> None:
        self.watched = watched
        self._settling = Settling(every)
        self._first = True

    def look(self, stopped: Callable[[], bool] = lambda: False) -> Seen:
        """The media that are new or changed and have stopped growing."""
        watched = self.watched
        wanted = Wanted(watched.include, watched.exclude, follow=watched.follow)
        try:
            tree = find([watched.folder], wanted, stopped)
        except MienError as error:
            return Seen(trouble=str(error))
        ready = self._settling.ready(tree.files, by_date=self._first)
        self._first = False
        return Seen(ready, {watched.folder: tuple(tree.unread)}, len(tree.links), unsettled=self._settling.is_waiting())
