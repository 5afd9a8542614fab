"""Labels from a table: CSV, TSV, or any other delimiter; names, units and decimal commas as people write them."""

from __future__ import annotations

import csv
import io
import itertools
import math
import re
import statistics
from collections.abc import Sequence
from pathlib import Path

from mien.errors import UsageError, shown
from mien.truth.labels import Label, LabelColumn, LookUp, column_of, seconds, watched

_NAMES: dict[str, tuple[str, ...]] = {
    "medium": (
        "medium",
        "media",
        "file",
        "filename",
        "file_name",
        "path",
        "video",
        "audio",
        "clip",
        "recording",
        "name",
    ),
    "start": ("start", "begin", "onset", "from", "start_time", "begin_time", "t0", "tmin", "start_s", "start_sec"),
    "end": ("end", "stop", "offset", "to", "end_time", "stop_time", "t1", "tmax", "end_s", "end_sec"),
    "length": ("duration", "length", "dur"),
    "time": ("time", "timestamp", "t", "seconds", "frametime", "time_s"),
    "person": ("person", "person_id", "face", "face_id"),
}
_ROLES = {name: role for role, names in _NAMES.items() for name in names}
_ABSENT = frozenset(("", "-", "–", "nan", "na", "n/a", "none", "null", "?"))
_UNIT = re.compile(r"\s*[(\[]\s*(\w+)\s*[)\]]\s*$")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_EXAMPLE = "medium,start,end,valence"
_PERSON = re.compile(r"-?[0-9]{1,9}")
_LONGEST_NAME = 200  # characters; a longer heading is a label's
MOST_COLUMNS = 2_000
MOST_CELLS = 5_000_000
"""More filled cells are refused: each becomes an object many times its size in the file."""


def read_table(path: Path, data: bytes, look_up: LookUp = lambda: None) -> list[LabelColumn]:
    """The label columns of a table whose first line names the columns.

    Times: `start` with `end` or `duration`; or `time` alone, where each row holds until the next one of its medium; or
    none, where each row is about a whole medium. All in seconds or as `mm:ss`, in milliseconds where the name says so.

    Raises:
        UsageError: one sentence on what is expected and where.
    """
    text = _decode(path, data)
    rows = _rows(path, text, look_up)
    header = [cell.strip() for cell in rows[0][1]]
    if len(header) > MOST_COLUMNS:
        raise UsageError(f"A table of labels may have {MOST_COLUMNS:,} columns at most: {shown(path)}")
    if all(seconds(cell) is not None for cell in header if cell) or not any(header):
        found = ", ".join(header[:4])
        raise UsageError(
            f"The first line must name the columns, like {_EXAMPLE}, but it is “{shown(found[:80])}”: {shown(path)}"
        )
    roles, scales = _roles(header)
    twice = next((name for n, name in enumerate(header) if name and name in header[:n]), "")
    if twice:
        raise UsageError(f"Two columns are called “{shown(twice[:80])}”; give each its own name: {shown(path)}")
    values = [n for n, name in enumerate(header) if name and n not in roles.values()]
    if not values:
        known = ", ".join(header)
        raise UsageError(
            f"There is no column with labels beside {shown(known[:200])}; add one, such as valence: {shown(path)}"
        )
    if "end" in roles and "start" not in roles:
        raise UsageError(f"There is a column of ends but none called start: {shown(path)}")
    times = _times(path, rows[1:], roles, scales, look_up)
    made: list[LabelColumn] = []
    for place in values:
        labels = []
        for (_, cells), (medium, start, end, person) in watched(zip(rows[1:], times, strict=True), look_up):
            cell = _unguarded(cells[place].strip()) if place < len(cells) else ""
            if cell.casefold() not in _ABSENT:
                labels.append(Label(path, medium, start, end, cell, person))
        made.append(column_of(header[place], labels))
    return made


def _decode(path: Path, data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "cp1252")  # what spreadsheets of old write
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text.removeprefix("\ufeff")
    raise UsageError(f"This is not a table of text in UTF-8: {shown(path)}")


def _rows(path: Path, text: str, look_up: LookUp) -> list[tuple[int, list[str]]]:
    """Line numbers with cells; empty lines and lines that begin with # are left out."""
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    delimiter = max(("\t", ";", ",", "|"), key=first.count)
    if not first.count(delimiter):
        delimiter = ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows = []
    count = 0
    try:
        for cells in watched(reader, look_up):
            count += len(cells)
            if count > MOST_CELLS:
                raise UsageError(f"A table of labels may have {MOST_CELLS:,} cells at most; part it: {shown(path)}")
            if any(cell.strip() for cell in cells) and not cells[0].startswith("#"):
                rows.append((reader.line_num, cells))
    except csv.Error as error:
        raise UsageError(f"Line {reader.line_num} cannot be read as a table ({error}): {shown(path)}") from error
    if not rows:
        raise UsageError(f"The label file is empty: {shown(path)}")
    return rows


def _roles(header: Sequence[str]) -> tuple[dict[str, int], dict[int, float]]:
    """Which column is what, and the seconds that one unit of it has."""
    roles: dict[str, int] = {}
    scales: dict[int, float] = {}
    for place, name in enumerate(header):
        if len(name) > _LONGEST_NAME:
            continue
        plain = name.casefold()
        unit = _UNIT.search(plain)
        plain = _UNIT.sub("", plain)
        scale = 1.0
        if (unit and unit[1] in ("ms", "msec", "milliseconds")) or re.search(r"[ _-]m(illi)?s(ec(onds)?)?$", plain):
            scale = 0.001
            plain = re.sub(r"[ _-]m(illi)?s(ec(onds)?)?$", "", plain)
        role = _ROLES.get(re.sub(r"[\s_-]+", "_", plain.strip()), "")
        if role and role not in roles:
            roles[role], scales[place] = place, scale
    if "start" not in roles and "time" not in roles:
        # A length or a person without a time is a label like any other.
        roles = {role: place for role, place in roles.items() if role in ("medium", "end")}
    if "start" in roles:
        roles.pop("time", None)
    return roles, scales


def _times(
    path: Path, rows: list[tuple[int, list[str]]], roles: dict[str, int], scales: dict[int, float], look_up: LookUp
) -> list[tuple[str, float, float, int | None]]:
    """Medium, start, end and person of each row."""

    def cell(cells: list[str], role: str) -> str:
        place = roles.get(role)
        return cells[place].strip() if place is not None and place < len(cells) else ""

    def moment(line: int, cells: list[str], role: str) -> float:
        found = seconds(cell(cells, role))
        if found is None or found < 0:
            raise UsageError(
                f"Line {line} needs a time in seconds or as mm:ss for its {role}, not "
                f"“{shown(cell(cells, role)[:40])}”: {shown(path)}"
            )
        return found * scales[roles[role]]

    made: list[tuple[str, float, float, int | None]] = []
    for line, cells in watched(rows, look_up):
        medium, who = _unguarded(cell(cells, "medium")), cell(cells, "person")
        if "medium" in roles and not medium:
            raise UsageError(f"Line {line} names no medium, as the other lines do: {shown(path)}")
        if who and not _PERSON.fullmatch(who):
            raise UsageError(f"Line {line} needs the number of a person, not “{shown(who[:40])}”: {shown(path)}")
        person = int(who) if who else None
        start, end = 0.0, math.inf
        if "start" in roles:
            start = moment(line, cells, "start")
            if "end" in roles:
                end = moment(line, cells, "end")
            elif "length" in roles:
                end = start + moment(line, cells, "length")
        elif "time" in roles:
            start = moment(line, cells, "time")
        if end < start:
            raise UsageError(f"Line {line} ends before it starts ({end:g} s after {start:g} s): {shown(path)}")
        made.append((medium, start, end, person))
    if "time" in roles or ("start" in roles and "end" not in roles and "length" not in roles):
        return _until_the_next(made)
    return made


def _until_the_next(
    rows: list[tuple[str, float, float, int | None]],
) -> list[tuple[str, float, float, int | None]]:
    """Rows that hold until the next one of the same medium and person; the last as long as rows usually do."""
    moments: dict[tuple[str, int | None], list[float]] = {}
    for medium, start, _, person in rows:
        moments.setdefault((medium, person), []).append(start)
    until: dict[tuple[str, int | None], dict[float, float]] = {}
    for key, starts in moments.items():
        ordered = sorted(set(starts))
        steps = [b - a for a, b in itertools.pairwise(ordered)]
        usual = statistics.median(steps) if steps else math.inf
        until[key] = dict(zip(ordered, [*ordered[1:], ordered[-1] + usual], strict=True))
    return [(medium, start, until[medium, person][start], person) for medium, start, _, person in rows]


def _unguarded(text: str) -> str:
    """Text without the ' that our own CSV puts before what a spreadsheet would run."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text
