"""Exports that are a folder with one table a track: which tracks, their files, the manifest. The format writes a table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mien.exchange.corrections import FILE, of_tracks, write_table
from mien.exchange.manifest import Table, columns_of, file_names, write_manifest
from mien.exchange.params import TableParams
from mien.exchange.text import chosen, clean
from mien.sdk.protocols import Analysis
from mien.tracks.track import AnyTrack


def write_folder(
    analysis: Analysis,
    target: Path,
    params: TableParams,
    suffix: str,
    how_to_read: str,
    write: Callable[[AnyTrack, Path], None],
    guard: Callable[[str], str] = clean,
    encoding: str = "utf-8",
) -> list[Path]:
    """Write the chosen tracks into a folder.

    Args:
        target: the folder; made if it is not there.
        params: which tracks, with or without vectors.
        suffix: of the tables' files, with its dot.
        how_to_read: for the folder's README.
        write: writes one track as one file.
        guard, encoding: of the text in the table of corrections, which is CSV in every such folder.

    Returns:
        The files written.
    """
    tracks = chosen(analysis.tracks, params.tracks, features=params.features)
    target.mkdir(exist_ok=True)
    tables = []
    for name, file in file_names(tracks, suffix).items():
        write(tracks[name], target / file)
        tables.append(Table(file, tracks[name], columns_of(tracks[name])))
    corrections = of_tracks(analysis.corrections, params.tracks)
    more = [FILE] if corrections else []
    if corrections:
        write_table(corrections, target / FILE, guard, encoding)
        how_to_read += (
            f"\n{FILE} has what people decided and changed, one line each; readings are as they were predicted."
        )
    files = [*(table.file for table in tables), *more]
    return [*(target / file for file in files), *write_manifest(target, analysis, tables, how_to_read, more)]
