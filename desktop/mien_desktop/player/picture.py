"""Frames to images that Qt paints: upright, square pixels, as large as they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter
from PySide6.QtGui import QImage

from mien.media.pieces import FramePiece
from mien.media.probe import pixel_aspect, upright_size

# A picture that has to be enlarged is, up to so many pixels; beyond, painting does the rest.
_MOST_ENLARGED = 2560 * 1440
# AVCOL_SPC_*: what a frame says of its colours when it says nothing; then as `mien.media.picture` has it.
_UNSPECIFIED = (0, 2)


@dataclass(frozen=True, eq=False, slots=True)
class Frame:
    """A picture as it is shown.

    Args:
        image: upright, square pixels, at display size.
        time: presentation time, s from the medium's beginning.
        index: its number from 0, None while that is not known.
        end: when the next one takes its place, s.
        size: (width, height) of the upright picture in its own pixels; boxes are given in them.
        last: whether no other follows.
    """

    image: QImage
    time: float
    index: int | None
    end: float
    size: tuple[int, int] = (0, 0)
    last: bool = False


def fitted(size: tuple[int, int], room: tuple[int, int]) -> tuple[int, int]:
    """(width, height) of a picture of `size` in `room`, its shape kept."""
    scale = min(room[0] / size[0], room[1] / size[1])
    if scale > 1.0:
        scale = max(1.0, min(scale, (_MOST_ENLARGED / (size[0] * size[1])) ** 0.5))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


class Converter:
    """Keeps swscale's tables between pictures; used by one thread."""

    def __init__(self) -> None:
        self._scaler = VideoReformatter()

    def image(self, piece: FramePiece, room: tuple[int, int]) -> tuple[QImage, tuple[int, int]]:
        """The picture fitted into `room` (device pixels), and the size of the upright picture."""
        frame = piece.frame
        full = upright_size(frame.width, frame.height, piece.rotation, pixel_aspect(piece.aspect))
        width, height = fitted(full, room)
        coded = (height, width) if piece.rotation in (90, 270) else (width, height)
        options: dict[str, Any] = {
            "interpolation": Interpolation.AREA if coded[0] * 2 < frame.width else Interpolation.BILINEAR
        }
        if frame.colorspace in _UNSPECIFIED and not frame.format.is_rgb:
            options["src_colorspace"] = Colorspace.ITU709 if frame.height >= 720 else Colorspace.ITU601
        scaled = self._scaler.reformat(frame, *coded, "bgra", threads=1, **options)
        plane: Any = scaled.planes[0]
        rows = np.frombuffer(plane, np.uint8).view(np.uint32).reshape(-1, plane.line_size // 4)
        pixels = rows[: coded[1], : coded[0]]
        if piece.rotation:
            pixels = np.rot90(pixels, piece.rotation // 90)
        image = QImage(width, height, QImage.Format.Format_RGB32)
        target = np.frombuffer(image.bits(), np.uint32).reshape(height, image.bytesPerLine() // 4)
        # Where the medium is transparent it is painted as if it were not, like the analysis sees it.
        np.bitwise_or(pixels, np.uint32(0xFF000000), out=target[:, :width])
        return image, full
