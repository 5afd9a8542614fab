"""Parquet: a folder with one file a track. Its schema's metadata holds name, quantities and provenance (key
`mien`).
"""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from mien.exchange.manifest import Table, columns_of, file_names, write_manifest
from mien.exchange.params import ParquetParams
from mien.exchange.text import chosen
from mien.sdk.params import Params
from mien.sdk.protocols import Analysis
from mien.tracks.arrow import to_table

_HOW = (
    "Apache Parquet (zstd), one file a track; pandas.read_parquet opens each. Times are seconds from the\n"
    "medium's beginning. Vectors and landmarks are one list a row."
)


class ParquetExporter:
    """Writes a folder of Parquet files."""

    def export(self, analysis: Analysis, target: Path, params: Params) -> list[Path]:
        """One file a track, full precision; `mien.tracks.from_table` gives the track back as it was."""
        assert isinstance(params, ParquetParams)
        tracks = chosen(analysis.tracks, params.tracks)
        if not params.features:
            tracks = {name: track for name, track in tracks.items() if track.kind != "features"}
        target.mkdir(exist_ok=True)
        tables = []
        for name, file in file_names(tracks, ".parquet").items():
            pq.write_table(to_table(tracks[name]), target / file, compression="zstd")
            tables.append(Table(file, tracks[name], columns_of(tracks[name])))
        return [*(target / table.file for table in tables), *write_manifest(target, analysis, tables, _HOW)]
