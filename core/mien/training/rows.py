"""Tables of corpora that recipes read: rows below a heading, hostile until checked. Manifests have `manifest_file`."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from mien.errors import CorpusError, shown


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """A table of text in UTF-8, open to be read by `csv`.

    Raises:
        CorpusError: it is not there, or what is read of it is no such table.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield file
    except FileNotFoundError as error:
        raise CorpusError(f"A table of the corpus is missing; expected at: {shown(path)}") from error
    except OSError as error:
        raise CorpusError(f"This table cannot be read ({error.strerror or error}): {shown(path)}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"This table cannot be read ({error}): {shown(path)}") from error


def read_rows(path: Path, columns: Sequence[str], *, delimiter: str = ",", quoted: bool = True) -> list[dict[str, str]]:
    """The rows of a table with a heading, column → cell.

    Args:
        columns: those that are needed; others stay in the rows.

    Raises:
        CorpusError: it cannot be read, lacks a column, or a row ends before one.
    """
    with opened(path) as file:
        reader = csv.DictReader(file, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE)
        rows = list(reader)
    if lacking := [name for name in columns if name not in (reader.fieldnames or ())]:
        raise CorpusError(
            f"The column {lacking[0]} is missing; the first row must name {', '.join(columns)}: {shown(path)}"
        )
    for number, row in enumerate(rows, 1):
        if short := [name for name in columns if row[name] is None]:
            raise CorpusError(f"Row {number} ends before its column {short[0]}: {shown(path)}")
    return rows


def within(folder: Path, name: str) -> Path:
    """The file below a folder that a cell names.

    Raises:
        CorpusError: no file can be called so, or it would lie outside.
    """
    place = folder / name
    if not name.strip() or not name.isprintable() or not place.is_relative_to(folder) or ".." in place.parts:
        raise CorpusError(f"A table names a recording outside of its folder, “{shown(name[:80])}”: {shown(folder)}")
    return place
