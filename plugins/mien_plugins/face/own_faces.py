"""The faces of a manifest's rows, found, followed and cut out as analyses do it (`analyzer.FaceDetector`, the engine's crops).

A row is a picture or a stretch of a medium. Of all who are seen in it the one counts whose face takes up most of it, so that
what is learnt from a row is one person's face; up to so many pictures of that face are kept, spread evenly over the stretch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.media.crops import crop_face
from mien.models import store
from mien.training.arrays import Form, keep_arrays, kept_arrays
from mien.training.manifest import Manifest, Row
from mien.training.stretch import Picture, pictures
from mien_plugins.face.analyzer import searcher
from mien_plugins.face.found import Detector, Images
from mien_plugins.face.info import CROP, MARGIN, YUNET, DetectParams
from mien_plugins.face.watch import Watcher

_AT_ONCE = 8
_VERSION = 1
_FORMS: dict[str, Form] = {"faces": ("|u1", ("N", CROP, CROP))}


@dataclass
class _Person:
    """One person's faces, thinned evenly while they come, so that a stretch of hours needs no more memory than a short one.

    area: of all faces together, in pixels. most: pictures kept at a time, even.
    """

    most: int
    area: float = 0.0
    seen: int = 0
    stride: int = 1
    faces: list[Images] = field(default_factory=list)

    def add(self, area: float, face: Images) -> None:
        """The next picture of this face."""
        self.area += area
        if self.seen % self.stride == 0:
            self.faces.append(face)
            if len(self.faces) >= self.most:
                self.faces, self.stride = self.faces[::2], 2 * self.stride
        self.seen += 1


class FaceFinder:
    """Finds the faces of rows on a device; those found are kept in a folder, so that a training that goes on need not look again.

    frames: faces of a row at most.
    """

    def __init__(self, frames: int, device: str = "cpu", kept: Path | None = None, progress: bool = False) -> None:
        self.frames, self._device, self._folder, self._progress = frames, device, kept, progress
        self._yunet = store.resolve(YUNET) if store.is_installed(YUNET) else None

    @property
    def name(self) -> str:
        """Who searches: what analyses take by default."""
        return "MTCNN" if self._yunet is None else "YuNet"

    @cached_property
    def _detector(self) -> Detector:
        return searcher(DetectParams(), self._device, self._yunet)

    def all(self, manifest: Manifest) -> tuple[Images, NDArray[np.int64]]:
        """Grey faces (F, CROP, CROP) of all rows, and the place of the row that each is of, (F,).

        Raises:
            CorpusError: a row names no picture that can be read; it says which.
        """
        from rich.console import Console
        from rich.progress import track

        rows = track(
            manifest.rows, "Looking for faces", console=Console(stderr=True), transient=True, disable=not self._progress
        )
        found = [self.row(manifest, row) for row in rows]
        owner = np.repeat(np.arange(len(found)), [len(faces) for faces in found])
        return np.concatenate([np.zeros((0, CROP, CROP), np.uint8), *found]), owner.astype(np.int64)

    def row(self, manifest: Manifest, row: Row) -> Images:
        """Grey faces (n, CROP, CROP) of one row, n from 0 to `frames`; raises CorpusError as `all` does."""
        if self._folder is None or not row.path:
            return self._look(manifest, row)
        kept = self._folder / f"{self._key(manifest.file(row), row)}.npz"
        found = kept_arrays(kept, _FORMS)
        if found is not None:
            faces = found["faces"]
        else:
            faces = self._look(manifest, row)
            keep_arrays(kept, {"faces": faces}, _FORMS, packed=True)
        return faces

    def _look(self, manifest: Manifest, row: Row) -> Images:
        usual = DetectParams()
        watcher = Watcher(self._detector, usual.search, usual.min_face, usual.max_faces)
        people: dict[int, _Person] = {}
        for some in _batches(pictures(manifest, row, usual.rate)):
            full = {time: picture for time, picture in some}
            small = np.stack([_shrunk(picture, usual.size) for picture in full.values()])
            height, width = next(iter(full.values())).shape[:2]
            scale = width / small.shape[2], height / small.shape[1]
            for seen in watcher.watch(np.array(list(full), np.float64), small, scale):
                face = crop_face(full[seen.time], seen.box, CROP, MARGIN, seen.landmarks)
                person = people.setdefault(seen.person, _Person(max(4, 4 * self.frames)))
                person.add(
                    float(seen.box[2] * seen.box[3]), np.asarray(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), np.uint8)
                )
        if not people:
            return np.zeros((0, CROP, CROP), np.uint8)
        faces = max(people.values(), key=lambda person: person.area).faces
        chosen = np.linspace(0, len(faces) - 1, min(self.frames, len(faces))).round().astype(int)
        return np.stack([faces[i] for i in chosen])

    def _key(self, path: Path, row: Row) -> str:
        about = path.stat()
        told = [_VERSION, str(path), about.st_size, about.st_mtime_ns, row.start, str(row.end), self.frames, self.name]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:20]


def _batches(seen: Iterator[tuple[float, Picture]]) -> Iterator[Sequence[tuple[float, Picture]]]:
    """Several pictures of one size at a time."""
    waiting: list[tuple[float, Picture]] = []
    for time, picture in seen:
        if waiting and (len(waiting) == _AT_ONCE or waiting[0][1].shape != picture.shape):
            yield waiting
            waiting = []
        waiting.append((time, picture))
    if waiting:
        yield waiting


def _shrunk(picture: Picture, side: int) -> Picture:
    """The picture with a longer side of `side` pixels at most."""
    zoom = side / max(picture.shape[:2])
    if zoom >= 1:
        return picture
    size = max(1, round(picture.shape[1] * zoom)), max(1, round(picture.shape[0] * zoom))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
