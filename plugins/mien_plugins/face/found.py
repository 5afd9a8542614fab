"""What a detector finds, and the geometry of boxes. numpy only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Images = NDArray[np.uint8]


@dataclass(frozen=True)
class Found:
    """Faces in one picture, best first.

    boxes (N, 4): left, top, width, height in pixels. score (N,) in [0, 1]. landmarks (N, 5, 2): x, y of the
    eye on the left side of the picture, the other eye, nose tip, mouth corners (left, right).
    """

    boxes: Floats
    score: Floats
    landmarks: Floats

    def __len__(self) -> int:
        return len(self.score)

    @classmethod
    def none(cls) -> Found:
        """No face."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 5, 2), np.float32))

    def take(self, index: NDArray[np.intp] | NDArray[np.bool_]) -> Found:
        """The faces at these positions."""
        return Found(self.boxes[index], self.score[index], self.landmarks[index])

    def scaled(self, x: float, y: float) -> Found:
        """The same faces in a picture `x` times as wide and `y` times as high."""
        factor = np.array([x, y], np.float32)
        return Found(self.boxes * np.tile(factor, 2), self.score, self.landmarks * factor)


class Detector(Protocol):
    """Finds faces in pictures of one size.

    sure: a face that scores less when first found must be found again in the next picture to count.
    """

    sure: float

    def detect(self, images: Images, min_face: float = 24.0) -> list[Found]:
        """Search pictures (B, h, w, 3) uint8 RGB for faces of at least `min_face` px; one `Found` each."""

    def follow(self, image: Images, boxes: Floats) -> Found | None:
        """Faces near these boxes in the picture (h, w, 3), aligned with `boxes`; score 0 where the face is
        lost.

        None if this detector is as quick to search anew.
        """

    def move(self, device: str) -> None:
        """Go on on another device."""


def iou(a: Floats, b: Floats) -> Floats:
    """Intersection over union (N, M) of boxes (N, 4) and (M, 4), left-top-width-height."""
    inter, area_a, area_b = _overlap(a, b)
    union = area_a[:, None] + area_b[None, :] - inter
    return np.asarray(inter / np.maximum(union, 1e-9), np.float32)


def inside(a: Floats, b: Floats) -> Floats:
    """Intersection over the smaller of the two areas (N, M)."""
    inter, area_a, area_b = _overlap(a, b)
    return np.asarray(inter / np.maximum(np.minimum(area_a[:, None], area_b[None, :]), 1e-9), np.float32)


def _overlap(a: Floats, b: Floats) -> tuple[Floats, Floats, Floats]:
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, :2] + a[:, None, 2:], b[None, :, :2] + b[None, :, 2:])
    extent = np.maximum(high - low, 0.0)
    return extent[..., 0] * extent[..., 1], a[:, 2] * a[:, 3], b[:, 2] * b[:, 3]


def suppress(boxes: Floats, score: Floats, threshold: float, smaller: bool = False) -> NDArray[np.intp]:
    """Non-maximum suppression: positions that stay, best first.

    A box goes if its overlap with a better one exceeds the threshold; `smaller` measures by the smaller area.
    """
    order = np.argsort(-score, kind="stable")
    if len(order) < 2:
        return order
    ranked = boxes[order]
    clash = (inside if smaller else iou)(ranked, ranked) > threshold
    keep = np.ones(len(order), bool)
    for i in range(len(order) - 1):
        if keep[i]:
            keep[i + 1 :] &= ~clash[i, i + 1 :]
    return order[keep]


def square(boxes: Floats) -> Floats:
    """The squares of the boxes' longer sides about their centres."""
    side = boxes[:, 2:].max(axis=1, keepdims=True) if len(boxes) else boxes[:, 2:3]
    centre = boxes[:, :2] + boxes[:, 2:] / 2
    return np.concatenate([centre - side / 2, side, side], axis=1).astype(np.float32)


def clip(boxes: Floats, width: int, height: int) -> Floats:
    """The boxes' parts inside a picture of this size."""
    limit = np.array([width, height], np.float32)
    low = np.clip(boxes[:, :2], 0, limit)
    high = np.clip(boxes[:, :2] + boxes[:, 2:], 0, limit)
    return np.concatenate([low, high - low], axis=1).astype(np.float32)
