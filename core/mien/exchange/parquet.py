"""Parquet: a folder with one file a track. Its schema's metadata holds name, quantities and provenance (key
`mien`).
"""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from mien.exchange.csv import guarded
from mien.exchange.folder import write_folder
from mien.exchange.params import ParquetParams
from mien.exchange.text import clean
from mien.sdk.params import Params
from mien.sdk.protocols import Analysis
from mien.tracks.arrow import to_table
from mien.tracks.track import AnyTrack

_HOW = (
    "Apache Parquet (zstd), one file a track; pandas.read_parquet opens each. Times are seconds from the\n"
    "medium's beginning. Vectors and landmarks are one list a row."
)


class ParquetExporter:
    """Writes a folder of Parquet files."""

    def export(self, analysis: Analysis, target: Path, params: Params) -> list[Path]:
        """One file a track, full precision; `mien.tracks.from_table` gives the track back as it was."""
        assert isinstance(params, ParquetParams)
        # The table of corrections is CSV here too.
        return write_folder(analysis, target, params, ".parquet", _HOW, _write_table, lambda text: guarded(clean(text)))


def _write_table(track: AnyTrack, path: Path) -> None:
    pq.write_table(to_table(track), path, compression="zstd")
