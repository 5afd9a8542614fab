"""What adapters share: files that must be there, tables with row numbers, scales, names of emotions."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mien.errors import CorpusError, shown
from mien.training.manifest import Label, Manifest, Row

_LARGEST = 512 * 2**20

SEVEN: Mapping[str, str] = {
    **dict.fromkeys(("ang", "anger", "angry"), "angry"),
    **dict.fromkeys(("dis", "disgust", "disgusted"), "disgust"),
    **dict.fromkeys(("fea", "fear", "fearful", "afraid"), "fear"),
    **dict.fromkeys(("hap", "exc", "happy", "happiness", "excited", "joy"), "happy"),
    **dict.fromkeys(("sad", "sadness"), "sad"),
    **dict.fromkeys(("sur", "surprise", "surprised"), "surprise"),
    **dict.fromkeys(("neu", "neutral"), "neutral"),
}
"""Corpora's names of emotions → the seven; excitement counts as happy, as is usual for IEMOCAP."""

NO_YES = ("no", "yes")


def need(path: Path, corpus: str, what: str) -> Path:
    """The path, if a file or folder is there.

    Raises:
        CorpusError: it is not; the sentence says what is expected there.
    """
    if not path.exists():
        raise CorpusError(
            f"{corpus} keeps {what} here, and there is nothing; name the folder it was unpacked to: {shown(path)}"
        )
    return path


def first_of(folder: Path, corpus: str, what: str, *names: str) -> Path:
    """The first of several places that exists; raises CorpusError that names them all."""
    for name in names:
        if (folder / name).exists():
            return folder / name
    raise CorpusError(
        f"{corpus} keeps {what} in {' or '.join(names)}, and there is none of them; name the folder it was unpacked to: "
        f"{shown(folder)}"
    )


def lines(path: Path, corpus: str) -> list[str]:
    """The lines of a text in UTF-8 (or, as old corpora have it, Windows-1252).

    Raises:
        CorpusError: it is not there, too large, or not text.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise CorpusError(f"This file of {corpus} is larger than {_LARGEST // 2**20} MB: {shown(path)}")
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise CorpusError(f"A file of {corpus} is missing; expected at: {shown(path)}") from error
    except OSError as error:
        raise CorpusError(f"A file of {corpus} cannot be read ({error.strerror}): {shown(path)}") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    if "\0" in text:
        raise CorpusError(f"This file of {corpus} should be text: {shown(path)}")
    return text.split("\n")


def table(path: Path, corpus: str, *, delimiter: str = ",", quoted: bool = True) -> Iterator[tuple[str, list[str]]]:
    """(where it stands, cells) of the rows that are not empty; raises CorpusError."""
    reader = csv.reader(
        (line + "\n" for line in lines(path, corpus)),
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
    )
    number, name = 0, shown(path)
    try:
        for cells in reader:
            number += 1
            if any(cell.strip() for cell in cells):
                yield f"Row {number} of {name}", [cell.strip("\r\n") for cell in cells]
    except csv.Error as error:
        raise CorpusError(f"Row {number + 1} cannot be read ({error}): {name}") from error


def records(
    path: Path, corpus: str, columns: Sequence[str], *, delimiter: str = ",", quoted: bool = True
) -> Iterator[tuple[str, dict[str, str]]]:
    """(where it stands, column → cell) of a table with a heading; raises CorpusError, also for a column that is missing."""
    rows = table(path, corpus, delimiter=delimiter, quoted=quoted)
    first = next(rows, None)
    if first is None:
        raise CorpusError(f"There are no rows in this table of {corpus}: {shown(path)}")
    known = {name.casefold(): name for name in columns}
    heading = [known.get(cell.strip().casefold(), cell.strip()) for cell in first[1]]
    missing = [name for name in columns if name not in heading]
    if missing:
        raise CorpusError(
            f"The column {missing[0]!r} is missing in this table of {corpus}, whose first row names {', '.join(columns)}: "
            f"{shown(path)}"
        )
    for where, cells in rows:
        if len(cells) < len(heading):
            raise CorpusError(f"{where} has {len(cells)} cells where the heading has {len(heading)}")
        yield where, dict(zip(heading, cells, strict=False))


def amount(text: str, low: float, high: float, where: str, what: str) -> float:
    """The number in a cell.

    Raises:
        CorpusError: it is none, or lies outside.
    """
    try:
        found = float(text.strip().strip("'\""))
    except ValueError:
        found = math.nan
    if not low <= found <= high:
        raise CorpusError(f"{where} has no {what} from {low:g} to {high:g} but “{shown(text.strip()[:40])}”")
    return found


def onto(value: float, low: float, high: float) -> float:
    """From a corpus' own scale to [-1, 1]; what lies beyond is cut to its end."""
    return min(1.0, max(-1.0, 2 * (value - low) / (high - low) - 1))


def beside(folder: Path, path: Path) -> str:
    """The path as a manifest of that folder has it.

    Raises:
        CorpusError: a corpus' table has led out of its folder.
    """
    inside = path.relative_to(folder) if path.is_relative_to(folder) else None
    if inside is None or ".." in inside.parts:
        raise CorpusError(f"A table of the corpus names a recording outside of it: {shown(str(inside or path)[:80])}")
    return inside.as_posix()


def found(path: Path | None, corpus: str, where: str, expected: Path) -> Path:
    """The recording that a row names.

    Raises:
        CorpusError: it is not there.
    """
    try:
        there = path is not None and path.is_file()
    except OSError:  # no file can have such a name
        there = False
    if path is None or not there:
        raise CorpusError(f"{where} names a recording of {corpus} that is not there; expected at: {shown(expected)}")
    return path


def by_stem(folder: Path, *suffixes: str) -> dict[str, Path]:
    """Stem → file, of all files below a folder with one of the suffixes; what begins with a dot is left out."""
    return {
        path.stem: path
        for path in sorted(folder.rglob("*"), reverse=True)
        if path.suffix.lower() in suffixes and not path.name.startswith(".") and path.is_file()
    }


def media_suffixes(media: str) -> tuple[str, ...]:
    """The suffixes of recordings with sound only, or with pictures."""
    return (".mp4", ".avi", ".mkv", ".mov", ".webm", ".flv") if media == "video" else (".wav", ".flac", ".mp3")


def made(folder: Path, title: str, labels: Sequence[Label], rows: Sequence[Row], *notes: str) -> Manifest:
    """The manifest of a corpus.

    Raises:
        CorpusError: nothing was found in it.
    """
    if not rows:
        raise CorpusError(
            f"Nothing of {title} was found in this folder; name the one it was unpacked to: {shown(folder)}"
        )
    # Spaces around names are not kept in a manifest; two who differ by them alone would be on two sides of a split.
    kept = (row if row.speaker == row.speaker.strip() and row.group == row.group.strip() else
            replace(row, speaker=row.speaker.strip(), group=row.group.strip()) for row in rows)  # fmt: skip
    return Manifest(folder, tuple(labels), tuple(kept), title, tuple(note for note in notes if note))
