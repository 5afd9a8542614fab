"""Finds faces in a recipe's pictures with what the face room has."""

from __future__ import annotations

import numpy as np

from mien.training.stretch import Detect, Face, Picture

SMALLEST = 24.0
"""px"""


def detector(device: str = "cpu") -> Detect:
    """A function for `mien.training.stretch.faces`: MTCNN, whose weights come with facenet-pytorch."""
    from mien_plugins.face.mtcnn import Mtcnn

    net = Mtcnn(device)

    def detect(picture: Picture) -> list[Face]:
        (found,) = net.detect(np.ascontiguousarray(picture)[None], SMALLEST)
        return [Face(box, marks) for box, marks in zip(found.boxes, found.landmarks, strict=True)]

    return detect
