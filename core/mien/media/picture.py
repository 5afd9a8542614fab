"""Frames to pictures: RGB, upright, square pixels, no larger than needed. Frames that nobody needs are never
converted.
"""

from __future__ import annotations

from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter

from mien.media.probe import pixel_aspect, upright_size

Picture = npt.NDArray[np.uint8]

# AVCOL_SPC_*: what a frame says of its colours when it says nothing. Players then take BT.709 from 720 lines
# on, BT.601 below.
_UNSPECIFIED = (0, 2)


def to_rgb(
    frame: av.VideoFrame,
    long_side: int | None = None,
    rotation: int = 0,
    aspect: float = 1.0,
    reformatter: VideoReformatter | None = None,
) -> tuple[Picture, tuple[float, float]]:
    """The picture and its scale.

    Args:
        frame: as decoded.
        long_side: longest side of the result in pixels; a smaller picture is never enlarged, None keeps the
            size.
        rotation: degrees counter-clockwise to turn it upright: 0, 90, 180, 270.
        aspect: width over height of one coded pixel (`StreamInfo.aspect`).
        reformatter: keeps swscale's tables from picture to picture (a millisecond each); one for each
            size, used by one thread at a time.

    Returns:
        (H, W, 3) uint8 RGB, contiguous; and (x, y): a pixel of the full upright picture is a pixel of this
        one × scale.
    """
    full = upright_size(frame.width, frame.height, rotation, pixel_aspect(aspect))
    shrink = 1.0 if long_side is None else min(1.0, long_side / max(full))
    width, height = (max(1, round(side * shrink)) for side in full)
    coded = (height, width) if rotation in (90, 270) else (width, height)
    convert = reformatter if reformatter is not None else VideoReformatter()
    rgb = convert.reformat(frame, *coded, "rgb24", threads=1, **_conversion(frame, coded))
    picture: Picture = np.asarray(rgb.to_ndarray(), np.uint8)
    if rotation:
        picture = np.ascontiguousarray(np.rot90(picture, rotation // 90), np.uint8)
    return picture, (full[0] / width, full[1] / height)


def _conversion(frame: av.VideoFrame, size: tuple[int, int]) -> dict[str, Any]:
    smaller = size[0] * 2 < frame.width
    options: dict[str, Any] = {"interpolation": Interpolation.AREA if smaller else Interpolation.BILINEAR}
    if frame.colorspace in _UNSPECIFIED and not frame.format.is_rgb:
        options["src_colorspace"] = Colorspace.ITU709 if frame.height >= 720 else Colorspace.ITU601
    return options
