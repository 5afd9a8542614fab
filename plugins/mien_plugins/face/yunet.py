"""YuNet through OpenCV, when its weights are in the store: quick enough to search every picture.

Source: Wu, Peng & Yu, "YuNet: A Tiny Millisecond-level Face Detector" (MIR 2023); weights of
libfacedetection.train.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from mien.errors import ModelError
from mien_plugins.face.found import Floats, Found, Images

_SIDE = 320


class YuNet:
    """The detector in one ONNX file of a model's folder. Runs on the CPU. threshold: of its score."""

    sure = 0.87

    def __init__(self, folder: Path, threshold: float = 0.8) -> None:
        files = sorted(folder.glob("*.onnx"))
        if not files:
            raise ModelError(f"the model yunet in {folder} holds no .onnx file: import or fetch it again")
        # An export for any size comes first: one for 320 x 320 sees wide pictures squeezed into its square.
        files.sort(key=lambda file: "dynamic" not in file.name)
        # OpenCV 5 writes a line about targets to the error stream whenever it makes one.
        level = cv2.utils.logging.getLogLevel()
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
        try:
            self._net = cv2.FaceDetectorYN.create(str(files[0]), "", (_SIDE, _SIDE), threshold, 0.3, 500)
        except cv2.error as error:
            raise ModelError(f"{files[0]} is no YuNet that OpenCV can read: {error.err}") from error
        finally:
            cv2.utils.logging.setLogLevel(level)
        self._fixed = "dynamic" not in files[0].name

    def move(self, device: str) -> None:
        """It is on the CPU."""

    def detect(self, images: Images, min_face: float = 24.0) -> list[Found]:
        """Faces of at least `min_face` pixels in pictures (B, h, w, 3) uint8 RGB."""
        return [self._one(image, min_face) for image in images]

    def follow(self, image: Images, boxes: Floats) -> None:
        """None: it searches anew."""
        return None

    def _one(self, image: Images, min_face: float) -> Found:
        height, width = image.shape[:2]
        if min(height, width) < 8:
            return Found.none()
        # Small enough to be quick, large enough for the smallest face asked for, which it finds from about
        # 10 pixels.
        zoom = min(1.0, _SIDE / max(height, width) if self._fixed else max(12.0 / min_face, 0.25))
        size = max(8, round(width * zoom)), max(8, round(height * zoom))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if zoom < 1 else image
        if self._fixed:
            square = np.zeros((_SIDE, _SIDE, 3), np.uint8)
            square[: size[1], : size[0]] = small
            small, size = square, (_SIDE, _SIDE)
        self._net.setInputSize(size)
        _, rows = self._net.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
        if rows is None:
            return Found.none()
        scale = np.float32(1.0 / zoom)
        found = Found(
            (rows[:, :4] * scale).astype(np.float32),
            np.clip(rows[:, 14], 0, 1).astype(np.float32),
            (rows[:, 4:14].reshape(-1, 5, 2) * scale).astype(np.float32),
        )
        large = np.flatnonzero(found.boxes[:, 2:].max(axis=1) >= min_face)
        return found.take(large[np.argsort(-found.score[large])])
