"""The face room's analyzers: `face.detect` (who is where) and `face.affect` (what their faces show)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from mien.errors import ModelError, shown
from mien.models.damage import UNREADABLE, reason
from mien.models.hold import held
from mien.sdk import Block, Context, CropBatch, FaceExplanation, MediaInfo, Params
from mien.tracks import AROUSAL, VALENCE, AnyTrack, Boxes, Curve, Features
from mien.tracks.quantity import EXPRESSION_QUANTITIES
from mien_plugins.face.found import Detector
from mien_plugins.face.info import MODEL, OWN, RATED, YUNET, AffectParams, DetectParams
from mien_plugins.face.watch import Watcher

if TYPE_CHECKING:
    from mien_plugins.face.reader import ExpressionReader, RatingReader

T = TypeVar("T")


def searcher(params: DetectParams, device: str, yunet: Path | None) -> Detector:
    """Who searches for faces: YuNet where there is a folder of it, else MTCNN."""
    if yunet is not None:
        from mien_plugins.face.yunet import YuNet

        return YuNet(yunet, threshold=min(params.threshold, 0.8))
    from mien_plugins.face.mtcnn import Mtcnn

    return Mtcnn(device, thresholds=(0.6, 0.7, params.threshold))


class FaceDetector:
    """Analyzer `face.detect`: frames in, `face.boxes` out. Pictures without a face give no rows."""

    def prepare(self, media: MediaInfo, params: Params, ctx: Context) -> None:
        """Choose and load the detector."""
        assert isinstance(params, DetectParams)
        self._ctx = ctx
        self._watcher = Watcher(self._detector(params, ctx), params.search, params.min_face, params.max_faces)

    @staticmethod
    def _detector(params: DetectParams, ctx: Context) -> Detector:
        folder = None if params.detector == "mtcnn" else ctx.optional_model(YUNET)
        if folder is None and params.detector == "yunet":
            raise ModelError(
                "the face detector YuNet is not installed: import its folder with `mien models import`, "
                "or set face.detect.detector=mtcnn"
            )
        ctx.note(f"Faces were searched by {'MTCNN' if folder is None else 'YuNet'}.")
        return searcher(params, ctx.device, folder)

    def process(self, block: Block) -> Iterable[AnyTrack]:
        """The faces of the block's pictures, in one piece."""
        if block.frames is None or not len(block.frames.times):
            return
        self._ctx.check_cancelled()
        seen = self._watcher.watch(block.frames.times, block.frames.images, block.frames.scale)
        if seen:
            yield Boxes(
                "face.boxes",
                np.array([s.time for s in seen], np.float64),
                np.array([s.person for s in seen], np.int32),
                np.stack([s.box for s in seen]),
                np.array([s.score for s in seen], np.float32),
                np.stack([s.landmarks for s in seen]),
            )

    def finish(self) -> Iterable[AnyTrack]:
        """Everything was written as it came."""
        self._ctx.log.debug("searched %d whole pictures", self._watcher.searches)
        return ()

    def move(self, device: str) -> None:
        """Go on on another device; persons keep their numbers."""
        self._watcher.detector.move(device)

    def close(self) -> None:
        """Free the nets."""
        if hasattr(self, "_watcher"):
            del self._watcher


class FaceAffect:
    """Analyzer `face.affect`: crops in; expressions, valence and arousal, and embeddings per person out."""

    def prepare(self, media: MediaInfo, params: Params, ctx: Context) -> None:
        """Load the nets onto the context's device."""
        assert isinstance(params, AffectParams)
        self._reader = _expressions(MODEL, ctx)
        self._own: ExpressionReader | None = None
        self._rater: RatingReader | None = None
        if params.model == OWN:
            self._own = _expressions(OWN, ctx)
            ctx.note(f"Expressions are read by {OWN}, which was trained on own data.")
        elif params.model == RATED:
            self._rater = _ratings(ctx)
            ctx.note(f"Valence and arousal of faces are read by {RATED}, which was trained on own data.")
        self._batch, self._ctx = params.batch, ctx

    def explain_face(self, faces: CropBatch, params: Params, ctx: Context) -> FaceExplanation:
        """Which part of a face the net looked at (`explain.py`)."""
        from mien_plugins.face.explain import explain_face

        assert isinstance(params, AffectParams)
        return explain_face(_expressions(OWN if params.model == OWN else MODEL, ctx), faces)

    def process(self, block: Block) -> Iterable[AnyTrack]:
        """Read the block's faces."""
        crops = block.crops
        if crops is None or not len(crops.times):
            return
        self._ctx.check_cancelled()
        reading = self._reader.read(crops.images, self._batch)
        read = reading if self._own is None else self._own.read(crops.images, self._batch)
        affect = read.affect if self._rater is None else self._rater.read(crops.images, self._batch)
        # Crops of one picture share its time; rows stay in the order of time.
        order = np.argsort(crops.times, kind="stable")
        times, person = crops.times[order], crops.person[order]
        yield Curve("face.expression", times, read.probability[order], EXPRESSION_QUANTITIES, person)
        yield Curve("face.affect", times, affect[order], (VALENCE, AROUSAL), person)
        # Always of the nets that come with Mien: fusions were trained on these.
        yield Features("face.embedding", times, reading.embedding[order], person)

    def finish(self) -> Iterable[AnyTrack]:
        """Everything was written as it came."""
        return ()

    def close(self) -> None:
        """Free the nets."""
        if hasattr(self, "_reader"):
            del self._reader, self._own, self._rater


def _expressions(model: str, ctx: Context) -> ExpressionReader:
    """The nets that read expressions: those that come with Mien, or a user's own."""
    from mien_plugins.face.reader import ExpressionReader

    return _loaded(ExpressionReader.load, model, ctx)


def _ratings(ctx: Context) -> RatingReader:
    """A user's own nets that read valence and arousal."""
    from mien_plugins.face.reader import RatingReader

    return _loaded(RatingReader.load, RATED, ctx)


def _loaded(load: Callable[..., T], model: str, ctx: Context) -> T:
    folder = ctx.model(model) if model == MODEL else ctx.optional_model(model)
    if folder is None:
        task = " --set task=affect" if model == RATED else ""
        raise ModelError(
            f"face.affect.model={model} needs training: make the model with 'mien train face-affect --data DIR --out OUT{task}', "
            f"where DIR holds the manifest.csv of your pictures, then 'mien models import {model} OUT'"
        )
    try:
        if ctx.device == "cpu":  # the reader knows float32 alone there, and the run's record says so
            return held(load, folder)
        return held(load, folder, ctx.device, ctx.precision)
    except UNREADABLE as error:
        again = "verify or fetch it again" if model == MODEL else "train it again"
        raise ModelError(f"the model {model} cannot be read ({reason(error)}): {again}: {shown(folder)}") from error
