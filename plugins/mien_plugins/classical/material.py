"""A manifest's clips as features, computed once and kept while a training is under way."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import CorpusError, MediaError
from mien.training.arrays import Form, keep_arrays, kept_arrays
from mien.training.manifest import Manifest, Row
from mien.training.stretch import STILLS, pictures, sound
from mien_plugins.classical import features

_SHARD = 32  # clips whose features are written at once
_VERSION = 1
_FORMS: dict[str, Form] = {
    "frames": ("|u1", ("F", features.SIDE**2)),
    "owner": ("<i8", ("F",)),
    "sound": ("<f4", ("N", len(features.SOUND))),
}


@dataclass(frozen=True)
class Material:
    """N clips.

    Args:
        frames: (F, 2500) uint8 pixels, of the clips' pictures.
        owner: (F,) whose picture each is.
        sound: (N, 33) float32, NaN where a clip has none.
        texts: N, empty where nothing is said.
    """

    frames: NDArray[np.uint8]
    owner: NDArray[np.int64]
    sound: NDArray[np.float32]
    texts: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, places: NDArray[np.int64]) -> Material:
        """Some of the clips, in that order."""
        rank = np.full(len(self), -1, np.int64)
        rank[places] = np.arange(len(places))
        inside = rank[self.owner] >= 0
        texts = tuple(self.texts[i] for i in places)
        return Material(self.frames[inside], rank[self.owner[inside]], self.sound[places], texts)


def extract(manifest: Manifest, rate: float, work: Path | None = None, progress: bool = False) -> Material:
    """The features of every row.

    Args:
        rate: pictures a second.
        work: where finished parts are kept, so that a training that was stopped goes on.

    Raises:
        CorpusError: a medium cannot be read; it names the row.
    """
    shards = [manifest.rows[first : first + _SHARD] for first in range(0, len(manifest.rows), _SHARD)]
    parts: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]] = []
    for number, rows in enumerate(_watched(shards, progress)):
        kept = None if work is None else work / f"features-{number:04d}-{_digest(manifest, rows, rate)}.npz"
        found = None if kept is None else _load(kept, len(rows))
        if found is None:
            found = _shard(manifest, rows, rate)
            if kept is not None:
                keep_arrays(kept, dict(zip(_FORMS, found, strict=True)), _FORMS, packed=True)
        parts.append((found[0], found[1] + number * _SHARD, found[2]))
    frames, owner, heard = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Material(frames, owner, heard, tuple(row.text for row in manifest.rows))


def _shard(manifest: Manifest, rows: tuple[Row, ...], rate: float) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    frames: list[NDArray[Any]] = []
    owner: list[int] = []
    heard = np.full((len(rows), len(features.SOUND)), np.nan, np.float32)
    for at, row in enumerate(rows):
        has_sound, has_picture = _streams(manifest, row)
        if has_picture:
            seen = [features.image(picture) for _, picture in pictures(manifest, row, rate, long_side=200)]
            frames += [np.round(255 * one).astype(np.uint8) for one in seen]
            owner += [at] * len(seen)
        if has_sound and (mean := features.sound(sound(manifest, row, features.RATE))) is not None:
            heard[at] = mean
    stacked = np.stack(frames) if frames else np.zeros((0, features.SIDE**2), np.uint8)
    return stacked, np.array(owner, np.int64), heard


def _streams(manifest: Manifest, row: Row) -> tuple[bool, bool]:
    """Whether the row's medium has sound and pictures."""
    if not row.path:
        return False, False
    if Path(row.path).suffix.lower() in STILLS:
        return False, True
    from mien.media.probe import probe

    try:
        medium = probe(manifest.file(row))
        medium.check()
    except MediaError as error:
        raise CorpusError(f"{manifest.where(row)}: {error}") from error
    return medium.audio is not None, medium.video is not None


def _digest(manifest: Manifest, rows: tuple[Row, ...], rate: float) -> str:
    """Of what the features of these rows are made from; files count by size and time."""
    told: list[object] = [_VERSION, rate]
    for row in rows:
        place = manifest.file(row)
        facts = (place.stat().st_size, place.stat().st_mtime_ns) if row.path else ()
        told.append((row.path, row.start, row.end, facts))
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def _load(path: Path, count: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]] | None:
    """What was kept of so many rows; None where there is nothing, or it is damaged."""
    found = kept_arrays(path, _FORMS)
    if found is None or len(found["sound"]) != count:
        return None
    owner = found["owner"]
    return (found["frames"], owner, found["sound"]) if bool(np.all((owner >= 0) & (owner < count))) else None


def _watched(shards: list[tuple[Row, ...]], progress: bool) -> Iterator[tuple[Row, ...]]:
    if not progress:
        yield from shards
        return
    from rich.progress import track

    yield from track(shards, description="reading clips", transient=True)
