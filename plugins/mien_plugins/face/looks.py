"""What a person looks like, as a short vector: enough to know somebody again within one video.

It is no face recognition and says nothing about who a person is. Texture of the levelled face: histograms
of uniform local binary patterns over a grid (Ahonen, Hadid & Pietikainen, PAMI 2006). Colour of face, hair
and clothes: Lab histograms. Both are compared by the Bhattacharyya coefficient, which for rooted histograms
is a plain dot product.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_plugins.face.found import Floats, Images

_SIDE, _GRID = 64, 4
_PATTERNS = 59
# Where the five landmarks of a levelled face lie in its square, as shares of the side.
_LEVEL = np.array([[0.31, 0.37], [0.69, 0.37], [0.5, 0.58], [0.35, 0.78], [0.65, 0.78]], np.float32)
# Stretches about the box, as shares of it (left, top, right, bottom): the face, the hair, the clothes.
_STRETCHES = ((0.1, 0.1, 0.9, 0.95), (0.0, -0.35, 1.0, 0.15), (-0.3, 1.25, 1.3, 2.0))
_BINS = (4, 8, 8)
_TEXTURE, _COLOUR = 0.5, 0.5


def look(image: Images, box: Floats, landmarks: Floats) -> Floats:
    """Unit vector (D,) of how the person at `box` in the picture (h, w, 3) RGB looks (products in [0, 1])."""
    grey = cv2.cvtColor(_levelled(image, box, landmarks), cv2.COLOR_RGB2GRAY)
    texture = _texture(np.asarray(grey, np.uint8))
    colours = [_colour(image, box, stretch) for stretch in _STRETCHES]
    whole = np.concatenate(
        [np.sqrt(_TEXTURE) * texture, *(np.sqrt(_COLOUR / len(colours)) * colour for colour in colours)]
    )
    return np.asarray(whole / max(float(np.linalg.norm(whole)), 1e-9), np.float32)


def _levelled(image: Images, box: Floats, landmarks: Floats) -> Images:
    """The face turned, moved and zoomed to (64, 64, 3) so that its landmarks lie where all faces' do."""
    matrix = None
    if np.ptp(landmarks[:, 0]) > 1 and np.ptp(landmarks[:, 1]) > 1:
        matrix = similarity(landmarks, _LEVEL * _SIDE)
    if matrix is None:
        zoom = _SIDE / max(float(box[2:].max()), 1.0)
        centre = (box[:2] + box[2:] / 2) * zoom
        matrix = np.array([[zoom, 0, _SIDE / 2 - centre[0]], [0, zoom, _SIDE / 2 - centre[1]]], np.float64)
    face = cv2.warpAffine(image, matrix, (_SIDE, _SIDE), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(face, np.uint8)


def similarity(source: Floats, target: Floats) -> NDArray[np.float64] | None:
    """The turn, zoom and shift (2, 3) that brings points (N, 2) nearest to others in the least squares;
    None if all are one point (Umeyama, PAMI 1991, without reflection)."""
    a, b = source.mean(axis=0), target.mean(axis=0)
    p, q = (source - a).astype(np.float64), (target - b).astype(np.float64)
    spread = float((p**2).sum())
    if spread < 1e-9:
        return None
    # In complex numbers a similarity is one factor: the projection of q on p.
    z = complex((p * q).sum(), (p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]).sum()) / spread
    turn = np.array([[z.real, -z.imag], [z.imag, z.real]])
    return np.hstack([turn, (b - turn @ a)[:, None]])


def _texture(grey: NDArray[np.uint8]) -> Floats:
    """Rooted histograms of uniform LBP over a grid, unit length."""
    codes = _uniform()[_patterns(np.asarray(cv2.GaussianBlur(grey, (3, 3), 0), np.uint8))]
    step = codes.shape[0] // _GRID
    cells = codes[: step * _GRID, : step * _GRID].reshape(_GRID, step, _GRID, step).transpose(0, 2, 1, 3)
    cell = np.arange(_GRID * _GRID)[:, None] * _PATTERNS
    counts = np.bincount((cells.reshape(_GRID * _GRID, -1) + cell).ravel(), minlength=_GRID * _GRID * _PATTERNS)
    return np.asarray(np.sqrt(counts / counts.sum()), np.float32)


def _patterns(grey: NDArray[np.uint8]) -> NDArray[np.intp]:
    """8-neighbour binary patterns (h-2, w-2), 0 to 255."""
    centre = grey[1:-1, 1:-1]
    h, w = centre.shape
    ring = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))
    code = np.zeros((h, w), np.intp)
    for bit, (dy, dx) in enumerate(ring):
        code |= (grey[dy : dy + h, dx : dx + w] >= centre).astype(np.intp) << bit
    return code


@lru_cache(maxsize=1)
def _uniform() -> NDArray[np.intp]:
    """Pattern -> bin: each of the 58 patterns with at most two changes round the ring has its own, the rest
    share one."""
    table = np.full(256, _PATTERNS - 1, np.intp)
    free = 0
    for pattern in range(256):
        turned = (pattern >> 1) | ((pattern & 1) << 7)
        if bin(pattern ^ turned).count("1") <= 2:
            table[pattern] = free
            free += 1
    return table


def _colour(image: Images, box: Floats, stretch: tuple[float, float, float, float]) -> Floats:
    """Rooted Lab histogram of a stretch, unit length; even where the stretch lies outside the picture."""
    height, width = image.shape[:2]
    low, high = np.array(stretch[:2]), np.array(stretch[2:])
    x0, y0 = np.maximum(np.round(box[:2] + low * box[2:]), 0).astype(int)
    x1, y1 = np.minimum(np.round(box[:2] + high * box[2:]), (width, height)).astype(int)
    size = int(np.prod(_BINS))
    if x1 - x0 < 2 or y1 - y0 < 2:
        return np.full(size, size**-0.5, np.float32)
    part = cv2.resize(image[y0:y1, x0:x1], (24, 24), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(part, cv2.COLOR_RGB2LAB).reshape(-1, 3)
    histogram = np.zeros(_BINS, np.float32)
    # Colours of faces fill little of Lab: the a and b axes are binned over the part that occurs.
    level = lab[:, 0].astype(int) * _BINS[0] // 256
    red = np.clip((lab[:, 1].astype(int) - 108) * _BINS[1] // 56, 0, _BINS[1] - 1)
    yellow = np.clip((lab[:, 2].astype(int) - 108) * _BINS[2] // 56, 0, _BINS[2] - 1)
    np.add.at(histogram, (level, red, yellow), 1.0)
    flat = cv2.GaussianBlur(histogram.reshape(_BINS[0], -1), (3, 1), 0).ravel()
    return np.asarray(np.sqrt(flat / max(float(flat.sum()), 1e-9)), np.float32)
