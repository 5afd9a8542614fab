"""Text that every format can hold, names that every file system can, and which tracks were asked for."""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from mien.tracks.track import AnyTrack

# XML 1.0 §2.2 forbids these even as character references; NUL also cuts strings short in other readers.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_UNSAFE = re.compile(r'[\\/:*?"<>|%]')
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
_STEM_BYTES = 150


def clean(text: str) -> str:
    """The text with U+FFFD for control characters and lone surrogates; tabs and newlines stay."""
    return _FORBIDDEN.sub("�", text)


def one_line(text: str) -> str:
    """`clean` with every run of white space made one space."""
    return " ".join(clean(text).split())


def safe_name(name: str, fallback: str = "medium") -> str:
    """A file name made from any text: no separators, control or direction marks, no leading dash or dot, not
    too long.

    Letters of all scripts stay. At most 150 bytes of UTF-8, so that suffixes still fit.
    """
    name = unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode("utf-8"))
    name = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp", "Zs") else c for c in name)
    name = "".join(c for c in name if unicodedata.category(c) not in ("Cf", "Cs", "Co", "Cn"))
    name = " ".join(_UNSAFE.sub("_", name).split()).lstrip("-.~ ").rstrip(". ")
    name = name.encode("utf-8")[:_STEM_BYTES].decode("utf-8", "ignore").rstrip(". ")
    if not name:
        return fallback
    return f"_{name}" if _RESERVED.fullmatch(name) else name


def unique_stems(paths: Iterable[Path]) -> dict[Path, str]:
    """A stem for the exports of each medium of a batch; media that share one (`a.mp4`, `a.wav`) get their
    suffix too.
    """
    paths = list(dict.fromkeys(paths))
    shared = Counter(safe_name(path.stem).casefold() for path in paths)
    stems: dict[Path, str] = {}
    taken: set[str] = set()
    for path in paths:
        stem = safe_name(path.stem)
        if shared[stem.casefold()] > 1:
            stem = safe_name(path.name.replace(".", "-"))
        candidate, n = stem, 1
        while candidate.casefold() in taken:
            n += 1
            candidate = f"{stem}-{n}"
        taken.add(candidate.casefold())
        stems[path] = candidate
    return stems


def chosen(tracks: Mapping[str, AnyTrack], patterns: str, *, features: bool = True) -> dict[str, AnyTrack]:
    """The tracks whose names match one of the patterns (joined by commas), in their own order; vectors if `features`."""
    wanted = [p.strip() for p in patterns.split(",") if p.strip()]
    return {
        name: track
        for name, track in tracks.items()
        if any(fnmatch.fnmatchcase(name, p) for p in wanted) and (features or track.kind != "features")
    }


def clock(seconds: float, digits: int = 1) -> str:
    """`1:02:03.4`, `2:03.4`: a time for people."""
    whole = round(max(seconds, 0.0) * 10**digits)
    rest, fraction = divmod(whole, 10**digits)
    hours, rest = divmod(rest, 3600)
    minutes, secs = divmod(rest, 60)
    tail = f".{fraction:0{digits}d}" if digits else ""
    return f"{hours}:{minutes:02d}:{secs:02d}{tail}" if hours else f"{minutes}:{secs:02d}{tail}"
