"""Finds the face that an explanation is asked of, cuts it out as the analyzer declared, and asks where it looked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mien.engine.choice import Choice
from mien.engine.context import RunContext
from mien.engine.isolation.choose import Builder
from mien.engine.registry import Registry
from mien.engine.run import open_medium
from mien.errors import NotMedia, PluginError, UsageError
from mien.media.crops import crop_face
from mien.media.decode import Decoder
from mien.media.picture import to_rgb
from mien.media.pieces import FramePiece
from mien.sdk.blocks import Block, CropBatch, FrameBatch
from mien.sdk.descriptors import AnalyzerInfo
from mien.sdk.inputs import Crops, Frames
from mien.sdk.params import Params
from mien.sdk.protocols import FaceExplanation
from mien.tracks.track import Boxes

NEAR = 0.5
"""s; a face that was found so far from the moment is still the face of the moment."""
APART = 0.2
"""s between the pictures that are searched when no faces are known: a detector may want to see a face twice."""
FINE = 3
"""The face is shown in so many times the resolution that it was read in, where the picture has it."""


@dataclass(frozen=True)
class Finder:
    """Finds faces in a medium.

    Args:
        spec: how faces are cut out, and the track that says where they are.
        context: makes the context of a plugin that is run for it.
    """

    spec: Crops
    path: Path
    choice: Choice
    registry: Registry
    context: Callable[[AnalyzerInfo], RunContext]

    def known(self, boxes: Boxes, at: float, person: int | None) -> tuple[Boxes, FramePiece] | None:
        """The face nearest to a moment in a track, and its frame."""
        rows = np.flatnonzero(np.abs(boxes.times - at) <= NEAR)
        if person is not None:
            rows = rows[boxes.person[rows] == person]
        if not rows.size:
            return None
        row = _best(boxes, rows, at)
        time = float(boxes.times[row])
        frame = next((f for f in self._frames(time - 1e-3, time + NEAR) if abs(f.time - time) < 1e-3), None)
        return (boxes.take(slice(row, row + 1)), frame) if frame is not None else None

    def search(self, at: float) -> tuple[Boxes, FramePiece] | None:
        """The largest face in the picture that is shown at a moment, or in the pictures about it."""
        frames = self._about(at)
        info = next(
            (i for i in self.registry.analyzers.values() if any(w.name == self.spec.track for w in i.outputs)), None
        )
        if info is None:
            raise UsageError(f"No plugin writes {self.spec.track}, which an explanation of faces needs.")
        params = self.choice.params(self.registry, info.id)
        spec = next((i for i in info.inputs_for(params) if isinstance(i, Frames)), Frames())
        pictures = [to_rgb(f.frame, spec.size, f.rotation, f.aspect) for f in frames]
        images = [image for image, _ in pictures]
        if len({image.shape for image in images}) > 1:  # the resolution changes right here
            frames, images = frames[-1:], images[-1:]
        batch = FrameBatch(np.array([f.time for f in frames]), np.stack(images), pictures[-1][1])
        detector = Builder(self.registry)(info)
        try:
            detector.prepare(open_medium(self.path, self.choice)[1], params, self.context(info))
            found = [*detector.process(Block(frames[0].time, frames[-1].time, frames=batch)), *detector.finish()]
        finally:
            detector.close()
        faces = [track for track in found if isinstance(track, Boxes) and len(track)]
        if not faces:
            return None
        boxes = Boxes.concat(faces)
        shown = min(boxes.times.tolist(), key=lambda t: abs(t - _shown(frames, at).time))
        row = _best(boxes, np.flatnonzero(boxes.times == shown), at)
        here = boxes.take(slice(row, row + 1))
        nobody = replace(here, person=np.array([-1], np.int32))  # numbers of this search mean nothing elsewhere
        return nobody, next(f for f in frames if f.time == shown)

    def _about(self, at: float) -> list[FramePiece]:
        """The frame that is shown at a moment, with some before and behind it."""
        for back in (1.0, 15.0, float("inf")):
            frames: list[FramePiece] = []
            shown: FramePiece | None = None
            for frame in self._frames(at - back, None):
                if frame.time > at + 1e-6 and shown is None:
                    break
                if frame.time <= at + 1e-6:
                    if shown is not None and shown.time - (frames[-1].time if frames else -np.inf) >= APART:
                        frames = [*frames[-1:], shown]
                    shown = frame
                    continue
                assert shown is not None
                if frame.time - shown.time >= APART:
                    return [*frames, shown, frame]
            if shown is not None:
                return [*frames, shown]
        first = next(self._frames(0.0, None), None)
        if first is None:
            raise NotMedia(f"There is no picture to explain in the medium: {self.path}")
        return [first]

    def _frames(self, begin: float, end: float | None) -> Iterator[FramePiece]:
        medium, _ = open_medium(self.path, self.choice)
        if medium.video is None:
            raise NotMedia(f"There is no picture to explain in the medium: {self.path}")
        with Decoder(medium, audio=None, begin=max(0.0, begin), end=end) as decoder:
            for piece in decoder:
                assert isinstance(piece, FramePiece)
                yield piece


def explain_face(
    finder: Finder,
    analyzer: Any,
    at: float,
    params: Params,
    context: RunContext,
    person: int | None,
    boxes: Boxes | None,
) -> FaceExplanation:
    """Ask an analyzer where on a face it looked.

    Args:
        at: s; the face nearest to it is explained.
        person: whose face, by number in `boxes`; the largest one by default.
        boxes: faces that are known already.

    Raises:
        UsageError: no face is seen there, or not that one.
        PluginError: what the analyzer says cannot be.
    """
    found = finder.known(boxes, at, person) if boxes is not None else None
    if found is None and person is not None and boxes is not None:
        raise UsageError(f"Person {person} is not seen at {at:.1f} s; choose another moment or another face.")
    if found is None:
        found = finder.search(at)
    if found is None:
        raise UsageError(f"No face is seen at {at:.1f} s; choose another moment.")
    context.check_cancelled()
    face, frame = found
    picture, _ = to_rgb(frame.frame, None, frame.rotation, frame.aspect)
    spec, box = finder.spec, face.xywh[0]
    marks = face.landmarks[0] if spec.aligned and face.landmarks is not None else None
    crop = crop_face(picture, box, spec.size, spec.margin, marks)
    batch = CropBatch(np.array([frame.time]), face.person.astype(np.int32), crop[None], face.xywh)
    told: FaceExplanation = analyzer.explain_face(batch, params, context)
    if told.heat.ndim != 2 or not np.isfinite(told.heat).all() or told.heat.min() < 0:
        raise PluginError(f"{context.plugin} explained a face by attention that is no share of anything.")
    finest = min(FINE * spec.size, max(spec.size, round(float(box[2:].max()))))
    return replace(told, crop=crop_face(picture, box, finest, spec.margin, marks))


def _best(boxes: Boxes, rows: Any, at: float) -> int:
    """The row nearest in time, and of those the largest face."""
    near = rows[np.abs(boxes.times[rows] - at) == np.abs(boxes.times[rows] - at).min()]
    return int(near[np.argmax(boxes.xywh[near, 2] * boxes.xywh[near, 3])])


def _shown(frames: list[FramePiece], at: float) -> FramePiece:
    """The frame that is shown at a moment."""
    before = [f for f in frames if f.time <= at + 1e-6]
    return before[-1] if before else frames[0]
