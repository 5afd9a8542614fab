"""Square face pictures cut from the full upright picture."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np


def crop_face(picture: Any, xywh: Any, size: int, margin: float, landmarks: Any = None) -> Any:
    """One face as a square.

    Args:
        picture: (H, W, 3) uint8 RGB.
        xywh: left, top, width, height in pixels of the picture.
        size: side of the result in pixels.
        margin: added on each side, as a share of the box' longer side.
        landmarks: (P, 2) in the same pixels with the two eyes first; given, the face is turned until the eyes are level.

    Returns:
        (size, size, 3) uint8 RGB. What lies outside the picture repeats its border.
    """
    x, y, w, h = (float(v) for v in xywh)
    side = max(w, h, 1.0) * (1 + 2 * margin)
    centre = np.array([x + w / 2, y + h / 2])
    angle = 0.0
    if landmarks is not None:
        eyes = np.asarray(landmarks, np.float64)[:2]
        left, right = eyes[np.argsort(eyes[:, 0])]
        angle = float(np.arctan2(right[1] - left[1], right[0] - left[0]))
    zoom = size / side
    cos, sin = np.cos(angle) * zoom, np.sin(angle) * zoom
    turn = np.array([[cos, sin], [-sin, cos]])
    shift = np.array([size / 2, size / 2]) - turn @ centre
    matrix = np.hstack([turn, shift[:, None]])
    # Area averaging is what avoids aliasing when a large face shrinks; warpAffine has none, so shrink first.
    if zoom < 0.5:
        reach = side  # the turned square fits in twice its half diagonal
        x0, y0 = (np.floor(centre - reach)).astype(int)
        x1, y1 = (np.ceil(centre + reach)).astype(int)
        x0, y0 = max(x0, 0), max(y0, 0)
        part = picture[y0:y1, x0:x1]
        if part.size:
            factor = 2 * zoom
            small = (max(1, round(part.shape[1] * factor)), max(1, round(part.shape[0] * factor)))
            picture = cv2.resize(part, small, interpolation=cv2.INTER_AREA)
            scale = np.array([small[0] / part.shape[1], small[1] / part.shape[0]])
            turn = turn / scale[None, :]
            shift = np.array([size / 2, size / 2]) - turn @ ((centre - [x0, y0]) * scale)
            matrix = np.hstack([turn, shift[:, None]])
    return cv2.warpAffine(picture, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
