"""The lowest and highest value of every reading, kept in the cache folder so that no track is read twice for it.

A complete run never changes, so its peaks hold as long as it is there. The file may vanish at any time, and a folder
that may not be written costs only time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import sqlite3
import threading
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.config import cache_dir
from mien.library.library import Library
from mien.library.overview import StoredTrack, read_track
from mien.tracks.track import AnyTrack, Curve, Spans

_log = logging.getLogger(__name__)
_TABLE = "CREATE TABLE IF NOT EXISTS peak (run TEXT, track TEXT, data TEXT, PRIMARY KEY (run, track))"


@dataclass(frozen=True, slots=True)
class Peak:
    """The extremes of one reading: its lowest and highest value with their times in s."""

    low: float
    low_at: float
    high: float
    high_at: float


Channels = tuple[Peak | None, ...]
"""The peaks of a track's channels; None for a channel without a reading."""


class Peaks:
    """Peaks of stored tracks; usable from any thread.

    Args:
        library: where the tracks are.
        path: the cache's file, by default one of this library's own in the cache folder.
    """

    def __init__(self, library: Library, path: Path | None = None) -> None:
        self._library = library
        name = hashlib.sha256(library.place.encode("utf-8", "replace")).hexdigest()[:16]
        self._path = path or cache_dir() / "peaks" / f"{name}.db"
        self._lock = threading.Lock()
        self._file: sqlite3.Connection | None = None
        self._known: dict[tuple[str, str], Channels] = {}
        self._load()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def of(self, track: StoredTrack, channel: int = 0) -> Peak | None:
        """The extremes of one channel of a curve, or of the scores of spans; None where there is no reading.

        Raises:
            LibraryError: the track cannot be read.
        """
        found = self.known(track)
        if found is None:
            self.fill([track])
            found = self.known(track) or ()
        return found[channel] if channel < len(found) else None

    def known(self, track: StoredTrack) -> Channels | None:
        """The peaks of every channel, None when they are not in the cache."""
        return self._known.get((track.run_id, track.name))

    def fill(self, tracks: Iterable[StoredTrack]) -> None:
        """Find the peaks of those tracks that are not known yet, and keep them."""
        missing = [track for track in tracks if self.known(track) is None]
        found = {(t.run_id, t.name): peaks_of(read_track(self._library, t)) for t in missing}
        with self._lock:
            self._known.update(found)
            rows = [(run, name, json.dumps([_row(p) for p in channels])) for (run, name), channels in found.items()]
            self._write("INSERT OR REPLACE INTO peak VALUES (?, ?, ?)", rows)

    def prune(self, runs: Collection[str]) -> None:
        """Forget all runs but these."""
        with self._lock:
            gone = {run for run, _ in self._known} - set(runs)
            self._known = {key: value for key, value in self._known.items() if key[0] not in gone}
            self._write("DELETE FROM peak WHERE run = ?", [(run,) for run in gone])

    def _load(self) -> None:
        for _ in range(2):
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = sqlite3.connect(self._path, timeout=2.0, check_same_thread=False)
                self._file.execute("PRAGMA synchronous=OFF")
                self._file.execute(_TABLE)
                for run, name, data in self._file.execute("SELECT run, track, data FROM peak"):
                    self._known[run, name] = tuple(_peak(p) for p in json.loads(data))
                return
            except (sqlite3.Error, OSError, ValueError, TypeError, OverflowError, RecursionError) as error:
                _log.info("the cache of peaks is made anew (%s): %s", error, self._path)
                self.close()
                self._known.clear()
                with contextlib.suppress(OSError):
                    self._path.unlink()

    def _write(self, statement: str, rows: Sequence[tuple[str, ...]]) -> None:
        if self._file is None or not rows:
            return
        try:
            with self._file:
                self._file.executemany(statement, rows)
        except sqlite3.Error as error:
            _log.info("peaks could not be kept (%s): %s", error, self._path)


def peaks_of(track: AnyTrack) -> Channels:
    """The extremes of every channel of a curve, or of the scores of spans; other tracks have none."""
    if isinstance(track, Curve):
        return tuple(_extremes(track.times, track.values[:, c]) for c in range(track.values.shape[1]))
    if isinstance(track, Spans):
        return (_extremes(track.start, track.score),)
    return ()


def _extremes(times: npt.NDArray[np.float64], values: npt.NDArray[np.float32]) -> Peak | None:
    if not np.isfinite(values).any():
        return None
    low, high = int(np.nanargmin(values)), int(np.nanargmax(values))
    return Peak(float(values[low]), float(times[low]), float(values[high]), float(times[high]))


def _peak(row: Any) -> Peak | None:
    """The inverse of `_row`; raises TypeError, ValueError or OverflowError for what is no such row."""
    if row is None:
        return None
    low, low_at, high, high_at = (float(value) for value in row if not isinstance(value, str))
    return Peak(low, low_at, high, high_at)


def _row(peak: Peak | None) -> tuple[float, float, float, float] | None:
    return None if peak is None else (peak.low, peak.low_at, peak.high, peak.high_at)
