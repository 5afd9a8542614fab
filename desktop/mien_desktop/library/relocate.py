"""Finding media whose files were moved. Called in a background thread only; no Qt in here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from mien.errors import MediaError, NotMedia, shown
from mien.library.library import Library
from mien.library.medium import Medium
from mien.media.identity import content_id
from mien.media.probe import probe


def relocate(library: Library, medium: Medium, path: Path, missing: Sequence[Medium]) -> list[Medium]:
    """Tell the library where a medium lies now, and find the others that went the same way.

    What makes a file the medium is its content, not its name. Files are seldom moved alone: when `a/x.mp4` is now
    `b/a/x.mp4`, every other missing medium of `a` is looked for in `b/a`.

    Args:
        missing: media whose files are not where they were.

    Returns:
        The media found, the one asked for first.

    Raises:
        MediaError: the file cannot be read, or is another medium.
    """
    if content_id(path) != medium.id:
        raise NotMedia(
            f"This is another file, or it was changed since it was analysed; choose the one that was moved: {shown(path)}"
        )
    _join(library, medium, path)
    found = [medium]
    old, new = _moved(medium.path, path)
    for other in missing:
        for place in _candidates(other, medium, old, new):
            try:
                if content_id(place) != other.id:
                    continue
                _join(library, other, place)
            except MediaError:
                continue  # it was not asked for
            found.append(other)
            break
    return found


def _join(library: Library, medium: Medium, path: Path) -> None:
    library.add_medium(probe(path), medium.id)


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
