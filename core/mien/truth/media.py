"""Which medium of the library a label file means."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from mien.errors import shown
from mien.library.medium import Medium
from mien.truth.labels import Labels

Key = tuple[str, Path]
"""The medium as a label file names it (empty where it does not), and that file."""


@dataclass(frozen=True)
class Found:
    """Media that labels are about.

    Args:
        media: those of the library, by what the label files call them.
        problems: one sentence for each that was not found.
    """

    media: dict[Key, Medium]
    problems: tuple[str, ...]

    @property
    def distinct(self) -> tuple[Medium, ...]:
        """Each medium once."""
        return tuple({medium.id: medium for medium in self.media.values()}.values())


def find_media(labels: Labels, media: Sequence[Medium], fallback: Medium | None = None) -> Found:
    """Find the media that labels are about: by path (also relative to the label file), else by name without the folder,
    else by name without the suffix. Where a file names none, its own name counts: `talk.csv` is about `talk.mp4`.

    Args:
        media: those in question.
        fallback: what labels are about that say nothing, not even by their file's name.
    """
    by_path: dict[str, Medium] = {}
    by_name: dict[str, dict[str, Medium]] = {}
    by_stem: dict[str, dict[str, Medium]] = {}
    for one in media:
        for path in one.paths:
            by_path.setdefault(os.path.normcase(path), one)
            by_name.setdefault(path.name.casefold(), {})[one.id] = one
            by_stem.setdefault(path.stem.casefold(), {})[one.id] = one
        by_path.setdefault(one.id, one)
    found: dict[Key, Medium] = {}
    problems: list[str] = []
    medium: Medium | None
    for written, path in labels.media:
        if not written:
            medium = _only(by_stem, _stems(path)) or fallback
            if medium is None and len(media) == 1:
                medium = media[0]
            if medium is None:
                problems.append(f"It says nothing of the medium it is about; add a column “medium”: {shown(path)}")
            else:
                found[written, path] = medium
            continue
        places = (written, os.path.join(path.parent, written))
        medium = next((by_path[p] for p in map(_place, places) if p in by_path), by_path.get(written))
        if medium is None:
            name = PureWindowsPath(written).name if "\\" in written else Path(written).name
            medium = _only(by_name, [name.casefold()]) or _only(by_stem, [name.casefold(), Path(name).stem.casefold()])
            several = max(len(by_name.get(name.casefold(), ())), len(by_stem.get(Path(name).stem.casefold(), ())))
            if medium is None and several > 1:
                problems.append(
                    f"{several} analysed media are called {shown(name)}; give the whole path in the labels."
                )
                continue
        if medium is None:
            problems.append(f"The library does not know this medium; analyze it first: {shown(written)}")
        else:
            found[written, path] = medium
    return Found(found, tuple(problems))


def _place(path: str) -> str:
    return os.path.normcase(os.path.abspath(path))


def _stems(path: Path) -> list[str]:
    """What the medium of a label file may be called: `talk.csv`, and `talk-mien.eaf` as our own exports are named."""
    stem = path.stem.casefold()
    return [stem, stem.removesuffix("-mien"), stem.removesuffix("-labels"), Path(stem).stem]


def _only(by: dict[str, dict[str, Medium]], names: Iterable[str]) -> Medium | None:
    for name in names:
        media = by.get(name, {})
        if len(media) == 1:
            return next(iter(media.values()))
    return None
