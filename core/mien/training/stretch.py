"""What a manifest's rows name, decoded: sound, pictures, faces. Only the stretch is read, however long its medium is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import CorpusError, MediaError, shown
from mien.training.manifest import Manifest, Row

Samples = NDArray[np.float32]
Picture = NDArray[np.uint8]

SLACK = 0.5
"""s that a stretch may reach beyond the medium's end: annotators' clocks and containers disagree by as much."""
MOST_SECONDS = 4 * 3600.0
STILLS = (".png", ".jpg", ".jpeg", ".bmp")
NUMBERS = (".npz", ".npy")
"""Features instead of a medium, which some recipes read."""
_MOST_PIXELS = 50_000_000


@dataclass(frozen=True)
class Face:
    """Where a face is, in pixels of the picture: (4,) left, top, width, height, and (P, 2) landmarks, eyes first, or None."""

    xywh: NDArray[np.float32]
    landmarks: NDArray[np.float32] | None = None


Detect = Callable[[Picture], list[Face]]
"""Finds the faces of an (H, W, 3) uint8 RGB picture."""


def sound(manifest: Manifest, row: Row, rate: int = 16_000) -> Samples:
    """(n,) mono float32 in [-1, 1] at `rate` Hz: the row's stretch of its medium's default sound.

    Raises:
        CorpusError: the medium cannot be read, or has no sound there; it names the row.
    """
    from mien.media.decode import Decoder
    from mien.media.pieces import AudioPiece
    from mien.media.resample import Resampler

    path = _path(manifest, row)
    begin, end = row.start, row.end
    parts: list[Samples] = []
    first: float | None = None
    resampler = Resampler(rate)
    try:
        with Decoder(path, video=False, begin=begin, end=None if math.isinf(row.end) else row.end) as decoder:
            for piece in decoder:
                assert isinstance(piece, AudioPiece)
                first = piece.start if first is None else first
                if (chunk := resampler.push(piece)) is not None:
                    parts.append(chunk.samples)
                if piece.end - begin > MOST_SECONDS:
                    raise CorpusError(
                        f"{manifest.where(row)} is longer than {MOST_SECONDS / 3600:g} hours; part it: {shown(path)}"
                    )
            if (rest := resampler.flush()) is not None:
                parts.append(rest.samples)
    except MediaError as error:
        raise CorpusError(f"{manifest.where(row)}: {error}") from error
    if first is None:
        raise CorpusError(f"{manifest.where(row)}: there is no sound from {begin:g} s on: {shown(path)}")
    samples = np.concatenate([*parts, np.zeros(0, np.float32)])
    late = max(0, round((first - begin) * rate))  # a stream that begins later than the stretch
    samples = np.pad(samples, (late, 0))
    return samples if math.isinf(end) else samples[: max(1, round((end - begin) * rate))]


def pictures(
    manifest: Manifest, row: Row, rate: float = 5.0, long_side: int | None = None
) -> Iterator[tuple[float, Picture]]:
    """(time in s, (H, W, 3) uint8 RGB) of the row's stretch, upright, at most `rate` pictures a second; a still is one at 0 s.

    Raises:
        CorpusError: the medium cannot be read, or has no picture there; it names the row.
    """
    from mien.media.decode import Decoder
    from mien.media.picture import to_rgb
    from mien.media.pieces import FramePiece

    path = _path(manifest, row)
    if path.suffix.lower() in STILLS:
        yield 0.0, _still(manifest, row, path, long_side)
        return
    step, due, any_at_all = 1 / rate, row.start, False
    try:
        with Decoder(path, audio=False, begin=row.start, end=None if math.isinf(row.end) else row.end) as decoder:
            for piece in decoder:
                assert isinstance(piece, FramePiece)
                if piece.time + 1e-6 < due:
                    continue
                due = max(due + step, piece.time + step / 2)
                any_at_all = True
                yield piece.time, to_rgb(piece.frame, long_side, piece.rotation, piece.aspect)[0]
    except MediaError as error:
        raise CorpusError(f"{manifest.where(row)}: {error}") from error
    if not any_at_all:
        raise CorpusError(f"{manifest.where(row)}: there is no picture from {row.start:g} s on: {shown(path)}")


def faces(
    manifest: Manifest, row: Row, detect: Detect, *, rate: float = 5.0, size: int = 96, margin: float = 0.0
) -> tuple[NDArray[np.float64], Picture]:
    """Times (B,) s and crops (B, size, size, 3) uint8 RGB of the largest face of each picture; B may be 0.

    Args:
        detect: finds faces; the face room has one (`mien_plugins.corpora.faces.detector`).
        margin: as `mien.media.crops.crop_face` takes it.

    Raises:
        CorpusError: as `pictures`.
    """
    from mien.media.crops import crop_face

    times: list[float] = []
    crops: list[Any] = []
    for time, picture in pictures(manifest, row, rate):
        found = detect(picture)
        if not found:
            continue
        largest = max(found, key=lambda face: float(face.xywh[2] * face.xywh[3]))
        times.append(time)
        crops.append(crop_face(picture, largest.xywh, size, margin, largest.landmarks))
    empty = np.zeros((0, size, size, 3), np.uint8)
    return np.array(times, np.float64), np.stack(crops) if crops else empty


def check_media(manifest: Manifest) -> tuple[str, ...]:
    """Refuse stretches that lie outside their medium, and media that cannot be read; each medium is probed once.

    Returns:
        Media whose length cannot be known without decoding them, so that their stretches were not judged.

    Raises:
        CorpusError: it names the row.
    """
    from mien.media.probe import probe

    unknown: list[str] = []
    for path, rows in manifest.sequences().items():
        if not path:
            continue
        last = max(rows, key=lambda row: row.start if math.isinf(row.end) else row.end)
        place = manifest.file(last)
        if place.suffix.lower() in (*STILLS, *NUMBERS):
            continue
        try:
            medium = probe(place)
            medium.check()
        except MediaError as error:
            raise CorpusError(f"{manifest.where(last)}: {error}") from error
        reach = last.start if math.isinf(last.end) else last.end - SLACK
        if medium.duration is None:
            unknown.append(path)
        elif reach >= medium.duration:
            raise CorpusError(
                f"{manifest.where(last)}: the stretch from {last.start:g} to {last.end:g} s lies outside its medium, which is "
                f"{medium.duration:.2f} s long: {shown(place)}"
            )
    return tuple(unknown)


def _path(manifest: Manifest, row: Row) -> Path:
    if not row.path:
        raise CorpusError(f"{manifest.where(row)} is only a text; a recording is needed: {shown(manifest.source)}")
    return manifest.file(row)


def _still(manifest: Manifest, row: Row, path: Path, long_side: int | None) -> Picture:
    import cv2

    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
        found = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except (OSError, cv2.error) as error:
        raise CorpusError(f"{manifest.where(row)}: the picture cannot be read: {shown(path)}") from error
    if found is None or found.shape[0] * found.shape[1] > _MOST_PIXELS:
        raise CorpusError(f"{manifest.where(row)}: this is no picture that can be read: {shown(path)}")
    shrink = 1.0 if long_side is None else min(1.0, long_side / max(found.shape[:2]))
    if shrink < 1:
        size = (max(1, round(found.shape[1] * shrink)), max(1, round(found.shape[0] * shrink)))
        found = cv2.resize(found, size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(found[:, :, ::-1], np.uint8)
