"""The summary of a scan: one row a file, ranked, as CSV, Parquet and one HTML page."""

from __future__ import annotations

import contextlib
import csv
import errno
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mien.batch.find import Unread
from mien.batch.rank import Rank
from mien.batch.survey import Item
from mien.errors import StorageError, shown
from mien.exchange.csv import guarded
from mien.exchange.text import clean

STEM: Final = "summary"
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_ROWS = 2000  # of a Parquet row group

Facts = Mapping[str, float | int]


@dataclass(frozen=True)
class Asked:
    """What the scan was asked for, as the page tells it.

    Args:
        roots: the folders and files that were named.
        rank: None when nothing is ranked.
        plugins: id and version of all that take part.
        goes_on: how what is not analysed yet will be.
    """

    roots: Sequence[Path]
    rank: Rank | None
    plugins: Sequence[str]
    goes_on: str = "The same command goes on with them."


@dataclass(frozen=True)
class Summary:
    """What there is to tell.

    Args:
        items: in the order of `ranked`.
        unread: folders that could not be read.
        asked: what was asked for.
        facts: the figures of an item whose readings are complete.
    """

    items: Sequence[Item]
    unread: Sequence[Unread]
    asked: Asked
    facts: Callable[[Item], Facts]


def ranked(items: Iterable[Item], rank: Rank | None) -> list[Item]:
    """The items by their standing, those without one behind in their own order."""
    every = list(items)
    if rank is None:
        return every
    sign = -1.0 if rank.downwards else 1.0
    there = [(sign * item.standing.value, n) for n, item in enumerate(every) if item.standing is not None]
    without = [n for n, item in enumerate(every) if item.standing is None]
    return [every[n] for _, n in sorted(there)] + [every[n] for n in without]


def write_summary(summary: Summary, out: Path) -> list[Path]:
    """Write `summary.html`, `summary.csv` and `summary.parquet`, each whole or not at all.

    Nothing in them depends on when the scan ran or how often it was interrupted, but the page's date.

    Raises:
        StorageError: the folder may not be written or the disk is full.
    """
    from mien.batch.page import page

    columns = _columns(summary)
    written = []
    for suffix, write in (
        (".html", lambda path: path.write_text(page(summary, out), encoding="utf-8", newline="\n")),
        (".csv", lambda path: _write_csv(summary, columns, path)),
        (".parquet", lambda path: _write_parquet(summary, columns, path)),
    ):
        target = out / f"{STEM}{suffix}"
        with whole(target) as staged:
            write(staged)
        written.append(target)
    return written


@contextlib.contextmanager
def whole(target: Path) -> Iterator[Path]:
    """A temporary name beside the target, which it takes over when the block ends well.

    Raises:
        StorageError: in place of OSError.
    """
    staged = target.with_name(f".part-{secrets.token_hex(4)}-{target.name}")
    try:
        yield staged
        with staged.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(staged, target)
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise StorageError(f"The disk is full; free some space and try again: {shown(target)}") from error
        why = (error.strerror or type(error).__name__).lower()
        raise StorageError(f"The summary cannot be written ({why}): {shown(target)}") from error
    finally:
        with contextlib.suppress(OSError):
            staged.unlink(missing_ok=True)


_FIRST: Mapping[str, str] = {
    "rank": "int",
    "file": "text",
    "folder": "text",
    "state": "text",
    "value": "float",
    "value_at": "float",
    "seconds": "float",
    "subtitles": "text",
    "partial": "text",
    "reason": "text",
    "medium": "text",
}
"""The columns that every summary has, with their types."""


def state_of(item: Item) -> str:
    """`done`, `partial`, `some failed` (plugins, or an export), `failed` or `not analysed`."""
    if item.state == "todo":
        return "not analysed"
    if item.state == "failed":
        return "failed"
    return "some failed" if item.trouble else "partial" if item.partial else "done"


def _columns(summary: Summary) -> dict[str, str]:
    """Every column with its type: the usual ones, then the figures by name."""
    figures: dict[str, str] = {}
    for item in summary.items:
        for name, value in _figures(summary, item).items():
            figures[name] = "int" if isinstance(value, int) and figures.get(name, "int") == "int" else "float"
    return {**_FIRST, **{name: figures[name] for name in sorted(figures)}}


def _figures(summary: Summary, item: Item) -> Facts:
    return summary.facts(item) if item.state == "done" else {}


def _rows(summary: Summary) -> Iterator[dict[str, Any]]:
    for number, item in enumerate(summary.items, 1):
        standing = item.standing
        first: dict[str, Any] = {
            "rank": number if standing is not None else None,
            "file": _text(item.found.inside),
            "folder": _text(item.found.root),
            "state": state_of(item),
            "value": standing.value if standing is not None else None,
            "value_at": standing.at if standing is not None else None,
            "seconds": item.seconds,
            "subtitles": clean(item.side_car),
            "partial": clean(item.partial),
            "reason": clean(item.trouble),
            "medium": item.medium,
        }
        yield first | dict(_figures(summary, item))


def _write_csv(summary: Summary, columns: Mapping[str, str], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([guarded(clean(name)) for name in columns])
        for row in _rows(summary):
            writer.writerow([_cell(row.get(name), kind) for name, kind in columns.items()])


def _cell(value: Any, kind: str) -> str:
    if value is None:
        return ""
    if kind == "text":
        return guarded(value)
    return str(value) if kind == "int" else f"{value:.6f}"


def _write_parquet(summary: Summary, columns: Mapping[str, str], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"text": pa.string(), "float": pa.float64(), "int": pa.int64()}
    schema = pa.schema([(clean(name), kinds[kind]) for name, kind in columns.items()])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        part: list[dict[str, Any]] = []
        for row in _rows(summary):
            part.append(row)
            if len(part) == _ROWS:
                writer.write_table(_table(part, columns, schema))
                part = []
        if part:
            writer.write_table(_table(part, columns, schema))


def _table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], schema: Any) -> Any:
    import pyarrow as pa

    return pa.table(
        [pa.array([row.get(name) for row in rows], field.type) for name, field in zip(columns, schema, strict=True)],
        schema=schema,
    )


def _text(path: Path) -> str:
    return clean(os.fspath(path).encode("utf-8", "backslashreplace").decode("utf-8"))
