"""Lanes as pixels: bands, lines, cells and bars set by numpy, whole columns at a time.

Coordinates are device pixels, y downwards. Edges are soft: a pixel takes as much of a colour as is covered of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien_desktop.timeline.colours import Pixels, mixed, pixel
from mien_desktop.timeline.pyramid import FloatArray, IntArray
from mien_desktop.timeline.series import Columns

Mask = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

_FAR = np.float32(1e6)


class Raster:
    """A picture that is drawn into.

    Args:
        width, height: device pixels.
        ground: colour of its ground, `#rrggbb`.
        scale: device pixels per logical pixel, for widths of lines.
    """

    def __init__(self, width: int, height: int, ground: str, scale: float = 1.0) -> None:
        self.width, self.height, self.ground, self.scale = width, height, ground, scale
        self.pixels: Pixels = np.full((height, width), pixel(ground), np.uint32)

    def tint(self, colour: str, share: float) -> str:
        """The colour thinned to a share over the ground."""
        return mixed(self.ground, colour, share)

    def rows(self, top: float, bottom: float) -> slice:
        """The rows of pixels between two heights, one at least."""
        first = min(max(0, round(top)), max(0, self.height - 1))
        return slice(first, max(first + 1, min(self.height, round(bottom))))

    def line(self, columns: Columns, low_y: FloatArray, high_y: FloatArray, colour: str, width: float = 1.5) -> None:
        """A channel as a line with soft edges.

        Args:
            columns: what it does; left and right (if any) are y already.
            low_y, high_y: (W,) y of the upper and the lower end in each column (low_y ≤ high_y).
            colour: its colour.
            width: of the line, logical pixels.
        """
        half = np.float32(width * self.scale / 2)
        if columns.left is None or columns.right is None:
            self.band(low_y - half, high_y + half, colour)
            return
        left, right = columns.left, columns.right
        steep = np.nan_to_num(np.abs(right - left), nan=0.0)
        # A slanting line of this width is so much taller in its column; near a corner no more than the corner allows.
        reach = half * np.minimum(np.sqrt(1 + steep * steep), 40.0).astype(np.float32)
        top, bottom = low_y - reach, high_y + reach
        top = np.fmax(top, _around(low_y, np.fmin) - half)
        bottom = np.fmin(bottom, _around(high_y, np.fmax) + half)
        lower, upper = np.fmax(left, right), np.fmin(left, right)
        soft_top = np.nan_to_num(np.fmax(lower - low_y, 0), nan=0.0)
        soft_bottom = np.nan_to_num(np.fmax(high_y - upper, 0), nan=0.0)
        self.band(*_widened(top, bottom), colour, soft_top, soft_bottom)

    def band(
        self,
        top: FloatArray,
        bottom: FloatArray,
        colour: str,
        soft_top: FloatArray | None = None,
        soft_bottom: FloatArray | None = None,
    ) -> None:
        """Fill each column from `top` to `bottom` (y, NaN: nothing); over `soft_top` more pixels the edge fades in."""
        rows, cover = self.coverage(top, bottom, soft_top, soft_bottom)
        if cover is not None:
            self.lay(rows, cover, colour)

    def coverage(
        self,
        top: FloatArray,
        bottom: FloatArray,
        soft_top: FloatArray | None = None,
        soft_bottom: FloatArray | None = None,
    ) -> tuple[slice, Bytes | None]:
        """How much of each pixel lies between `top` and `bottom`, 0 to 255, and in which rows; None if nowhere."""
        hollow = np.isnan(top) | np.isnan(bottom)
        if hollow.all():
            return slice(0, 0), None
        if hollow.any():
            top, bottom = np.where(hollow, _FAR, top), np.where(hollow, -_FAR, bottom)
            highest, lowest = float(top.min()), float(bottom.max())
        else:
            highest, lowest = float(top.min()), float(bottom.max())
        first, last = max(0, int(np.floor(highest))), min(self.height, int(np.ceil(lowest)))
        if first >= last:
            return slice(0, 0), None
        row = np.arange(first, last, dtype=np.float32)[:, None]
        full = np.float32(255.0)
        if soft_top is None or soft_bottom is None:
            above = np.subtract((row + 1) * full, top * full)
            below = np.subtract(bottom * full, row * full)
        else:
            steep = full / (1 + soft_top)
            above = (row + 1) * steep
            above -= top * steep
            steep = full / (1 + soft_bottom)
            below = row * -steep
            below += bottom * steep
        np.minimum(above, below, out=above)
        np.maximum(above, 0, out=above)
        np.minimum(above, full, out=above)
        return slice(first, last), above.astype(np.uint8)

    def lay(self, rows: slice, cover: Bytes, colour: str) -> None:
        """Lay a colour over the picture as thickly as `cover` (rows, W) says."""
        part = self.pixels[rows]
        np.copyto(part, np.uint32(pixel(colour)), where=cover == 255)
        flat = part.reshape(-1)  # rows are whole, so this is a view
        some = np.flatnonzero((cover.reshape(-1) - np.uint8(1)) < 254)
        if some.size:
            flat[some] = blend(flat[some], pixel(colour), cover.reshape(-1)[some])

    def wash(self, rows: slice, columns: slice | Mask, colour: str, share: float) -> None:
        """Lay a translucent colour over some rows of some columns."""
        part = self.pixels[rows, columns]
        if part.size:
            thick = np.uint8(round(share * 255))
            self.pixels[rows, columns] = blend(part, pixel(colour), thick)

    def cells(self, rows: slice, colours: Pixels, there: Mask | None = None) -> None:
        """Paint whole columns of some rows: (W,) pixels, where `there`."""
        if there is None:
            self.pixels[rows] = colours
        else:
            np.copyto(self.pixels[rows], colours, where=there)

    def level(self, y: float, colour: str, *, thick: float = 1.0, dash: int = 0, first: int = 0) -> None:
        """A horizontal line; dashes of `dash` logical pixels stay where they are in time (`first`: leftmost column)."""
        half = thick * self.scale / 2
        rows = self.rows(y - half, y + half)
        there = dashes(self.width, first, round(dash * self.scale)) if dash else None
        self.cells(rows, np.full(self.width, pixel(colour), np.uint32), there)


def dashes(width: int, first: int, length: int) -> Mask:
    """(width,) True on dashes, five ninths of the time, counted from column zero of the medium."""
    length = max(2, length)
    return (np.arange(first, first + width) % (length * 9 // 5)) < length


def blend(below: Pixels, above: int, share: npt.NDArray[np.uint8] | np.uint8) -> Pixels:
    """Opaque pixels with a colour laid over them, `share` of 255 thick."""
    # Two channels at once: red and blue have eight free bits above each, green and alpha after a shift.
    thick = np.asarray(share, np.uint32)
    thick = thick + (thick >> np.uint32(7))  # 255 means all: 256
    mask = np.uint32(0x00FF00FF)
    rest = np.uint32(256) - thick
    red_blue = ((below & mask) * rest + (np.uint32(above) & mask) * thick) >> np.uint32(8) & mask
    alpha_green = (below >> np.uint32(8) & mask) * rest + (np.uint32(above) >> np.uint32(8) & mask) * thick
    return np.asarray(red_blue | (alpha_green & ~mask), np.uint32)


def _around(values: FloatArray, choose: Any) -> FloatArray:
    """Of each column and its two neighbours the smallest or largest."""
    found = values.copy()
    found[1:] = choose(found[1:], values[:-1])
    found[:-1] = choose(found[:-1], values[1:])
    return found


def _widened(top: FloatArray, bottom: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Columns that stand alone (a single reading between gaps) made three wide, so that they can be seen."""
    there = ~np.isnan(top)
    alone = there.copy()
    alone[1:] &= ~there[:-1]
    alone[:-1] &= ~there[1:]
    at = np.flatnonzero(alone)
    if at.size:
        top, bottom = top.copy(), bottom.copy()
        for beside in (np.maximum(at - 1, 0), np.minimum(at + 1, top.size - 1)):
            top[beside], bottom[beside] = top[at], bottom[at]
    return top, bottom


def spread(first: IntArray, last: IntArray, order: IntArray, width: int) -> IntArray:
    """Which stretch lies in each column: (width,) index, −1 where none does.

    Args:
        first, last: (n,) columns [first, last) that each stretch covers.
        order: (n,) the stretches from the hindmost to the foremost.
        width: columns.
    """
    owner = np.full(width, -1, np.int64)
    begin, end = np.clip(first[order], 0, width), np.clip(last[order], 0, width)
    length = np.maximum(end - begin, 0)
    total = int(length.sum())
    if total:
        before = np.cumsum(length) - length
        owner[np.arange(total) - np.repeat(before - begin, length)] = np.repeat(order, length)
    return owner
