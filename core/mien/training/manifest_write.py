"""Writes manifests, and moves them to another folder."""

from __future__ import annotations

import csv
import math
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mien.errors import StorageError, UsageError, shown
from mien.training.manifest import COLUMNS, Manifest, Row
from mien.training.manifest_file import FORMULA, NAMES, SUFFIXES


def write_manifest(manifest: Manifest, target: Path) -> None:
    """Write CSV or Parquet, by the suffix; all of it or nothing.

    Paths stay as they are, so the manifest belongs into `manifest.folder`; `moved` changes them for another.

    Raises:
        UsageError: another suffix.
        StorageError: it cannot be written there.
    """
    suffix = target.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"A manifest is written as {', '.join(SUFFIXES)}; name such a file: {shown(target)}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".manifest-", suffix=suffix)
        os.close(handle)
        part = Path(name)
        try:
            if suffix == ".parquet":
                _write_parquet(manifest, part)
            else:
                _write_table(manifest, part, "\t" if suffix == ".tsv" else ",")
            part.chmod(0o644)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"The manifest cannot be written ({error.strerror or error}): {shown(target)}") from error


def moved(manifest: Manifest, folder: Path) -> Manifest:
    """The manifest with paths relative to `folder`, which must hold its recordings.

    Raises:
        UsageError: it does not, so that paths would lead out of it.
    """
    if not any(row.path for row in manifest.rows):
        return replace(manifest, folder=folder)  # texts lie nowhere
    try:
        prefix = manifest.folder.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError as error:
        raise UsageError(
            f"A manifest lies in the folder of its recordings or above it, since its paths may not lead out; "
            f"write it there: {shown(manifest.folder / NAMES[0])}"
        ) from error
    if prefix == ".":
        return replace(manifest, folder=folder)
    rows = tuple(replace(row, path=f"{prefix}/{row.path}") if row.path else row for row in manifest.rows)
    return replace(manifest, folder=folder, rows=rows)


def _guarded(text: str) -> str:
    """The text as `unguarded` takes it back; one that begins like a guarded one gets another '."""
    return f"'{text}" if text.lstrip("'").startswith(FORMULA) else text


def _cells(row: Row) -> tuple[Any, ...]:
    end = None if math.isinf(row.end) else row.end
    return (row.path, row.start or None, end, row.speaker, row.split, row.group, row.text, *row.labels)


def _used(manifest: Manifest) -> list[int]:
    """The columns that hold something; path always, since it says what the table is."""
    rows = [_cells(row) for row in manifest.rows]
    kept = [n for n in range(len(COLUMNS)) if n == 0 or any(cells[n] not in ("", None) for cells in rows)]
    return kept + list(range(len(COLUMNS), len(COLUMNS) + len(manifest.labels)))


def _headings(manifest: Manifest) -> list[str]:
    return [*COLUMNS, *(label.heading for label in manifest.labels)]


def _write_table(manifest: Manifest, target: Path, delimiter: str) -> None:
    used, headings = _used(manifest), _headings(manifest)
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow([headings[n] for n in used])
        writer.writerows(_written(_cells(row), used) for row in manifest.rows)


def _written(cells: Sequence[Any], used: Iterable[int]) -> list[str]:
    # Nine digits hold what is measured and leave out what binary numbers add.
    return ["" if cells[n] is None else f"{cells[n]:.9g}" if isinstance(cells[n], float) else _guarded(str(cells[n]))
            for n in used]  # fmt: skip


def _write_parquet(manifest: Manifest, target: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    used, headings = _used(manifest), _headings(manifest)
    numbers = {1, 2} | {len(COLUMNS) + n for n, label in enumerate(manifest.labels) if not label.classes}
    columns = list(zip(*map(_cells, manifest.rows), strict=True)) or [()] * len(headings)
    arrays = {headings[n]: pa.array(list(columns[n]), pa.float64() if n in numbers else pa.string()) for n in used}
    pq.write_table(pa.table(arrays), target, compression="zstd")
