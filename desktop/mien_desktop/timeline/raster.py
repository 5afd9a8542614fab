"""Lanes as pixels: bands, lines, cells and bars set by numpy, whole columns at a time.

Coordinates are device pixels, y downwards. Edges are soft: a pixel takes as much of a colour as is covered of it.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from mien_desktop.timeline.colours import Pixels, mixed, pixel
from mien_desktop.timeline.pyramid import FloatArray, IntArray
from mien_desktop.timeline.series import Columns

Mask = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

_FAR, _FULL = np.float32(1e6), np.float32(255)


class Raster:
    """A picture that is drawn into.

    Args:
        width, height: device pixels.
        ground: colour of its ground, `#rrggbb`.
        scale: device pixels per logical pixel, for widths of lines.
        pixels: (height, width), what is there already; without it nothing but the ground.
    """

    def __init__(self, width: int, height: int, ground: str, scale: float = 1.0, pixels: Pixels | None = None) -> None:
        self.width, self.height, self.ground, self.scale = width, height, ground, scale
        self.pixels: Pixels = np.full((height, width), pixel(ground), np.uint32) if pixels is None else pixels

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
        steep = np.fmax(np.abs(right - left), 0)  # 0 where it is NaN
        # A slanting line of this width is so much taller in its column; near a corner no more than the corner allows.
        reach = half * np.minimum(np.sqrt(1 + steep * steep), 40.0).astype(np.float32)
        top, bottom = low_y - reach, high_y + reach
        top = np.fmax(top, _around(low_y, np.fmin) - half)
        bottom = np.fmin(bottom, _around(high_y, np.fmax) + half)
        lower, upper = np.fmax(left, right), np.fmin(left, right)
        soft_top, soft_bottom = np.fmax(lower - low_y, 0), np.fmax(high_y - upper, 0)
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
        if soft_top is None or soft_bottom is None:
            self._solid(top, bottom, colour)
            return
        rows, cover = self.coverage(top, bottom, soft_top, soft_bottom)
        if cover is not None:
            self.lay(rows, cover, colour)

    def _solid(self, top: FloatArray, bottom: FloatArray, colour: str) -> None:
        """A band whose edges fade within a pixel, as `coverage` and `lay` draw it, in two thirds of the time: dense readings
        are drawn so, and little else takes any.
        """
        top, bottom = _ends(top, bottom)
        upper, lower = np.floor(top), np.floor(bottom)
        whole: Any = np.uint8 if self.height < 256 else np.uint16
        first = np.minimum(np.maximum(np.ceil(top), 0), self.height).astype(whole)
        last = np.minimum(np.maximum(lower, 0), self.height).astype(whole)
        rows = slice(int(first.min()), int(last.max()))
        if rows.start < rows.stop:
            # A row lies within where it is less than the band's length behind its first; one before it turns out huge.
            row = np.arange(rows.start, rows.stop, dtype=whole)[:, None]
            self._ink(rows, (row - first) < np.maximum(last, first) - first, colour)
        thick = np.minimum(upper + 1 - top, bottom - upper), np.minimum(bottom - lower, lower + 1 - top)
        there = upper < top, (lower > upper) | (upper == top)
        self._dots(np.concatenate([upper, lower]), np.concatenate(thick), np.concatenate(there), colour)

    def _dots(self, row: FloatArray, share: FloatArray, there: Mask, colour: str) -> None:
        """Lay a colour over a pixel of each column, as thickly as `share` says, `there`; (2W,), the columns twice."""
        column = _twice(self.width)
        there = there & (share > 0) & (row >= 0) & (row < self.height)
        if not there.all():
            row, share, column = row[there], share[there], column[there]
        if row.size:
            thick = (np.minimum(share, 1) * _FULL).astype(np.uint8)
            place = row.astype(np.int64)
            place *= self.width
            place += column
            flat = self.pixels.reshape(-1)
            flat[place] = blend(flat.take(place), pixel(colour), thick)

    def coverage(
        self,
        top: FloatArray,
        bottom: FloatArray,
        soft_top: FloatArray | None = None,
        soft_bottom: FloatArray | None = None,
    ) -> tuple[slice, Bytes | None]:
        """How much of each pixel lies between `top` and `bottom`, 0 to 255, and in which rows; None if nowhere."""
        top, bottom = _ends(top, bottom)
        first, last = max(0, math.floor(top.min())), min(self.height, math.ceil(bottom.max()))
        if first >= last:
            return slice(0, 0), None
        # Times how much of a pixel that a row is from the edge: a matrix product is the fastest way to say so of all pixels.
        row = np.ones((last - first, 2), np.float32)
        row[:, 0] = np.arange(first, last)
        steep = _FULL / (1 + soft_top) if soft_top is not None else np.full(self.width, _FULL)
        above = row @ np.stack([steep, (1 - top) * steep])
        steep = _FULL / (1 + soft_bottom) if soft_bottom is not None else np.full(self.width, _FULL)
        below = row @ np.stack([-steep, bottom * steep])
        np.minimum(above, below, out=above)
        cv2.threshold(above, 0, 0, cv2.THRESH_TOZERO, above)
        cover: Any = cv2.convertScaleAbs(above)
        return slice(first, last), cover

    def lay(self, rows: slice, cover: Bytes, colour: str) -> None:
        """Lay a colour over the picture as thickly as `cover` (rows, W) says."""
        part = self.pixels[rows]
        self._ink(rows, cover == 255, colour)
        flat = part.reshape(-1)  # rows are whole, so this is a view
        some = np.flatnonzero((cover.reshape(-1) - np.uint8(1)) < 254)
        if some.size:
            flat[some] = blend(flat[some], pixel(colour), cover.reshape(-1)[some])

    def _ink(self, rows: slice, where: Mask, colour: str) -> None:
        """Paint pixels (rows, W) of some rows; OpenCV sets masked pixels twenty times as fast as numpy."""
        part = self.pixels[rows]
        ink = _sheet(colour, self.width, -(-len(part) // 64) * 64)[: len(part)]
        cv2.copyTo(_channels(ink), where.view(np.uint8), _channels(part))

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
        if dash:
            there = dashes(self.width, first, round(dash * self.scale))
            self.cells(rows, np.full(self.width, pixel(colour), np.uint32), there)
        else:
            self.pixels[rows] = pixel(colour)


@lru_cache(maxsize=8)
def _twice(width: int) -> IntArray:
    """(2 · width,) the numbers of the columns, two times."""
    return np.tile(np.arange(width), 2)


@lru_cache(maxsize=32)
def _sheet(colour: str, width: int, rows: int) -> Pixels:
    """(rows, width) of one colour, to be copied from."""
    return np.full((rows, width), pixel(colour), np.uint32)


def _ends(top: FloatArray, bottom: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Bounded; where one of them is NaN the band ends before it begins."""
    return np.maximum(np.fmin(top, _FAR), -_FAR), np.minimum(np.fmax(bottom, -_FAR), _FAR)


def _channels(pixels: Pixels) -> Bytes:
    """(rows, W, 4), the same pixels."""
    return pixels.view(np.uint8).reshape(*pixels.shape, 4)


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
