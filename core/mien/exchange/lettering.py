"""Text on pictures. OpenCV 5 draws all scripts with fonts of its own; OpenCV 4 knows ASCII only."""

from __future__ import annotations

import unicodedata
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]

_REGULAR, _BOLD = 450, 700
_HERSHEY = 22.0
"""Height in pixels of Hershey Simplex capitals at scale 1, roughly."""


class Letters:
    """Draws text of one size.

    Args:
        size: of the font in pixels.
    """

    def __init__(self, size: int) -> None:
        self.size = max(size, 6)
        self.line = round(self.size * 1.35)
        self._face: Any = cv2.FontFace("sans") if hasattr(cv2, "FontFace") else None

    def width(self, text: str, bold: bool = False) -> int:
        """Width of a text in pixels."""
        if not text:
            return 0
        if self._face is None:
            (wide, _), _ = cv2.getTextSize(_ascii(text), cv2.FONT_HERSHEY_SIMPLEX, self._scale, 1 + bold)
            return int(wide)
        weight = _BOLD if bold else _REGULAR
        box = cv2.getTextSize((8192, 256), text, (0, 0), self._face, self.size, weight)
        return int(box[0] + box[2])

    def draw(self, image: Picture, text: str, x: int, baseline: int, colour: Colour, bold: bool = False) -> None:
        """Draw a text; what lies outside the picture is cut off."""
        if not text:
            return
        if self._face is None:
            face, thick = cv2.FONT_HERSHEY_SIMPLEX, 1 + bold
            cv2.putText(image, _ascii(text), (x, baseline), face, self._scale, colour, thick, cv2.LINE_AA)
            return
        weight = _BOLD if bold else _REGULAR
        cv2.putText(image, text, (x, baseline), colour, self._face, self.size, weight)

    @property
    def _scale(self) -> float:
        return self.size / _HERSHEY * 0.72


def right_to_left(text: str) -> bool:
    """Whether a text holds letters that run from right to left."""
    return any(unicodedata.bidirectional(c) in ("R", "AL") for c in text)


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode() or "?"
