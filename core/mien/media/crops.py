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
    # Area averaging is what avoids aliasing when a large face shrinks; warpAffine has none, so shrink first, by a whole
    # number: cv2 is twenty times faster at that.
    shrink = int(1 / zoom)
    if shrink > 1:
        reach = side * np.sqrt(0.5) + shrink  # half the diagonal: the square in any turn
        x0, y0 = np.maximum(np.floor(centre - reach), 0).astype(int)
        x1, y1 = np.ceil(centre + reach).astype(int)
        part = picture[y0:y1, x0:x1]
        small = np.array([part.shape[1], part.shape[0]]) // shrink
        if small.min() > 0:
            part = part[: small[1] * shrink, : small[0] * shrink]
            picture = cv2.resize(part, tuple(map(int, small)), interpolation=cv2.INTER_AREA)
            # Pixel centres lie at whole numbers, so that of a shrunk pixel is in the middle of those it stands for.
            shift = shift + turn @ (np.array([x0, y0]) + (shrink - 1) / 2)
            turn = turn * shrink
            matrix = np.hstack([turn, shift[:, None]])
    return cv2.warpAffine(picture, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
