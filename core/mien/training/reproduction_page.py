"""The page that `mien reproduce` writes: a section for each table that was made again, and one for what cannot be.

Sections of other tables that the page already has are kept as they are.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mien.errors import StorageError, shown
from mien.sdk.descriptors import TableInfo
from mien.training.reproduction import Reproduced, Row

TITLE = "# Reproduction of the papers' tables"
_INTRODUCTION = (
    "Written by `mien reproduce TABLE --data DIR`. Each number of ours is the mean ± sample standard deviation over the seeds "
    "named; the difference is ours minus the paper's. Nothing is chosen by a test set."
)
_CLOSED = "## What cannot be reproduced here"
_HEADING = re.compile(r"^## (?:`(?P<id>[^`]+)`)?", re.MULTILINE)


def write_page(path: Path, made: Reproduced, tables: Mapping[str, TableInfo]) -> None:
    """Write a table's section into the page, in the order of `tables`; the others stay.

    Raises:
        StorageError: it cannot be written there.
    """
    try:
        found = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        sections = sections_of(found) | {made.info.id: section(made)}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(sections, tables), encoding="utf-8")
    except OSError as error:
        raise StorageError(f"The page could not be written ({error.strerror}): {shown(path)}") from error


def page(sections: Mapping[str, str], tables: Mapping[str, TableInfo]) -> str:
    """All of it as Markdown."""
    order = [name for name in tables if name in sections] + sorted(set(sections) - set(tables))
    parts = [TITLE, _INTRODUCTION, *(sections[name].strip() for name in order)]
    if closed := [info for info in tables.values() if info.closed]:
        parts.append(_closed(closed))
    return "\n\n".join(parts) + "\n"


def sections_of(text: str) -> dict[str, str]:
    """Table → its section in a page."""
    marks = list(_HEADING.finditer(text))
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    pairs = zip(marks, ends, strict=False)  # a page without sections has an end all the same
    return {mark["id"]: text[mark.start() : end].strip() for mark, end in pairs if mark["id"]}


def section(made: Reproduced) -> str:
    """One table."""
    info = made.info
    seeds = ", ".join(map(str, made.seeds))
    lines = [f"## `{info.id}` {info.title}", "", info.description, ""] if info.description else []
    lines = lines or [f"## `{info.id}` {info.title}", ""]
    lines += [f"`mien reproduce {info.id} --data DIR --seeds {len(made.seeds)}`, seeds {seeds}.", ""]
    lines += _grid(made.rows, made.digits)
    for note in made.notes:
        lines += ["", note]
    return "\n".join(lines)


def cells(row: Row, digits: int) -> tuple[str, str, str, str]:
    """Paper, ours, difference and what was asked, as they are shown."""
    figure = row.figure
    paper = "–" if figure.paper is None else f"{figure.paper:.{digits}f}"
    spread = "" if math.isnan(row.sd) else f" ± {row.sd:.{digits}f}"
    gap = "–" if row.difference is None else f"{row.difference:+.{digits}f}".replace("-", "−")
    asked = ""
    if figure.asked is not None:
        asked = f"≥ {figure.asked:.{digits}f}: {'reached' if row.reached else 'not reached'}"
    return paper, f"{row.mean:.{digits}f}{spread}", gap, asked


def _grid(rows: Sequence[Row], digits: int) -> list[str]:
    if all(row.figure.paper is None and row.figure.asked is None for row in rows):
        return _wide(rows, digits)
    asked = any(row.figure.asked is not None for row in rows)
    heads = ["system", "measure", "paper", "ours", "difference", *(["asked"] if asked else [])]
    lines = [f"| {' | '.join(heads)} |", f"|{'|'.join(['---', '---', *['--:'] * 3, *(['---'] if asked else [])])}|"]
    for row in rows:
        shown_ = [row.figure.row, row.figure.column, *cells(row, digits)]
        lines.append(f"| {' | '.join(shown_[: len(heads)])} |")
    return lines


def _wide(rows: Sequence[Row], digits: int) -> list[str]:
    """Nothing to compare with: one line per system, one column per measure."""
    columns = list(dict.fromkeys(row.figure.column for row in rows))
    systems: dict[str, dict[str, str]] = {}
    for row in rows:
        systems.setdefault(row.figure.row, {})[row.figure.column] = cells(row, digits)[1]
    lines = [f"| system | {' | '.join(columns)} |", f"|---|{'|'.join(['--:'] * len(columns))}|"]
    lines += [f"| {system} | {' | '.join(own.get(c, '–') for c in columns)} |" for system, own in systems.items()]
    return lines


def _closed(closed: Iterable[TableInfo]) -> str:
    lines = [
        _CLOSED,
        "",
        "The commands are ready for whoever has the data.",
        "",
        "| table | why not | command |",
        "|---|---|---|",
    ]
    for info in closed:
        command = f"`{info.command}`" if info.command else "–"
        lines.append(f"| `{info.id}` {info.title} | {info.closed} | {command} |")
    return "\n".join(lines)
