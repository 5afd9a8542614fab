"""Watches pictures one after another: searches now and then, follows in between, says who is who."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_plugins.face.found import Detector, Floats, Found, Images, clip, iou, suppress
from mien_plugins.face.looks import look
from mien_plugins.face.tracker import Tracker

_SMALLEST = 20.0
# Mean difference (0 to 255) of 32 x 18 thumbnails between pictures of two shots; within a shot it stays
# below 15.
_CUT = 28.0
_SEARCHED_AT_ONCE = 8


@dataclass(frozen=True)
class Sighting:
    """One face: time in s, person, box (4,) and landmarks (5, 2) in pixels of the upright picture, score."""

    time: float
    person: int
    box: Floats
    score: float
    landmarks: Floats


class Watcher:
    """State of one medium. search: s between searches of the whole picture. min_face: share of the longer
    side."""

    def __init__(self, detector: Detector, search: float = 0.6, min_face: float = 0.04, max_faces: int = 12) -> None:
        self.detector, self.search, self.min_face, self.max_faces = detector, search, min_face, max_faces
        self.tracker = Tracker()
        self.searches = 0
        self._active: dict[int, Floats] = {}  # person -> box in the last picture, upright pixels
        self._doubtful: Floats = np.zeros((0, 4), np.float32)
        self._searched = -np.inf
        self._thumb: NDArray[np.float32] | None = None

    def watch(self, times: NDArray[np.float64], images: Images, scale: tuple[float, float]) -> list[Sighting]:
        """The faces in pictures (B, h, w, 3) at times (B,); `scale` as in `FrameBatch`."""
        cuts, thumb = self._cuts(images)
        found = self._planned(times, images, cuts)
        self._thumb = thumb  # only now: had the device run out of memory, the host would call again with these pictures
        sightings = []
        for i, time in enumerate(times.tolist()):
            if cuts[i]:
                self.tracker.forget_places()
                self._active, self._doubtful = {}, self._doubtful[:0]
            here = found.get(i)
            if here is None:
                sightings += self._follow(time, images[i], scale)
            else:
                sightings += self._place(time, images[i], here, scale)
        return sightings

    def _cuts(self, images: Images) -> tuple[list[bool], NDArray[np.float32] | None]:
        """Before which pictures there is a cut, and the last one's thumbnail."""
        cuts, before = [], self._thumb
        for image in images:
            # Shrunk twice: averaging straight down from a large picture costs more than all else here.
            half = cv2.resize(image, (128, 72), interpolation=cv2.INTER_LINEAR)
            thumb = cv2.resize(half, (32, 18), interpolation=cv2.INTER_AREA).astype(np.float32)
            cuts.append(before is not None and float(np.abs(thumb - before).mean()) > _CUT)
            before = thumb
        return cuts, before

    def _planned(self, times: NDArray[np.float64], images: Images, cuts: list[bool]) -> dict[int, Found]:
        """Search, in batches, the pictures whose turn it is."""
        due, last = [], self._searched
        for i, time in enumerate(times.tolist()):
            if cuts[i] or time - last >= self.search - 1e-6:
                due.append(i)
                last = time
        found: dict[int, Found] = {}
        for start in range(0, len(due), _SEARCHED_AT_ONCE):
            part = due[start : start + _SEARCHED_AT_ONCE]
            found.update(zip(part, self._detect(images[part]), strict=True))
        self._searched = last
        return found

    def _detect(self, images: Images) -> list[Found]:
        self.searches += len(images)
        smallest = max(_SMALLEST, self.min_face * max(images.shape[1:3]))
        return self.detector.detect(images, smallest)

    def _follow(self, time: float, image: Images, scale: tuple[float, float]) -> list[Sighting]:
        """Look where the faces were; if one is gone, or this detector does not follow, search."""
        if not self._active and not len(self._doubtful):
            return []
        persons = list(self._active)
        boxes = np.concatenate([np.array([self._active[p] for p in persons]).reshape(-1, 4), self._doubtful])
        near = self.detector.follow(image, (boxes / np.tile(scale, 2)).astype(np.float32))
        if near is None:
            return self._place(time, image, self._detect(image[None])[0], scale)
        # Two numbers must not end on one face.
        apart = np.zeros(len(near), bool)
        apart[suppress(near.boxes, near.score, 0.5)] = True
        held = (near.score > 0) & apart
        known = np.arange(len(near)) < len(persons)
        if (known & ~held).any():
            # Somebody turned away, left or moved fast: only a search can tell.
            self._searched = time
            return self._place(time, image, self._detect(image[None])[0], scale)
        if (~known & held).any():
            return self._place(time, image, near.take(np.flatnonzero(held)), scale, proven=True)
        self._doubtful = self._doubtful[:0]
        upright = near.scaled(*scale)
        sightings = []
        for row, person in enumerate(persons):
            self._active[person] = upright.boxes[row]
            self.tracker.moved(person, time, upright.boxes[row])
            sightings.append(self._sighting(time, person, upright, row, image, scale))
        return sightings

    def _place(
        self, time: float, image: Images, found: Found, scale: tuple[float, float], proven: bool = False
    ) -> list[Sighting]:
        """Number what a search found; what it is not sure of waits for the next picture."""
        largest = np.argsort(-found.boxes[:, 2] * found.boxes[:, 3], kind="stable")[: self.max_faces]
        found = found.take(np.sort(largest))
        upright = found.scaled(*scale)
        before = np.concatenate([np.array(list(self._active.values())).reshape(-1, 4), self._doubtful])
        seen_before = iou(upright.boxes, before.astype(np.float32)).max(axis=1, initial=0.0) > 0.3
        sure = (found.score >= self.detector.sure) | seen_before | proven
        self._doubtful = upright.boxes[~sure]
        found, upright = found.take(sure), upright.take(sure)
        looks = (
            np.stack([look(image, box, marks) for box, marks in zip(found.boxes, found.landmarks, strict=True)])
            if len(found)
            else np.zeros((0, 1), np.float32)
        )
        ids = self.tracker.assign(time, upright, looks)
        self._active = {int(person): upright.boxes[row] for row, person in enumerate(ids)}
        return [self._sighting(time, int(person), upright, row, image, scale) for row, person in enumerate(ids)]

    @staticmethod
    def _sighting(
        time: float, person: int, upright: Found, row: int, image: Images, scale: tuple[float, float]
    ) -> Sighting:
        height, width = image.shape[:2]
        box = clip(upright.boxes[row : row + 1], round(width * scale[0]), round(height * scale[1]))[0]
        score = min(1.0, max(0.0, float(upright.score[row])))
        return Sighting(time, person, box, score, upright.landmarks[row])
