"""A face with the attention that was paid to it laid over as colours that are even to the eye (viridis)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mien.errors import ExportError, shown
from mien.exchange.whole import write_whole
from mien.sdk.protocols import FaceExplanation

GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601
STRENGTH = 0.55
"""Of the heat over a face, when nobody says how strong it is to be."""


def colours(levels: Any) -> Any:
    """Levels (...) from 0 to 1 -> (..., 3) uint8 RGB of the viridis map."""
    steps = np.clip(np.round(np.asarray(levels, np.float64) * 255), 0, 255).astype(np.uint8)
    table = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_VIRIDIS)[:, 0, ::-1]
    return table[steps]


def overlaid(found: FaceExplanation, strength: float = STRENGTH) -> Any:
    """The face under its heat, (H, W, 3) uint8 RGB as large as the crop.

    Args:
        strength: from 0, the face alone, to 1, the heat alone. Under heat the face loses its own colours, so that those that
            are seen tell of heat only.
    """
    face = found.crop.astype(np.float32)
    size = (face.shape[1], face.shape[0])
    heat = cv2.resize(np.asarray(found.heat, np.float32), size, interpolation=cv2.INTER_LINEAR)
    hot = colours(heat / max(float(heat.max()), 1e-12)).astype(np.float32)
    grey = (face @ np.array(GREY, np.float32))[..., None]
    fade = min(1.0, 2.0 * strength)
    base = face * (1.0 - fade) + grey * fade
    return np.clip(np.round(base * (1.0 - strength) + hot * strength), 0, 255).astype(np.uint8)


def write_picture(found: FaceExplanation, target: Path, strength: float = STRENGTH) -> Path:
    """Write the face, and beside it the face under its heat, as a picture; the name's ending says which kind.

    Args:
        strength: as of `overlaid`.

    Raises:
        ExportError: it is no kind of picture, or cannot be written there.
    """
    both = np.hstack([found.crop, overlaid(found, strength)])
    kind = target.suffix.lower() or ".png"
    try:
        good, data = cv2.imencode(kind, both[..., ::-1])
    except cv2.error:
        good = False
    if not good:
        raise ExportError(f"No picture can be written as {kind!r}; name the file .png: {shown(target)}")
    return write_whole(target, data.tobytes(), "picture")
