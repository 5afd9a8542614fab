"""The face room's analyzers: `face.detect` (who is where) and `face.affect` (what their faces show)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from mien.errors import ModelError, shown
from mien.models.damage import UNREADABLE, reason
from mien.models.hold import held
from mien.sdk import Block, Context, CropBatch, FaceExplanation, MediaInfo, Params
from mien.tracks import AROUSAL, VALENCE, AnyTrack, Boxes, Curve, Features
from mien.tracks.quantity import EXPRESSION_QUANTITIES
from mien_plugins.face.found import Detector
from mien_plugins.face.info import MODEL, YUNET, AffectParams, DetectParams
from mien_plugins.face.watch import Watcher

if TYPE_CHECKING:
    from mien_plugins.face.reader import ExpressionReader


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
        if folder is not None:
            from mien_plugins.face.yunet import YuNet

            ctx.note("Faces were searched by YuNet.")
            return YuNet(folder, threshold=min(params.threshold, 0.8))
        if params.detector == "yunet":
            raise ModelError(
                "the face detector YuNet is not installed: import its folder with `mien models import`, "
                "or set face.detect.detector=mtcnn"
            )
        from mien_plugins.face.mtcnn import Mtcnn

        ctx.note("Faces were searched by MTCNN.")
        return Mtcnn(ctx.device, thresholds=(0.6, 0.7, params.threshold))

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
        """Load the net onto the context's device."""
        assert isinstance(params, AffectParams)
        self._reader = self._load(ctx)
        self._batch, self._ctx = params.batch, ctx

    @staticmethod
    def _load(ctx: Context) -> ExpressionReader:

        from mien_plugins.face.reader import ExpressionReader

        folder = ctx.model(MODEL)
        try:
            if ctx.device == "cpu":  # the reader knows float32 alone there, and the run's record says so
                return held(ExpressionReader.load, folder)
            return held(ExpressionReader.load, folder, ctx.device, ctx.precision)
        except UNREADABLE as error:
            raise ModelError(
                f"the model {MODEL} cannot be read ({reason(error)}): verify or fetch it again: {shown(folder)}"
            ) from error

    def explain_face(self, faces: CropBatch, params: Params, ctx: Context) -> FaceExplanation:
        """Which part of a face the net looked at (`explain.py`)."""
        from mien_plugins.face.explain import explain_face

        return explain_face(self._load(ctx), faces)

    def process(self, block: Block) -> Iterable[AnyTrack]:
        """Read the block's faces."""
        crops = block.crops
        if crops is None or not len(crops.times):
            return
        self._ctx.check_cancelled()
        reading = self._reader.read(crops.images, self._batch)
        # Crops of one picture share its time; rows stay in the order of time.
        order = np.argsort(crops.times, kind="stable")
        times, person = crops.times[order], crops.person[order]
        yield Curve("face.expression", times, reading.probability[order], EXPRESSION_QUANTITIES, person)
        yield Curve("face.affect", times, reading.affect[order], (VALENCE, AROUSAL), person)
        yield Features("face.embedding", times, reading.embedding[order], person)

    def finish(self) -> Iterable[AnyTrack]:
        """Everything was written as it came."""
        return ()

    def close(self) -> None:
        """Free the net."""
        if hasattr(self, "_reader"):
            del self._reader
