"""A picture at falling sizes, each half the one before, from which any smaller view is cut quickly.

OpenCV's area averaging by odd factors is what a search would spend most of its time on; halving runs at memory
speed, and from the nearest half a bilinear view shrinks by less than two, where it averages well enough.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_plugins.face.found import Floats, Images

_SMALLEST = 12


class Halves:
    """Views of pictures (B, h, w, 3) uint8 of one size; sizes are made when first asked for."""

    def __init__(self, images: Images) -> None:
        self._levels = [images]

    def _level(self, zoom: float) -> Images:
        """The smallest level that a view of this zoom (view pixels per picture pixel) need not enlarge."""
        level, scale = 0, 0.5
        while scale >= zoom:
            if level + 1 == len(self._levels):
                last = self._levels[-1]
                height, width = last.shape[1] // 2, last.shape[2] // 2
                if min(height, width) < _SMALLEST:
                    break
                self._levels.append(_resized(last, (width, height)))
            level, scale = level + 1, scale / 2
        return self._levels[level]

    def whole(self, size: tuple[int, int]) -> Images:
        """The pictures at (width, height): (B, height, width, 3)."""
        height, width = self._levels[0].shape[1:3]
        return _resized(self._level(max(size[0] / width, size[1] / height)), size)

    def cut(self, which: int, box: Floats, size: int) -> Images:
        """A box (left, top, width, height) of one picture as (size, size, 3); what lies outside is black."""
        side = max(float(box[2:].max()), 1.0)
        images = self._level(size / side)
        height, width = self._levels[0].shape[1:3]
        x, y = images.shape[2] / width, images.shape[1] / height
        left, top = float(box[0]) * x, float(box[1]) * y
        step = np.array([max(float(box[2]), 1.0) * x, max(float(box[3]), 1.0) * y]) / size
        # Pixel centres lie at halves.
        matrix: NDArray[np.float64] = np.array(
            [[step[0], 0, left + step[0] / 2 - 0.5], [0, step[1], top + step[1] / 2 - 0.5]]
        )
        view = cv2.warpAffine(
            images[which],
            matrix,
            (size, size),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
        )
        return np.asarray(view, np.uint8)


def _resized(images: Images, size: tuple[int, int]) -> Images:
    return np.stack([cv2.resize(image, size, interpolation=cv2.INTER_LINEAR) for image in images])
