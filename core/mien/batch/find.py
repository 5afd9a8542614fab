"""From folders and files that were named to the media in them. Light to import."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mien.errors import MediaMissing, UsageError, shown

SUFFIXES = frozenset(
    (
        *(".mp4", ".m4v", ".mkv", ".webm", ".mov", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".flv", ".wmv"),
        *(".3gp", ".ogv", ".gif", ".wav", ".flac", ".mp3", ".m4a", ".aac", ".ogg", ".oga", ".opus", ".aif", ".aiff"),
        *(".wma", ".amr"),
    )
)
"""What counts as a medium inside a folder; a file that is named itself may have any suffix."""

SIDE_CARS = frozenset((".srt", ".vtt", ".ass", ".ssa"))
"""Subtitles belong to the medium beside them and are never media themselves (see `mien.media.subtitles`)."""

MARKER = ".mien-scan"
"""A file that says: exports of a scan lie in this folder and below."""

_MARK = "-mien"  # what exports are called by, see `mien.exchange.write`


@dataclass(frozen=True, slots=True)
class Found:
    """A file that may be a medium.

    Args:
        path: absolute; links in it are not resolved.
        root: the folder that was named, or that of a file that was named itself.
        size: bytes, -1 when the file system does not say.
        signature: tells whether the file is still the one that was seen: size, dates and number in the file system.
        side_cars: the same of the subtitles beside it; empty without any.
    """

    path: Path
    root: Path
    size: int
    signature: str
    side_cars: str = ""

    @property
    def inside(self) -> Path:
        """The path inside the folder that was named."""
        return self.path.relative_to(self.root)


@dataclass(frozen=True, slots=True)
class Unread:
    """A folder whose files are not known, and why, in one sentence."""

    path: Path
    reason: str


@dataclass
class Tree:
    """What a walk found: files in order, each once; folders that could not be read; links to folders not followed."""

    files: list[Found] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    links: list[Path] = field(default_factory=list)


@dataclass(frozen=True)
class Wanted:
    """Which files are wanted.

    Args:
        include: globs; a file must match one of them, whatever its suffix. Without any the suffix decides.
        exclude: globs of files and folders to be left out.
        out: a folder that exports are written to. In it, and in others with a `MARKER`, what bears an export's name
            (`clip-mien.mp4`, `clip-mien-csv`) is left out, at all levels.
        follow: look into folders that links point to, each real folder once.

    A glob without `/` speaks of a name (`*.mp4`), one with `/` of the path inside the named folder (`2024/**/raw`);
    `**` stands for any number of folders. Case does not matter.
    """

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    out: Path | None = None
    follow: bool = False


def find(paths: Iterable[Path], wanted: Wanted | None = None, stopped: Callable[[], bool] = lambda: False) -> Tree:
    """Files as named, folders as the media in them at all levels, hidden ones left out; each file once, in order.

    Args:
        stopped: asked at every folder; the walk ends once it says so.

    Raises:
        MediaMissing: something that was named is not there.
        UsageError: a glob stands for nothing.
    """
    walk = _Walk(wanted or Wanted(), stopped)
    for named in paths:
        path = Path(os.path.abspath(named))
        if path.is_dir():
            walk.folder(path)
        elif not os.path.lexists(path):
            raise MediaMissing(f"There is no such file or folder; check the name: {shown(path)}")
        else:
            walk.add(path, path.parent, side_cars_of(path))
    return walk.tree


def sign(path: Path) -> tuple[int, str]:
    """A file's size and signature; (-1, "") when the file system does not say."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return -1, ""
    return status.st_size, f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_ino}"


def look_again(found: Found) -> Found:
    """The same file as it is now."""
    return _found(found.path, found.root, side_cars_of(found.path))


def side_cars_of(path: Path) -> list[Path]:
    """The files beside a medium that may be its subtitles."""
    try:
        names = os.listdir(path.parent)
    except OSError:
        return []
    return _of(path, _side_cars(path.parent, names))


def check_globs(globs: Iterable[str]) -> tuple[str, ...]:
    """The globs; raises UsageError if one stands for nothing."""
    return tuple(glob for glob in globs if _compiled(glob))


def matcher(globs: Sequence[str]) -> Callable[[str], bool]:
    """Whether a path (with `/`) matches one of the globs; raises UsageError if one stands for nothing."""
    names = [_compiled(glob) for glob in globs if "/" not in glob.strip("/")]
    whole = [_compiled(glob) for glob in globs if "/" in glob.strip("/")]

    def matches(path: str) -> bool:
        name = path.rsplit("/", 1)[-1]
        return any(g.fullmatch(name) for g in names) or any(g.fullmatch(path) for g in whole)

    return matches


def _compiled(glob: str) -> re.Pattern[str]:
    parts = []
    text = glob.strip("/")
    at = 0
    while at < len(text):
        if text.startswith("**/", at):
            parts.append(r"(?:[^/]+/)*")
            at += 3
        elif text.startswith("**", at):
            parts.append(r".*")
            at += 2
        elif text[at] == "*":
            parts.append(r"[^/]*")
            at += 1
        elif text[at] == "?":
            parts.append(r"[^/]")
            at += 1
        elif text[at] == "[" and (end := text.find("]", at + 2)) > 0:
            inside = text[at + 1 : end]
            negated = inside[:1] in ("!", "^")
            # A range may end in a hyphen; of two of them in a row Python warns.
            inside = re.escape(inside[negated:]).replace(re.escape("-"), "-").replace("--", r"-\-")
            parts.append(f"[{'^/' if negated else ''}{inside}]")
            at = end + 1
        else:
            parts.append(re.escape(text[at]))
            at += 1
    try:
        return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)
    except re.error:
        raise UsageError(f"The pattern {glob!r} stands for nothing; a range goes upwards, as in [a-z].") from None


class _Walk:
    def __init__(self, wanted: Wanted, stopped: Callable[[], bool]) -> None:
        self.tree = Tree()
        self._wanted, self._stopped = wanted, stopped
        self._included = matcher(wanted.include) if wanted.include else None
        self._excluded = matcher(wanted.exclude)
        self._out = _identity(wanted.out) if wanted.out is not None else None
        self._seen: set[Path] = set()
        self._folders: set[tuple[int, int]] = set()

    def folder(self, root: Path) -> None:
        """Everything below a folder, in the order of the names."""
        stack = [(root, self._within_out(root))]
        while stack and not self._stopped():
            folder, ours = stack.pop()
            try:
                with os.scandir(folder) as found:
                    entries = sorted(found, key=lambda entry: entry.name)
            except OSError as error:
                why = (error.strerror or type(error).__name__).lower()
                self.tree.unread.append(Unread(folder, f"The folder cannot be read ({why}): {shown(folder)}"))
                continue
            if self._is_known(folder):
                continue
            names = [entry.name for entry in entries]
            ours = ours or MARKER in names or (self._out is not None and _identity(folder) == self._out)
            beside = _side_cars(folder, names)
            below = []
            for entry in entries:
                path = folder / entry.name
                inside = path.relative_to(root).as_posix()
                if entry.name.startswith(".") or self._excluded(inside) or (ours and _is_export(entry.name)):
                    continue
                if _is_folder(entry):
                    if self._goes_into(path, entry):
                        below.append((path, ours))
                elif self._is_wanted(path, inside):
                    self.add(path, root, _of(path, beside))
            stack += reversed(below)

    def add(self, path: Path, root: Path, side_cars: Collection[Path]) -> None:
        """Take a file, unless it was taken before."""
        if path not in self._seen:
            self._seen.add(path)
            self.tree.files.append(_found(path, root, side_cars))

    def _is_wanted(self, path: Path, inside: str) -> bool:
        suffix = path.suffix.lower()
        if suffix in SIDE_CARS:
            return False
        return self._included(inside) if self._included is not None else suffix in SUFFIXES

    def _goes_into(self, path: Path, entry: os.DirEntry[str]) -> bool:
        if entry.is_symlink() and not self._wanted.follow:
            self.tree.links.append(path)
            return False
        return True

    def _is_known(self, folder: Path) -> bool:
        """Whether this folder was gone through already, by another name or through a link that leads back."""
        identity = _identity(folder)
        if identity is None:
            return False
        known = identity in self._folders
        self._folders.add(identity)
        return known

    def _within_out(self, root: Path) -> bool:
        return self._out is not None and self._out in {_identity(folder) for folder in root.resolve().parents}


def _found(path: Path, root: Path, side_cars: Collection[Path]) -> Found:
    size, signature = sign(path)
    cars = "|".join(f"{car.name}:{sign(car)[1]}" for car in side_cars)
    return Found(path, root, size, signature, cars)


def _of(path: Path, beside: Mapping[str, list[Path]]) -> list[Path]:
    return sorted({*beside.get(path.stem.casefold(), ()), *beside.get(path.name.casefold(), ())})


def _side_cars(folder: Path, names: Iterable[str]) -> dict[str, list[Path]]:
    """Subtitle files by the stems (in lower case) of the media that they may belong to."""
    beside: dict[str, list[Path]] = {}
    for name in names:
        stem, dot, suffix = name.rpartition(".")
        if dot and f".{suffix.lower()}" in SIDE_CARS:
            stem = stem.casefold()
            for owner in {stem, stem.rpartition(".")[0]} - {""}:  # `clip.srt` and `clip.en.srt`
                beside.setdefault(owner, []).append(folder / name)
    return beside


def _is_export(name: str) -> bool:
    return name.rpartition(".")[0].endswith(_MARK) or f"{_MARK}-" in name


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link that leads to itself, for instance: looking into it will say so


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if status.st_ino else None
