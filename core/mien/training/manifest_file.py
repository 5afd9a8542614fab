"""Reads manifests: CSV (UTF-8; comma, semicolon or tab) or Parquet. What is read is hostile until it was checked.

Sizes are bounded, paths stay inside the manifest's folder (links out of it included), a cell is never run as a formula: texts
that a spreadsheet would run have a ' before them in CSV, and names of media and people may not begin so at all.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from mien.errors import CorpusError, shown
from mien.training.manifest import COLUMNS, SPLITS, Label, Manifest, Row, Value
from mien.truth.labels import is_plain, number, seconds

SUFFIXES = (".csv", ".tsv", ".parquet")
NAMES = ("manifest.csv", "manifest.tsv", "manifest.parquet")
"""What a manifest is called where only its folder is named."""

LARGEST = 512 * 2**20  # bytes of a file, or of a Parquet file unpacked
MOST_ROWS = 3_000_000
MOST_COLUMNS = 200
LONGEST = 65_536  # characters of a cell
LONGEST_PATH = 1024

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_ALIASES = {"dev": "valid", "devel": "valid", "development": "valid", "val": "valid", "validation": "valid"}
_ALIASES |= {"training": "train", "testing": "test", "eval": "test", "evaluation": "test"}
_EXAMPLE = "path,start,end,speaker,split,emotion"


def find_manifest(data: Path) -> Path:
    """The manifest that `data` names: the file itself, or `manifest.csv` (or .tsv, .parquet) in that folder.

    Raises:
        CorpusError: there is none.
    """
    if data.is_dir():
        for name in NAMES:
            if (data / name).is_file():
                return data / name
        raise CorpusError(
            f"There is no manifest.csv or manifest.parquet in this folder; `mien manifest CORPUS FOLDER` makes one of a known "
            f"corpus: {shown(data)}"
        )
    return data


def read_manifest(data: Path, *, root: Path | None = None, files: bool = True) -> Manifest:
    """A manifest with everything checked but the splits, which `Manifest.check` judges.

    Args:
        data: the file, or a folder that holds `manifest.csv` or `manifest.parquet`.
        root: what paths are relative to, by default the manifest's folder.
        files: also see that every recording is there.

    Raises:
        CorpusError: one sentence with the row and what is expected there.
    """
    path = find_manifest(data)
    folder = root if root is not None else path.parent
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise CorpusError(f"A manifest is a table in {', '.join(SUFFIXES)}, and this is none of them: {shown(path)}")
    try:
        if not is_plain(path):
            raise CorpusError(f"The manifest cannot be read (this is no plain file): {shown(path)}")
        if path.stat().st_size > LARGEST:
            raise CorpusError(f"A manifest may have {LARGEST // 2**20} MB at most; part this one: {shown(path)}")
        lines = _parquet(path) if suffix == ".parquet" else _table(path)
        first = next(lines, None)
        if first is None:
            raise CorpusError(
                f"The manifest is empty; its first row must name the columns, like {_EXAMPLE}: {shown(path)}"
            )
        return _assemble(path, folder, first[1], lines, files)
    except OSError as error:
        raise CorpusError(f"The manifest cannot be read ({error.strerror or error}): {shown(path)}") from error


def _assemble(path: Path, folder: Path, heading: Sequence[Any], lines: Iterator[Numbered], files: bool) -> Manifest:
    columns, labels = _columns(path, heading)
    places = [columns.get(name, -1) for name in COLUMNS]
    at = [columns[label.name] for label in labels]
    sure = _Paths(path, folder, files)
    rows: list[Row] = []
    for count, cells in lines:
        if count > MOST_ROWS:
            raise CorpusError(f"A manifest may have {MOST_ROWS:,} rows at most; part this one: {shown(path)}")
        where = f"Row {count}"
        if len(cells) > len(heading):
            raise CorpusError(
                f"{where} has {len(cells)} cells where the heading has {len(heading)}; put texts with commas in quotes: "
                f"{shown(path)}"
            )
        given = [cells[place] if 0 <= place < len(cells) else "" for place in places]
        texts = [
            _text(path, where, name, value) for name, value in zip(COLUMNS, given, strict=True) if name not in _TIMES
        ]
        medium, speaker, split, group, said = texts
        start = _time(path, where, "start", given[1], 0.0)
        end = _time(path, where, "end", given[2], math.inf)
        if not end > start:
            raise CorpusError(f"{where} ends at {end:g} s, which is not after its start at {start:g} s: {shown(path)}")
        if medium:
            sure.see(medium, where)
        elif not said:
            raise CorpusError(
                f"{where} names no recording and has no text; fill the column path or text: {shown(path)}"
            )
        values = tuple(
            _value(path, where, label, cells[place] if place < len(cells) else "")
            for label, place in zip(labels, at, strict=True)
        )
        rows.append(Row(medium, start, end, speaker, _split(path, where, split), group, said, values, count))
    if not rows:
        raise CorpusError(f"The manifest has no rows below its heading: {shown(path)}")
    return Manifest(folder, tuple(labels), tuple(rows), str(path))


Numbered = tuple[int, Sequence[Any]]
"""A row's number, the heading being 1, and its cells."""
_TIMES = ("start", "end")
_NAMES_ONLY = ("path", "speaker", "group")


def _columns(path: Path, heading: Sequence[Any]) -> tuple[dict[str, int], list[Label]]:
    names = [str(cell).strip() if cell is not None else "" for cell in heading]
    if len(names) > MOST_COLUMNS:
        raise CorpusError(f"A manifest may have {MOST_COLUMNS} columns at most: {shown(path)}")
    columns: dict[str, int] = {}
    labels: list[Label] = []
    for place, written in enumerate(names):
        if not written:
            raise CorpusError(f"Column {place + 1} has no name; the first row must name all of them: {shown(path)}")
        plain = written.casefold()
        if plain in COLUMNS:
            name = plain
        else:
            try:
                label = Label.of(written)
            except ValueError as error:
                raise CorpusError(f"In the heading, {shown(str(error)[:300])}: {shown(path)}") from error
            labels.append(label)
            name = label.name
        if name in columns:
            raise CorpusError(f"Two columns are called “{shown(name[:80])}”; give each its own name: {shown(path)}")
        columns[name] = place
    if "path" not in columns and "text" not in columns:
        found = ", ".join(names[:4])
        raise CorpusError(
            f"There is no column path or text; the first row must read like {_EXAMPLE}, but it is "
            f"“{shown(found[:200])}”: {shown(path)}"
        )
    if not labels:
        raise CorpusError(
            f"There is no column of labels beside {shown(', '.join(names)[:200])}; add one, such as emotion: {shown(path)}"
        )
    return columns, labels


class _Paths:
    """Judges each path once."""

    def __init__(self, source: Path, folder: Path, files: bool) -> None:
        self._source, self._folder, self._files = source, folder, files
        self._root = folder.resolve()
        self._seen: set[str] = set()

    def see(self, written: str, where: str) -> None:
        """Refuse a path that is not relative, leads out of the folder, or names no file."""
        if written in self._seen:
            return
        if problem := _lexical(written):
            raise CorpusError(
                f"{where}: the path “{shown(written[:80])}” {problem}; write it relative to the manifest, with /: "
                f"{shown(self._source)}"
            )
        place = self._folder / written
        try:
            real = place.resolve()
        except (OSError, RuntimeError, ValueError) as error:
            raise CorpusError(f"{where}: the path “{shown(written)}” leads nowhere: {shown(self._source)}") from error
        if not real.is_relative_to(self._root):
            raise CorpusError(
                f"{where}: the path “{shown(written)}” leads out of the manifest's folder through a link; put the manifest "
                f"beside the recordings: {shown(self._source)}"
            )
        if self._files and not real.is_file():
            raise CorpusError(f"{where} names a recording that is not there; expected at: {shown(place)}")
        self._seen.add(written)


def _lexical(written: str) -> str:
    parts = PurePosixPath(written).parts
    if len(written) > LONGEST_PATH:
        return "is too long"
    if any(not c.isprintable() for c in written):
        return "holds characters that no file name should"
    if "\\" in written:
        return "has backslashes"
    if written.startswith(("/", "~")) or PureWindowsPath(written).drive or "://" in written:
        return "is not relative"
    if ".." in parts:
        return "leads upwards"
    return ""


def _text(path: Path, where: str, name: str, cell: Any) -> str:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    raw = str(cell)
    if len(raw) > LONGEST:
        raise CorpusError(f"{where}: {name} has {len(raw):,} characters, {LONGEST:,} are allowed: {shown(path)}")
    text = raw if name not in _NAMES_ONLY else raw.strip()
    if name in _NAMES_ONLY:
        if text.startswith(("=", "+", "@", "＝", "＋", "＠")):
            raise CorpusError(f"{where}: {name} begins like a formula (“{shown(text[:20])}”); rename it: {shown(path)}")
        if any(not c.isprintable() for c in text):
            raise CorpusError(f"{where}: {name} holds characters that no name should: {shown(path)}")
    return text


def _time(path: Path, where: str, name: str, cell: Any, empty: float) -> float:
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return empty
    found = float(cell) if isinstance(cell, int | float) else seconds(str(cell)[:64])
    if found is not None and math.isnan(found):
        return empty
    if found is None or not 0 <= found < 1e7:
        raise CorpusError(
            f"{where}: {name} must be a time in seconds from 0 on, or empty, not “{shown(str(cell)[:40])}”: {shown(path)}"
        )
    return found


def _split(path: Path, where: str, cell: str) -> str:
    plain = cell.strip().casefold()
    plain = _ALIASES.get(plain, plain)
    if plain and plain not in SPLITS:
        raise CorpusError(
            f"{where}: split must be train, valid, test or empty, not “{shown(cell[:40])}”: {shown(path)}"
        )
    return plain


def _value(path: Path, where: str, label: Label, cell: Any) -> Value:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return None
    text = str(cell).strip() if not isinstance(cell, float) else ""
    if label.classes:
        if isinstance(cell, float):
            text = f"{cell:g}"
        if not text:
            return None
        if text not in label.classes:
            listed = ", ".join(label.classes[:12]) + (" …" if len(label.classes) > 12 else "")
            raise CorpusError(f"{where}: {label.name} must be one of {listed}, not “{shown(text[:40])}”: {shown(path)}")
        return text
    if not isinstance(cell, float) and not text:
        return None
    found = float(cell) if isinstance(cell, int | float) and not isinstance(cell, bool) else number(text[:64])
    assert label.low is not None
    assert label.high is not None
    slack = 1e-6 * (label.high - label.low)
    if found is None or not label.low - slack <= found <= label.high + slack:
        raise CorpusError(
            f"{where}: {label.name} must be a number from {label.low:g} to {label.high:g}, not “{shown(str(cell)[:40])}”: "
            f"{shown(path)}"
        )
    return min(max(found, label.low), label.high)


def unguarded(text: str) -> str:
    """Text without the ' that keeps a spreadsheet from running it."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(FORMULA) else text


def _table(path: Path) -> Iterator[Numbered]:
    try:
        text = path.read_bytes().decode("utf-8-sig")  # line ends inside texts stay as they are
    except UnicodeDecodeError as error:
        raise CorpusError(f"The manifest is not text in UTF-8; save it so: {shown(path)}") from error
    if "\0" in text:
        raise CorpusError(f"The manifest is not a table of text: {shown(path)}")
    first = text.partition("\n")[0]
    # A scale holds no separator, so the commonest one of the heading separates.
    delimiter = max((",", ";", "\t"), key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows = 0
    try:
        for cells in reader:
            rows += 1
            if any(cell.strip() for cell in cells):
                yield rows, [unguarded(cell) for cell in cells]
    except csv.Error as error:
        raise CorpusError(f"Row {rows + 1} cannot be read as a table ({error}): {shown(path)}") from error


def _parquet(path: Path) -> Iterator[Numbered]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            facts = file.metadata
            unpacked = sum(facts.row_group(i).total_byte_size for i in range(facts.num_row_groups))
            if facts.num_rows > MOST_ROWS or facts.num_columns > MOST_COLUMNS or unpacked > LARGEST:
                raise CorpusError(
                    f"A manifest may have {MOST_ROWS:,} rows, {MOST_COLUMNS} columns and {LARGEST // 2**20} MB unpacked at "
                    f"most: {shown(path)}"
                )
            for one in file.schema_arrow:
                if not any(test(one.type) for test in _plain_types()):
                    raise CorpusError(
                        f"The column “{shown(one.name)}” holds {one.type}, where text or numbers belong: {shown(path)}"
                    )
            yield 1, list(file.schema_arrow.names)
            row, size = 1, 0
            for batch in file.iter_batches(batch_size=1024):
                size += batch.nbytes  # decoded, which the encoded size in the file's own account says nothing of
                if size > 4 * LARGEST:
                    raise CorpusError(f"The manifest holds more than {4 * LARGEST // 2**20} MB unpacked: {shown(path)}")
                for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    row += 1
                    yield row, cells
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's, not the file's
        raise CorpusError(f"The manifest is no Parquet file that can be read: {shown(path)}") from error


def _plain_types() -> tuple[Any, ...]:
    import pyarrow.types as kinds

    return (
        kinds.is_string,
        kinds.is_large_string,
        kinds.is_integer,
        kinds.is_floating,
        kinds.is_null,
        kinds.is_dictionary,
    )
