"""CSV: a folder with one table a track (RFC 4180, UTF-8), a README and a manifest."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mien.exchange.folder import write_folder
from mien.exchange.manifest import Column, columns_of, values_of
from mien.exchange.params import CsvParams
from mien.exchange.text import clean
from mien.sdk.params import Params
from mien.sdk.protocols import Analysis
from mien.tracks.track import AnyTrack

_ROWS = 20_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

_HOW = (
    "Comma-separated tables in UTF-8, one a track; the first line names the columns. Times are seconds\n"
    "from the medium's beginning. An empty cell is a reading that there is not."
)
_GUARD = (
    "\nText that a spreadsheet would run as a formula (it begins with = + - @ or a tab) has a ' put before\n"
    "it; numbers never have."
)


def guarded(text: str) -> str:
    """The text as a spreadsheet will not run it: a ' is put before what would begin a formula (OWASP, CSV
    injection).
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table as text: floats with six decimals at most, what is not finite or None empty, no cell that begins a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".") if math.isfinite(value) else ""
    return guarded(clean(value)) if isinstance(value, str) else str(value)


class CsvExporter:
    """Writes a folder of CSV tables."""

    def export(self, analysis: Analysis, target: Path, params: Params) -> list[Path]:
        """One file a track; floats are written without exponents, NaN as an empty cell."""
        assert isinstance(params, CsvParams)
        how = _HOW + (_GUARD if params.guard else "")
        return write_folder(
            analysis,
            target,
            params,
            ".csv",
            how,
            lambda track, path: _write_table(track, path, params),
            (lambda text: guarded(clean(text))) if params.guard else clean,
            "utf-8-sig" if params.bom else "utf-8",
        )


def _write_table(track: AnyTrack, path: Path, params: CsvParams) -> None:
    columns, values = columns_of(track), values_of(track)
    with path.open("w", encoding="utf-8-sig" if params.bom else "utf-8", newline="") as file:
        writer = csv.writer(file)
        header = [clean(column.name) for column in columns]
        writer.writerow([guarded(name) for name in header] if params.guard else header)
        for first in range(0, len(track), _ROWS):
            cells = [
                _cells(column, part[first : first + _ROWS], params)
                for column, part in zip(columns, values, strict=True)
            ]
            writer.writerows(zip(*cells, strict=True))


def _cells(column: Column, values: Any, params: CsvParams) -> list[str]:
    if column.type == "string":
        return [guarded(clean(text)) if params.guard else clean(text) for text in values]
    if column.type == "integer":
        return [str(value) for value in values.tolist()]
    digits = 6 if column.unit == "s" and column.quantity is None else params.digits
    return ["" if value != value else f"{value:.{digits}f}" for value in np.asarray(values).tolist()]
