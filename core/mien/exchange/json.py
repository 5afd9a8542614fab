"""JSON: everything in one file, described in docs/json-format.md. NaN never appears; a missing number is
null.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mien.exchange.corrections import describe_correction, of_tracks
from mien.exchange.manifest import (
    Column,
    columns_of,
    describe_medium,
    describe_notes,
    finite,
    provenance_of,
    values_of,
)
from mien.exchange.params import JsonParams
from mien.exchange.text import chosen, clean
from mien.sdk.params import Params
from mien.sdk.protocols import Analysis
from mien.tracks.track import AnyTrack

FORMAT = "mien-analysis"
FORMAT_VERSION = 1
_ROWS = 5_000
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class JsonExporter:
    """Writes one JSON file."""

    def export(self, analysis: Analysis, target: Path, params: Params) -> list[Path]:
        """Rows are streamed track by track: the file is never in memory as a whole."""
        assert isinstance(params, JsonParams)
        tracks = chosen(analysis.tracks, params.tracks, features=params.features)
        with target.open("w", encoding="utf-8") as file:
            file.write(_dump(_head(analysis, params))[:-1] + ',"tracks":[')
            for n, track in enumerate(tracks.values()):
                file.write(("," if n else "") + ("\n" if params.indent else ""))
                for part in _track(track, params):
                    file.write(part)
            file.write("]}\n")
        return [target]


def _head(analysis: Analysis, params: JsonParams) -> dict[str, Any]:
    import mien

    return {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "generator": f"Mien {mien.__version__}",
        "title": clean(analysis.title),
        "partial": clean(analysis.partial),
        "span": analysis.span,
        "medium": describe_medium(analysis),
        "notes": describe_notes(analysis),
        "corrections": [describe_correction(c) for c in of_tracks(analysis.corrections, params.tracks)],
    }


def _track(track: AnyTrack, params: JsonParams) -> Iterator[str]:
    columns, values = columns_of(track), values_of(track)
    head = {
        "name": clean(track.name),
        "kind": track.kind,
        "columns": [column.to_dict() for column in columns],
        "provenance": provenance_of(track),
    }
    yield _dump(head)[:-1] + ',"rows":['
    comma = ",\n" if params.indent else ","
    for first in range(0, len(track), _ROWS):
        cells = [
            _cells(column, part[first : first + _ROWS], params.digits)
            for column, part in zip(columns, values, strict=True)
        ]
        batch = list(zip(*cells, strict=True))
        rows = comma.join(map(_ENCODER.encode, batch)) if params.indent else _ENCODER.encode(batch)[1:-1]
        yield (comma if first else "\n" if params.indent else "") + rows
    yield "]}"


def _cells(column: Column, values: Any, digits: int) -> list[Any]:
    if column.type == "string":
        return [clean(text) for text in values]
    if column.type == "integer":
        return list(values.tolist())
    places = 6 if column.unit == "s" and column.quantity is None else digits
    return [v if v - v == 0 else None for v in np.round(np.asarray(values, np.float64), places).tolist()]


def _dump(value: Any) -> str:
    return _ENCODER.encode(finite(value))
