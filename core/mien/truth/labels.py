"""What people labelled: stretches of media with values, from tables (CSV, TSV) and ELAN files."""

from __future__ import annotations

import math
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar

from mien.errors import UsageError, shown

SUFFIXES = (".csv", ".tsv", ".tab", ".txt", ".eaf")
"""Files that are read as labels."""

_LARGEST = 256 * 2**20  # bytes; a larger file is no label file but somebody's mistake

LATEST = 1e9
"""s; what is later than this is no time in a medium."""

ColumnKind = Literal["number", "class", "words"]
LookUp = Callable[[], None]
"""Called now and then while much is read; what it raises (Cancelled, say) ends the reading."""
_OFTEN = 1000  # rows between two looks up: a millisecond or two
_T = TypeVar("_T")


def watched(rows: Iterable[_T], look_up: LookUp) -> Iterator[_T]:
    """The same rows, with a look up now and then."""
    for number, row in enumerate(rows):
        if number % _OFTEN == 0:
            look_up()
        yield row


@dataclass(frozen=True, slots=True)
class Label:
    """One value that a person gave a stretch of a medium.

    Args:
        medium: as the file names it, empty where it names none.
        start, end: s; `end` is infinite where the label holds to the medium's end.
        value: a number, the name of a class, or what is said.
        person: whose face or voice it is about, None for the medium as a whole.
        path: the label file.
    """

    path: Path
    medium: str
    start: float
    end: float
    value: float | str
    person: int | None = None


@dataclass(frozen=True)
class LabelColumn:
    """One column of a table, or one tier: the labels of one thing.

    Args:
        name: as the file has it.
        kind: numbers, names of classes, or words that are said.
        labels: the filled cells, in the file's order.
    """

    name: str
    kind: ColumnKind
    labels: tuple[Label, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """The different names that occur, sorted."""
        return tuple(sorted({v.value for v in self.labels if isinstance(v.value, str)}))

    @property
    def extent(self) -> tuple[float, float]:
        """Smallest and largest number; (nan, nan) without numbers."""
        numbers = [v.value for v in self.labels if isinstance(v.value, float)]
        return (min(numbers), max(numbers)) if numbers else (math.nan, math.nan)


@dataclass(frozen=True)
class Labels:
    """All columns of one or several label files, in their order."""

    columns: tuple[LabelColumn, ...]

    @property
    def media(self) -> tuple[tuple[str, Path], ...]:
        """The media that labels are about, each with the file that names it; in order of appearance."""
        return tuple(dict.fromkeys((one.medium, one.path) for column in self.columns for one in column.labels))


def read_labels(paths: Path | Iterable[Path], look_up: LookUp = lambda: None) -> Labels:
    """Read label files; columns of one name and kind in several files become one.

    Args:
        look_up: called now and then; what it raises ends the reading.

    Raises:
        UsageError: a file cannot be read; the sentence says what is expected where.
    """
    files = [paths] if isinstance(paths, Path) else list(paths)
    columns = [column for path in files for column in _read(path, look_up)]
    if len(files) == 1:
        return Labels(tuple(columns))
    joined: dict[str, list[LabelColumn]] = {}
    for column in columns:
        joined.setdefault(column.name, []).append(column)
    return Labels(tuple(_join(parts) for parts in joined.values()))


def _join(parts: list[LabelColumn]) -> LabelColumn:
    first = parts[0]
    for part in parts:
        if part.kind != first.kind:
            there, here = first.labels[0].path, part.labels[0].path
            raise UsageError(
                f"“{first.name}” holds {_KINDS[first.kind]} in {shown(there.name)} and {_KINDS[part.kind]} here; "
                f"give one of the columns another name: {shown(here)}"
            )
    return LabelColumn(first.name, first.kind, tuple(label for part in parts for label in part.labels))


_KINDS = {"number": "numbers", "class": "names of classes", "words": "what is said"}


def _read(path: Path, look_up: LookUp) -> list[LabelColumn]:
    from mien.truth.eaf import read_eaf
    from mien.truth.table import read_table

    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"Labels are read from {', '.join(SUFFIXES)}, and this is none of them: {shown(path)}")
    try:
        if not is_plain(path):
            raise UsageError(f"The labels cannot be read (this is no plain file): {shown(path)}")
        if path.stat().st_size > _LARGEST:
            raise UsageError(f"A label file may have {_LARGEST // 2**20} MB at most; split this one: {shown(path)}")
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"The labels cannot be read ({error.strerror or error}): {shown(path)}") from error
    if not data.strip(b"\0 \t\r\n"):
        raise UsageError(f"The label file is empty: {shown(path)}")
    look_up()
    columns = read_eaf(path, data, look_up) if suffix == ".eaf" else read_table(path, data, look_up)
    if not any(column.labels for column in columns):
        raise UsageError(f"There is no label in this file, only names of columns or tiers: {shown(path)}")
    return [column for column in columns if column.labels]


def is_plain(path: Path) -> bool:
    """Whether it is a file with an end and a size, not a device, a pipe or a folder, or a link to one; raises OSError."""
    return stat.S_ISREG(path.stat().st_mode)


def column_of(name: str, labels: Iterable[Label]) -> LabelColumn:
    """A column whose kind is seen from its name and values; texts that are all numbers become numbers."""
    rows = list(labels)
    plain = name.strip().casefold()
    if plain in SAID or plain.startswith(("speech.transcript", "speech.words")):
        return LabelColumn(name, "words", tuple(rows))
    numbers = [number(str(row.value)) for row in rows]
    if rows and all(n is not None for n in numbers):
        made = (replace(row, value=n) for row, n in zip(rows, numbers, strict=True) if n is not None)
        return LabelColumn(name, "number", tuple(made))
    return LabelColumn(name, "class", tuple(rows))


SAID = (
    "text",
    "transcript",
    "transcription",
    "words",
    "word",
    "reference",
    "utterance",
    "sentence",
    "caption",
    "orthography",
)
"""Names of columns that hold what is said."""


def number(text: str) -> float | None:
    """The finite number a cell holds, with a point or a comma before the decimals; None where it holds none."""
    cell = text.strip().replace("−", "-")
    if cell.count(",") == 1 and "." not in cell:
        cell = cell.replace(",", ".")
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in cell else None


def seconds(text: str) -> float | None:
    """Seconds from `12.5`, `1:02.5`, `1:02:03.4` or `00:01:02,500`; None for what is no time."""
    parts = text.strip().replace("−", "-").split(":")
    if len(parts) > 3:
        return None
    total = 0.0
    for place, part in enumerate(parts):
        value = number(part)
        last = place == len(parts) - 1
        if value is None or (len(parts) > 1 and (value < 0 or (place > 0 and value >= 60))):
            return None
        if not last and value != int(value):
            return None
        total = total * 60 + value
    return total if abs(total) <= LATEST else None
