"""Finding media whose files were moved. No Qt in here; files are read in a thread of their own, never the library."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mien.errors import MediaError, NotMedia, shown
from mien.library.library import Library
from mien.library.medium import Medium, MediumFacts
from mien.media.identity import content_id
from mien.media.probe import probe

Watch = Callable[[Path, float], None]
"""Told which file is looked through and how much of it, from 0 to 1; may raise `mien.errors.Cancelled`."""


@dataclass(frozen=True)
class Found:
    """A medium's file where it lies now, and what it is."""

    medium: Medium
    facts: MediumFacts


def identify(medium: Medium, path: Path, missing: Sequence[Medium], watch: Watch = lambda *_: None) -> list[Found]:
    """See that a file is the one of a medium, and find the others that went the same way.

    What makes a file the medium is its content, not its name. Files are seldom moved alone: when `a/x.mp4` is now
    `b/a/x.mp4`, every other missing medium of `a` is looked for in `b/a`.

    Args:
        missing: media whose files are not where they were.

    Returns:
        The files found, the one asked for first.

    Raises:
        MediaError: the file cannot be read, or is another medium.
        Cancelled: `watch` raised it.
    """
    if content_id(path, partial(watch, path)) != medium.id:
        raise NotMedia(
            f"This is another file, or it was changed since it was analysed; choose the one that was moved: {shown(path)}"
        )
    found = [Found(medium, probe(path))]
    old, new = _moved(medium.path, path)
    for other in missing:
        for place in _candidates(other, medium, old, new):
            try:
                if content_id(place, partial(watch, place)) == other.id:
                    found.append(Found(other, probe(place)))
                    break
            except MediaError:
                continue  # it was not asked for
    return found


def join(library: Library, found: Sequence[Found]) -> int:
    """Tell the library where media lie now; returns how many."""
    for one in found:
        library.add_medium(one.facts, one.medium.id)
    return len(found)


def _moved(old: Path, new: Path) -> tuple[Path, Path]:
    """The folders above which both paths are the same: what was moved, and to where."""
    while old.name == new.name and old.parent != old and new.parent != new:
        old, new = old.parent, new.parent
    return old, new


def _candidates(other: Medium, medium: Medium, old: Path, new: Path) -> Iterator[Path]:
    if other.id == medium.id:
        return
    for path in other.paths:
        if path.is_relative_to(old):
            place = new / path.relative_to(old)
            if place.is_file():
                yield place
